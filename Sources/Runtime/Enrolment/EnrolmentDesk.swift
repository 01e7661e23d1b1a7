public import Automata
public import Identity
import Ledger
import Peer

/// Lets machines, masters and people into the fabric, by its policy; each admission is a fact of this master's ledger.
///
/// ## What lets one in
///
/// | policy | machine | master | person |
/// | --- | --- | --- | --- |
/// | `ask` | approved here, or a token | the same | the same |
/// | `link` | by itself when on this link, else as `ask` | the same | as `ask` |
/// | `token` | a token only | a token only | a token only |
///
/// A master is admitted only where the root's key is: elsewhere it is refused at once, with the place to go to. One that
/// the ledger has admitted before, with the same key, kind and name, is admitted again without asking.
///
/// ## Invariants
/// - **I7**: a stranger changes nothing but the list of those who wait, which is bounded, per address too, and forgotten
///   after an hour.
/// - A certificate is given after the fact of its admission is in the ledger.
/// - A token is good for one peer, one kind and, where one was given, one name: the ledger keeps a digest over all of
///   these, so that the invited cannot make more of it. It is redeemed in the ledger before anything is signed, and two
///   who come at once are told apart here, since this desk alone redeems this master's tokens.
public actor EnrolmentDesk {
    /// Who decides, as the ledger names it.
    public enum Decider: Hashable, Sendable {
        case person(String)
        case link
        case token

        var name: String {
            switch self {
            case .person(let name): name
            case .link: "link"
            case .token: "token"
            }
        }
    }

    public nonisolated let trust: FabricTrust
    public nonisolated let policy: AdmissionPolicy
    /// Masters can be admitted here.
    public nonisolated let holdsRoot: Bool

    let configuration: EnrolmentConfiguration
    let service: any PeerService
    let authority: Authority
    private let root: FabricRoot?
    private var waiting: WaitingList
    private var deciding: Set<PeerID> = []
    var redeeming: [Digest: PeerID] = [:]  // as many as this master has made tokens
    private var asks: [String: (windowStart: Instant, count: Int)] = [:]

    /// - Parameter root: where this machine keeps it; nil on all other masters.
    public init(
        service: any PeerService, authority: Authority, root: FabricRoot? = nil, policy: AdmissionPolicy? = nil,
        configuration: EnrolmentConfiguration = EnrolmentConfiguration()
    ) {
        self.service = service
        self.authority = authority
        self.root = root
        self.trust = authority.trust
        self.policy = policy ?? authority.trust.policy
        self.holdsRoot = root != nil
        self.configuration = configuration
        waiting = WaitingList(configuration: configuration)
    }

    // MARK: Strangers

    /// Takes a request: admits, or notes it for a person's decision.
    public func ask(_ ask: EnrolmentAsk) async throws(Refusal) -> Enrolment {
        let now = service.now
        try limitRate(of: ask.address, at: now)
        try check(ask)
        waiting.forget(at: now)
        if let token = ask.token { return try await redeem(token, ask, at: now) }
        if let known = waiting[ask.request.peer] {
            switch known.state {
            case .rejected: return known
            case .admitted where known.ask.kind == ask.kind && known.ask.name == ask.name: return known
            case .admitted, .pending: break
            }
        }
        if await wasAdmitted(ask) { return try await give(ask, by: nil, at: now) }
        switch policy {
        case .link where ask.isOnLink && ask.kind != .person:
            return try await give(ask, by: .link, at: now)
        case .token:
            throw Refusal(
                .refused, "the fabric \(trust.name) lets in with a join token only",
                remedy: "ask a master for one: `palmier node invite`, then join with --token")
        case .ask, .link:
            return try waiting.note(ask, at: now)
        }
    }

    /// What became of a request; nil when none is known, or no more.
    public func enrolment(of fingerprint: String) -> Enrolment? {
        waiting.forget(at: service.now)
        return waiting.enrolments.first {
            $0.fingerprint == fingerprint || $0.ask.request.peer.description == fingerprint
        }
    }

    // MARK: Those who decide

    /// Who waits, oldest first.
    public var pending: [Enrolment] { waiting.pending(at: service.now) }

    /// Admits one who waits.
    ///
    /// - Parameter who: a fingerprint, an id, or a name that one alone has.
    public func admit(_ who: String, by person: String) async throws(Refusal) -> Enrolment {
        let enrolment = try waiting.find(who, at: service.now)
        return try await give(enrolment.ask, by: .person(person), at: service.now)
    }

    public func reject(_ who: String, by person: String) throws(Refusal) -> Enrolment {
        var enrolment = try waiting.find(who, at: service.now)
        enrolment.state = .rejected(by: person)
        waiting.keep(enrolment)
        return enrolment
    }

    /// A new certificate for a member: same key, same name, same kind.
    public func renew(_ request: SigningRequest, of member: VerifiedIdentity) throws(Refusal) -> [[UInt8]] {
        guard request.peer == member.peer else {
            throw Refusal(
                .refused,
                "the signing request is for \(request.peer.fingerprint), the caller is \(member.peer.fingerprint)",
                remedy: "renew with the key that the certificate is for; a new key joins anew")
        }
        guard member.kind != .master else {
            throw Refusal(
                .invalid, "a master issues its own certificate",
                remedy: "its authority is renewed by the fabric's root: palmier fabric request, sign and accept")
        }
        return try issue(request, kind: member.kind, name: member.name)
    }

    /// Admits a local user, known by the system's own word; an administrator is noted as one.
    public func admitLocal(
        _ request: SigningRequest, name: String, isAdministrator: Bool
    ) async throws(Refusal) -> [[UInt8]] {
        let chain = try issue(request, kind: .person, name: name)
        let kind = isAdministrator ? Self.administrator : IdentityKind.person.rawValue
        try await record(.admitted(Admission(peer: request.peer, kind: kind, name: name, by: name)))
        return chain
    }

    /// The kind that the ledger notes for a person who may do everything.
    public static let administrator = "administrator"

    // MARK: Checks

    private func check(_ ask: EnrolmentAsk) throws(Refusal) {
        do throws(IdentityError) {
            try CertifiedName.check(name: ask.name)
        } catch {
            throw Refusal(.invalid, error.message, remedy: error.remedy)
        }
        guard ask.kind != .instance else {
            throw Refusal(.invalid, "instances do not enrol", remedy: "ask as a machine, a master or a person")
        }
        let fabric = ask.request.subject.fabric
        guard fabric.isEmpty || fabric == trust.name else {
            throw Refusal(
                .refused, "the request is for the fabric \"\(fabric)\", this is \"\(trust.name)\"",
                remedy: "join with --fabric \(trust.name), or ask a master of \(fabric)")
        }
        let isForAuthority = ask.request.subject.role == .authority
        guard isForAuthority == (ask.kind == .master) else {
            throw Refusal(
                .invalid,
                "a \(ask.kind.rawValue)'s signing request is for the role "
                    + (ask.kind == .master ? "authority" : "\(ask.kind.rawValue)"),
                remedy: "make it with palmier")
        }
        if ask.kind == .master { try checkRoot(ask.name) }
    }

    func checkRoot(_ name: String) throws(Refusal) {
        guard root == nil else { return }
        throw Refusal(
            .refused,
            "\(name) cannot be admitted here: master \(authority.name) does not hold the root key of \(trust.name)",
            remedy:
                "join through the master where `palmier fabric create` ran, or have this machine's request (`palmier "
                + "fabric request`) signed where the root's key is: `palmier fabric sign`")
    }

    private func limitRate(of address: String, at now: Instant) throws(Refusal) {
        if asks.count >= configuration.addressesMax { asks = asks.filter { now - $0.value.windowStart < .seconds(60) } }
        guard asks.count < configuration.addressesMax || asks[address] != nil else {
            throw Refusal(.overloaded, "too many addresses ask to be let in", remedy: "ask again in a minute")
        }
        var window = asks[address] ?? (now, 0)
        if now - window.windowStart >= .seconds(60) { window = (now, 0) }
        window.count += 1
        asks[address] = window
        guard window.count <= configuration.asksPerMinute else {
            throw Refusal(
                .overloaded,
                "\(address.isEmpty ? "this user" : address) asks more than \(configuration.asksPerMinute) times a minute",
                remedy: "ask again in a minute")
        }
    }

    /// The ledger says so: the same key, as the same kind, under the same name.
    private func wasAdmitted(_ ask: EnrolmentAsk) async -> Bool {
        await service.read { peer in
            peer.ownLedger?.books.admissions.contains {
                $0.peer == ask.request.peer && $0.name == ask.name && $0.kind == ask.kind.rawValue
            } ?? false
        }
    }

    // MARK: Admission

    /// Signs, records, then hands out.
    ///
    /// - Parameter decider: nil when the ledger has the admission already.
    func give(_ ask: EnrolmentAsk, by decider: Decider?, at now: Instant) async throws(Refusal) -> Enrolment {
        let peer = ask.request.peer
        guard deciding.insert(peer).inserted else {
            throw Refusal(.conflict, "\(peer.fingerprint) is being admitted just now", remedy: "ask again in a moment")
        }
        defer { deciding.remove(peer) }
        let certificates = try issue(ask.request, kind: ask.kind, name: ask.name)
        if let decider {
            try await record(
                .admitted(Admission(peer: peer, kind: ask.kind.rawValue, name: ask.name, by: decider.name)))
        }
        let enrolment = Enrolment(ask: ask, state: .admitted(certificates: certificates), requestedAt: now)
        waiting.keep(enrolment)
        return enrolment
    }

    private func issue(
        _ request: SigningRequest, kind: IdentityKind, name: String
    ) throws(Refusal) -> [[UInt8]] {
        do throws(IdentityError) {
            if kind == .master, let root { return [try root.admitMaster(request, name: name, now: service.now)] }
            let lifetime = kind == .machine ? configuration.certificateLife : nil
            return try authority.issue(request, kind: kind, name: name, lifetime: lifetime, now: service.now)
        } catch {
            let code: Refusal.Code = error.code == .requestRefused || error.code == .invalidName ? .invalid : .failed
            throw Refusal(code, error.message, remedy: error.remedy)
        }
    }

    func record(_ fact: Fact) async throws(Refusal) {
        switch await service.call(.record(fact)) {
        case .recorded(let index): try await settle(at: index)
        case .refused(let refusal): throw refusal
        case .request, .requests, .log, .seenClaims, .owner, .elsewhere:
            throw Refusal(.failed, "the ledger gave no answer to what was recorded", remedy: "report this as a defect")
        }
    }

    /// Waits until the books here have the entry: while another master leads this one's ledger, they come a moment later.
    private func settle(at index: LedgerIndex) async throws(Refusal) {
        for _ in 0..<200 {
            if await service.read({ $0.ownLedger?.books.index }) ?? .zero >= index { return }
            do { try await Task.sleep(for: .milliseconds(20)) } catch { break }
        }
        throw Refusal(
            .unreachable, "this master's ledger is led elsewhere, and its replica here is behind",
            remedy: "see `palmier ledger status`, and repeat the call")
    }
}

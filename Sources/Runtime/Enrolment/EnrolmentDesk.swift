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

    private let configuration: EnrolmentConfiguration
    private let service: any PeerService
    private let authority: Authority
    private let root: FabricRoot?
    private var enrolments: [Enrolment] = []  // oldest first; at most `pendingMax`
    private var deciding: Set<PeerID> = []
    private var redeeming: [Digest: PeerID] = [:]  // as many as this master has made tokens
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
    }

    // MARK: Strangers

    /// Takes a request: admits, or notes it for a person's decision.
    public func ask(_ ask: EnrolmentAsk) async throws(Refusal) -> Enrolment {
        let now = service.now
        try limitRate(of: ask.address, at: now)
        try check(ask)
        forget(at: now)
        if let token = ask.token { return try await redeem(token, ask, at: now) }
        if let known = enrolments.first(where: { $0.ask.request.peer == ask.request.peer }) {
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
            return try note(ask, at: now)
        }
    }

    /// What became of a request; nil when none is known, or no more.
    public func enrolment(of fingerprint: String) -> Enrolment? {
        forget(at: service.now)
        return enrolments.first { $0.fingerprint == fingerprint || $0.ask.request.peer.description == fingerprint }
    }

    // MARK: Those who decide

    /// Who waits, oldest first.
    public var pending: [Enrolment] {
        let oldest = service.now - configuration.lifetime
        return enrolments.filter { $0.state == .pending && $0.requestedAt > oldest }
    }

    /// Admits one who waits.
    ///
    /// - Parameter who: a fingerprint, an id, or a name that one alone has.
    public func admit(_ who: String, by person: String) async throws(Refusal) -> Enrolment {
        let enrolment = try find(who)
        return try await give(enrolment.ask, by: .person(person), at: service.now)
    }

    public func reject(_ who: String, by person: String) throws(Refusal) -> Enrolment {
        var enrolment = try find(who)
        enrolment.state = .rejected(by: person)
        replace(enrolment)
        return enrolment
    }

    /// Makes a one-time token.
    ///
    /// - Parameters:
    ///   - endpoints: where this master's peers and users connect; 1 to 8.
    ///   - name: what the invited must be called; needed for a person.
    public func invite(
        _ kind: IdentityKind, name: String? = nil, lifetime: Duration = Invitations.defaultLifetime,
        endpoints: [Endpoint], apiPort: UInt16
    ) async throws(Refusal) -> JoinToken {
        guard kind != .instance else {
            throw Refusal(.invalid, "instances are not invited", remedy: "invite a machine, a master or a person")
        }
        guard kind != .person || name != nil else {
            throw Refusal(.invalid, "a token for a person needs the person's name", remedy: "give --name USER@HOST")
        }
        guard lifetime > .zero, lifetime <= configuration.invitationMax else {
            throw Refusal(
                .invalid, "an invitation lives from a second to \(configuration.invitationMax.spoken)",
                remedy: "choose a shorter one; an hour is usual")
        }
        if kind == .master { try checkRoot(name ?? "a master") }
        guard (1...8).contains(endpoints.count) else {
            throw Refusal(.failed, "this master knows no address of its own", remedy: "start it with --listen ADDRESS")
        }
        let secret = JoinSecret()
        // Whole seconds, rounded up: the token carries no finer, and ledger and token must say the same.
        let expires = Instant(milliseconds: ((service.now + lifetime).milliseconds + 999) / 1_000 * 1_000)
        try await record(.invited(token: Self.digest(secret, kind, name), expires: expires))
        return JoinToken(
            kind: kind, endpoints: endpoints, apiPort: apiPort, rootDigest: trust.rootDigest, secret: secret,
            expires: expires)
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

    private func checkRoot(_ name: String) throws(Refusal) {
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
        let books = await service.snapshot().master?.requests.books
        return books?.admissions.contains {
            $0.peer == ask.request.peer && $0.name == ask.name && $0.kind == ask.kind.rawValue
        } ?? false
    }

    private func find(_ who: String) throws(Refusal) -> Enrolment {
        forget(at: service.now)
        let waiting = enrolments.filter { $0.state == .pending }
        if let exact = waiting.first(where: { $0.fingerprint == who || $0.ask.request.peer.description == who }) {
            return exact
        }
        let named = waiting.filter { $0.ask.name == who }
        guard named.count < 2 else {
            let list = named.map(\.fingerprint).joined(separator: ", ")
            throw Refusal(
                .conflict, "\(named.count) who wait are called \(who): \(list)", remedy: "name the fingerprint")
        }
        guard let one = named.first else {
            throw Refusal(
                .notFound, "nobody called \(who) waits to be let in here",
                remedy: "look with `palmier node list --pending`")
        }
        return one
    }

    // MARK: Admission

    private func note(_ ask: EnrolmentAsk, at now: Instant) throws(Refusal) -> Enrolment {
        let enrolment = Enrolment(ask: ask, state: .pending, requestedAt: now)
        if enrolments.contains(where: { $0.ask.request.peer == ask.request.peer }) {
            replace(enrolment)
            return enrolment
        }
        let waiting = enrolments.filter { $0.state == .pending }
        guard waiting.count < configuration.pendingMax,
            waiting.count(where: { $0.ask.address == ask.address }) < configuration.pendingPerAddressMax
        else {
            throw Refusal(
                .overloaded, "too many wait to be let in (\(waiting.count))",
                remedy: "approve or reject some: `palmier node list --pending`")
        }
        remember(enrolment)
        return enrolment
    }

    /// Signs, records, then hands out.
    ///
    /// - Parameter decider: nil when the ledger has the admission already.
    private func give(_ ask: EnrolmentAsk, by decider: Decider?, at now: Instant) async throws(Refusal) -> Enrolment {
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
        if enrolments.contains(where: { $0.ask.request.peer == peer }) {
            replace(enrolment)
        } else {
            remember(enrolment)
        }
        return enrolment
    }

    private func issue(
        _ request: SigningRequest, kind: IdentityKind, name: String
    ) throws(Refusal) -> [[UInt8]] {
        do throws(IdentityError) {
            if kind == .master, let root { return [try root.admitMaster(request, name: name, now: service.now)] }
            return try authority.issue(request, kind: kind, name: name, now: service.now)
        } catch {
            let code: Refusal.Code = error.code == .requestRefused || error.code == .invalidName ? .invalid : .failed
            throw Refusal(code, error.message, remedy: error.remedy)
        }
    }

    private func redeem(
        _ token: JoinToken, _ ask: EnrolmentAsk, at now: Instant
    ) async throws(Refusal) -> Enrolment {
        let peer = ask.request.peer
        guard token.rootDigest == trust.rootDigest else {
            throw Refusal(
                .refused, "the token is for another fabric, this is \(trust.name)", remedy: "ask its own master")
        }
        guard token.kind == ask.kind else {
            throw Refusal(
                .refused, "the token is for a \(token.kind.rawValue), not for a \(ask.kind.rawValue)",
                remedy: "ask for another: `palmier node invite --kind \(ask.kind.rawValue)`")
        }
        let books = await service.snapshot().master?.requests.books
        let digests = [Self.digest(token.secret, ask.kind, ask.name), Self.digest(token.secret, ask.kind, nil)]
        guard let digest = digests.first(where: { books?.token($0, at: now) ?? .unknown != .unknown }) else {
            throw Refusal(
                .refused,
                "master \(authority.name) gave no such token, or gave it for another name than \"\(ask.name)\"",
                remedy: "ask it for one with `palmier node invite`; a token is good at the master that gave it")
        }
        switch books?.token(digest, at: now) ?? .unknown {
        case .redeemed(let user) where user != peer:
            throw Refusal(
                .refused, "the token was used already, by \(user.fingerprint)",
                remedy: "ask for a new one with `palmier node invite`")
        case .expired(let at):
            throw Refusal(
                .refused, "the token expired \((now - at).spoken) ago",
                remedy: "ask for a new one with `palmier node invite`")
        case .unknown:
            throw Refusal(.refused, "no such token", remedy: "ask for one with `palmier node invite`")
        case .redeemed:
            return try await give(ask, by: .token, at: now)  // the answer to its first try was lost
        case .valid:
            break
        }
        // No suspension between this look and the note: of two who come at once one is first.
        guard redeeming[digest] == nil || redeeming[digest] == peer else {
            throw Refusal(
                .refused, "the token is being used just now, by another",
                remedy: "ask for a new one with `palmier node invite`")
        }
        redeeming[digest] = peer
        // Kept as long as the process: whoever looked at the ledger before the commit must find it, too. Given free again
        // only when the ledger did not take it.
        do throws(Refusal) {
            try await record(.redeemed(token: digest, by: peer))
        } catch {
            redeeming[digest] = nil
            throw error
        }
        guard await isRedeemed(digest, by: peer) else {
            throw Refusal(
                .refused, "the token was used already", remedy: "ask for a new one with `palmier node invite`")
        }
        return try await give(ask, by: .token, at: now)
    }

    private func isRedeemed(_ digest: Digest, by peer: PeerID) async -> Bool {
        await service.snapshot().master?.requests.books.token(digest, at: service.now) == .redeemed(by: peer)
    }

    private func record(_ fact: Fact) async throws(Refusal) {
        switch await service.call(.record(fact)) {
        case .recorded: return
        case .refused(let refusal): throw refusal
        case .request, .requests, .log:
            throw Refusal(.failed, "the ledger gave no answer to what was recorded", remedy: "report this as a defect")
        }
    }

    // MARK: The list

    private func remember(_ enrolment: Enrolment) {
        // Those who have their answer make room first.
        if enrolments.count >= configuration.pendingMax,
            let index = enrolments.firstIndex(where: { $0.state != .pending })
        {
            enrolments.remove(at: index)
        }
        guard enrolments.count < configuration.pendingMax else { return }
        enrolments.append(enrolment)
    }

    private func replace(_ enrolment: Enrolment) {
        guard let index = enrolments.firstIndex(where: { $0.ask.request.peer == enrolment.ask.request.peer }) else {
            return
        }
        var enrolment = enrolment
        if enrolment.state == .pending { enrolment.requestedAt = enrolments[index].requestedAt }
        enrolments[index] = enrolment
    }

    private func forget(at now: Instant) {
        enrolments.removeAll { now - $0.requestedAt >= configuration.lifetime }
    }

    /// What the ledger keeps of a token: binds the secret to kind and name.
    private static func digest(_ secret: JoinSecret, _ kind: IdentityKind, _ name: String?) -> Digest {
        Digest(of: secret.bytes + Array("\u{0}\(kind.rawValue)\u{0}\(name ?? "")".utf8))
    }
}

import Automata
import Ledger
import Peer
import Releases
import Runtime

/// What a customer asks, as one read, one merge and one ask: what is not mentioned stays.
///
/// The ask says which revision it was made from; when another change came between, it is read and merged anew, a few
/// times. Who asks for the first time says so too (revision 0), so that two first requests never erase each other.
struct RequestDesk {
    let service: any PeerService
    let shelf: ReleaseShelf

    /// More changes of one request than this, all at once, are somebody's mistake.
    private static let triesMax = 8

    /// Changes a request to what `change` makes of it.
    ///
    /// - Parameter change: is handed what is there, nil for nothing.
    /// - Returns: the request; nil when it is gone now.
    func ask(
        _ key: RequestKey, wait: Wait?, change: (Request?) throws(ProblemDocument) -> Specification
    ) async throws(ProblemDocument) -> Request? {
        var last = ProblemDocument(.conflict, "\(key) changes all the time", remedy: "repeat the call")
        for _ in 0..<Self.triesMax {
            let known = try await read(key)
            let specification = try change(known)
            if let known, known.specification.desired == .destroyed, specification.desired != .destroyed {
                throw ProblemDocument(
                    .conflict, "\(key) is being destroyed",
                    remedy: "wait until it is gone: `palmier instance show \(key.reference)`, then ask again")
            }
            let call = RequestCall.ask(
                key, specification, basedOn: known?.revision ?? Revision(0), wait: wait)
            switch await service.call(.request(call)) {
            case .request(.request(let request)): return request
            case .request(.gone): return nil
            case .request(.moved): continue
            case .request(.refused(let refusal)), .refused(let refusal):
                guard refusal.code == .conflict else { throw ProblemDocument(refusal) }
                last = ProblemDocument(refusal)
            case .request(.elsewhere), .elsewhere, .requests, .log, .seenClaims, .owner, .recorded: throw Self.defect
            }
        }
        throw last
    }

    /// - Returns: nil when there is no such request.
    func read(_ key: RequestKey, wait: Wait? = nil) async throws(ProblemDocument) -> Request? {
        switch await service.call(.request(.read(key, wait: wait))) {
        case .request(.request(let request)): return request
        case .request(.gone): return nil
        case .request(.moved):
            throw ProblemDocument(.conflict, "\(key) is moving to another master", remedy: "repeat the call")
        case .request(.refused(let refusal)), .refused(let refusal): throw ProblemDocument(refusal)
        case .request(.elsewhere), .elsewhere, .requests, .log, .seenClaims, .owner, .recorded: throw Self.defect
        }
    }

    static let defect = ProblemDocument(
        .failed, "the peer gave an answer of another kind", remedy: "report this as a defect")

    static func notFound(_ key: RequestKey) -> ProblemDocument {
        ProblemDocument(
            .notFound, "\(key.customer) has no instance \"\(key.reference)\"", remedy: "see `palmier instance list`")
    }
}

/// What a body of `POST /v1/requests` says, checked as far as it can be without the request that is there.
struct RequestWish {
    let reference: String
    let customer: String?
    private let release: ReleaseDocument?
    private let others: [ReleaseDocument]?
    private let type: String?
    private let parameters: [String: JSONValue]?
    private let requirements: RequirementsWish
    private let group: GroupWish
    private let exclusive: Bool?
    private let project: String?
    /// nil within: the lease is enough.
    private let patience: Duration??
    private let desired: DesiredState?
    /// The revision at which the request must be; 0: there must be none.
    private let checkIndex: Revision?
    let wait: Wait?

    static let waitMax = 600.0

    init(body: String) throws(ProblemDocument) {
        let reader = try BodyReader(
            body,
            known: [
                "reference", "customer", "release", "orReleases", "type", "parameters", "requirements", "exclusive",
                "project",
                "patienceSeconds",
                "state", "checkIndex", "wait",
            ] + GroupWish.known)
        reference = try reader.requiredText("reference")
        customer = try reader.text("customer")
        if let reader = try reader.object("release", known: ["url", "text"]) {
            let (url, text) = (try reader.requiredText("url"), try reader.requiredText("text"))
            try Bounds.checkURL(url, "release.url")
            try Bounds.checkRelease(text, "release.text")
            release = ReleaseDocument(url: url, text: text)
        } else {
            release = nil
        }
        others = try Self.others(reader)
        type = try reader.text("type")
        if let type { try Bounds.checkChoice(type, "type") }
        parameters = try reader.members("parameters")
        requirements = try RequirementsWish(try reader.object("requirements", known: RequirementsWish.known))
        group = try GroupWish(reader)
        exclusive = try reader.boolean("exclusive")
        project = try reader.text("project")
        if let project { try Bounds.checkChoice(project, "project") }
        if let seconds = try reader.integer("patienceSeconds", in: 0...Specification.patienceMax.components.seconds) {
            patience = .some(seconds == 0 ? nil : .seconds(seconds))
        } else {
            patience = nil
        }
        desired = try reader.word("state", DesiredState.self)
        checkIndex = try reader.integer("checkIndex", in: 0...Bounds.numberMax).map { Revision(UInt64($0)) }
        if let reader = try reader.object("wait", known: ["until", "timeoutSeconds"]) {
            let seconds = try reader.number("timeoutSeconds", in: 0...Self.waitMax) ?? 60
            wait = Wait(
                until: try reader.word("until", DesiredState.self) ?? .running,
                timeout: .milliseconds(Int64(seconds * 1_000)))
        } else {
            wait = nil
        }
    }

    /// Whether the peer is looked at: to find where related instances are held.
    var needsPeer: Bool { requirements.saysRelations }

    /// Lays the wish over what is there, and checks the whole against the release, and relations against where those others
    /// are held.
    ///
    /// - Parameter peer: not looked at unless `needsPeer`.
    func applied(
        to known: Request?, key: RequestKey, shelf: ReleaseShelf, peer: Peer?
    ) throws(ProblemDocument) -> Specification {
        try check(known, key)
        guard known != nil || desired != .destroyed else { throw RequestDesk.notFound(key) }
        guard let release = release ?? known?.specification.release else {
            throw ProblemDocument(
                .invalid, "release: missing; \(key) is new, and a new request needs one",
                remedy: "give --release FILE or URL", field: "release")
        }
        var specification = known?.specification ?? Specification(release: release)
        specification.release = release
        if self.release != nil { specification.releaseNeeds = try ReleaseNeeds.of(release, "release", shelf) }
        if let others {
            specification.others = []
            for (number, other) in others.enumerated()
            where !specification.acceptable.contains(where: { $0.document == other }) {
                let needs = try ReleaseNeeds.of(other, "orReleases[\(number)]", shelf)
                specification.others.append(AcceptableRelease(document: other, needs: needs))
            }
        }
        if let type { specification.type = type }
        if let parameters {
            specification.parameters = Self.merge(parameters, over: specification.parameters).canonicalJSON
            try Bounds.checkParameters(specification.parameters, "parameters")
        }
        try requirements.apply(to: &specification.requirements, of: key)
        if let peer, needsPeer { try checkLedgers(of: specification.requirements.relations, key, peer) }
        if let exclusive { specification.exclusive = exclusive }
        if let project { specification.project = project.isEmpty ? nil : project }
        if let patience { specification.patience = patience }
        if let desired { specification.desired = desired }
        try group.apply(to: &specification, of: key, known: known)
        if specification.desired != .destroyed { try Self.check(specification, shelf) }
        return specification
    }

    private static func others(_ reader: BodyReader) throws(ProblemDocument) -> [ReleaseDocument]? {
        guard reader.has("orReleases") else { return nil }
        let items = try reader.objects("orReleases", known: ["url", "text"])
        guard items.count <= Specification.othersMax else {
            throw ProblemDocument(
                .invalid, "orReleases: \(items.count) releases, at most \(Specification.othersMax) beside the first",
                remedy: "leave out those that matter least", field: "orReleases")
        }
        var others: [ReleaseDocument] = []
        for item in items {
            let (url, text) = (try item.requiredText("url"), try item.requiredText("text"))
            try Bounds.checkURL(url, item.field("url"))
            try Bounds.checkRelease(text, item.field("text"))
            others.append(ReleaseDocument(url: url, text: text))
        }
        return others
    }

    private func check(_ known: Request?, _ key: RequestKey) throws(ProblemDocument) {
        guard let checkIndex, known?.revision ?? Revision(0) != checkIndex else { return }
        throw ProblemDocument(
            .conflict,
            known.map { "\(key) is at index \($0.revision), and \(checkIndex) was given" }
                ?? "there is no \(key), and index \(checkIndex) was given",
            remedy: "somebody else has changed it: look again with `palmier plan request \(key.reference) …`",
            field: "checkIndex")
    }

    /// Only what one ledger holds can be kept apart, or together.
    private func checkLedgers(
        of relations: [Relation], _ key: RequestKey, _ peer: Peer
    ) throws(ProblemDocument) {
        var first = peer.ledger(of: key).map { (reference: key.reference, ledger: $0) }
        for relation in relations {
            let other = RequestKey(customer: key.customer, reference: relation.reference)
            guard let ledger = peer.ledger(of: other) else { continue }
            guard let found = first else {
                first = (relation.reference, ledger)
                continue
            }
            guard found.ledger != ledger else { continue }
            let field = "requirements.relations"
            throw ProblemDocument(
                .invalid,
                "\(field): \(found.reference) is held by the ledger \(peer.ledgerName(of: found.ledger)) and "
                    + "\(relation.reference) by \(peer.ledgerName(of: ledger)): only instances of one ledger can stand in relation",
                remedy: found.reference == key.reference
                    ? "destroy \(key.reference) and ask again: it is then held where \(relation.reference) is"
                    : "leave out one of the two", field: field)
        }
    }

    private static func merge(_ new: [String: JSONValue], over text: String) -> JSONValue {
        guard case .object(var members) = JSONValue(text: text) else { return .object(new) }
        for (name, value) in new { members[name] = value == .null ? nil : value }
        return .object(members.filter { $0.value != .null })
    }

    private static func check(_ specification: Specification, _ shelf: ReleaseShelf) throws(ProblemDocument) {
        for release in specification.acceptable {
            let type: InstanceType
            do throws(ReleaseError) {
                type = try shelf.release(release.document).type(named: specification.type)
            } catch {
                throw ProblemDocument(error)
            }
            do throws(ParameterError) {
                _ = try type.validate(specification.parameters)
            } catch {
                throw ProblemDocument(error)
            }
        }
        try ReleaseNeeds.check(specification)
    }
}

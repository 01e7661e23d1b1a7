import Automata
import Claims
import Identity
import Neighbours
import Peer
import Runtime

/// What machines say of the claims that they have heard of: of itself every peer, of other machines a master.
extension Routes {
    static let claimRoutes: [Route] = [
        Route(.get, "/v1/nodes/{node}/claims") { try await $0.claims($1, known($2)) }
    ]

    private func claims(_ exchange: Exchange, _ who: Principal) async throws -> Answer {
        let (node, views) = (try exchange.part("node"), await views())
        // `-` is whoever answers.
        let machine = node == "-" ? views.peer.neighbours.own.peer : try views.machine(named: node, field: "node")
        // The owner of a machine has its key.
        let seesAll = who.isAdministrator || who.member?.peer == machine
        if !seesAll { try who.requireCustomer("see what \(node) was asked for") }
        switch await service.call(.seenClaims(machine)) {
        case .seenClaims(let lines):
            return try Answer(views.claims(lines, of: machine, seenBy: seesAll ? nil : who.customer))
        case .refused(let refusal): throw ProblemDocument(refusal)
        case .request, .requests, .log, .owner, .recorded, .elsewhere: throw RequestDesk.defect
        }
    }
}

extension Views {
    /// The one machine of a name, a fingerprint or an id.
    ///
    /// - Parameter listed: machines that are known by something else, and need not be there now.
    func machine(named text: String, field: String, listed: [PeerID] = []) throws(ProblemDocument) -> PeerID {
        let all = [peer.neighbours.own] + peer.neighbours.all.map(\.advertisement)
        let found = all.filter { [$0.name, $0.peer.fingerprint, $0.peer.description].contains(text) }
        if found.count > 1 {
            throw ProblemDocument(
                .conflict, "\(found.count) machines are called \"\(text)\"",
                remedy: "say which by its fingerprint: \(found.map(\.peer.fingerprint).joined(separator: ", "))",
                field: field)
        }
        if let machine = found.first { return machine.peer }
        if let machine = listed.first(where: { [$0.fingerprint, $0.description].contains(text) }) { return machine }
        let near = nearestName(to: text, among: all.map(\.name)).map { "did you mean \"\($0)\"? " } ?? ""
        throw ProblemDocument(
            .notFound, "no machine is called \"\(text)\"", remedy: near + "`palmier node list` shows all", field: field)
    }

    /// - Parameter customer: whose requests may be shown; nil: everybody's.
    func claims(_ lines: [ClaimHistory.Line], of machine: PeerID, seenBy customer: Customer?) -> NodeClaimsDocument {
        let shown = lines.filter { customer == nil || $0.request.customer == customer }
        return NodeClaimsDocument(
            node: knownName(of: machine), fingerprint: machine.fingerprint, claims: shown.reversed().map { claim($0) },
            hidden: lines.count - shown.count)
    }

    private func claim(_ line: ClaimHistory.Line) -> NodeClaimsDocument.Claim {
        let (outcome, reason, refusals) = words(for: line.outcome)
        // A place of a reservation is nobody's request.
        let isPlace = line.request.reservedPlace != nil
        return NodeClaimsDocument.Claim(
            at: DocumentCoding.text(of: line.at), ageSeconds: DocumentCoding.age(of: line.at, at: now),
            customer: isPlace ? "reservation" : line.request.customer.name, reference: line.request.reference,
            attempt: line.attempt.value,
            ledger: peer.ledgerName(of: line.home), outcome: outcome, reason: reason,
            refusals: refusals.map { MachinesDocument.Refusal($0) })
    }

    private func words(
        for outcome: ClaimHistory.Outcome
    ) -> (outcome: String, reason: String, refusals: [Mismatch]) {
        switch outcome {
        case .granted(let partition): ("granted", "\(partition) is kept for it until its ledger confirms it", [])
        case .confirmed: ("placed", "", [])
        case .refused(let reasons): ("refused", reasons.map(\.description).joined(separator: "; "), reasons)
        case .outdone: ("outdone", "its ledger has taken another machine", [])
        case .expired: ("expired", "its ledger has not confirmed it in time", [])
        }
    }
}

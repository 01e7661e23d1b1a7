import Automata
import Identity
import Ledger
import Neighbours
import Peer
import Runtime

/// What the owner of a machine says of it while it runs: of itself every peer takes it, for other machines a master.
extension Routes {
    static let ownerRoutes: [Route] = [
        Route(.get, "/v1/nodes/{node}/drain") { try await $0.drain(nil, $1, known($2)) },
        Route(.post, "/v1/nodes/{node}/drain") { try await $0.drain(.drain, $1, known($2)) },
        Route(.post, "/v1/nodes/{node}/undrain") { try await $0.drain(.undrain, $1, known($2)) },
        Route(.get, "/v1/nodes/{node}/offer") { try await $0.offer(nil, $1, known($2)) },
        Route(.post, "/v1/nodes/{node}/offer") {
            try await $0.offer(OfferReader($1.body).order, $1, known($2))
        },
    ]

    private func drain(_ order: OwnerOrder?, _ exchange: Exchange, _ who: Principal) async throws -> Answer {
        let (machine, report) = try await owner(order, exchange, who, to: "drain")
        let views = await views()
        var moving: [ClaimReference: String] = [:]
        if !report.tenants.isEmpty, views.peer.isMaster {
            for request in try await list(nil).0 {
                if let claim = request.placement { moving[claim] = request.moving }
            }
        }
        return try Answer(views.drain(report, of: machine, moving: moving))
    }

    private func offer(_ order: OwnerOrder?, _ exchange: Exchange, _ who: Principal) async throws -> Answer {
        let (machine, report) = try await owner(order, exchange, who, to: "set the offer of")
        return try Answer(await views().offer(report, of: machine))
    }

    /// Has the machine do what is ordered, where whoever asks may order it: administrators, and whoever has the machine's key.
    private func owner(
        _ order: OwnerOrder?, _ exchange: Exchange, _ who: Principal, to act: String
    ) async throws -> (PeerID, OwnerReport) {
        let (node, views) = (try exchange.part("node"), await views())
        let machine = node == "-" ? views.peer.neighbours.own.peer : try views.machine(named: node, field: "node")
        if who.member?.peer != machine { try who.requireAdministrator("\(act) \(views.knownName(of: machine))") }
        switch await service.call(.owner(machine, order)) {
        case .owner(let report): return (machine, report)
        case .refused(let refusal): throw ProblemDocument(refusal)
        case .request, .requests, .log, .seenClaims, .recorded, .elsewhere: throw RequestDesk.defect
        }
    }
}

extension Views {
    /// - Parameter moving: what requests say of why they are still there, by their placements.
    func drain(_ report: OwnerReport, of machine: PeerID, moving: [ClaimReference: String]) -> NodeDrainDocument {
        let tenants = report.tenants.map { tenant in
            let waits = tenant.isVacating ? "its partition is being emptied" : moving[tenant.claim] ?? ""
            return NodeDrainDocument.Tenant(
                customer: tenant.request.customer.name, reference: tenant.request.reference,
                partition: "\(tenant.claim.partition)", ledger: peer.ledgerName(of: tenant.home), waitsFor: waits)
        }
        return NodeDrainDocument(
            node: knownName(of: machine), fingerprint: machine.fingerprint, state: report.state.rawValue,
            isDrained: report.word.isDrained, reason: report.leaving?.description ?? "", tenants: tenants)
    }

    func offer(_ report: OwnerReport, of machine: PeerID) -> NodeOfferDocument {
        let (offer, kept) = (report.offer, report.word.offer)
        let said: [(String, Bool)] = [
            ("partitionHour", kept.price != nil), ("coreHour", kept.coreRate != nil),
            ("memoryHour", kept.memoryRate != nil), ("gpuHour", kept.gpuRate != nil), ("hours", kept.hours != nil),
            ("maxMemoryBytes", kept.memoryMax != nil), ("maxCpus", kept.coresMax != nil),
            ("region", kept.region != nil), ("country", kept.country != nil), ("continent", kept.continent != nil),
        ]
        func decimal(_ millionths: Int64?) -> String { Decimal6(millionths ?? 0).description }
        return NodeOfferDocument(
            node: knownName(of: machine), fingerprint: machine.fingerprint, partitionHour: decimal(offer.price),
            coreHour: decimal(offer.coreRate), memoryHour: decimal(offer.memoryRate), gpuHour: decimal(offer.gpuRate),
            hours: offer.hours.map { $0.isAlways ? "always" : $0.description } ?? "always",
            maxMemoryBytes: offer.memoryMax?.bytes ?? 0, maxCpus: offer.coresMax ?? 0, region: offer.region ?? "",
            country: offer.country ?? "", continent: offer.continent ?? "", kept: said.filter(\.1).map(\.0))
    }
}

import Accounting
import Automata
import Claims
import Foundation
import Identity
import NIOHTTP1
import Overlay
import Releases
import Testing
import Yams

@testable import API

/// `Specs/api/openapi.yaml`, read so far as it is compared.
private struct Specification {
    var operations: Set<String> = []
    var query: [String: Set<String>] = [:]
    var properties: [String: Set<String>] = [:]
    var required: [String: Set<String>] = [:]
    /// Properties of objects within them: `Request.requirements`.
    var parts: [String: Set<String>] = [:]
    /// The rules of the books that a problem can name.
    var rules: Set<String> = []

    init() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let file = folder.deletingLastPathComponent().appending(path: "Specs/api/openapi.yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
        let document = try #require(try Yams.load(yaml: text) as? [String: Any])
        for (path, methods) in try #require(document["paths"] as? [String: [String: [String: Any]]]) {
            for (method, operation) in methods {
                operations.insert("\(method) \(path)")
                let parameters = operation["parameters"] as? [[String: Any]] ?? []
                query["\(method) \(path)"] = Set(
                    parameters.filter { $0["in"] as? String == "query" }.compactMap { $0["name"] as? String })
            }
        }
        let components = try #require(document["components"] as? [String: Any])
        for (name, schema) in try #require(components["schemas"] as? [String: [String: Any]]) {
            properties[name] = Set((schema["properties"] as? [String: Any] ?? [:]).keys)
            required[name] = Set(schema["required"] as? [String] ?? [])
            for (field, part) in schema["properties"] as? [String: [String: Any]] ?? [:] {
                parts["\(name).\(field)"] = (part["properties"] as? [String: Any]).map { Set($0.keys) }
            }
            if name == "Problem" {
                let fields = schema["properties"] as? [String: [String: Any]] ?? [:]
                rules = Set(fields["rule"]?["enum"] as? [String] ?? [])
            }
        }
    }

    /// The same for an object that is described within another one.
    func checkPart(_ document: some Encodable, of name: String, _ field: String) throws {
        let data = try DocumentCoding.encode(document)
        let keys = Set(try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any]).keys)
        let known = try #require(parts["\(name).\(field)"])
        #expect(keys.isSubset(of: known), "\(name).\(field): \(keys.subtracting(known)) are not described")
    }

    func check(_ document: some Encodable, is name: String) throws {
        let data = try DocumentCoding.encode(document)
        let keys = Set(try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any]).keys)
        let (known, needed) = (try #require(properties[name]), try #require(required[name]))
        #expect(keys.isSubset(of: known), "\(name): \(keys.subtracting(known)) are not described")
        #expect(needed.isSubset(of: keys), "\(name): \(needed.subtracting(keys)) are missing")
    }
}

@Suite("The API's description")
struct SpecificationTests {
    @Test("every route is described, with its query, and every described operation is a route")
    func routes() throws {
        let specification = try Specification()
        #expect(Set(APIServer.routeList) == specification.operations)
        for route in Routes.all {
            let name = "\(route.method.rawValue) \(route.path)"
            #expect(specification.query[name] == Set(route.query), "\(name)")
        }
    }

    @Test("every described operation answers on the running server")
    func operations() async throws {
        try await Stage.with { (stage) async throws in
            for operation in try Specification().operations.sorted() {
                let words = operation.split(separator: " ").map(String.init)
                let path = words[1].replacing("{reference}", with: "x").replacing("{who}", with: "x")
                    .replacing("{ledger}", with: "-").replacing("{account}", with: "x")
                    .replacing("{project}", with: "x").replacing("{contract}", with: "x")
                    .replacing("{subscription}", with: "x").replacing("{node}", with: "-")
                    .replacing("{key}", with: String(repeating: "0", count: 32))
                let method: HTTPMethod = words[0] == "get" ? .GET : .POST
                let (_, body) = try await stage.raw(method, path, method == .POST ? "{}" : nil)
                #expect(!body.contains("there is no \(method)"), "\(operation): \(body)")
            }
        }
    }

    @Test("documents have the described fields, and no others")
    func documents() async throws {
        let specification = try Specification()
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                try specification.check(try await client.request(stage.cache()), is: "Instance")
                try specification.check(try await client.instances(), is: "Instances")
                try await matching(specification, stage, client)
                try specification.check(try await client.log("cache"), is: "Log")
                let nodes = try await client.nodes()
                try specification.check(nodes, is: "Nodes")
                try specification.check(try #require(nodes.nodes.first), is: "Node")
                let masters = try await client.masters()
                try specification.check(masters, is: "Masters")
                try specification.check(try #require(masters.masters.first), is: "Master")
                let ledgers = try await client.ledgers()
                try specification.check(ledgers, is: "Ledgers")
                let ledger = try await client.ledger("alpha")
                try specification.check(ledger, is: "Ledger")
                try specification.check(try #require(ledger.members.first), is: "LedgerMember")
                try specification.check(
                    LedgerElsewhereDocument(name: "n", id: "i", primary: "p", api: []), is: "LedgerElsewhere")
                try specification.check(try await client.ledgerEntries(of: "alpha", after: 0), is: "LedgerEntries")
                try specification.check(
                    try await client.ledgerEntries(of: "alpha", after: 0, limit: 1), is: "LedgerEntries")
                try specification.check(try await client.status(), is: "Status")
                try specification.check(try await client.doctor(), is: "Doctor")
                try specification.check(try await client.fabric(), is: "Fabric")
                try specification.check(try await client.pendingAdmissions(), is: "Admissions")
                let overlay = try await client.overlay()
                try specification.check(overlay, is: "Overlay")
                try specification.check(overlay.peer, is: "RingPeer")
                let key = PeerID(hashing: "greeting".utf8)
                try specification.check(try await client.lookup(key), is: "Route")
                let trace = try await client.lookup(key, traced: true)
                try specification.check(trace, is: "Route")
                try specification.check(try #require(trace.path?.first), is: "RingPeer")
                try specification.check(try await client.putObject([1, 2, 3]), is: "Object")
                try specification.check(
                    try await client.invite(InvitationRequest(kind: "person", name: "a@b")), is: "Invitation")
                let request = try SigningRequest(key: PrivateKey(), role: .identity(.machine), name: "w")
                let ask = EnrolmentRequest(kind: "machine", name: "w", request: request.pem, token: "palmier-x")
                try specification.check(ask, is: "Enrolment")
                try specification.check(CertificateRequest(request: "x"), is: "CertificateRequest")
                var bare = ask
                bare.token = nil
                let body = String(decoding: try DocumentCoding.encode(bare), as: UTF8.self)
                let (status, text) = try await stage.raw(.POST, "/v1/enrolments", body)
                #expect(status == 202)
                let admission = try DocumentCoding.decode(AdmissionDocument.self, from: Data(text.utf8))
                try specification.check(admission, is: "Admission")
                try specification.check(try await problem { try await client.instance("none") }, is: "Problem")
                try await books(specification, stage, client)
                let full = RequestDocument(
                    reference: "x", customer: "c", release: .init(url: "u", text: "t"), type: "t",
                    parameters: .object([:]), requirements: .init(), exclusive: true, state: "running", checkIndex: 0,
                    wait: .init(until: "running", timeoutSeconds: 1))
                try specification.check(full, is: "Request")
            }
        }
    }

    /// Those of why a request is where it is, and of what another would come to.
    private func matching(_ specification: Specification, _ stage: Stage, _ client: PalmierClient) async throws {
        var document = stage.cache("far", wait: false)
        let relations = RelationsDocument(apartFrom: [.init(instance: "cache", scope: "lan")], togetherWith: [])
        document.requirements = .init(
            memoryMiB: 1, machine: "nowhere", condition: "cpu >= 1", policy: "price", priceMax: "0.5",
            relations: relations)
        let far = try await client.request(document)
        try specification.check(relations, is: "Relations")
        try specification.check(try #require(far.requirements.relations?.apartFrom?.first), is: "Relation")
        try specification.checkPart(document.requirements, of: "Request", "requirements")
        try specification.checkPart(far.requirements, of: "Instance", "requirements")
        let why = try await client.why("far")
        try specification.check(why, is: "Why")
        try specification.check(why.machines, is: "Machines")
        try specification.check(try #require(why.machines.rules.first), is: "MachinesRule")
        let closest = try #require(why.machines.closest)
        try specification.check(closest, is: "Candidate")
        try specification.check(try #require(closest.refusals.first), is: "MachineRefusal")
        let claims = try await client.claims(seenBy: nil)
        try specification.check(claims, is: "NodeClaims")
        try specification.check(try #require(claims.claims.first), is: "NodeClaim")
        let offer = try await client.offer(of: nil)
        try specification.check(offer, is: "NodeOffer")
        var said = NodeOfferRequest()
        said.coreHour = "0.01"
        try specification.check(said, is: "NodeOfferRequest")
        let drain = try await client.setDrained(nil, true)
        try specification.check(drain, is: "NodeDrain")
        try specification.check(try #require(drain.tenants.first), is: "NodeTenant")
        let moving = try #require(try await client.instance("cache").moving)
        try specification.checkPart(moving, of: "Instance", "moving")
        _ = try await client.setDrained(nil, false)
        var plan = try await client.plan(document)
        try specification.check(plan, is: "Plan")
        plan.command = "palmier request far"
        plan.hourly = "0"
        plan.refusal = .init(code: "refused", detail: "d", remedy: "r", rule: "x")
        plan.hold = .init(project: "p", node: "n", amount: "1", currency: "EUR", left: "2")
        try specification.check(plan, is: "Plan")
        try specification.check(plan.hold, is: "PlanHold")
        try specification.check(PlanDocument.Change(field: "f", before: .null, after: .integer(1)), is: "PlanChange")
        _ = try await client.destroy("far", wait: .seconds(10))
    }

    /// The documents of the books, and the bodies that they are told by.
    private func books(_ specification: Specification, _ stage: Stage, _ client: PalmierClient) async throws {
        try await Bookkeeping.begin(client)
        let number = try await Bookkeeping.bill(client, stage)
        let accounts = try await client.accounts(of: "-")
        try specification.check(accounts, is: "Accounts")
        try specification.check(accounts.source, is: "BooksSource")
        let account = try await client.account("ada", of: "-")
        try specification.check(account, is: "Account")
        try specification.check(try #require(account.standings.first), is: "Standing")
        try specification.check(try #require(account.address), is: "Address")
        let projects = try await client.projects(of: "-")
        try specification.check(projects, is: "Projects")
        try specification.check(try #require(projects.projects.first), is: "Project")
        let resources = try await client.resources(of: "-")
        try specification.check(resources, is: "Resources")
        try specification.check(try #require(resources.resources.first), is: "Resource")
        let prices = try await client.prices(of: "-")
        try specification.check(prices, is: "Prices")
        try specification.check(try #require(prices.prices.first), is: "Price")
        let suppliers = try await client.suppliers(of: "-")
        try specification.check(suppliers, is: "Suppliers")
        try specification.check(try #require(suppliers.suppliers.first), is: "Supplier")
        let invoices = try await client.openInvoices(of: "-")
        try specification.check(invoices, is: "OpenInvoices")
        try specification.check(try #require(invoices.invoices.first { $0.number == number }), is: "OpenInvoice")
        let payment = PaymentRequest(invoice: number, reference: "b", amount: "1", currency: "EUR")
        try specification.check(payment, is: "PaymentRequest")
        try specification.check(try await client.record(.pay(payment), in: "-", dryRun: true), is: "Recorded")
        try specification.check(try await client.record(.pay(payment), in: "-"), is: "Recorded")
        try specification.check(
            AccountRequest(name: "n", kind: "k", title: "t", address: .init(country: "FR")), is: "AccountRequest")
        try specification.check(
            AccountChangeRequest(title: "t", address: .init(country: "FR")), is: "AccountChangeRequest")
        try specification.check(
            ProjectRequest(name: "n", account: "a", ceiling: "1", currency: "EUR", cycle: "day"), is: "ProjectRequest")
        try specification.check(
            PriceRequest(
                resource: "r", price: "1", currency: "EUR", from: "f", supplier: "s", customer: "c", node: "n",
                per: "day"), is: "PriceRequest")
        try specification.check(SupplierRequest(node: "n", supplier: "s"), is: "SupplierRequest")
        try specification.check(
            TermsRequest(supplier: "s", customer: "c", cycle: "day", dueDays: 1), is: "TermsRequest")
        try specification.check(InvoiceRunRequest(supplier: "s", cycle: "day", through: "t"), is: "InvoiceRunRequest")
        try specification.check(
            IncidentRequest(name: "n", node: "m", instance: "i", from: "f", to: "t", what: "w"), is: "IncidentRequest")
        try specification.check(
            CreditRequest(invoice: "i", incident: "i", amount: "1", currency: "EUR"), is: "CreditRequest")
        try specification.check(
            CorrectionRequest(name: "n", lines: [], currency: "EUR", reason: "r"), is: "CorrectionRequest")
        try specification.check(CorrectionRequest.Line(account: "a", amount: "1"), is: "CorrectionLine")
        try await dealings(specification, client)
        let refused = try await problem { try await client.record(.close("nobody"), in: "-") }
        try specification.check(refused, is: "Problem")
        #expect(refused.rule == "unknown-account")
        #expect(
            specification.rules
                == Set(Rule.allCases.map(\.rawValue)).union(LanguageError.Code.allCases.map(\.rawValue)))
    }

    /// Those of contracts, subscriptions and incidents.
    private func dealings(_ specification: Specification, _ client: PalmierClient) async throws {
        let offer = ContractRequest(
            name: "c", supplier: "lab", customer: "ada", currency: "EUR",
            terms: [ContractTermDocument(resource: "cpu-hour", price: "5", per: "month")], from: "2026-01-01",
            to: "2036-01-01", supplierLedger: "-", customerLedger: "-", offeredBy: "-")
        try specification.check(offer, is: "ContractRequest")
        try specification.check(offer.terms[0], is: "ContractTerm")
        _ = try await client.record(.offer(offer), in: "-")
        let digest = try await client.contract("c", of: "-").digest
        let signature = CountersignatureRequest(terms: digest, by: "-")
        try specification.check(signature, is: "CountersignatureRequest")
        _ = try await client.record(.countersign("c", signature), in: "-")
        try specification.check(ContractEndRequest(at: "2035-01-01"), is: "ContractEndRequest")
        _ = try await client.record(.endContract("c", ContractEndRequest(at: "2035-01-01")), in: "-")
        let subscription = SubscriptionRequest(
            name: "s", project: "web", supplier: "lab", resource: "cpu-hour", quantity: "1", cycle: "month",
            from: "2026-02-01", node: "alpha", instance: "ada/shop")
        try specification.check(subscription, is: "SubscriptionRequest")
        _ = try await client.record(.subscribe(subscription), in: "-")
        _ = try await client.record(.bill(InvoiceRunRequest(supplier: "lab")), in: "-")
        let contracts = try await client.contracts(of: "-")
        try specification.check(contracts, is: "Contracts")
        try specification.check(try #require(contracts.contracts.first), is: "Contract")
        let contract = try await client.contract("c", of: "-")
        try specification.check(contract, is: "Contract")
        try specification.check(contract.supplier, is: "ContractSide")
        try specification.check(try #require(contract.totals.first), is: "ContractTotal")
        try specification.check(try #require(contract.invoices.first), is: "OpenInvoice")
        let subscriptions = try await client.subscriptions(of: "-")
        try specification.check(subscriptions, is: "Subscriptions")
        try specification.check(try #require(subscriptions.subscriptions.first), is: "Subscription")
        try specification.check(try await client.subscription("s", of: "-"), is: "Subscription")
        let end = SubscriptionEndRequest(at: "2026-12-01")
        try specification.check(end, is: "SubscriptionEndRequest")
        try specification.check(try await client.record(.unsubscribe("s", end), in: "-"), is: "Recorded")
        try specification.check(try await client.subscription("s", of: "-"), is: "Subscription")
        let incident = IncidentRequest(name: "i", node: "alpha", from: "2026-01-01", to: "2026-01-02", what: "Fire")
        _ = try await client.record(.incident(incident), in: "-")
        let incidents = try await client.incidents(of: "-")
        try specification.check(incidents, is: "Incidents")
        try specification.check(try #require(incidents.incidents.first), is: "Incident")
        try specification.check(
            UsageRequest(
                instance: "i", resource: "r", from: "f", to: "t", quantity: "1", node: "n", partition: 1, release: "r",
                project: "p"), is: "UsageRequest")
        try specification.check(
            AccountRequest(name: "n", kind: "k", title: "t", keeper: "m"), is: "AccountRequest")
    }

    @Test("each code has a status and an exit code, and each exit code of a refusal has a code")
    func outcomes() {
        for code in Refusal.Code.allCases {
            #expect((400...599).contains(code.httpStatus))
            #expect(code.exitCode != .done && code.exitCode != .accepted)
        }
        #expect(ExitCode.allCases.map(\.rawValue) == [0, 1, 2, 3, 4, 5, 64])
    }
}

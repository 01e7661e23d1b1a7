import Accounting
import Automata
import Foundation
import Identity
import Ledger
import NIOHTTP1
import Neighbours
import Peer
import Releases
import Runtime
import Testing

@testable import API

/// Books that tests begin with: `lab` supplies this machine, `ada` has a project of 10 EUR.
enum Bookkeeping {
    /// A contract of two accounts that alpha keeps: half the price of an hour, and a price of support.
    static func offer(_ name: String = "c1") -> ContractRequest {
        ContractRequest(
            name: name, supplier: "lab", customer: "ada", currency: "EUR",
            terms: [
                ContractTermDocument(resource: "cpu-hour", price: "0.01"),
                ContractTermDocument(resource: "cpu-hour", price: "1.25", per: "month"),
            ], from: "2026-01-01", to: "2036-01-01")
    }

    static func begin(_ client: PalmierClient) async throws {
        let acts: [PalmierClient.BookAct] = [
            .open(AccountRequest(name: "lab", kind: "organisation", title: "Laboratory")),
            .open(
                AccountRequest(
                    name: "ada", kind: "person", title: "Ada Lovelace",
                    address: AddressDocument(street: "1 Main Street", city: "Lille", postcode: "59000", country: "FR"))),
            .resource(ResourceDocument(name: "cpu-hour", title: "Processor", unit: "hour")),
            .supplier(SupplierRequest(node: "alpha", supplier: "lab")),
            .price(PriceRequest(resource: "cpu-hour", price: "0.02", currency: "EUR", from: "2026-01-01")),
            .project(ProjectRequest(name: "web", account: "ada", ceiling: "10", currency: "EUR")),
        ]
        for act in acts { _ = try await client.record(act, in: "-") }
    }

    /// Uses 500 hours of the master's machine a while ago, and invoices them.
    ///
    /// - Returns: the invoice's number.
    static func bill(_ client: PalmierClient, _ stage: Stage) async throws -> String {
        let instance = InstanceID("ada/shop")
        let start = Cycle.month.boundary(atOrBefore: stage.service.now) - .seconds(7_200)
        let period = Period(from: start, to: start + .seconds(3_600))
        let machine = stage.master.peer
        let acts: [Act] = [
            .held(
                HoldOrder(instance: instance, project: ProjectID("web"), machine: machine, period: period, lines: [])),
            .used(
                UsageReport(
                    instance: instance, resource: ResourceID("cpu-hour"), period: period,
                    quantity: Quantity(millionths: 500_000_000), machine: machine, partition: PartitionNumber(0),
                    release: ReleaseName("r"))),
        ]
        for act in acts {
            guard case .recorded = await stage.service.call(.record(.accounting(act)), of: machine) else {
                Issue.record("\(act) is not recorded")
                return ""
            }
        }
        let billed = try await client.record(.bill(InvoiceRunRequest(supplier: "lab")), in: "-")
        return try #require(billed.issued?.first)
    }
}

@Suite("Accounts over HTTP")
struct AccountTests {
    @Test("what is told is there at once, by name, by id and as the own ledger's; who tells it says so")
    func told() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                try await Bookkeeping.begin(client)
                let id = try await client.ownLedger()
                #expect(id == stage.master.peer.description)
                for ledger in ["-", "alpha", id] {
                    let accounts = try await client.accounts(of: ledger)
                    #expect(accounts.accounts.map(\.name) == ["ada", "lab"])
                    #expect(accounts.source.ledger == "alpha" && accounts.source.master == "alpha")
                    #expect(accounts.source.role == "primary" && accounts.source.entry >= 6)
                }
                let ada = try await client.account("ada", of: "-")
                #expect(ada.title == "Ada Lovelace" && ada.address?.city == "Lille" && ada.state == "open")
                #expect(ada.standings.isEmpty && ada.source?.ledger == "alpha")
                let project = try await client.project("web", of: "-")
                #expect(project.ceiling == "10.00" && project.left == "10.00" && project.cycle == "month")
                let price = try #require(try await client.prices(of: "-").prices.first)
                #expect(price.price == "0.02" && price.from == "2026-01-01T00:00:00.000Z" && price.node == nil)
                #expect(try await client.suppliers(of: "-").suppliers.map(\.node) == ["alpha"])
                let missing = try await problem { try await client.account("eda", of: "-") }
                #expect(missing.exitCode == .notFound && missing.remedy == "did you mean \"ada\"?")
                #expect(missing.rule == "unknown-account")
                let nowhere = try await problem { try await client.accounts(of: "alpah") }
                #expect(nowhere.exitCode == .notFound && nowhere.remedy == "did you mean \"alpha\"?")
            }
        }
    }

    @Test("the same again is no error, and what is not said stays")
    func again() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                try await Bookkeeping.begin(client)
                try await Bookkeeping.begin(client)
                let raised = try await client.record(
                    .project(ProjectRequest(name: "web", ceiling: "12.5", currency: "EUR")), in: "-")
                #expect(raised.act == "project web" && raised.entry ?? 0 > 0)
                _ = try await client.record(.project(ProjectRequest(name: "web", cycle: "week")), in: "-")
                let project = try await client.project("web", of: "-")
                #expect(project.ceiling == "12.50" && project.cycle == "week" && project.account == "ada")
                _ = try await client.record(.change("ada", AccountChangeRequest(title: "Ada King")), in: "-")
                let ada = try await client.account("ada", of: "-")
                #expect(ada.title == "Ada King" && ada.address?.city == "Lille")
                // The price in force is not set a second time, unless from another instant on.
                let price = PriceRequest(resource: "cpu-hour", price: "0.020", currency: "EUR")
                _ = try await client.record(.price(price), in: "-")
                #expect(try await client.prices(of: "-").prices.count == 1)
                var dearer = price
                dearer.price = "0.03"
                _ = try await client.record(.price(dearer), in: "-")
                #expect(try await client.prices(of: "-").prices.map(\.price) == ["0.02", "0.03"])
            }
        }
    }

    @Test("an invoice, its payment and its credit note; what is owed stands with both accounts")
    func billing() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                try await Bookkeeping.begin(client)
                let number = try await Bookkeeping.bill(client, stage)
                #expect(number == "lab-000001")
                let invoice = try #require(try await client.openInvoices(of: "-").invoices.first)
                #expect(invoice.number == number && invoice.total == "10.00" && invoice.customer == "ada")
                let again = try await client.record(.bill(InvoiceRunRequest(supplier: "lab")), in: "-")
                #expect(again.issued == [])
                let payment = PaymentRequest(invoice: number, reference: "B-7", amount: "4", currency: "EUR")
                for _ in 0..<2 { _ = try await client.record(.pay(payment), in: "-") }
                _ = try await client.record(
                    .incident(
                        IncidentRequest(name: "i", node: "alpha", from: "2026-01-01", to: "2026-01-02", what: "Fire")),
                    in: "-")
                let credit = CreditRequest(invoice: number, incident: "i", amount: "1.5", currency: "EUR")
                let trial = try await client.record(.credit(credit), in: "-", dryRun: true)
                #expect(trial.changes == true && trial.entry == nil && trial.issued == ["lab-000002"])
                #expect(try await client.record(.credit(credit), in: "-").issued == ["lab-000002"])
                #expect(try await client.record(.credit(credit), in: "-").issued == [])
                let ada = try #require(try await client.account("ada", of: "-").standings.first)
                #expect(ada.owes == "4.50" && ada.owed == "0.00" && ada.invoiced == "4.50" && ada.currency == "EUR")
                let lab = try #require(try await client.account("lab", of: "-").standings.first)
                #expect(lab.owes == "0.00" && lab.owed == "4.50" && lab.balance == "-4.50")
            }
        }
    }

    private struct Wrong: Sendable {
        var act: PalmierClient.BookAct
        var rule: String
        var exit: API.ExitCode
        var saying: String
    }

    private static let wrong: [Wrong] = [
        Wrong(
            act: .price(PriceRequest(resource: "cpu-hour", price: "-0.01", currency: "EUR")), rule: "negative-price",
            exit: .usage, saying: "-0.01 EUR"),
        Wrong(
            act: .project(ProjectRequest(name: "x", account: "eve", ceiling: "1", currency: "EUR")),
            rule: "unknown-account", exit: .notFound, saying: "eve"),
        Wrong(
            act: .project(ProjectRequest(name: "web", ceiling: "-1", currency: "EUR")), rule: "negative-amount",
            exit: .usage, saying: "-1"),
        Wrong(
            act: .project(ProjectRequest(name: "web", ceiling: "5", currency: "USD")), rule: "duplicate", exit: .failed,
            saying: "EUR"),
        Wrong(
            act: .project(ProjectRequest(name: "web", ceiling: "1e3")), rule: "malformed", exit: .usage,
            saying: "ceiling: expected a decimal"),
        Wrong(
            act: .price(PriceRequest(resource: "gpu-hour", price: "1", currency: "EUR")), rule: "unknown-resource",
            exit: .notFound, saying: "gpu-hour"),
        Wrong(
            act: .price(PriceRequest(resource: "cpu-hour", price: "1", currency: "EUR", from: "2025-12-31")),
            rule: "stale-price", exit: .failed, saying: "2025-12-31"),
        Wrong(
            act: .open(AccountRequest(name: "ada", kind: "person", title: "Another")), rule: "duplicate", exit: .failed,
            saying: "Ada Lovelace"),
        Wrong(
            act: .open(AccountRequest(name: "a b", kind: "person", title: "A")), rule: "malformed", exit: .usage,
            saying: "a b"),
        Wrong(
            act: .open(AccountRequest(name: String(repeating: "a", count: 200), kind: "person", title: "A")),
            rule: "malformed", exit: .usage, saying: "aaa"),
        Wrong(
            act: .correct(
                CorrectionRequest(
                    name: "v", lines: [.init(account: "ada", amount: "5"), .init(account: "lab", amount: "-4")],
                    currency: "EUR", reason: "r")), rule: "unbalanced", exit: .usage, saying: "1 EUR"),
        Wrong(
            act: .pay(PaymentRequest(invoice: "lab-000009", reference: "b", amount: "1", currency: "EUR")),
            rule: "unknown-invoice", exit: .notFound, saying: "lab-000009"),
        Wrong(
            act: .pay(PaymentRequest(invoice: "lab-000001", reference: "b", amount: "10.01", currency: "EUR")),
            rule: "over-paid", exit: .usage, saying: "10.01"),
        Wrong(
            act: .pay(PaymentRequest(invoice: "lab-000001", reference: "b", amount: "1", currency: "USD")),
            rule: "wrong-currency", exit: .usage, saying: "USD"),
        Wrong(
            act: .pay(PaymentRequest(invoice: "lab-000001", reference: "b", amount: "0.001", currency: "EUR")),
            rule: "fraction-of-coin", exit: .usage, saying: "0.001"),
        Wrong(
            act: .bill(InvoiceRunRequest(supplier: "lab", through: "2026-01-15")), rule: "not-a-boundary", exit: .usage,
            saying: "2026-01-15"),
        Wrong(
            act: .bill(InvoiceRunRequest(supplier: "lab", through: "2199-01-01")), rule: "period-in-future",
            exit: .usage, saying: "2199"),
        Wrong(act: .close("ada"), rule: "still-open", exit: .refused, saying: "ada"),
    ]

    @Test("what breaks a rule is refused with the rule's name, its code and the values found, and nothing is stored")
    func rules() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                try await Bookkeeping.begin(client)
                #expect(try await Bookkeeping.bill(client, stage) == "lab-000001")
                let before = await stage.service.snapshot().ownLedger?.books
                for wrong in Self.wrong {
                    for dryRun in [true, false] {
                        let problem = try await problem { try await client.record(wrong.act, in: "-", dryRun: dryRun) }
                        #expect(problem.rule == wrong.rule, "\(problem)")
                        #expect(problem.exitCode == wrong.exit, "\(problem)")
                        #expect(problem.detail.contains(wrong.saying), "\(problem)")
                    }
                }
                let after = await stage.service.snapshot().ownLedger?.books
                #expect(after?.index == before?.index && after?.accounts == before?.accounts)
            }
        }
    }

    @Test("a wrong body is refused by field, an unknown one with the nearest")
    func bodies() async throws {
        try await Stage.with { (stage) async throws in
            for (path, body, expected) in [
                ("accounts", "{}", "kind: missing"), ("accounts", #"{"kind":"robot"}"#, "kind: expected one of person"),
                ("accounts", #"{"kidn":"person"}"#, "did you mean"),
                ("projects", #"{"name":"p"}"#, "the project p is new"),
                ("prices", #"{"resource":"r","price":"x","currency":"EUR"}"#, "price: expected a decimal"),
                ("prices", #"{"resource":"r","price":"1","currency":"euro"}"#, "currency: expected three capital"),
                ("prices", #"{"resource":"r","price":"1","currency":"EUR","from":"soon"}"#, "from: expected a date"),
                ("payments", #"{"invoice":"lab","reference":"b"}"#, "invoice: expected an invoice's number"),
                ("incidents", #"{"name":"i"}"#, "either a node or an instance"),
                ("corrections", #"{"name":"v","lines":[3]}"#, "lines[0]: expected an object"),
                ("corrections", #"{"name":"v","lines":[{"account":"a","amount":"x"}]}"#, "lines[0].amount: expected"),
                ("suppliers", #"{"node":"nobody","supplier":"lab"}"#, "no machine is called"),
                (
                    "accounts?dryRun=maybe", #"{"kind":"person","name":"a","title":"A"}"#,
                    "dryRun: expected true or false"
                ),
            ] {
                let (status, text) = try await stage.raw(.POST, "/v1/ledgers/-/\(path)", body)
                #expect((400..<500).contains(status) && text.contains(expected), "\(path) \(body): \(status) \(text)")
            }
        }
    }

    @Test("names with a slash or an at sign are names in an address too")
    func names() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                for name in ["org/unit", "ada@lab.example+1"] {
                    _ = try await client.record(.open(AccountRequest(name: name, kind: "person", title: "T")), in: "-")
                    #expect(try await client.account(name, of: "-").name == name)
                    let closed = try await client.record(.close(name), in: "-")
                    #expect(closed.act == "closing of account \(name)" && closed.name == name)
                    #expect(try await client.account(name, of: "-").state == "closed")
                }
                _ = try await client.record(.open(AccountRequest(name: "lab", kind: "person", title: "T")), in: "-")
                let machine = try await client.record(
                    .supplier(SupplierRequest(node: stage.master.peer.fingerprint, supplier: "lab")), in: "-")
                #expect(machine.act == "supplier of machine alpha" && machine.issued == [])
            }
        }
    }

    @Test("books of which no replica is here are written through their primary, and read where the remedy says")
    func elsewhere() async throws {
        let service = FakePeerService(id: PeerID(0xA0), name: "alpha", apiPort: 7_001)
        await service.start()
        let beta = Advertisement(
            peer: PeerID(0xB0), incarnation: Incarnation(1), name: "beta", fabric: "lab",
            endpoints: [Endpoint(host: "10.0.0.2", port: 7_000)], apiPort: 7_001,
            leads: [LedgerLead(ledger: PeerID(0xB0), epoch: 1, view: 1, members: 3)])
        await service.meet(beta, saying: .neighbour(.hello(beta)))
        let views = Views(peer: await service.snapshot(), now: service.now, shelf: ReleaseShelf())
        await service.stop()
        let view = try BooksView(views, named: "beta")
        #expect(view.ledger == beta.peer && view.books == nil)
        let problem = #expect(throws: ProblemDocument.self) { _ = try view.held() }
        #expect(problem?.exitCode == .notFound && problem?.remedy.contains("ask beta with --master") == true)
        let reader = ActReader(view: view)
        #expect(
            try reader.price(#"{"resource":"r","price":"1","currency":"EUR","from":"2026-01-01"}"#)
                == .priceSet(
                    PriceOrder(
                        path: PricePath(resource: ResourceID("r")), price: Price(millionths: 1_000_000),
                        currency: try #require(Currency("EUR")), from: try #require(Instant(civil: "2026-01-01")))))
        let unknown = #expect(throws: ProblemDocument.self) { _ = try reader.project(#"{"name":"p","ceiling":"1"}"#) }
        #expect(unknown?.detail.contains("alpha keeps no replica of the ledger beta") == true)
        #expect(view.issued(by: AccountID("lab"), since: nil) == nil)
    }

    @Test("only administrators write; a customer reads its own account, project and prices, and no stranger anything")
    func rights() async throws {
        try await Stage.with { (stage) async throws in
            let (ada, eve) = (try stage.person("ada"), try stage.person("eve"))
            try await stage.client { (client) async throws in
                try await Bookkeeping.begin(client)
                _ = try await client.record(
                    .price(PriceRequest(resource: "cpu-hour", price: "0.01", currency: "EUR", customer: "ada")), in: "-"
                )
            }
            try await stage.client(as: ada) { (client) async throws in
                #expect(try await client.accounts(of: "-").accounts.map(\.name) == ["ada"])
                #expect(try await client.project("web", of: "-").account == "ada")
                #expect(try await client.prices(of: "-").prices.count == 2)
                let problem = try await problem { try await client.record(.close("ada"), in: "-") }
                #expect(problem.exitCode == .refused && problem.detail.contains("ada may not close accounts"))
            }
            try await stage.client(as: eve) { (client) async throws in
                #expect(try await client.accounts(of: "-").accounts.isEmpty)
                #expect(try await client.prices(of: "-").prices.count == 1)
                #expect(try await problem { try await client.project("web", of: "-") }.exitCode == .notFound)
                #expect(try await problem { try await client.account("ada", of: "-") }.exitCode == .notFound)
            }
            #expect(try await stage.raw(.GET, "/v1/ledgers/-/accounts", as: .stranger).status == 401)
            #expect(try await stage.raw(.POST, "/v1/ledgers/-/accounts", "{}", as: .stranger).status == 401)
        }
    }

    @Test("an idempotency key answers as before, and is no key for another act")
    func idempotency() async throws {
        try await Stage.with { (stage) async throws in
            let body = #"{"kind":"person","name":"ada","title":"Ada"}"#
            let key = [("idempotency-key", "k")]
            let first = try await stage.raw(.POST, "/v1/ledgers/-/accounts", body, headers: key)
            let second = try await stage.raw(.POST, "/v1/ledgers/-/accounts", body, headers: key)
            #expect(first.status == 200 && first.body == second.body)
            let other = try await stage.raw(
                .POST, "/v1/ledgers/-/accounts", body.replacing("Ada", with: "Eda"), headers: key)
            #expect(other.status == 409)
        }
    }
}

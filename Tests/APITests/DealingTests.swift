import Accounting
import Automata
import Foundation
import Identity
import Ledger
import NIOHTTP1
import Peer
import Releases
import Testing

@testable import API

@Suite("Contracts, subscriptions and incidents over HTTP")
struct DealingTests {
    /// A contract of two accounts that alpha keeps: half the price of an hour, and a price of support.
    private static func offer(_ name: String = "c1") -> ContractRequest {
        ContractRequest(
            name: name, supplier: "lab", customer: "ada", currency: "EUR",
            terms: [
                ContractTermDocument(resource: "cpu-hour", price: "0.01"),
                ContractTermDocument(resource: "cpu-hour", price: "1.25", per: "month"),
            ], from: "2026-01-01", to: "2036-01-01")
    }

    @Test("a contract is offered, told, countersigned by its digest alone, and gives prices; each may be repeated")
    func contract() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                try await Bookkeeping.begin(client)
                let trial = try await client.record(.offer(Self.offer()), in: "-", dryRun: true)
                #expect(trial.changes == true && trial.act == "contract c1")
                #expect(try await client.contracts(of: "-").contracts.isEmpty)
                for _ in 0..<2 { _ = try await client.record(.offer(Self.offer()), in: "-") }
                let offered = try await client.contract("c1", of: "-")
                #expect(offered.state == "offered" && offered.from == "2026-01-01T00:00:00Z")
                #expect(offered.terms == Self.offer().terms && offered.digest.count == 64)
                #expect(offered.supplier.ledger == "alpha" && offered.countersigner == stage.master.peer.description)
                let wrong = try await problem {
                    let terms = String(repeating: "0", count: 64)
                    return try await client.record(.countersign("c1", .init(terms: terms)), in: "-")
                }
                #expect(wrong.rule == "terms-differ" && wrong.exitCode == .failed, "\(wrong)")
                for _ in 0..<2 {
                    _ = try await client.record(.countersign("c1", .init(terms: offered.digest)), in: "-")
                }
                #expect(try await client.contracts(of: "-").contracts.map(\.state) == ["signed"])
                #expect(try await client.contract("c1", of: "-").isSigned)
                // 500 hours at 0.01 instead of 0.02.
                _ = try await Bookkeeping.bill(client, stage)
                let used = try await client.contract("c1", of: "-")
                #expect(used.totals.map(\.value) == ["5.00"] && used.totals.map(\.quantity) == ["500"])
                #expect(used.invoices.map(\.total) == ["5.00"] && used.source?.ledger == "alpha")
                for _ in 0..<2 {
                    _ = try await client.record(.endContract("c1", .init(at: "2035-01-01")), in: "-")
                }
                let ending = try await client.contract("c1", of: "-")
                #expect(ending.state == "ending" && ending.ends == "2035-01-01T00:00:00Z" && ending.isSigned)
                _ = try await client.record(.endContract("c1", .init()), in: "-")  // as it ends already
                let other = try await problem {
                    try await client.record(.endContract("c1", .init(at: "2034-01-01")), in: "-")
                }
                #expect(other.rule == "duplicate" && other.detail.contains("2034-01-01"), "\(other)")
                let missing = try await problem { try await client.contract("c2", of: "-") }
                #expect(missing.rule == "unknown-contract" && missing.remedy.contains("palmier contract list"))
            }
        }
    }

    @Test("a contract that is offered again without its beginning is the same one")
    func defaults() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                try await Bookkeeping.begin(client)
                var offer = Self.offer()
                offer.from = nil
                _ = try await client.record(.offer(offer), in: "-")
                let first = try await client.contract("c1", of: "-")
                try await Task.sleep(for: .milliseconds(5))
                _ = try await client.record(.offer(offer), in: "-")
                #expect(try await client.contract("c1", of: "-").digest == first.digest)
                // As it is told, it is said again: for another ledger, the very same words.
                offer.from = first.from
                offer.supplierLedger = first.supplier.ledgerId
                offer.customerLedger = "alpha"
                offer.offeredBy = first.offeredBy
                _ = try await client.record(.offer(offer), in: "-")
                #expect(try await client.contract("c1", of: "-").digest == first.digest)
            }
        }
    }

    @Test("a subscription is told with what it costs and is charged next, billed by a run, and ended")
    func subscription() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                try await Bookkeeping.begin(client)
                _ = try await client.record(
                    .price(
                        PriceRequest(
                            resource: "cpu-hour", price: "2.5", currency: "EUR", from: "2026-01-01", per: "month")),
                    in: "-")
                let now = Cycle.month.boundary(atOrBefore: stage.service.now) - .seconds(24 * 3_600)
                let request = SubscriptionRequest(
                    name: "s1", project: "web", supplier: "lab", resource: "cpu-hour", quantity: "2", cycle: "month",
                    from: now.civilText)
                for _ in 0..<2 { _ = try await client.record(.subscribe(request), in: "-") }
                let running = try await client.subscription("s1", of: "-")
                #expect(running.state == "running" && running.amount == "5.00" && running.price == "2.5")
                #expect(running.charged == 0 && running.next == now.civilText && running.customer == "ada")
                #expect(try await client.project("web", of: "-").held == "5.00")
                let billed = try await client.record(.bill(InvoiceRunRequest(supplier: "lab")), in: "-")
                #expect(billed.issued == ["lab-000001"])
                #expect(try await client.subscription("s1", of: "-").charged == 1)
                _ = try await client.record(.unsubscribe("s1", .init()), in: "-")
                let ended = try await client.subscription("s1", of: "-")
                #expect(ended.state == "ended" && ended.to != nil && ended.next == nil)
                // Again without an instant: it has ended, and stays so.
                _ = try await client.record(.unsubscribe("s1", .init()), in: "-")
                #expect(try await client.subscriptions(of: "-").subscriptions.first?.to == ended.to)
                #expect(try await client.project("web", of: "-").held == "0.00")
                var costly = request
                (costly.name, costly.quantity) = ("s2", "5")
                let refused = try await problem { try await client.record(.subscribe(costly), in: "-") }
                #expect(refused.rule == "ceiling-exceeded" && refused.exitCode == .refused, "\(refused)")
            }
        }
    }

    @Test("a credit note is told with its incident; who is no administrator sees what is its own")
    func incident() async throws {
        try await Stage.with { (stage) async throws in
            let (ada, eve) = (try stage.person("ada"), try stage.person("eve"))
            try await stage.client { (client) async throws in
                try await Bookkeeping.begin(client)
                let number = try await Bookkeeping.bill(client, stage)
                _ = try await client.record(
                    .incident(
                        IncidentRequest(
                            name: "i", instance: "ada/shop", from: "2026-01-01", to: "2026-01-02", what: "Lost")),
                    in: "-")
                _ = try await client.record(
                    .credit(CreditRequest(invoice: number, incident: "i", amount: "1.5", currency: "EUR")), in: "-")
                _ = try await client.record(.offer(Self.offer()), in: "-")
                let incident = try #require(try await client.incidents(of: "-").incidents.first)
                #expect(incident.instance == "ada/shop" && incident.node == nil && incident.what == "Lost")
                #expect(incident.credits == [.init(invoice: number, amount: "1.50", currency: "EUR")])
            }
            try await stage.client(as: ada) { (client) async throws in
                #expect(try await client.incidents(of: "-").incidents.map(\.name) == ["i"])
                #expect(try await client.contracts(of: "-").contracts.map(\.name) == ["c1"])
                let digest = try await client.contract("c1", of: "-").digest
                let refused = try await problem {
                    try await client.record(.countersign("c1", .init(terms: digest)), in: "-")
                }
                #expect(refused.exitCode == .refused && refused.detail.contains("countersign"), "\(refused)")
            }
            try await stage.client(as: eve) { (client) async throws in
                #expect(try await client.incidents(of: "-").incidents.isEmpty)
                #expect(try await client.contracts(of: "-").contracts.isEmpty)
                #expect(try await client.subscriptions(of: "-").subscriptions.isEmpty)
                #expect(try await problem { try await client.contract("c1", of: "-") }.exitCode == .notFound)
            }
        }
    }

    // MARK: Another ledger

    /// `far`, which the ledger 0xB0 keeps, supplies `ada`, whom alpha keeps, under the contract `c`.
    private struct Other {
        var books = Accounts()
        var history = History()
        let contract: Contract

        static let id = PeerID(0xB0)
        static let machine = PeerID(0xB1)

        init(customerLedger: PeerID) throws {
            let currency = try #require(Currency("EUR"))
            let (january, february) = (try Self.day("2026-01-01"), try Self.day("2026-02-01"))
            contract = Contract(
                id: ContractID("c"), supplier: AccountID("far"), supplierLedger: Self.id, customer: AccountID("ada"),
                customerLedger: customerLedger, offeredBy: Self.id, currency: currency,
                terms: [.init(resource: ResourceID("cpu-hour"), price: Price(millionths: 33_333))],
                period: Period(from: january, to: try Self.day("2027-01-01")))
            let instance = InstanceID("ada/shop")
            let used = Period(from: january, to: january + .seconds(3_600))
            let acts: [Act] = [
                .accountOpened(Account(id: AccountID("far"), kind: .organisation, title: "Far")),
                .accountOpened(Account(id: AccountID("ada"), kind: .person, title: "Ada", ledger: customerLedger)),
                .resourceDefined(Resource(id: ResourceID("cpu-hour"), title: "Processor", unit: .hour)),
                .contractOffered(contract),
                .contractCountersigned(contract.id, terms: contract.digest, by: customerLedger),
                .machineListed(Self.machine, supplier: AccountID("far")),
                .projectSet(
                    ProjectOrder(
                        id: ProjectID("lent"), customer: AccountID("ada"), currency: currency,
                        ceiling: try #require(Money("100")))),
                .held(
                    HoldOrder(
                        instance: instance, project: ProjectID("lent"), machine: Self.machine, period: used, lines: [])
                ),
                .used(
                    UsageReport(
                        instance: instance, resource: ResourceID("cpu-hour"), period: used,
                        quantity: Quantity(millionths: 10_000_000), machine: Self.machine,
                        partition: PartitionNumber(3), release: ReleaseName("file:///shop.yaml"))),
                .billed(InvoiceRun(supplier: AccountID("far"), cycle: .month, through: february)),
                .incident(
                    Incident(id: IncidentID("i"), subject: .machine(Self.machine), period: used, what: "A \"big\" fire")
                ),
                .credited(
                    CreditOrder(
                        invoice: InvoiceNumber(issuer: AccountID("far"), ordinal: 1), incident: IncidentID("i"),
                        amount: try #require(Money("0.1")))),
            ]
            for act in acts {
                let outcome = books.apply(act, at: february, into: &history)
                #expect(outcome == .done, "\(act)")
            }
        }

        static func day(_ text: String) throws -> Instant { try #require(Instant(civil: text)) }

        func document(_ index: Int) throws -> JSONValue {
            try JSONValue(parsing: history.invoices[index].rendered(as: .json))
        }
    }

    /// What the customer's ledger records of its own, before it receives anything.
    private func begin(_ client: PalmierClient, _ other: Other) async throws {
        try await Bookkeeping.begin(client)
        let id = Other.id.description
        _ = try await client.record(
            .open(AccountRequest(name: "far", kind: "organisation", title: "Far", keeper: id)), in: "-")
        _ = try await client.record(
            .offer(
                ContractRequest(
                    name: "c", supplier: "far", customer: "ada", currency: "EUR",
                    terms: [ContractTermDocument(resource: "cpu-hour", price: "0.033333")], from: "2026-01-01",
                    to: "2027-01-01", offeredBy: id)), in: "-")
        let contract = try await client.contract("c", of: "-")
        #expect(contract.digest == other.contract.digest.description && contract.supplier.ledgerId == id)
        _ = try await client.record(.countersign("c", .init(terms: contract.digest)), in: "-")
    }

    @Test("what another ledger has counted and billed is recorded as it was issued, and both then say the same")
    func received() async throws {
        try await Stage.with { (stage) async throws in
            let other = try Other(customerLedger: stage.master.peer)
            try await stage.client { (client) async throws in
                try await begin(client, other)
                let document = try other.document(0)
                let early = try await problem { try await client.record(.receive(document), in: "-") }
                #expect(early.rule == "over-billed", "\(early)")
                let listed = Act.machineListed(Other.machine, supplier: AccountID("far"))
                guard
                    case .recorded(_) = await stage.service.call(.record(.accounting(listed)), of: stage.master.peer)
                else {
                    Issue.record("the machine is not listed")
                    return
                }
                var usage = UsageRequest(
                    instance: "ada/shop", resource: "cpu-hour", from: "2026-01-01", to: "2026-01-01T01:00:00Z",
                    quantity: "10", node: Other.machine.description, partition: 3, release: "file:///shop.yaml")
                let homeless = try await problem { try await client.record(.use(usage), in: "-") }
                #expect(homeless.detail.hasPrefix("project: missing"), "\(homeless)")
                usage.project = "web"
                for _ in 0..<2 { _ = try await client.record(.use(usage), in: "-") }
                for _ in 0..<2 { _ = try await client.record(.receive(document), in: "-") }
                let credit = try other.document(1)
                for _ in 0..<2 { _ = try await client.record(.receive(credit), in: "-") }
                let open = try #require(try await client.openInvoices(of: "-").invoices.first)
                #expect(open.number == "far-000001" && open.total == "0.33" && open.credited == "0.10", "\(open)")
                let books = try #require(await stage.service.snapshot().ownLedger?.books.accounts)
                let (mine, theirs) = (books.statement(of: ContractID("c")), other.books.statement(of: ContractID("c")))
                #expect(reconcile(try #require(mine), try #require(theirs)) == [])
                #expect(books.audit() == [] && books.hold(of: InstanceID("ada/shop")) == nil)
            }
        }
    }

    @Test("usage of a request that the ledger holds itself is not taken from elsewhere")
    func ownUsage() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                try await Bookkeeping.begin(client)
                let held = try await client.request(stage.cache())
                let usage = UsageRequest(
                    instance: "\(held.customer)/\(held.reference)", resource: "cpu-hour", from: "2026-01-01",
                    to: "2026-01-02", quantity: "1", node: "alpha", release: "r", project: "web")
                let refused = try await problem { try await client.record(.use(usage), in: "-") }
                #expect(refused.rule == "wrong-party" && refused.exitCode == .refused, "\(refused)")
                #expect(refused.detail.contains(usage.instance), "\(refused)")
            }
        }
    }

    @Test("a document that was changed on the way, or is none, is refused, and nothing is stored")
    func changed() async throws {
        try await Stage.with { (stage) async throws in
            let other = try Other(customerLedger: stage.master.peer)
            try await stage.client { (client) async throws in
                try await begin(client, other)
                let before = await stage.service.snapshot().ownLedger?.books.index
                let text = String(decoding: try DocumentCoding.encode(try other.document(0)), as: UTF8.self)
                for (old, new, expected) in [
                    (#""total":"0.33""#, #""total":"0.34""#, "digest: expected the digest of what the document says"),
                    (#""partition":"p03""#, #""partition":"p04""#, "digest: expected the digest"),
                    (#""title":"Processor""#, #""title":3"#, "lines[0].title: expected a string"),
                    (#""schema":"palmier.invoice/1""#, #""schema":"palmier.invoice/2""#, "schema: expected"),
                    (#""unit":"hour""#, #""unit":"parsec""#, "lines[0].unit: expected one of"),
                    (#""kind":"invoice""#, #""kind":"bill""#, "kind: expected invoice or credit-note"),
                    (#""number":"far-000001""#, #""number":"far""#, "number: expected an invoice's number"),
                ] {
                    let body = text.replacing(old, with: new)
                    #expect(body != text, "\(old) is not in \(text)")
                    let (status, answer) = try await stage.raw(.POST, "/v1/ledgers/-/received", body)
                    #expect((400..<500).contains(status) && answer.contains(expected), "\(new): \(status) \(answer)")
                }
                #expect(await stage.service.snapshot().ownLedger?.books.index == before)
            }
        }
    }

    // MARK: Bad input

    private struct Wrong: Sendable {
        var act: PalmierClient.BookAct
        var rule: String
        var exit: API.ExitCode
        var saying: String
    }

    private static func changed(_ change: (inout ContractRequest) -> Void) -> PalmierClient.BookAct {
        var offer = Self.offer()
        change(&offer)
        return .offer(offer)
    }

    private static func usage(_ quantity: String = "1", from: String, to: String) -> PalmierClient.BookAct {
        .use(
            UsageRequest(
                instance: "ada/shop", resource: "cpu-hour", from: from, to: to, quantity: quantity, node: "alpha",
                release: "r", project: "web"))
    }

    private static func subscription(_ change: (inout SubscriptionRequest) -> Void) -> PalmierClient.BookAct {
        var request = SubscriptionRequest(
            name: "s", project: "web", supplier: "lab", resource: "cpu-hour", quantity: "1", cycle: "month",
            from: "2026-06-01")
        change(&request)
        return .subscribe(request)
    }

    private static let wrong: [Wrong] = [
        Wrong(act: changed { $0.supplier = "eve" }, rule: "unknown-account", exit: .notFound, saying: "eve"),
        Wrong(
            act: changed { $0.terms[0].resource = "gpu" }, rule: "unknown-resource", exit: .notFound, saying: "gpu"),
        Wrong(act: changed { $0.terms[0].price = "-1" }, rule: "negative-price", exit: .usage, saying: "-1 EUR"),
        Wrong(act: changed { $0.terms = [] }, rule: "too-many", exit: .usage, saying: "0 terms"),
        Wrong(act: changed { $0.to = "2025-01-01" }, rule: "empty-period", exit: .usage, saying: "2025-01-01"),
        Wrong(act: changed { $0.customer = "lab" }, rule: "wrong-party", exit: .refused, saying: "lab"),
        Wrong(
            act: changed { $0.offeredBy = PeerID(0xB0).description }, rule: "wrong-party", exit: .refused,
            saying: PeerID(0xB0).fingerprint),
        Wrong(act: changed { $0.name = "two words" }, rule: "malformed", exit: .usage, saying: "two words"),
        Wrong(
            act: .countersign("c9", .init(terms: String(repeating: "0", count: 64))), rule: "unknown-contract",
            exit: .notFound, saying: "c9"),
        Wrong(act: .endContract("c9", .init()), rule: "unknown-contract", exit: .notFound, saying: "c9"),
        Wrong(
            act: subscription { $0.quantity = "-1" }, rule: "negative-quantity", exit: .usage, saying: "-1"),
        Wrong(act: subscription { $0.project = "wob" }, rule: "unknown-project", exit: .notFound, saying: "wob"),
        Wrong(act: subscription { $0.cycle = "week" }, rule: "unpriced", exit: .refused, saying: "week"),
        Wrong(act: subscription { $0.cycle = "year" }, rule: "wrong-currency", exit: .usage, saying: "USD"),
        Wrong(act: subscription { $0.quantity = "9" }, rule: "ceiling-exceeded", exit: .refused, saying: "18"),
        Wrong(
            act: .unsubscribe("s9", .init(at: "2026-01-01")), rule: "unknown-subscription", exit: .notFound,
            saying: "s9"
        ),
        Wrong(
            act: usage("-1", from: "2026-03-01", to: "2026-03-02"), rule: "negative-quantity", exit: .usage,
            saying: "-1"
        ),
        Wrong(
            act: usage(from: "2026-03-02", to: "2026-03-01"), rule: "empty-period", exit: .usage, saying: "2026-03-02"),
        Wrong(
            act: usage(from: "2026-02-01", to: "2026-02-03"), rule: "period-overlap", exit: .usage, saying: "2026-02-02"
        ),
        Wrong(
            act: usage(from: "2199-01-01", to: "2199-01-02"), rule: "period-in-future", exit: .usage, saying: "2199"),
    ]

    @Test("what breaks a rule is refused with the rule's name, its code and the values found, and nothing is stored")
    func rules() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                try await Bookkeeping.begin(client)
                for (price, currency, cycle) in [("2", "EUR", "month"), ("20", "USD", "year")] {
                    let request = PriceRequest(
                        resource: "cpu-hour", price: price, currency: currency, from: "2026-01-01", per: cycle)
                    _ = try await client.record(.price(request), in: "-")
                }
                let used = Self.usage(from: "2026-02-02", to: "2026-02-04")
                _ = try await client.record(used, in: "-")
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

    @Test("a wrong body is refused by field")
    func bodies() async throws {
        try await Stage.with { (stage) async throws in
            for (path, body, expected) in [
                ("contracts", #"{"name":"c"}"#, "supplier: missing"),
                ("contracts", #"{"name":"c","supplier":"a","customer":"b","currency":"EUR"}"#, "to: missing"),
                (
                    "contracts",
                    #"{"name":"c","supplier":"a","customer":"b","terms":[{"resource":"r","price":"x"}]}"#,
                    "terms[0].price: expected a decimal"
                ),
                (
                    "contracts", #"{"name":"c","supplier":"a","customer":"b","to":"2030-01-01","offeredBy":"nobody"}"#,
                    "no ledger is called"
                ),
                ("contracts/c/countersign", #"{"terms":"abc"}"#, "terms: expected a digest"),
                ("subscriptions", #"{"name":"s"}"#, "cycle: missing"),
                ("subscriptions", #"{"name":"s","cycle":"day","quantity":"x"}"#, "project: missing"),
                (
                    "subscriptions",
                    #"{"name":"s","cycle":"day","project":"p","supplier":"l","resource":"r","quantity":"1e3"}"#,
                    "quantity: expected a decimal"
                ),
                ("subscriptions/s/end", #"{"at":"soon"}"#, "at: expected a date"),
                ("usage", #"{"instance":"a/b"}"#, "from: missing"),
                ("received", "{}", "schema: missing"),
                ("accounts", #"{"kind":"person","name":"a","title":"A","keeper":"nobody"}"#, "no ledger is called"),
            ] {
                let (status, text) = try await stage.raw(.POST, "/v1/ledgers/-/\(path)", body)
                #expect((400..<500).contains(status) && text.contains(expected), "\(path) \(body): \(status) \(text)")
            }
        }
    }
}

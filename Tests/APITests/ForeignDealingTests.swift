import Accounting
import Automata
import Foundation
import Identity
import Ledger
import NIOHTTP1
import Peer
import Releases
import Runtime
import Testing

@testable import API

@Suite("What two ledgers tell each other over HTTP")
struct ForeignDealingTests {
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
}

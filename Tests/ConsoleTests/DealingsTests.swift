import API
import Accounting
import Automata
import Releases
import Testing

@testable import Console

@Suite("Contracts for people, and between two ledgers")
struct DealingsTests {
    private let plain = Output(format: .table, style: Style(isColored: false))
    private static let (m1, m2) = (PeerID(0xE2), PeerID(0xE1))
    private static let source = BooksSource(
        ledger: "m1", id: m1.description, entry: 12, role: "primary", primary: "m1", master: "m1",
        at: "2026-11-22T12:00:00.000Z")

    // MARK: Terms

    @Test("a term is RESOURCE=PRICE CURRENCY, per cycle where it is subscribed; all are in one currency")
    func terms() throws {
        let (terms, currency) = try TermText.all(["cpu-hour=0.01 EUR", "help=20EUR/month"])
        #expect(currency == "EUR")
        #expect(
            terms == [
                ContractTermDocument(resource: "cpu-hour", price: "0.01"),
                ContractTermDocument(resource: "help", price: "20", per: "month"),
            ])
        for wrong in ["", "cpu", "=1 EUR", "cpu=1", "cpu=x EUR", "cpu=1 EUR/fortnight", "cpu=1 EUR/", "cpu=1 euro"] {
            let refusal = #expect(throws: Refusal.self) { _ = try TermText.all([wrong]) }
            #expect(refusal?.message.hasPrefix("--term: expected RESOURCE=PRICE CURRENCY") == true, "\(wrong)")
        }
        let mixed = #expect(throws: Refusal.self) { _ = try TermText.all(["a=1 EUR", "b=1 USD"]) }
        #expect(mixed?.rule == "wrong-currency" && mixed?.message.contains("USD") == true)
        #expect(throws: Refusal.self) { _ = try TermText.all([]) }
    }

    // MARK: Text

    private func contract(_ state: String = "offered") -> ContractDocument {
        ContractDocument(
            name: "c1", state: state, isSigned: state != "offered",
            supplier: .init(account: "lab", ledger: "m1", ledgerId: Self.m1.description),
            customer: .init(account: "ada", ledger: "m2", ledgerId: Self.m2.description),
            offeredBy: Self.m1.description, countersigner: Self.m2.description, currency: "EUR",
            from: "2026-01-01T00:00:00Z", to: "2027-01-01T00:00:00Z",
            terms: [
                ContractTermDocument(resource: "cpu", price: "0.01"),
                ContractTermDocument(resource: "help", price: "20", per: "month"),
            ], digest: String(repeating: "ab", count: 32), totals: [], invoices: [])
    }

    @Test("a list says who has to countersign, and where the other account is kept")
    func list() {
        let document = ContractsDocument(contracts: [contract(), contract("signed")], source: Self.source)
        #expect(
            DealingsText.contracts(document, isWide: false, output: plain) == """
                2 contracts in the ledger m1
                NAME  STATE    REASON                 SUPPLIER  CUSTOMER  TERMS  TO
                c1    offered  m2 has to countersign  lab       ada@m2    2      2027-01-01T00:00:00Z
                c1    signed                          lab       ada@m2    2      2027-01-01T00:00:00Z
                told by m1 (primary), ledger m1 up to entry 12, at 2026-11-22T12:00:00.000Z
                """)
        #expect(DealingsText.contracts(document, isWide: true, output: plain).contains("abababababababab\n"))
    }

    @Test("one contract: its terms in words, and what has moved under it")
    func details() {
        var shown = contract()
        #expect(
            DealingsText.details(shown, isWide: false, output: plain) == """
                name      c1
                state     offered
                reason    m2 has to countersign
                supplier  lab, kept by the ledger m1
                customer  ada, kept by the ledger m2
                term      cpu: 0.01 EUR each, used
                term      help: 20 EUR a month, subscribed
                from      2026-01-01T00:00:00Z
                to        2027-01-01T00:00:00Z
                digest    \(shown.digest)
                nothing has moved under c1 yet
                """)
        shown.totals = [
            .init(resource: "cpu", movements: 2, quantity: "3.5", value: "0.035", from: "a", to: "b")
        ]
        #expect(
            DealingsText.details(shown, isWide: false, output: plain).hasSuffix(
                "cpu       2          3.5       0.035 EUR  a     b"))
    }

    // MARK: Signing

    private func account(_ name: String, keeper: String? = nil) -> AccountDocument {
        AccountDocument(
            name: name, kind: "organisation", title: "T \(name)", keeper: keeper, state: "open", standings: [])
    }

    private func signing(
        _ offer: ContractDocument, mine: ContractDocument? = nil, accounts: [String] = ["ada"], resources: [String] = []
    ) throws -> [String] {
        let known = ["cpu", "help"].map { ResourceDocument(name: $0, title: $0, unit: "hour") }
        return try ContractSigning(
            offer: offer, mine: mine, accounts: accounts.map { account($0) },
            resources: known.filter { resources.contains($0.name) }, others: (account("lab"), known)
        ).steps.map { "\($0.ledger == Self.m1.description ? "m1" : "m2"): \($0.what)" }
    }

    @Test(
        "who countersigns records what it lacks, then the contract, then the signature in both; what is there already is not"
    )
    func signs() throws {
        #expect(
            try signing(contract()) == [
                "m2: account lab, kept by m1", "m2: resource cpu", "m2: resource help", "m2: contract c1",
                "m2: countersignature of c1", "m1: countersignature of c1",
            ])
        #expect(
            try signing(contract(), accounts: ["ada", "lab"], resources: ["cpu", "help"]) == [
                "m2: contract c1", "m2: countersignature of c1", "m1: countersignature of c1",
            ])
        // Cut short behind the signature here.
        let all = ["cpu", "help"]
        #expect(
            try signing(contract(), mine: contract("signed"), accounts: ["ada", "lab"], resources: all)
                == ["m1: countersignature of c1"])
        #expect(
            try signing(contract("signed"), mine: contract("signed"), accounts: ["ada", "lab"], resources: all).isEmpty)
        var other = contract()
        other.digest = String(repeating: "0", count: 64)
        let refusal = #expect(throws: Refusal.self) { _ = try signing(contract(), mine: other) }
        #expect(refusal?.rule == "terms-differ" && refusal?.message.contains("abab") == true)
    }

    @Test("an offer that was taken back is signed by nobody")
    func takenBack() throws {
        var offer = contract()
        offer.ends = "2026-02-01T00:00:00Z"
        let refusal = #expect(throws: Refusal.self) { _ = try signing(offer) }
        #expect(refusal?.rule == "no-contract" && refusal?.message.contains("2026-02-01") == true)
    }

    @Test("within one ledger its countersignature is all; and what is offered is said in the very same words elsewhere")
    func within() throws {
        var one = contract()
        (one.customer.ledgerId, one.countersigner) = (Self.m1.description, Self.m1.description)
        #expect(try signing(one) == ["m1: countersignature of c1"])
        let request = ContractRequest(contract())
        #expect(request.terms == contract().terms && request.offeredBy == Self.m1.description)
        #expect(request.supplierLedger == Self.m1.description && request.customerLedger == Self.m2.description)
    }

    // MARK: Settling

    /// The supplier's side (m1 keeps `far`) and the customer's (m2 keeps `ada`); usage of an hour in the customer's.
    private struct Two {
        var sold = Side(of: m1)
        var bought = Side(of: m2)
        let contract: Contract
        var now = day(2026, 2, 1)

        struct Side {
            let id: PeerID
            var books = Accounts()
            var history: ContractHistory

            init(of id: PeerID) {
                self.id = id
                history = ContractHistory(of: Two.contract)
            }

            mutating func record(_ act: Act, at now: Instant) {
                var moved = History()
                let outcome = books.apply(act, at: now, into: &moved)
                #expect(outcome == .done, "\(act): \(outcome)")
                history.take(moved)
            }
        }

        static let contract = Contract(
            id: ContractID("c"), supplier: AccountID("far"), supplierLedger: m1, customer: TestLog.ada,
            customerLedger: m2, offeredBy: m1, currency: TestLog.euro,
            terms: [.init(resource: TestLog.cpu, price: Price(millionths: 30_000))],
            period: Period(from: day(2026, 1, 1), to: day(2027, 1, 1)))

        init() {
            contract = Self.contract
            let far = AccountID("far")
            both(
                .accountOpened(Account(id: far, kind: .organisation, title: "Far")),
                .accountOpened(Account(id: far, kind: .organisation, title: "Far", ledger: m1)))
            both(
                .accountOpened(Account(id: TestLog.ada, kind: .person, title: "Ada", ledger: m2)),
                .accountOpened(Account(id: TestLog.ada, kind: .person, title: "Ada")))
            both(.resourceDefined(Resource(id: TestLog.cpu, title: "Processor", unit: .hour)))
            both(.contractOffered(contract))
            both(.contractCountersigned(contract.id, terms: contract.digest, by: m2))
            both(.machineListed(TestLog.machine, supplier: far))
            let project = ProjectOrder(
                id: ProjectID("web"), customer: TestLog.ada, currency: TestLog.euro, ceiling: money("100"))
            bought.record(.projectSet(project), at: now)
            bought.record(
                .held(
                    HoldOrder(
                        instance: TestLog.instance, project: project.id, machine: TestLog.machine,
                        period: Period(from: day(2026, 1, 3), to: day(2026, 1, 4)), lines: [])), at: now)
            bought.record(.used(Self.usage), at: now)
        }

        static let usage = UsageReport(
            instance: TestLog.instance, resource: TestLog.cpu,
            period: Period(from: day(2026, 1, 3), to: day(2026, 1, 4)), quantity: quantity("10"),
            machine: TestLog.machine, partition: PartitionNumber(3), release: ReleaseName("file:///shop.yaml"))

        mutating func both(_ act: Act, _ other: Act? = nil) {
            sold.record(act, at: now)
            bought.record(other ?? act, at: now)
        }

        mutating func lend(_ names: [String] = ["lent"]) {
            for name in names {
                let lent = ProjectOrder(
                    id: ProjectID(name), customer: TestLog.ada, currency: TestLog.euro, ceiling: money("100"))
                sold.record(.projectSet(lent), at: now)
            }
        }

        func settle(project: String? = nil) throws(Refusal) -> [ContractSettlement.Step] {
            func side(_ side: Side, _ name: String) -> ContractSettlement.Side {
                .init(ledger: ledgerDocument(name, side.id), books: side.books, history: side.history)
            }
            return try ContractSettlement(
                contract, supplier: side(sold, "m1"), customer: side(bought, "m2"), project: project
            ).steps
        }
    }

    @Test(
        "usage goes to the supplier's ledger, charged to the customer's project there, of which there is one or a choice"
    )
    func usage() throws {
        var two = Two()
        let none = #expect(throws: Refusal.self) { _ = try two.settle() }
        #expect(
            none?.rule == "unknown-project" && none?.message.contains("the ledger m1 has no project of ada") == true)
        two.lend()
        let steps = try two.settle()
        #expect(steps.map(\.ledger) == [m1ID])
        guard case .use(let use)? = steps.first?.act else { return #expect(Bool(false), "\(steps)") }
        #expect(use.project == "lent" && use.quantity == "10" && use.instance == "ada/shop" && use.partition == 3)
        #expect(use.node == TestLog.machine.description && use.release == "file:///shop.yaml")
        two.lend(["more"])
        let several = #expect(throws: Refusal.self) { _ = try two.settle() }
        #expect(several?.remedy.contains("--project: lent, more") == true, "\(String(describing: several))")
        guard case .use(let chosen)? = try two.settle(project: "more").first?.act else { return }
        #expect(chosen.project == "more")
    }

    private var m1ID: String { Self.m1.description }
    private var m2ID: String { Self.m2.description }

    @Test("documents go to the customer's ledger and payments both ways, until nothing is left")
    func documents() throws {
        var two = Two()
        two.lend()
        two.sold.record(
            .held(
                HoldOrder(
                    instance: TestLog.instance, project: ProjectID("lent"), machine: TestLog.machine,
                    period: Two.usage.period, lines: [])), at: two.now)
        two.sold.record(.used(Two.usage), at: two.now)
        #expect(try two.settle().isEmpty)
        let run = InvoiceRun(supplier: AccountID("far"), cycle: .month, through: two.now)
        two.sold.record(.billed(run), at: two.now)
        let number = InvoiceNumber(issuer: AccountID("far"), ordinal: 1)
        let incident = Incident(
            id: IncidentID("i"), subject: .machine(TestLog.machine), period: Two.usage.period, what: "Fire")
        two.sold.record(.incident(incident), at: two.now)
        two.sold.record(
            .credited(CreditOrder(invoice: number, incident: incident.id, amount: money("0.1"))), at: two.now)
        #expect(try two.settle().map(\.what) == ["received far-000001", "received far-000002"])
        #expect(try two.settle().map(\.ledger) == [m2ID, m2ID])
        for document in two.sold.history.documents { two.bought.record(.invoiceReceived(document), at: two.now) }
        #expect(try two.settle().isEmpty)
        let paid = Payment(id: PaymentID("B-1"), invoice: number, amount: money("0.05"), currency: TestLog.euro)
        two.bought.record(.paid(paid), at: two.now)
        #expect(try two.settle().map(\.what) == ["payment B-1 of far-000001: 0.05 EUR"])
        #expect(try two.settle().map(\.ledger) == [m1ID])
        two.sold.record(.paid(paid), at: two.now)
        #expect(try two.settle().isEmpty)
        let (mine, theirs) = (
            try #require(two.sold.books.statement(of: ContractID("c"))),
            try #require(two.bought.books.statement(of: ContractID("c")))
        )
        #expect(reconcile(mine, theirs) == [])
    }
}

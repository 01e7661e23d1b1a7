import API
import Accounting
import Automata
import Foundation
import Ledger
import Peer
import Replication
import Wire

@testable import Console

/// A ledger's log as its replicas would have it, made of facts.
struct TestLog {
    let ledger: PeerID
    private(set) var entries: [LogEntry] = []

    init(of ledger: PeerID = PeerID(0xE1)) { self.ledger = ledger }

    /// A log that begins with an entry.
    init(of ledger: PeerID, beginning body: LogEntry.Body) {
        self.ledger = ledger
        add(body, at: day(2026, 1, 1))
    }

    var last: OpNumber { entries.last?.op ?? .zero }

    mutating func add(_ body: LogEntry.Body, at instant: Instant) {
        entries.append(
            LogEntry(
                after: entries.last?.digest ?? HeldLedger.genesis(of: ledger), op: last.next,
                view: View(epoch: 1, number: 0), at: instant, request: nil, body: body))
    }

    mutating func add(_ fact: Fact, at instant: Instant = day(2026, 1, 1)) {
        add(.operation(FactCoding.wire.encode(fact)), at: instant)
    }

    mutating func add(_ act: Act, at instant: Instant = day(2026, 1, 1)) { add(.accounting(act), at: instant) }

    /// Says something else at a place, as somebody does who writes to the disk but not to the digests.
    mutating func forge(_ op: UInt64, _ fact: Fact) {
        let old = entries[Int(op) - 1]
        entries[Int(op) - 1] = LogEntry(
            op: old.op, view: old.view, at: old.at, request: old.request,
            body: .operation(FactCoding.wire.encode(fact)), claiming: old.digest)
    }

    /// Says something else from a place on, with digests that fit.
    mutating func fork(at op: UInt64, _ fact: Fact) {
        let old = entries
        entries = Array(old.prefix(Int(op) - 1))
        add(fact, at: old[Int(op) - 1].at)
        for entry in old.dropFirst(Int(op)) { add(entry.body, at: entry.at) }
    }

    func stretch(_ range: Range<Int>? = nil, damaged: UInt64? = nil, commit: UInt64? = nil) -> LedgerAudit.Stretch {
        LedgerAudit.Stretch(
            commit: OpNumber(commit ?? last.value), entries: Array(entries[range ?? entries.indices]),
            damaged: damaged.map { OpNumber($0) })
    }
}

/// `lab` supplies machine 1 at 0.02 EUR an hour of processor; `ada` used 10.5 hours on 3 January 2026, half of them are
/// invoiced on 4 January, and a correction of 5 JPY was made on the 6th.
extension TestLog {
    static let euro = currency("EUR")
    static let lab = AccountID("lab")
    static let ada = AccountID("ada")
    static let cpu = ResourceID("cpu")
    static let machine = PeerID(0xA1)
    static let instance = InstanceID("ada/shop")

    static func books(of ledger: PeerID = PeerID(0xE1)) -> TestLog {
        var log = TestLog(of: ledger)
        log.add(.none, at: day(2026, 1, 1))
        log.add(.accountOpened(Account(id: lab, kind: .organisation, title: "Laboratory, \"the\"")))
        log.add(.accountOpened(Account(id: ada, kind: .person, title: "Ada Lovelace")))
        log.add(.resourceDefined(Resource(id: cpu, title: "Processor time", unit: .hour)))
        log.add(.machineListed(machine, supplier: lab))
        let price = PriceOrder(
            path: PricePath(resource: cpu), price: Price(millionths: 20_000), currency: euro, from: day(2026, 1, 1))
        log.add(.priceSet(price))
        let project = ProjectOrder(id: ProjectID("p"), customer: ada, currency: euro, ceiling: money("10"))
        log.add(.projectSet(project))
        let hold = HoldOrder(
            instance: instance, project: ProjectID("p"), machine: machine,
            period: Period(from: day(2026, 1, 3), to: day(2026, 1, 9)), lines: [.init(cpu, quantity("100"))])
        log.add(.held(hold))
        log.use("5.25", on: 3)
        log.add(.billingSet(BillingTerms(supplier: lab, customer: ada, cycle: .day)), at: day(2026, 1, 4))
        log.add(
            .billed(InvoiceRun(supplier: lab, cycle: .day, through: day(2026, 1, 4))), at: day(2026, 1, 4))
        log.use("5.25", on: 4)
        let gift = Posting(
            lines: [.init(account: lab, amount: money("-5")), .init(account: ada, amount: money("5"))],
            currency: currency("JPY"), reason: "a gift, really; \"free\"")
        log.add(.posted(gift), at: day(2026, 1, 6))
        // Refused by a rule: it stands in the log, and changes nothing.
        log.add(.accountClosed(ada), at: day(2026, 1, 6))
        return log
    }

    mutating func use(_ hours: String, on dayOfMonth: Int, machine: PeerID = machine) {
        let period = Period(from: day(2026, 1, dayOfMonth), to: day(2026, 1, dayOfMonth) + .seconds(3_600))
        add(
            .used(
                UsageReport(
                    instance: Self.instance, resource: Self.cpu, period: period, quantity: quantity(hours),
                    machine: machine, partition: PartitionNumber(3), release: ReleaseName("file:///shop.yaml"))),
            at: day(2026, 1, dayOfMonth) + .seconds(7_200))
    }
}

func day(_ year: Int, _ month: Int, _ day: Int) -> Instant {
    CivilDate(year: year, month: month, day: day)?.start ?? .distantFuture
}
func money(_ text: String) -> Money { Money(text) ?? .balanceMax }
func quantity(_ text: String) -> Quantity { Quantity(text) ?? .zero }
func currency(_ code: String) -> Currency {
    guard let currency = Currency(code) else { preconditionFailure("\(code) is no currency") }
    return currency
}

/// What status says of a ledger; its entries are what counts here.
func ledgerDocument(_ name: String, _ id: PeerID, commit: UInt64 = 0) -> LedgerDocument {
    LedgerDocument(
        name: name, id: id.description, fingerprint: id.fingerprint, role: "primary", primary: name, view: "1.0",
        op: commit, commit: commit, standing: 0, wanted: 0, minimum: 0, replaceAfterSeconds: 60, health: .ok,
        reasons: [], remedy: "", members: [], master: name, at: "2026-11-22T12:00:00.000Z")
}

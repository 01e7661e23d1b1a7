import Accounting
import Automata
import Foundation
import Ledger
import SwiftProtobuf
import Testing
import WireSchema

@testable import Wire

@Suite("Acts keep every word on their way into the log, and nothing else is an act")
struct ActTests {
    static let all = ActKind.allCases.map(\.sample) + ActKind.variants

    @Test("an act of each kind, in a ledger's entry too", arguments: ActKind.allCases)
    func roundTrip(_ kind: ActKind) throws {
        #expect(ActKind(kind.sample) == kind)
        for act in [kind.sample] + ActKind.variants where ActKind(act) == kind {
            #expect(try Act(decoding: act.encoded()) == act)
            let entry = Entry(index: LedgerIndex(3), at: someInstant, fact: .accounting(act))
            #expect(try Entry(decoding: entry.encoded()) == entry)
        }
    }

    @Test("every unit, cycle and kind of account")
    func enums() throws {
        for unit in Accounting.Unit.allCases {
            try expectKept(.resourceDefined(Resource(id: BookSamples.cpu, title: "t", unit: unit)))
        }
        for cycle in Cycle.allCases {
            try expectKept(.billed(InvoiceRun(supplier: BookSamples.lab, cycle: cycle, through: .zero)))
        }
        for kind in Account.Kind.allCases {
            try expectKept(.accountOpened(Account(id: BookSamples.ada, kind: kind, title: "t")))
        }
    }

    @Test(
        "amounts of either sign are exact, up to the largest balance",
        arguments: [
            "0", "1", "-1", "0.000000000001", "-0.000000000001", "0.999999999999", "-12.000000000034",
            "999999999999999999.999999999999", "1000000000000000000", "-1000000000000000000",
        ])
    func amounts(_ text: String) throws {
        let amount = BookSamples.money(text)
        #expect(try WireMoney(amount).decoded("it") == amount)
        #expect(amount.description == text)
    }

    @Test(
        "an amount beyond all balances is refused when it is read, however far beyond", arguments: [1, 2, -1] as [Int])
    func amountsBeyond(_ factor: Int) {
        for amount in [
            Int128.max / 2 * Int128(factor.signum()), Int128(factor) * 1_500_000_000_000_000_000_000_000_000_000,
        ] {
            #expect(throws: WireError.self) { try WireMoney(Money(trillionths: amount)).decoded("it") }
        }
    }

    @Test("without any one of its fields, an act is another one or none", arguments: ActKind.allCases)
    func everyField(_ kind: ActKind) throws {
        let bytes = kind.sample.encoded()
        let lacking = try #require(Self.withoutAField(bytes, depth: 0))
        #expect(!lacking.isEmpty)
        for less in lacking {
            let act = try? Act(decoding: less)
            #expect(act != kind.sample, "\(less.hexadecimal)")
        }
    }

    /// The message without each of its fields, and without each of those of the messages inside.
    private static func withoutAField(_ bytes: [UInt8], depth: Int) -> [[UInt8]]? {
        guard depth < 6, let fields = RawField.all(of: bytes), !fields.isEmpty else { return nil }
        var found: [[UInt8]] = []
        for index in fields.indices {
            var less = fields
            less.remove(at: index)
            found.append(less.flatMap(\.bytes))
            guard case .bytes(let inner) = fields[index].value, let inside = withoutAField(inner, depth: depth + 1)
            else { continue }
            for changed in inside {
                var more = fields
                more[index].value = .bytes(changed)
                found.append(more.flatMap(\.bytes))
            }
        }
        return found
    }

    @Test(
        "cut anywhere, an act is refused or another one, never the same and never a trap", arguments: ActKind.allCases)
    func truncation(_ kind: ActKind) {
        let bytes = kind.sample.encoded()
        for count in 0..<bytes.count {
            let cut = try? Act(decoding: Array(bytes.prefix(count)))
            #expect(cut != kind.sample)
        }
    }

    @Test("an act of tomorrow is known as such, and so is the fact that holds it")
    func tomorrow() throws {
        let act: [UInt8] = [0xBA, 0x3E, 0x00]  // field 999, empty
        let fact: [UInt8] = [0x62, 0x03] + act  // field 12
        #expect { try Act(decoding: act) } throws: { ($0 as? WireError)?.code == .unknownKind }
        #expect {
            try Entry(decoding: [0x08, 0x01, 0x1A, UInt8(fact.count)] + fact)
        } throws: { ($0 as? WireError)?.code == .unknownKind }
        #expect { try Act(decoding: []) } throws: { ($0 as? WireError)?.code == .missing }
    }

    // MARK: Bounds

    struct Violation: Sendable, CustomStringConvertible {
        let description: String
        let code: WireError.Code
        let act: WireAct

        init(
            _ description: String, _ code: WireError.Code = .outOfBounds, of kind: ActKind,
            _ change: (inout WireAct) -> Void
        ) {
            self.description = description
            self.code = code
            var act = WireAct(kind.sample)
            change(&act)
            self.act = act
        }
    }

    static func long(_ count: Int) -> String { String(repeating: "x", count: count) }

    @Test("an act with one value outside its bounds is refused, and the message says which", arguments: violations)
    func bounds(_ violation: Violation) throws {
        let bytes: [UInt8] = try violation.act.serializedBytes()
        let error = #expect(throws: WireError.self) { try Act(decoding: bytes) }
        #expect(error?.code == violation.code, "\(error?.message ?? "")")
        #expect(error?.message.isEmpty == false)
    }

    static let violations: [Violation] = [
        Violation("no name", of: .accountOpened) { $0.accountOpened.id = "" },
        Violation("a long name", of: .accountOpened) { $0.accountOpened.id = long(129) },
        Violation("no title", of: .accountOpened) { $0.accountOpened.title = "" },
        Violation("a long title", of: .accountOpened) { $0.accountOpened.title = long(257) },
        Violation("a long street", of: .accountOpened) { $0.accountOpened.address.street = long(257) },
        Violation("a long country", of: .accountOpened) { $0.accountOpened.address.country = long(257) },
        Violation("a short ledger", of: .accountOpened) { $0.accountOpened.ledger = Data([1]) },
        Violation("no kind", .missing, of: .accountOpened) { $0.accountOpened.kind = .unspecified },
        Violation("a kind of tomorrow", .unknownKind, of: .accountOpened) {
            $0.accountOpened.kind = .UNRECOGNIZED(9)
        },
        Violation("a closed account without name", of: .accountClosed) { $0.accountClosed = "" },
        Violation("no ceiling", .missing, of: .projectSet) { $0.projectSet.clearCeiling() },
        Violation("two signs", of: .projectSet) { $0.projectSet.ceiling.trillionths = -1 },
        Violation("a whole unit of trillionths", of: .projectSet) {
            $0.projectSet.ceiling.trillionths = 1_000_000_000_000
        },
        Violation("more units than a balance", of: .projectSet) {
            $0.projectSet.ceiling.units = 1_000_000_000_000_000_001
        },
        Violation("small letters", of: .projectSet) { $0.projectSet.currency = "eur" },
        Violation("no currency", of: .projectSet) { $0.projectSet.currency = "" },
        Violation("no cycle", .missing, of: .projectSet) { $0.projectSet.cycle = .unspecified },
        Violation("a cycle of tomorrow", .unknownKind, of: .projectSet) { $0.projectSet.cycle = .UNRECOGNIZED(9) },
        Violation("a long resource", of: .resourceDefined) { $0.resourceDefined.id = long(65) },
        Violation("no unit", .missing, of: .resourceDefined) { $0.resourceDefined.unit = .unspecified },
        Violation("a unit of tomorrow", .unknownKind, of: .resourceDefined) {
            $0.resourceDefined.unit = .UNRECOGNIZED(99)
        },
        Violation("no machine", of: .machineListed) { $0.machineListed.machine = Data() },
        Violation("no path", .missing, of: .priceSet) { $0.priceSet.clearPath() },
        Violation("nobody's customer", of: .priceSet) { $0.priceSet.path.customer = "" },
        Violation("a cycle that is there and none", .missing, of: .priceSet) { $0.priceSet.path.per = .unspecified },
        Violation("before 1970", of: .priceSet) { $0.priceSet.fromNanoseconds = -1 },
        Violation("1,001 lines", of: .posted) {
            let line = $0.posted.lines[0]
            $0.posted.lines = Array(repeating: line, count: 1_001)
        },
        Violation("a line without amount", .missing, of: .posted) { $0.posted.lines[0].clearAmount() },
        Violation("no reason", of: .posted) { $0.posted.reason = "" },
        Violation("a name that is there and empty", of: .postedByName) { $0.posted.id = "" },
        Violation("a long name of a correction", of: .postedByName) { $0.posted.id = long(129) },
        Violation("a long instance", of: .used) { $0.used.instance = long(321) },
        Violation("a long release", of: .used) { $0.used.release = long(513) },
        Violation("partition 10,000", of: .used) { $0.used.partition = 10_000 },
        Violation("no period", .missing, of: .used) { $0.used.clearPeriod() },
        Violation("a period from before 1970", of: .used) { $0.used.period.startMilliseconds = -1 },
        Violation("a period into 2262", of: .used) { $0.used.period.endMilliseconds = 9_214_646_400_001 },
        Violation("101 lines", of: .held) {
            let line = $0.held.lines[0]
            $0.held.lines = Array(repeating: line, count: 101)
        },
        Violation("a released instance without name", of: .released) { $0.released = "" },
        Violation("a subscription's end before 1970", of: .unsubscribed) { $0.unsubscribed.atNanoseconds = .min },
        Violation("due after more than a year", of: .billingSet) { $0.billingSet.dueDays = 366 },
        Violation("an incident about nothing", .missing, of: .incident) { $0.incident.subject = nil },
        Violation("a long story", of: .incident) { $0.incident.what = long(1_025) },
        Violation("an invoice without number", of: .credited) { $0.credited.invoice.ordinal = 0 },
        Violation("no invoice", .missing, of: .credited) { $0.credited.clearInvoice() },
        Violation("a number without successor", of: .paid) { $0.paid.invoice.ordinal = .max },
        Violation("101 terms", of: .contractOffered) {
            let term = $0.contractOffered.terms[0]
            $0.contractOffered.terms = Array(repeating: term, count: 101)
        },
        Violation("terms of 31 bytes", of: .contractCountersigned) {
            $0.contractCountersigned.terms = Data(repeating: 1, count: 31)
        },
        Violation("closed before 1970", of: .closedBefore) { $0.closedBeforeNanoseconds = -1 },
        Violation("4,001 lines of an invoice", of: .invoiceReceived) {
            let line = $0.invoiceReceived.lines[0]
            $0.invoiceReceived.lines = Array(repeating: line, count: 4_001)
        },
        Violation("due in the year 10000", of: .invoiceReceived) { $0.invoiceReceived.dueDay = 2_932_897 },
        Violation("due in the year 0", of: .invoiceReceived) { $0.invoiceReceived.dueDay = -719_163 },
        Violation("no digest before", of: .invoiceReceived) { $0.invoiceReceived.previous = Data() },
        Violation("a line without trail", .missing, of: .invoiceReceived) { $0.invoiceReceived.lines[0].clearTrail() },
        Violation("a credit of nothing", .missing, of: .invoiceReceived) {
            $0.invoiceReceived.credit.incident = "fire"
        },
    ]

    private func expectKept(_ act: Act) throws {
        #expect(try Act(decoding: act.encoded()) == act)
    }
}

import Accounting
import Automata
import Ledger
import Wire

// usage: BooksBench [CUSTOMERS INSTANCES HOURS]
//
// A month of usage as entries of a log: what it takes to write, read and apply them, and the books that they add up to.

let sizes = CommandLine.arguments.dropFirst().compactMap { Int($0) }
let workload = UsageWorkload(
    customers: sizes.count > 0 ? sizes[0] : 100, instances: sizes.count > 1 ? sizes[1] : 10,
    hours: sizes.count > 2 ? sizes[2] : 100)
let clock = ContinuousClock()
var books = Books()

func apply(_ act: Act, at instant: Instant, to books: inout Books) {
    books.apply(Entry(index: books.index.next, at: instant, fact: .accounting(act)))
    guard case .refused(let breach) = books.outcome else { return }
    preconditionFailure("\(breach)")
}

func report(_ what: String, _ duration: Duration, per count: Int = 1) {
    let nanoseconds = duration / count / .nanoseconds(1)
    print("\(what): \(nanoseconds < 10_000 ? "\(Int(nanoseconds)) ns" : "\(Int(nanoseconds / 1_000)) µs")")
}

for act in workload.preparation { apply(act, at: .zero, to: &books) }
let count = workload.movements
let entries = (0..<count).map { number in
    Entry(index: LedgerIndex(UInt64(number + 1)), at: workload.end, fact: .accounting(.used(workload.report(number))))
}
var written: [[UInt8]] = []
report("write an act of usage", clock.measure { written = entries.map { $0.encoded() } }, per: count)
print("its bytes: \(written.reduce(0) { $0 + $1.count } / count)")
var read: [Entry] = []
report("read it", try clock.measure { read = try written.map { try Entry(decoding: $0) } }, per: count)
precondition(read == entries, "what was read is not what was written")
report(
    "apply it",
    clock.measure {
        for case .accounting(let act) in read.map(\.fact) { apply(act, at: workload.end, to: &books) }
    }, per: count)
var bytes: [UInt8] = []
report("write books of \(count) movements", clock.measure { bytes = books.encoded() })
print("their bytes: \(bytes.count)")
var again = Books()
report("read them", try clock.measure { again = try Books(decoding: bytes) })
precondition(again.contents == books.contents, "the books that were read are others")
report("invoice all of it", clock.measure { apply(workload.run, at: workload.end, to: &books) })
report("write the books then", clock.measure { bytes = books.encoded() })
print("their bytes: \(bytes.count)")

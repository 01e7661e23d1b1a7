import Automata

@testable import Accounting

/// The books as a child would keep them: a list of all that was counted, gone through from the start for every answer.
/// It knows usage at one list price, daily invoice runs, payments and credits, which is what the twin test draws.
struct NaiveBooks {
    struct Used {
        var report: UsageReport
        var customer: AccountID
        var price: Price
        var invoice: Int?
    }

    struct Document {
        var customer: AccountID
        var total: Money
        var isCredit: Bool
        var credited = Money.zero
        var paid = Money.zero
    }

    var used: [Used] = []
    var prices: [(from: Instant, price: Price)] = []
    var documents: [Document] = []

    /// Half-hours, which is what the test draws.
    private func halves(_ period: Period) -> [Int64] {
        Array(stride(from: period.start.milliseconds, to: period.end.milliseconds, by: 1_800_000))
    }

    enum Answer { case counted, repeated, refused }

    mutating func use(_ report: UsageReport, by customer: AccountID) -> Answer {
        var taken: Set<Int64> = []
        for other in used where other.report.instance == report.instance && other.report.resource == report.resource {
            taken.formUnion(halves(other.report.period))
        }
        let mine = halves(report.period)
        if mine.allSatisfy(taken.contains) { return .repeated }
        if mine.contains(where: taken.contains) { return .refused }
        guard let price = prices.last(where: { $0.from <= report.period.start }) else { return .refused }
        used.append(Used(report: report, customer: customer, price: price.price, invoice: nil))
        return .counted
    }

    /// Invoices all customers for what began before an instant; a line is what has the same instance, machine and price.
    mutating func bill(through: Instant) {
        let ready = used.indices.filter {
            used[$0].invoice == nil && used[$0].report.period.start < through && used[$0].price != .free
        }
        for customer in Set(ready.map { used[$0].customer }).sorted() {
            let mine = ready.filter { used[$0].customer == customer }
            var lines: [String: (quantity: Int64, price: Price)] = [:]
            for index in mine {
                let entry = used[index]
                let key = "\(entry.report.instance) \(entry.report.machine) \(entry.price)"
                lines[key] = ((lines[key]?.quantity ?? 0) + entry.report.quantity.millionths, entry.price)
                used[index].invoice = documents.count
            }
            let total = lines.values.reduce(Int128(0)) { sum, line in
                sum + Self.coins(Int128(line.quantity) * Int128(line.price.millionths))
            }
            documents.append(Document(customer: customer, total: Money(trillionths: total), isCredit: false))
        }
    }

    /// Half to even, in cents of 10^10 trillionths.
    private static func coins(_ value: Int128) -> Int128 {
        let cent: Int128 = 10_000_000_000
        let (low, rest) = (value / cent, value % cent)
        if rest * 2 > cent || (rest * 2 == cent && low % 2 == 1) { return (low + 1) * cent }
        return low * cent
    }

    func accrued(by customer: AccountID) -> Money {
        used.filter { $0.customer == customer && $0.invoice == nil }.reduce(.zero) { sum, entry in
            sum + Money(trillionths: Int128(entry.report.quantity.millionths) * Int128(entry.price.millionths))
        }
    }

    func invoiced(to customer: AccountID) -> Money {
        documents.filter { $0.customer == customer && !$0.isCredit }.reduce(.zero) {
            $0 + $1.total - $1.credited - $1.paid
        }
    }

    func quantity(of customer: AccountID) -> Int128 {
        used.filter { $0.customer == customer }.reduce(0) { $0 + Int128($1.report.quantity.millionths) }
    }
}

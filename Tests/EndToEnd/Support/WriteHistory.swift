/// What clients asked of ledgers and what they were answered: the measure of what must be there.
///
/// Every request bears a number, `value`, which grows with each change of it. Any client may write to a name, through any
/// master, but one write after the other. When one has no answer, nobody writes to that name again: it must then say what
/// was acknowledged last, or what had no answer, and nothing else.
actor WriteHistory {
    typealias Instant = ContinuousClock.Instant

    /// One name, as clients know it.
    struct Record: Sendable {
        /// The master whose ledger it was asked of.
        let ledger: String
        var asked: Int
        /// nil until the first acknowledgement.
        var acknowledged: Int?
        /// The write that has no answer; the name's last one.
        var unanswered: Int?
        /// A write that waits for its answer.
        var isWaiting = false

        /// What a master may show; nil: nothing at all.
        var allowed: [Int?] {
            guard let unanswered else { return [acknowledged] }
            return [acknowledged, unanswered]
        }
    }

    struct Write: Sendable {
        let name: String
        let value: Int
        let ledger: String
        let isNew: Bool
    }

    private(set) var records: [String: Record] = [:]
    /// When each acknowledgement came, by ledger, in order.
    private var acknowledgements: [String: [Instant]] = [:]
    /// Why writes were refused, had no answer or a late one, and how often.
    private var reasons: [String: Int] = [:]
    private var nextNumber = 1

    /// A ledger's names that may be written to now.
    private func open(in ledger: String) -> [String] {
        records.filter { $0.value.ledger == ledger && $0.value.unanswered == nil && !$0.value.isWaiting }.keys.sorted()
    }

    func openCount(in ledger: String) -> Int { open(in: ledger).count }

    // MARK: Writing

    /// A new name.
    func invent(in ledger: String) -> Write {
        let name = "\(ledger)-\(nextNumber)"
        nextNumber += 1
        records[name] = Record(ledger: ledger, asked: 1, isWaiting: true)
        return Write(name: name, value: 1, ledger: ledger, isNew: true)
    }

    /// A change of a name to which nobody writes now.
    ///
    /// - Parameter draw: any number; chooses the name.
    /// - Returns: nil when there is none.
    func change(in ledger: String, draw: Int) -> Write? {
        let names = open(in: ledger)
        guard !names.isEmpty, var record = records[names[draw % names.count]] else { return nil }
        let name = names[draw % names.count]
        record.asked += 1
        record.isWaiting = true
        records[name] = record
        return Write(name: name, value: record.asked, ledger: record.ledger, isNew: false)
    }

    /// - Parameter duration: from the question to the answer.
    func note(_ write: Write, _ outcome: MasterSocket.Outcome, by master: String, after duration: Duration) {
        switch outcome {
        case .acknowledged:
            records[write.name]?.acknowledged = write.value
            acknowledgements[write.ledger, default: []].append(.now)
            let whole = duration.components.seconds
            if whole > 0 { count("\(master): acknowledged after more than \(whole) s") }
        case .unanswered(let why):
            count(why)
            records[write.name]?.unanswered = write.value
        case .refused(let why):
            count(why)
            // Nobody has ever heard of it.
            if write.isNew { records[write.name] = nil }
        }
    }

    /// The write is over, however it ended.
    func end(_ write: Write) { records[write.name]?.isWaiting = false }

    private func count(_ why: String) {
        // One line for all names of a kind.
        reasons[why.replacing(/-[0-9]+/, with: "-…"), default: 0] += 1
    }

    // MARK: Reading

    /// Acknowledged writes of all ledgers, and names whose last write has no answer.
    var counts: (acknowledged: Int, unanswered: Int) {
        (acknowledgements.values.map(\.count).reduce(0, +), records.values.count { $0.unanswered != nil })
    }

    /// Whether a write to the ledger was acknowledged after an instant.
    func hasAcknowledged(in ledger: String, after instant: Instant) -> Bool {
        acknowledgements[ledger]?.last.map { $0 > instant } ?? false
    }

    /// The longest time in which no write to the ledger was acknowledged, between an instant and now.
    func longestPause(in ledger: String, since instant: Instant) -> Duration {
        var (last, longest) = (instant, Duration.zero)
        for next in (acknowledgements[ledger] ?? []).drop(while: { $0 < instant }) + [.now] {
            longest = max(longest, next - last)
            last = next
        }
        return longest
    }

    /// Why writes were refused, had no answer or a late one, and how often, since it was asked last.
    func takeReasons() -> [String: Int] {
        defer { reasons = [:] }
        return reasons
    }

    /// What is wrong with what a master shows; nobody writes meanwhile.
    func faults(in shown: HeldRequests) -> [String] {
        var faults: [String] = []
        var found: [String: HeldRequest] = [:]
        if !shown.missing.isEmpty { faults.append("the ledgers of \(shown.missing) are missing") }
        if !shown.unreachable.isEmpty { faults.append("\(shown.unreachable.map(\.reference)) cannot be reached") }
        for request in shown.instances {
            if found.updateValue(request, forKey: request.reference) != nil {
                faults.append("\(request.reference) is there twice")
            }
            guard let record = records[request.reference] else {
                faults.append("\(request.reference) was never asked for")
                continue
            }
            if !request.home.isEmpty, request.home != record.ledger {
                faults.append("\(request.reference) is in the ledger of \(request.home), not of \(record.ledger)")
            }
        }
        for (name, record) in records.sorted(by: { $0.key < $1.key }) {
            let value = found[name].flatMap { $0.parameters["value"] }
            guard !record.allowed.contains(value) else { continue }
            faults.append("\(name) shows \(say(value)), expected \(record.allowed.map(say).joined(separator: " or "))")
        }
        return faults
    }

    /// Names that a master shows, and does not know yet in whose ledger they are: it is told after most others.
    func strange(in shown: HeldRequests) -> [String] { shown.instances.filter(\.home.isEmpty).map(\.reference) }

    private func say(_ value: Int?) -> String { value.map { "\($0)" } ?? "nothing" }
}

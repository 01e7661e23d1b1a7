import Automata

@testable import Replication

/// What was done so far, by whomever: what later deeds must agree with.
struct ExploredHistory: Hashable {
    struct Executed: Hashable {
        var digest: Digest
        var request: RequestID?
        /// In which whoever was first executed it.
        var view: View
    }

    struct Begun: Hashable {
        var view: View
        var after: OpNumber
        var log: [Digest?]
    }

    /// The first is place 1.
    private(set) var executed: [Executed?] = []
    private(set) var begun: [Begun] = []
    private(set) var answered = OpNumber.zero
    /// What was answered before a read was asked for.
    private(set) var asked = OpNumber.zero
    private let heedsReads: Bool

    init(heedsReads: Bool) { self.heedsReads = heedsReads }

    /// - Returns: what it breaks, by the invariant's name.
    mutating func add(_ deed: Deed) -> String? {
        switch deed {
        case .executed(let entry, let view): return add(entry, in: view)
        case .started(let view, let after, let log): return begin(view, after: after, log)
        case .answered(let op):
            if heedsReads { answered = max(answered, op) }
        case .asked: asked = answered
        case .confirmed(let op):
            if op < asked { return "STALE READ: up to \(op), \(asked) was answered before it was asked for" }
        }
        return nil
    }

    private mutating func add(_ entry: LogEntry, in view: View) -> String? {
        let index = Int(entry.op.value) - 1
        while executed.count <= index { executed.append(nil) }
        if let known = executed[index] {
            return known.digest == entry.digest
                ? nil : "AGREEMENT: two entries are executed at \(entry.op), the second in view \(view)"
        }
        if let request = entry.request, let other = executed.firstIndex(where: { $0?.request == request }) {
            return "ONCE: \(request) is executed at \(other + 1) and at \(entry.op)"
        }
        executed[index] = Executed(digest: entry.digest, request: entry.request, view: view)
        for later in begun where later.view > view && !later.has(entry.digest, at: index) {
            return "I3: view \(later.view) began without entry \(entry.op), which view \(view) has committed"
        }
        return nil
    }

    private mutating func begin(_ view: View, after: OpNumber, _ log: [Digest?]) -> String? {
        if begun.contains(where: { $0.view == view }) { return "ONE PRIMARY: view \(view) begins twice" }
        let start = Begun(view: view, after: after, log: log)
        begun.append(start)
        begun.sort { $0.view < $1.view }
        for (index, entry) in executed.enumerated() {
            guard let entry, entry.view < view, !start.has(entry.digest, at: index) else { continue }
            return "I3: view \(view) begins without entry \(index + 1), which view \(entry.view) has committed"
        }
        return nil
    }
}

extension ExploredHistory.Begun {
    /// What lies in front of its log was executed, and compared then.
    fileprivate func has(_ digest: Digest, at index: Int) -> Bool {
        let place = index - Int(after.value)
        return place < 0 || place < log.count && log[place] == digest
    }
}

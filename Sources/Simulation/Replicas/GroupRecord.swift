import Automata
import Replication

/// What an omniscient observer knows of one group: what was executed at each place, what that makes of the state, and what
/// clients were told.
///
/// The history is linearizable when (Herlihy and Wing 1990) some order of the calls explains all answers and keeps the
/// order of calls that do not overlap. Here the log gives the order: each executed write has one place in it, and a read
/// has that of the state it saw. So it is enough that each answer is right at its place, and that a call's place is not
/// before that of any call that was answered before it began; a write's is behind it. `floor` is the largest place answered
/// so far, noted when a call begins and compared when it is answered: O(1) a call.
struct GroupRecord: Sendable {
    /// By place, from 1.
    private var entries: [LogEntry] = []
    /// What the log makes of the state, by place, from 0. They share what no entry changed.
    private var states = [ReplicatedBooks.first]
    private(set) var membership = Membership.unknown
    private(set) var membershipOp = OpNumber.zero
    /// Of the epoch before the newest.
    private(set) var formerMembership = Membership.unknown
    private var places: [RequestID: OpNumber] = [:]  // looked up only
    /// Of checkpoints that replicas made: looked up only.
    private var heads: [OpNumber: CheckpointHead] = [:]
    /// The largest place in any answer that a client got.
    private(set) var floor = OpNumber.zero

    struct Problem {
        var invariant: String
        var summary: String
    }

    var last: OpNumber { OpNumber(UInt64(entries.count)) }

    func entry(at op: OpNumber) -> LogEntry? {
        op.value >= 1 && op <= last ? entries[Int(op.value) - 1] : nil
    }

    /// Somebody executes an entry.
    ///
    /// - Parameter place: the last one that it executed before.
    /// - Returns: what is wrong with that, and whether it is the first to do so.
    mutating func executed(_ entry: LogEntry, after place: OpNumber, by name: String) -> (Problem?, isFirst: Bool) {
        guard entry.op == place.next else {
            return (Problem(invariant: "agreement", summary: "\(name) executed \(entry.op) behind \(place)"), false)
        }
        if let known = self.entry(at: entry.op) {
            guard known != entry else { return (nil, false) }
            return (differs(entry, from: known, "\(name) executed"), false)
        }
        guard entry.op == last.next else {
            return (
                Problem(invariant: "agreement", summary: "\(name) executed \(entry.op), and nobody \(last.next)"), true
            )
        }
        entries.append(entry)
        var books = states[states.count - 1]
        books.execute(entry)
        states.append(books)
        if case .reconfigure(let membership) = entry.body {
            formerMembership = self.membership
            (self.membership, membershipOp) = (membership, entry.op)
        }
        guard let request = entry.request else { return (nil, true) }
        guard let earlier = places[request] else {
            places[request] = entry.op
            return (nil, true)
        }
        return (
            Problem(invariant: "once", summary: "\(request) was executed at \(earlier), and again at \(entry.op)"), true
        )
    }

    private func differs(_ entry: LogEntry, from known: LogEntry, _ what: String) -> Problem {
        // What a client was told is lost; what nobody was told yet is only not the same everywhere.
        Problem(
            invariant: entry.op <= floor ? "I3" : "agreement",
            summary: "\(what) at \(entry.op) what \(entry.view) made; what \(known.view) made was executed there before"
                + (entry.op <= floor ? ", and a client was told so" : ""))
    }

    /// A state that says to be that of a place.
    func state(_ books: ReplicatedBooks, at op: OpNumber, of name: String) -> Problem? {
        guard op <= last, !books.isSame(as: states[Int(op.value)]) else { return nil }
        return Problem(invariant: "agreement", summary: "\(name) has another state at \(op) than the log makes")
    }

    /// A checkpoint that a replica makes, or takes.
    mutating func checkpoint(_ head: CheckpointHead, books: ReplicatedBooks, of name: String) -> Problem? {
        guard head.op <= last, head.op == .zero || entry(at: head.op)?.digest == head.digest else {
            return Problem(invariant: "agreement", summary: "\(name) has a checkpoint at \(head.op) of another log")
        }
        if let known = heads[head.op], known != head {
            return Problem(
                invariant: "agreement", summary: "\(name) has other sessions, or other members, at \(head.op)")
        }
        heads[head.op] = head
        return state(books, at: head.op, of: name)
    }

    /// Compares a disk with the log, up to where it says that it is committed.
    func disk(_ disk: ReplicaDisk, through op: OpNumber, of name: String) -> Problem? {
        var next = disk.firstKept
        while next <= min(op, disk.last) {
            if let found = disk.rows[next]?.entry, let known = entry(at: next), found != known {
                return differs(found, from: known, "\(name) has on its disk")
            }
            next = next.next
        }
        return nil
    }

    // MARK: Clients

    /// A client is told that its write was done.
    mutating func answered(_ request: RequestID, with op: OpNumber, since floor: OpNumber) -> Problem? {
        guard let place = places[request] else {
            return Problem(invariant: "I3", summary: "\(request) was answered with \(op), and never executed")
        }
        guard place == op else {
            return Problem(invariant: "I3", summary: "\(request) was answered with \(op), and executed at \(place)")
        }
        guard op > floor else {
            return Problem(
                invariant: "linearizability",
                summary: "\(request) has the place \(op); \(floor) had been answered before it was asked")
        }
        self.floor = max(self.floor, op)
        return nil
    }

    /// A client is told what it wanted to read.
    mutating func read(_ books: ReplicatedBooks, at op: OpNumber, since floor: OpNumber, of name: String) -> Problem? {
        guard op >= floor else {
            return Problem(
                invariant: "linearizability",
                summary: "\(name) was read at \(op); \(floor) had been answered before that was asked")
        }
        guard op <= last, books.isSame(as: states[Int(op.value)]) else {
            return Problem(
                invariant: "linearizability",
                summary: "\(name) was read at \(op) with a state that the log does not make")
        }
        self.floor = max(self.floor, op)
        return nil
    }
}

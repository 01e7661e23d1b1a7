/// The last request of each session and where it stands in the log: a pure function of the log, the same on every replica.
///
/// Invariant: at most `sessionsMax` sessions; when there are more, the one whose last request is the oldest entry goes.
struct SessionTable: Sendable {
    struct Last: Hashable, Sendable {
        var number: UInt64
        var op: OpNumber
    }

    private var sessions: [SessionID: Last] = [:]  // looked up; put in order where it is listed
    /// By op; of a session with several places here the newest counts.
    private var order: [(op: OpNumber, session: SessionID)] = []
    private var head = 0

    init(_ sessions: [CheckpointHead.Session] = []) {
        for session in sessions.sorted(by: { $0.op < $1.op }) {
            self.sessions[session.id] = Last(number: session.number, op: session.op)
            order.append((session.op, session.id))
        }
    }

    subscript(session: SessionID) -> Last? { sessions[session] }

    /// By their last entries, the oldest first.
    var listed: [CheckpointHead.Session] {
        sessions.map { CheckpointHead.Session(id: $0.key, number: $0.value.number, op: $0.value.op) }
            .sorted { $0.op < $1.op }
    }

    mutating func apply(_ entry: LogEntry, sessionsMax: Int) {
        guard let request = entry.request else { return }
        sessions[request.session] = Last(number: request.number, op: entry.op)
        order.append((entry.op, request.session))
        if sessions.count > sessionsMax { forgetOldest() }
        dropStale()
    }

    private mutating func forgetOldest() {
        while head < order.count {
            let (op, session) = order[head]
            head += 1
            guard sessions[session]?.op == op else { continue }
            sessions[session] = nil
            return
        }
    }

    /// A session's earlier places, once they are most of the list.
    private mutating func dropStale() {
        guard order.count > 2 * sessions.count + 1_024 else { return }
        order = order[head...].filter { sessions[$0.session]?.op == $0.op }
        head = 0
    }
}

import Automata
import Testing

@testable import Replication

@Suite("A replicated log")
struct LogTests {
    private func entry(
        after previous: Digest = Group.genesis, op: UInt64 = 1, view: View = .first(of: 1), at: Int64 = 7,
        request: RequestID? = nil, body: LogEntry.Body = .operation([1])
    ) -> LogEntry {
        LogEntry(
            after: previous, op: OpNumber(op), view: view, at: Instant(milliseconds: at), request: request, body: body)
    }

    private func chain(_ count: Int) -> [LogEntry] {
        var entries: [LogEntry] = []
        for op in 1...count {
            entries.append(
                entry(after: entries.last?.digest ?? Group.genesis, op: UInt64(op), body: .operation([UInt8(op)])))
        }
        return entries
    }

    @Test("an entry's digest covers each of its fields and everything in front")
    func digest() {
        let session = SessionID(high: 1, low: 2)
        let others = [
            entry(after: Digest(of: [2])), entry(op: 2), entry(view: .first(of: 2)), entry(at: 8),
            entry(request: RequestID(session: session, number: 1)), entry(body: .operation([2])), entry(body: .none),
            entry(body: .reconfigure(Membership(epoch: 1, members: [Group.member(0)]))),
            entry(body: .reconfigure(Membership(epoch: 1, members: [Group.member(1)]))),
        ]
        #expect(Set(others.map(\.digest) + [entry().digest]).count == others.count + 1)
        #expect(entry().follows(Group.genesis))
        #expect(!entry().follows(Digest(of: [2])))
    }

    @Test("the oldest executed entries go, when there are twice as many as are kept")
    func trim() {
        var log = ReplicaLog(base: .zero, digest: Group.genesis)
        for entry in chain(10) { log.append(entry) }
        log.trim(through: OpNumber(8), keeping: 4)
        #expect(log.base == .zero)
        log.trim(through: OpNumber(9), keeping: 4)
        #expect(log.base == OpNumber(5))
        #expect(log.last == OpNumber(10))
        #expect(log[OpNumber(5)] == nil)
        #expect(log[OpNumber(6)]?.op == OpNumber(6))
        #expect(log.digest(at: OpNumber(5)) == chain(5).last?.digest)
    }

    @Test("a place that cannot be read is found, and mended")
    func damaged() {
        var slots = chain(4).map { LogSlot($0) }
        slots[2] = LogSlot(damaged: nil)
        var log = ReplicaLog(base: .zero, digest: Group.genesis, slots: slots)
        #expect(log.firstDamaged(after: .zero) == OpNumber(3))
        #expect(log.firstDamaged(after: OpNumber(3)) == nil)
        #expect(log.entries(after: .zero, through: log.last, max: 9, bytesMax: .max).count == 2)
        log.mend(chain(4)[2])
        #expect(log.firstDamaged(after: .zero) == nil)
    }

    @Test("an answer's entries are bounded, and one goes however large it is")
    func bounded() {
        var log = ReplicaLog(base: .zero, digest: Group.genesis)
        for entry in chain(9) { log.append(entry) }
        #expect(
            log.entries(after: OpNumber(2), through: OpNumber(7), max: 3, bytesMax: .max).map(\.op.value) == [3, 4, 5])
        #expect(log.entries(after: OpNumber(2), through: OpNumber(7), max: 3, bytesMax: 1).count == 1)
        #expect(log.entries(after: OpNumber(9), through: OpNumber(9), max: 3, bytesMax: 1).isEmpty)
    }

    @Test("of too many sessions the one that asked longest ago goes, on every replica alike")
    func sessions() {
        var table = SessionTable()
        func ask(_ session: UInt64, _ number: UInt64, at op: UInt64) {
            let request = RequestID(session: SessionID(high: 0, low: session), number: number)
            table.apply(entry(op: op, request: request), sessionsMax: 2)
        }
        ask(1, 1, at: 1)
        ask(2, 1, at: 2)
        ask(1, 2, at: 3)
        ask(3, 1, at: 4)
        #expect(table.listed.map(\.id.low) == [1, 3])
        #expect(SessionTable(table.listed).listed == table.listed)
        for number in 2...5_000 { ask(3, UInt64(number), at: UInt64(number) + 3) }
        #expect(table.listed.map(\.number) == [2, 5_000])
    }

    @Test("a replay stops where an entry does not follow")
    func replay() {
        var replay = Replay(from: .empty(genesis: Group.genesis), sessionsMax: 9)
        let taken = (chain(3) + [chain(3)[2], entry(after: Digest(of: [3]), op: 4)]).map { replay.apply($0) }
        #expect(taken == [true, true, true, false, false])
        #expect(replay.head.op == OpNumber(3))
        #expect(replay.head.digest == chain(3)[2].digest)
    }
}

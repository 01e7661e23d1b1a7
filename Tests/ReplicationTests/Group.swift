import Automata

@testable import Replication

/// A few replicas whose messages and disks are moved by hand: who hears what, and what is durable, is up to the test.
struct Group {
    static let genesis = Digest(of: [1])

    private let configuration: Replica.Configuration
    var replicas: [Replica] = []
    var now = Instant(milliseconds: 1_000)
    /// Sent and not delivered, in order.
    var messages: [(message: ReplicaMessage, from: Int, to: Int)] = []
    /// Ordered and not durable, in order.
    var writes: [[JournalWrite]]
    /// What each disk has, once it was ordered.
    var disks: [[OpNumber: LogEntry]]
    /// Everything else that was ordered.
    var effects: [[Replica.Effect]]
    /// Who hears nobody, and is heard by nobody.
    var isolated: Set<Int> = []
    /// Whose disk does nothing.
    var slowDisks: Set<Int> = []

    static func peer(_ index: Int) -> PeerID { PeerID(UInt8(index + 1)) }
    static func member(_ index: Int) -> Member { Member(peer: peer(index), store: StoreID(UInt64(index + 1))) }

    /// A group of so many members; the first one leads.
    init(
        of count: Int, spares: Int = 0, configuration: Replica.Configuration = .init(), sabotage: Replica.Sabotage = []
    ) {
        var configuration = configuration
        configuration.sabotage = sabotage
        self.configuration = configuration
        writes = Array(repeating: [], count: count + spares)
        effects = Array(repeating: [], count: count + spares)
        disks = Array(repeating: [:], count: count + spares)
        for index in 0..<count + spares {
            let random = SeededRandom(seed: UInt64(index))
            replicas.append(
                index == 0
                    ? Replica(
                        founding: Self.member(0), genesis: Self.genesis, configuration: configuration, random: random)
                    : Replica(
                        learning: Self.member(index), genesis: Self.genesis, configuration: configuration,
                        random: random))
        }
        for index in replicas.indices { feed(.started, to: index) }
        settle()
        guard count > 1 else { return }
        for index in 1..<count { feed(.enlist(Self.peer(index)), to: 0) }
        settle()
        feed(.reconfigure((0..<count).map(Self.member)), to: 0)
        settle()
        beat(0)
        forget()
    }

    var primary: Int? { replicas.firstIndex { $0.isLeading } }

    mutating func forget() { for index in effects.indices { effects[index] = [] } }

    mutating func feed(_ input: Replica.Input, to index: Int) {
        var ordered: [Replica.Effect] = []
        replicas[index].handle(input, at: now, into: &ordered)
        for effect in ordered {
            switch effect {
            case .send(let message, let peer): messages.append((message, index, Int(peer.bytes[0]) - 1))
            case .write(let write):
                writes[index].append(write)
                if let cut = write.cutAfter { disks[index] = disks[index].filter { $0.key <= cut } }
                for entry in write.entries + write.mended { disks[index][entry.op] = entry }
            case .read(let token, let through, _):
                var entries: [LogEntry] = []
                while let entry = disks[index][entries.last?.op.next ?? token.after.next], entry.op <= through {
                    entries.append(entry)
                }
                feed(.entriesRead(token, entries), to: index)
            default: effects[index].append(effect)
            }
        }
    }

    /// Delivers the oldest message.
    mutating func deliver() {
        let (message, sender, target) = messages.removeFirst()
        guard !isolated.contains(sender), !isolated.contains(target), replicas.indices.contains(target) else { return }
        feed(.received(message, from: Self.peer(sender)), to: target)
    }

    /// What one disk has to write is durable.
    mutating func sync(_ index: Int) {
        guard let last = writes[index].last else { return }
        writes[index] = []
        feed(.written(through: last.number), to: index)
    }

    /// Until nothing is under way.
    mutating func settle(until isOver: (Group) -> Bool = { _ in false }) {
        for _ in 0..<10_000 where !isOver(self) {
            if !messages.isEmpty {
                deliver()
            } else if let index = writes.indices.first(where: { !writes[$0].isEmpty && !slowDisks.contains($0) }) {
                sync(index)
            } else {
                return
            }
        }
        precondition(isOver(self), "the group does not come to rest")
    }

    /// Everybody's timers fire once after so long.
    mutating func pass(_ time: Duration) {
        now = now + time
        for timer in [Replica.Timer.beat, .resend, .silence, .change] {
            for index in replicas.indices {
                feed(.timerFired(timer), to: index)
                settle()
            }
        }
    }

    /// The process ends and begins again, with what is durable on its disk.
    ///
    /// - Parameter damaged: places that its disk does not give back.
    mutating func restart(_ index: Int, damaged: Set<OpNumber> = []) {
        let replica = replicas[index]
        writes[index] = []
        var tail: [LogSlot] = []
        var op = replica.committed.next
        while op <= replica.durableOp, let entry = replica.log[op] {
            tail.append(damaged.contains(op) ? LogSlot(damaged: entry.digest) : LogSlot(entry))
            op = op.next
        }
        let restored = RestoredReplica(
            store: replica.own.store, state: replica.durable, head: replica.head ?? .empty(genesis: Self.genesis),
            tail: tail)
        adopt(restored, as: index)
    }

    /// The process begins again with what is on its disk.
    mutating func adopt(_ restored: RestoredReplica, as index: Int) {
        writes[index] = []
        replicas[index] = Replica(
            restored: restored, peer: Self.peer(index), configuration: configuration, random: SeededRandom(seed: 99))
        feed(.started, to: index)
        settle()
    }

    mutating func beat(_ index: Int) {
        now = now + .milliseconds(500)
        feed(.timerFired(.beat), to: index)
        settle()
    }

    /// A client's request, with its answers so far.
    mutating func ask(_ index: Int, session: UInt64 = 1, number: UInt64, _ operation: [UInt8] = [9]) {
        feed(.request(Self.request(session: session, number: number, operation)), to: index)
    }

    static func request(session: UInt64 = 1, number: UInt64, _ operation: [UInt8] = [9]) -> ClientRequest {
        ClientRequest(
            id: RequestID(session: SessionID(high: 0, low: session), number: number),
            operation: number == 1 ? [] : operation)
    }

    func answers(_ index: Int) -> [ClientAnswer] {
        effects[index].compactMap { if case .answer(_, let answer) = $0 { answer } else { nil } }
    }

    func committed(_ index: Int) -> [OpNumber] {
        effects[index].compactMap { if case .committed(let entry) = $0 { entry.op } else { nil } }
    }
}

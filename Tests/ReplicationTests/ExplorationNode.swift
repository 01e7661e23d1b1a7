import Automata
import OrderedCollections

@testable import Replication

/// A message on its way. It may come late, more than once, or never.
struct Letter: Hashable {
    var message: ReplicaMessage
    var from: Int
    var to: Int
}

/// What a replica did that others may contradict.
enum Deed: Hashable {
    /// In a view at least this late.
    case executed(LogEntry, View)
    /// Began to lead; its log from behind the place on, and what is executed in front of it.
    case started(View, after: OpNumber, [Digest?])
    case answered(OpNumber)
    case asked
    case confirmed(executed: OpNumber)
}

/// One replica as it ships, its disk, and what the disk has not done yet.
struct ExploredNode {
    struct Disk: Hashable {
        var store: StoreID
        var state = HardState(view: .zero, lastNormal: .zero, commit: .zero)
        /// The first is that of place 1.
        var rows: [LogSlot] = []
    }

    /// nil: told that nobody needs it.
    var replica: Replica?
    var disk: Disk
    var orders: [JournalWrite] = []

    /// What an input makes of a node.
    struct Step {
        var node: ExploredNode
        var letters: [Letter] = []
        var deeds: [Deed] = []
        /// What is wrong with it by itself.
        var fault: String?

        /// The same node does something more.
        mutating func goOn(_ next: (ExploredNode) -> Step) {
            let step = next(node)
            node = step.node
            letters += step.letters
            deeds += step.deeds
            fault = fault ?? step.fault
        }
    }

    /// Every clock stands here; timers fire when the search says so.
    static let now = Instant(milliseconds: 1_000)
    /// Where the primary, or a majority, was not heard for too long.
    static let late = Instant(milliseconds: 3_600_000)
    static let genesis = Digest(of: [7])
    static func peer(_ index: Int) -> PeerID { PeerID(UInt8(index + 1)) }
    static func index(_ peer: PeerID) -> Int { Int(peer.bytes[0]) - 1 }
    static func member(_ index: Int) -> Member { Member(peer: peer(index), store: StoreID(UInt64(index + 1))) }

    init(_ index: Int, founds: Bool, _ configuration: Replica.Configuration) {
        let own = Self.member(index)
        disk = Disk(store: own.store)
        let random = SeededRandom(seed: 0)
        replica =
            founds
            ? Replica(founding: own, genesis: Self.genesis, configuration: configuration, random: random)
            : Replica(learning: own, genesis: Self.genesis, configuration: configuration, random: random)
    }

    // MARK: Inputs

    /// The replica takes an input, and its host carries out what it orders.
    func step(_ input: Replica.Input, at now: Instant = now, seed: UInt64 = 0, beats: Bool) -> Step {
        var step = Step(node: self)
        step.feed(input, at: now, seed: seed)
        step.settle(beats: beats)
        return step
    }

    /// The disk has done the oldest of its orders.
    func synced(beats: Bool) -> Step {
        var step = Step(node: self)
        let write = step.node.orders.removeFirst()
        step.apply(write)
        step.feed(.written(through: write.number), at: Self.now, seed: 0)
        step.settle(beats: beats)
        return step
    }

    /// The process ends and begins anew, as at any time: the disk has done so many of its orders.
    func restarted(_ crash: Crash, index: Int, _ configuration: Replica.Configuration, beats: Bool) -> Step {
        var step = Step(node: self)
        for order in orders.prefix(crash.kept) { step.apply(order) }
        step.node.orders = []
        if crash.losesDisk { step.node.disk = Disk(store: disk.store) }
        if let place = crash.damaged {
            let digest = crash.keepsDigest ? step.node.disk.rows[place].digest : nil
            step.node.disk.rows[place] = LogSlot(damaged: digest)
        }
        step.restore(index, configuration)
        step.settle(beats: beats)
        return step
    }
}

struct Crash: Hashable {
    /// How many of the writes under way are on the disk.
    var kept: Int
    /// Which row is not readable any more, the first is 0.
    var damaged: Int?
    var keepsDigest = false
    var losesDisk = false
}

extension ExploredNode.Step {
    /// - Parameter seed: of what the replica draws: which of the others it asks.
    fileprivate mutating func feed(_ input: Replica.Input, at now: Instant, seed: UInt64) {
        guard let before = node.replica else { return }
        var effects: [Replica.Effect] = []
        node.replica?.random = SeededRandom(seed: seed)
        node.replica?.handle(input, at: now, into: &effects)
        var executed = before.committed
        for effect in effects {
            switch effect {
            case .write(let write): node.orders.append(write)
            case .send(let message, let peer):
                letters.append(
                    Letter(message: message, from: before.ownIndex, to: ExploredNode.index(peer)))
            case .committed(let entry):
                if entry.op != executed.next { fault = "executes \(entry.op) after \(executed)" }
                executed = entry.op
                deeds.append(.executed(entry, before.view))
            case .answer(_, .committed(let op)): deeds.append(.answered(op))
            case .confirmed: deeds.append(.confirmed(executed: executed))
            case .read(let token, let through, _):
                let rows = node.disk.rows.prefix(Int(through.value)).dropFirst(Int(token.after.value))
                feed(.entriesRead(token, rows.prefix { $0.entry != nil }.compactMap(\.entry)), at: now, seed: seed)
            case .retired:
                node.replica = nil
                node.orders = []
                return
            case .readPiece, .checkpoint, .stage, .install:
                preconditionFailure("the search has no checkpoints: \(effect)")
            case .set, .answer, .refused, .unconfirmed, .leading, .following, .membership, .notReconfigured, .report:
                continue
            }
        }
        if case .confirm = input { deeds.insert(.asked, at: 0) }
        guard let after = node.replica, after.leading?.isStarted == true,
            before.leading?.isStarted != true || before.view != after.view
        else { return }
        deeds.append(
            .started(
                after.view, after: after.log.base, after.log.slots(after: after.log.base).map(\.digest)))
    }

    fileprivate mutating func apply(_ write: JournalWrite) {
        if write.state.view < node.disk.state.view || write.state.lastNormal < node.disk.state.lastNormal {
            fault = "goes back from \(node.disk.state) to \(write.state)"
        }
        if write.state.lastNormal > write.state.view { fault = "was normal in a view to come: \(write.state)" }
        node.disk.state = write.state
        if let cut = write.cutAfter, cut.value < node.disk.rows.count {
            node.disk.rows.removeSubrange(Int(cut.value)...)
        }
        for entry in write.entries {
            if entry.op.value != UInt64(node.disk.rows.count + 1) { fault = "writes \(entry.op) at the wrong place" }
            node.disk.rows.append(LogSlot(entry))
        }
        for entry in write.mended where entry.op.value <= node.disk.rows.count {
            node.disk.rows[Int(entry.op.value) - 1] = LogSlot(entry)
        }
    }

    fileprivate mutating func restore(_ index: Int, _ configuration: Replica.Configuration) {
        if configuration.sabotage.contains(.forgetView) {
            node.disk.state.view = .first(of: node.disk.state.view.epoch)
            node.disk.state.lastNormal = node.disk.state.view
        }
        var replay = Replay(from: .empty(genesis: ExploredNode.genesis), sessionsMax: configuration.sessionsMax)
        for row in node.disk.rows.prefix(Int(node.disk.state.commit.value)) {
            guard let entry = row.entry, replay.apply(entry) else { break }
            deeds.append(.executed(entry, node.disk.state.view))
        }
        let done = Int(replay.head.op.value)
        let restored = RestoredReplica(
            store: node.disk.store, state: node.disk.state, head: replay.head,
            tail: Array(node.disk.rows.dropFirst(done)))
        node.replica = Replica(
            restored: restored, peer: ExploredNode.peer(index), configuration: configuration,
            random: SeededRandom(seed: 0))
        feed(.started, at: ExploredNode.now, seed: 0)
    }

    /// Numbers that only count up: without them states are the same that behave the same.
    ///
    /// Writes are told from each other by their order alone. Heartbeats are counted for reads alone.
    fileprivate mutating func settle(beats: Bool) {
        guard var replica = node.replica else { return }
        let base = (replica.writes.first?.write.number ?? replica.nextWrite).value - 1
        if base > 0 {
            replica.nextWrite = WriteNumber(replica.nextWrite.value - base)
            replica.orderedThrough = WriteNumber(replica.orderedThrough.value - base)
            for index in replica.writes.indices {
                replica.writes[index].write.number = WriteNumber(UInt64(index + 1))
            }
            for index in node.orders.indices { node.orders[index].number = WriteNumber(UInt64(index + 1)) }
        }
        replica.changes = 0  // only how long it waits
        let view = replica.view
        replica.wishes = replica.wishes.filter { $0.value > view }  // no others are looked at
        if !beats { replica.forgetBeats() }
        node.replica = replica
        guard !beats else { return }
        for index in letters.indices { letters[index].message.forgetBeat() }
    }
}

extension Replica {
    fileprivate var ownIndex: Int { ExploredNode.index(own.peer) }

    fileprivate mutating func forgetBeats() {
        heardBeat = 0
        guard leading != nil else { return }
        leading?.beat = 0
        for peer in leading?.followers.keys ?? [] {
            leading?.followers[peer]?.beat = 0
            // Only what is not committed yet needs anybody's word.
            guard membership.contains(peer), leading?.followers[peer]?.op ?? .zero <= committed else { continue }
            leading?.followers[peer]?.op = .zero
            leading?.followers[peer]?.store = nil
        }
    }
}

extension ReplicaMessage {
    fileprivate mutating func forgetBeat() {
        switch body {
        case .prepare(let entries, let after, let commit, _):
            body = .prepare(entries, after: after, commit: commit, beat: 0)
        case .prepareOK(let op, _): body = .prepareOK(op, beat: 0)
        default: return
        }
    }
}

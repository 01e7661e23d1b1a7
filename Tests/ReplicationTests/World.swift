import Automata
import HeapModule

@testable import Replication

/// Replicas, their disks, clients and whoever changes the members, on virtual time, under faults. A run is a function of its
/// seed.
struct World {
    struct Settings {
        var members = 3
        var spares = 1
        var clients = 4
        var loss = 0
        var repeats = 0
        /// Messages take up to so long.
        var delay: Duration = .milliseconds(5)
        var configuration = Replica.Configuration()
        /// Whether the log's beginning goes after each checkpoint.
        var prunes = false
        /// Whether places become unreadable; else whole disks are lost. Both together may be more than a minority has.
        var damages = false
        var forgetsView = false
        var keepsStore = false
    }

    struct Event: Comparable {
        var at: Int64
        var order: Int
        var what: What
        static func < (left: Event, right: Event) -> Bool {
            left.at != right.at ? left.at < right.at : left.order < right.order
        }
        static func == (left: Event, right: Event) -> Bool { left.order == right.order }
    }

    enum What {
        case message(ReplicaMessage, from: Int, to: Int)
        case timer(Replica.Timer, Int, life: Int, due: Int64)
        case disk(Int, life: Int)
        case input(Replica.Input, Int, life: Int)
        case restart(Int)
        case client(Int)
        case heal(Int, Int)
        case act
    }

    struct Node {
        var replica: Replica?
        var disk: Disk?
        var life = 0
        var isUp = true
        var timers: [Replica.Timer: Int64] = [:]
        var orders: [Order] = []
        var isFull = false
        var executed = OpNumber.zero
        var state: Digest?
        var staged: CheckpointPiece?
        var isTold = false
    }

    /// What the disk does, one after the other.
    enum Order {
        case write(JournalWrite)
        case install(CheckpointPiece)
        case checkpoint(CheckpointHead, Digest)

        var words: String {
            switch self {
            case .write(let write):
                "write \(write.number.value) cut \(write.cutAfter?.value ?? 0) entries \(write.entries.map(\.op.value)) \(write.state.view) \(write.state.lastNormal) \(write.state.commit)"
            case .install(let piece): "install \(piece.head.op)"
            case .checkpoint(let head, _): "checkpoint \(head.op)"
            }
        }
    }

    struct Disk {
        var store: StoreID
        var state = HardState(view: .zero, lastNormal: .zero, commit: .zero)
        var rows: [OpNumber: LogSlot] = [:]
        var last = OpNumber.zero
        var firstKept = OpNumber(1)
        var checkpoint: (head: CheckpointHead, state: Digest)?
    }

    struct Client {
        var session: SessionID
        var number: UInt64 = 0
        /// What is asked, since when, and what had been answered to anyone before.
        var asked: (request: ClientRequest, floor: OpNumber)?
        var reading: (id: Replica.ReadID, floor: OpNumber, node: Int)?
        var target = 0
        var done = 0
    }

    let settings: Settings
    let genesis = Digest(of: [7])
    var random: SeededRandom
    var now: Int64 = 1_000_000_000
    var queue = Heap<Event>()
    var order = 0
    var events = 0
    /// Prints what happens, for whoever looks for a mistake.
    var isTold = false
    var nodes: [Node] = []
    var clients: [Client] = []
    var cuts: Set<[Int]> = []
    var isCalm = false
    /// Clients ask no more.
    var isQuiet = false

    /// What was executed at each place by whoever was first.
    var history: [OpNumber: Digest] = [:]
    var places: [RequestID: OpNumber] = [:]
    /// The latest place that was answered to anyone.
    var floor = OpNumber.zero
    var violation: String?
    var reached: [String: Int] = [:]
    var trace = DigestBuilder()
    var log: [String] = []
    var nextRead: UInt64 = 0
    var configurationsTried = 0

    init(seed: UInt64, _ settings: Settings) {
        self.settings = settings
        random = SeededRandom(seed: seed)
        for _ in 0..<settings.members + settings.spares { nodes.append(Node()) }
        for _ in 0..<settings.clients {
            clients.append(Client(session: SessionID(high: random.next(), low: random.next())))
        }
        create(0, founds: true)
        for client in clients.indices { schedule(.client(client), in: .milliseconds(50)) }
        schedule(.act, in: .milliseconds(10))
    }

    static func peer(_ node: Int) -> PeerID { PeerID(UInt8(node + 1)) }
    func node(_ peer: PeerID) -> Int { Int(peer.bytes[0]) - 1 }

    // MARK: Time

    mutating func schedule(_ what: What, in delay: Duration) { schedule(what, at: now + delay.nanoseconds) }

    mutating func schedule(_ what: What, at: Int64) {
        queue.insert(Event(at: max(at, now), order: order, what: what))
        order += 1
    }

    mutating func run(for duration: Duration, until isOver: (World) -> Bool = { _ in false }) {
        let end = now + duration.nanoseconds
        while violation == nil, let event = queue.min, event.at <= end, !isOver(self) {
            queue.removeMin()
            now = event.at
            events += 1
            if events > 3_000_000 { check(false, "no end: \(events) events, \(queue.count) wait") }
            if isTold { tell(event.what) }
            perform(event.what)
        }
        if violation == nil, !isOver(self) { now = end }
    }

    private func tell(_ what: What) {
        switch what {
        case .message(let message, let from, let to):
            var text = "\(message.body)"
            if text.count > 240 { text = text.prefix(60) + "…" + text.suffix(60) }
            print(Double(now) / 1e9, from + 1, ">", to + 1, message.view, text)
        case .timer(let timer, let node, _, _): print(Double(now) / 1e9, node + 1, timer)
        case .disk(let node, _): print(Double(now) / 1e9, node + 1, "disk")
        case .input(let input, let node, _): print(Double(now) / 1e9, node + 1, "\(input)".prefix(100))
        case .restart, .client, .heal, .act: return
        }
    }

    private mutating func perform(_ what: What) {
        switch what {
        case .message(let message, let sender, let target):
            guard nodes[target].isUp, !cuts.contains([sender, target]) else { return }
            trace.update([UInt8(sender), UInt8(target)])
            if nodes[target].replica == nil { create(target, founds: false) }
            feed(.received(message, from: Self.peer(sender)), to: target)
        case .timer(let timer, let node, let life, let due):
            guard nodes[node].life == life, nodes[node].isUp, nodes[node].timers[timer] == due else { return }
            nodes[node].timers[timer] = nil
            feed(.timerFired(timer), to: node)
        case .disk(let node, let life):
            guard nodes[node].life == life, nodes[node].isUp else { return }
            complete(node)
        case .input(let input, let node, let life):
            guard nodes[node].life == life, nodes[node].isUp else { return }
            feed(input, to: node)
        case .restart(let node): restart(node)
        case .client(let client): act(client)
        case .heal(let one, let other):
            cuts.remove([one, other])
        case .act:
            administer()
            if !isCalm { strike() }
            schedule(.act, in: .milliseconds(100))
        }
    }

    // MARK: Nodes

    private mutating func create(_ index: Int, founds: Bool) {
        let store = StoreID(random.next())
        let own = Member(peer: Self.peer(index), store: store)
        nodes[index].disk = Disk(store: store)
        let seeded = SeededRandom(seed: random.next())
        nodes[index].replica =
            founds
            ? Replica(founding: own, genesis: genesis, configuration: settings.configuration, random: seeded)
            : Replica(learning: own, genesis: genesis, configuration: settings.configuration, random: seeded)
        nodes[index].executed = .zero
        nodes[index].state = genesis
        feed(.started, to: index)
    }

    mutating func crash(_ index: Int, losesDisk: Bool = false, back: Duration?) {
        guard nodes[index].isUp else { return }
        nodes[index].isUp = false
        nodes[index].life += 1
        nodes[index].replica = nil
        nodes[index].timers = [:]
        nodes[index].isTold = false
        // Of what was under way the first so many transactions are there.
        let kept = random.below(nodes[index].orders.count + 1)
        for order in nodes[index].orders.prefix(nodes[index].isFull ? 0 : kept) { _ = nodes[index].disk?.apply(order) }
        nodes[index].orders = []
        if losesDisk {
            let store = nodes[index].disk?.store
            nodes[index].disk = settings.keepsStore ? store.map { Disk(store: $0) } : nil
            reached["disk lost", default: 0] += 1
        }
        reached["crash", default: 0] += 1
        let peer = Self.peer(index)
        for other in nodes.indices where other != index && nodes[other].isUp && random.chance(perMille: 700) {
            schedule(.input(.suspected(peer), other, life: nodes[other].life), in: .milliseconds(2))
        }
        if let back { schedule(.restart(index), in: back) }
    }

    mutating func restart(_ index: Int) {
        guard !nodes[index].isUp else { return }
        nodes[index].isUp = true
        guard var disk = nodes[index].disk else { return }
        if settings.forgetsView {
            disk.state.view = .first(of: disk.state.view.epoch); disk.state.lastNormal = disk.state.view
        }
        var replay = Replay(
            from: disk.checkpoint?.head ?? .empty(genesis: genesis),
            sessionsMax: settings.configuration.sessionsMax)
        var state = disk.checkpoint?.state ?? genesis
        while replay.head.op < disk.state.commit, let entry = disk.rows[replay.head.op.next]?.entry, replay.apply(entry)
        {
            state = entry.digest
        }
        var tail: [LogSlot] = []
        var op = replay.head.op.next
        while op <= disk.last {
            tail.append(disk.rows[op] ?? LogSlot(damaged: nil))
            op = op.next
        }
        nodes[index].disk = disk
        nodes[index].executed = replay.head.op
        nodes[index].state = state
        let restored = RestoredReplica(
            store: disk.store, state: disk.state, head: replay.head, tail: tail, firstKept: disk.firstKept)
        nodes[index].replica = Replica(
            restored: restored, peer: Self.peer(index), configuration: settings.configuration,
            random: SeededRandom(seed: random.next()))
        feed(.started, to: index)
        // What the scrubbing of the disk finds.
        for op in disk.rows.keys.sorted() where disk.rows[op]?.entry == nil && op <= replay.head.op {
            feed(.damaged(op), to: index)
        }
    }

    mutating func feed(_ input: Replica.Input, to index: Int) {
        guard nodes[index].replica != nil else { return }
        var effects: [Replica.Effect] = []
        nodes[index].replica?.handle(input, at: Instant(nanoseconds: now), into: &effects)
        for effect in effects { carryOut(effect, of: index) }
    }

    private mutating func carryOut(_ effect: Replica.Effect, of index: Int) {
        let life = nodes[index].life
        switch effect {
        case .write(let write):
            order(.write(write), index)
        case .read(let token, let through, let bytesMax):
            var entries: [LogEntry] = []
            var op = token.after.next
            var bytes = 0
            while op <= through, let entry = nodes[index].disk?.rows[op]?.entry, bytes < bytesMax {
                entries.append(entry)
                bytes += entry.size
                op = op.next
            }
            schedule(.input(.entriesRead(token, entries), index, life: life), in: diskDelay())
        case .send(let message, let peer): send(message, from: index, to: node(peer))
        case .set(let timer, let at):
            nodes[index].timers[timer] = at.nanoseconds
            schedule(.timer(timer, index, life: life, due: at.nanoseconds), at: at.nanoseconds)
        case .committed(let entry): executed(entry, at: index)
        case .answer(let id, let answer): answered(id, answer, by: index)
        case .refused, .report(.rejected), .report(.damaged), .membership, .notReconfigured: return
        case .report(.undecided): reached["undecided", default: 0] += 1
        case .report(.mended): reached["mended", default: 0] += 1
        case .confirmed(let id): confirmed(id, by: index)
        case .unconfirmed(let id, _): unconfirmed(id)
        case .leading: reached["led", default: 0] += 1
        case .following: return
        case .checkpoint(let head):
            guard let state = nodes[index].state else { return }
            precondition(state == head.digest, "the state is not that of the checkpoint")
            order(.checkpoint(head, state), index)
        case .readPiece(_, _, _, let peer):
            let piece = nodes[index].disk?.checkpoint.map {
                CheckpointPiece(head: $0.head, offset: 0, bytes: $0.state.bytes, total: 32)
            }
            schedule(.input(.pieceRead(peer, piece), index, life: life), in: diskDelay())
        case .stage(let piece): nodes[index].staged = piece
        case .install(let head):
            guard let piece = nodes[index].staged, piece.head == head else { return feed(.installed(nil), to: index) }
            order(.install(piece), index)
        case .retired:
            reached["retired", default: 0] += 1
            nodes[index].replica = nil
            nodes[index].disk = nil
            nodes[index].orders = []
            nodes[index].timers = [:]
            nodes[index].life += 1
        }
    }

    private mutating func diskDelay() -> Duration { random.duration(in: .microseconds(100)...(.milliseconds(3))) }

    private mutating func order(_ order: Order, _ index: Int) {
        nodes[index].orders.append(order)
        if nodes[index].orders.count == 1 { schedule(.disk(index, life: nodes[index].life), in: diskDelay()) }
    }

    /// One sync for all that waits.
    private mutating func complete(_ index: Int) {
        let life = nodes[index].life
        let orders = nodes[index].orders
        nodes[index].orders = []
        var isDropped = false
        for order in orders where nodes[index].life == life {
            if isTold {
                print(Double(now) / 1e9, index + 1, "does", order.words, "behind", nodes[index].disk?.last.value ?? 0)
            }
            switch order {
            case .write(let write):
                guard !isDropped else { continue }
                if nodes[index].isFull {
                    reached["full", default: 0] += 1
                    isDropped = true
                    feed(.writeFailed(from: write.number), to: index)
                    continue
                }
                if let problem = nodes[index].disk?.apply(order) { check(false, "\(index) \(problem)") }
                feed(.written(through: write.number), to: index)
            case .install(let piece):
                guard !isDropped, !nodes[index].isFull, let state = Digest(bytes: piece.bytes) else {
                    feed(.installed(nil), to: index)
                    continue
                }
                reached["installed", default: 0] += 1
                _ = nodes[index].disk?.apply(order)
                nodes[index].executed = piece.head.op
                nodes[index].state = state
                let known = history[piece.head.op]
                check(known == nil || known == state, "I3 \(index) installed another state at \(piece.head.op)")
                feed(.installed(piece.head), to: index)
            case .checkpoint:
                guard !isDropped, !nodes[index].isFull else { continue }
                _ = nodes[index].disk?.apply(order)
                guard settings.prunes, let op = nodes[index].disk?.checkpoint?.head.op else { continue }
                reached["pruned", default: 0] += 1
                nodes[index].disk?.prune(through: OpNumber(op.value - min(op.value, 4)))
                if let kept = nodes[index].disk?.firstKept { feed(.kept(from: kept), to: index) }
            }
        }
    }

    private mutating func send(_ message: ReplicaMessage, from sender: Int, to target: Int) {
        guard !cuts.contains([sender, target]), !random.chance(perMille: settings.loss * (isCalm ? 0 : 1)) else {
            return
        }
        schedule(
            .message(message, from: sender, to: target), in: random.duration(in: .microseconds(50)...settings.delay))
        if !isCalm, random.chance(perMille: settings.repeats) {
            schedule(
                .message(message, from: sender, to: target),
                in: random.duration(in: .microseconds(50)...(settings.delay * 20)))
        }
    }

    // MARK: Checks

    mutating func check(_ holds: Bool, _ what: String) {
        if !holds, violation == nil { violation = what }
    }

    private mutating func executed(_ entry: LogEntry, at index: Int) {
        trace.update(entry.digest.bytes)
        check(entry.op == nodes[index].executed.next, "I3 \(index) executed \(entry.op) after \(nodes[index].executed)")
        nodes[index].executed = entry.op
        nodes[index].state = entry.digest
        if let other = history[entry.op] {
            check(other == entry.digest, "I3 \(index) executed something else at \(entry.op)")
            return
        }
        history[entry.op] = entry.digest
        guard let request = entry.request else { return }
        check(places[request] == nil, "I3 \(request) was executed twice, at \(entry.op), too")
        places[request] = entry.op
    }

    /// Every acknowledged write is executed, at its place, by all of the newest members.
    mutating func checkAtEnd() {
        guard let primary = nodes.indices.first(where: { nodes[$0].isUp && nodes[$0].replica?.isLeading == true }),
            let replica = nodes[primary].replica
        else { return check(false, "I4 nobody leads") }
        check(replica.committed >= floor, "I3 \(floor) was answered, the primary has executed \(replica.committed)")
        for member in replica.membership.members {
            let index = node(member.peer)
            check(nodes[index].disk?.store == member.store, "I4 \(index) is not the member that it was")
            check(
                nodes[index].replica?.committed ?? .zero >= floor,
                "I4 \(index) has executed \(nodes[index].replica?.committed ?? .zero) of \(floor)")
            for op in nodes[index].disk?.rows.keys.sorted() ?? [] where op <= floor {
                check(
                    nodes[index].disk?.rows[op]?.digest == history[op], "I3 \(index) has another entry at \(op) on disk"
                )
            }
        }
    }
}

extension World.Disk {
    /// - Returns: what is wrong with it.
    mutating func apply(_ order: World.Order) -> String? {
        switch order {
        case .write(let write): return apply(write)
        case .install(let piece):
            guard let state = Digest(bytes: piece.bytes) else { return "no checkpoint" }
            checkpoint = (piece.head, state)
            prune(through: piece.head.op)
            last = max(last, piece.head.op)
            return nil
        case .checkpoint(let head, let state):
            guard head.op <= last else { return "a checkpoint at \(head.op) behind the log's end" }
            checkpoint = (head, state)
            return nil
        }
    }

    private mutating func apply(_ write: JournalWrite) -> String? {
        state = write.state
        if let cut = write.cutAfter {
            for op in rows.keys where op > cut { rows[op] = nil }
            last = min(last, cut)
        }
        for entry in write.entries {
            guard entry.op == last.next else { return "\(entry.op) is written after \(last)" }
            rows[entry.op] = LogSlot(entry)
            last = entry.op
        }
        for entry in write.mended where entry.op <= last { rows[entry.op] = LogSlot(entry) }
        return nil
    }

    mutating func prune(through op: OpNumber) {
        for row in rows.keys where row <= op { rows[row] = nil }
        firstKept = max(firstKept, op.next)
    }
}

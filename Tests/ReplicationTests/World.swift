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

    // MARK: Checks

    mutating func check(_ holds: Bool, _ what: String) {
        if !holds, violation == nil { violation = what }
    }

    mutating func executed(_ entry: LogEntry, at index: Int) {
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

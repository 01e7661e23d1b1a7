import Automata

@testable import Ledger

/// A few masters that are asked for one exclusive key: the directory as it ships, around it the least of a peer that it
/// needs (a log that takes its time, effects in order, one FIFO channel a pair), and every interleaving of what may happen.
///
/// A channel keeps its order, as TCP does; a message may be lost, as with a broken connection. What a node orders after a
/// write leaves when the write is durable.
struct DirectoryModel: Hashable {
    enum Phase: Hashable {
        case absent, proposed, open, settled, ending
    }

    enum Fact: Hashable {
        case requested, ended
        case noted(PeerID), forgotten(PeerID)
    }

    enum Item: Hashable {
        case write(Fact)
        case send(DirectoryMessage, to: Int)
    }

    struct Node: Hashable {
        var directory: Directory
        var phase = Phase.absent
        var home: PeerID?
        var queue: [Item] = []
    }

    enum Action: Hashable {
        case ask(Int), destroy(Int), commit(Int), deliver(Int, Int), lose(Int, Int), resend(Int, Int)
    }

    var nodes: [Node]
    var channels: [[DirectoryMessage]]
    /// Nodes whose user has not asked yet.
    var askers: [Int]
    var losses: Int
    var resends: Int
    /// How often a settled request may still be destroyed.
    var destroys: Int

    static let key = RequestKey(customer: Customer("ada"), reference: "one")

    init(masters: Int, askers: [Int], losses: Int, resends: Int, destroys: Int) {
        let ids = Self.ids(masters)
        nodes = ids.map { Node(directory: Directory(own: $0)) }
        channels = Array(repeating: [], count: masters * masters)
        self.askers = askers
        self.losses = losses
        self.resends = resends
        self.destroys = destroys
        for index in ids.indices {
            let others = ids.filter { $0 != ids[index] }
            feed(.mastersChanged(live: others, known: others.count, held: []), to: index)
        }
    }

    static func ids(_ count: Int) -> [PeerID] { (1...count).map { PeerID(UInt8($0 * 0x10)) } }

    var settled: Int { nodes.count { $0.phase == .settled } }

    /// Nobody is on the way, and no master notes another holder than the one that there is. (One may note none: told of
    /// a holder that has just gone, the new one asks it no more once most have noted it.)
    var isAgreed: Bool {
        guard nodes.allSatisfy({ $0.phase == .settled || $0.phase == .absent }), settled <= 1 else { return false }
        let holder = nodes.firstIndex { $0.phase == .settled }.map { Self.ids(nodes.count)[$0] }
        return nodes.allSatisfy { $0.phase == .settled || $0.home == nil || $0.home == holder }
    }

    var actions: [Action] {
        var actions = askers.map { Action.ask($0) }
        if destroys > 0 { actions += nodes.indices.filter { nodes[$0].phase == .settled }.map { .destroy($0) } }
        for node in nodes.indices where !nodes[node].queue.isEmpty { actions.append(.commit(node)) }
        for from in nodes.indices {
            for to in nodes.indices where from != to {
                if channels[from * nodes.count + to].isEmpty {
                    if resends > 0, nodes[from].queue.isEmpty { actions.append(.resend(from, to)) }
                } else {
                    actions.append(.deliver(from, to))
                    if losses > 0 { actions.append(.lose(from, to)) }
                }
            }
        }
        return actions
    }

    mutating func perform(_ action: Action) {
        switch action {
        case .ask(let node):
            askers.removeAll { $0 == node }
            ask(node, isForwarded: false)
        case .destroy(let node):
            destroys -= 1
            nodes[node].phase = .ending
            nodes[node].queue.append(.write(.ended))
        case .commit(let node): commit(node)
        case .deliver(let from, let to):
            let message = channels[from * nodes.count + to].removeFirst()
            receive(message, from: from, at: to)
        case .lose(let from, let to):
            losses -= 1
            channels[from * nodes.count + to].removeFirst()
        case .resend(let from, let to):
            resends -= 1
            feed(.timerFired(.resend(Self.ids(nodes.count)[to])), to: from)
        }
    }

    /// As the router does: to whom the ledger notes, once; a forwarded call is not forwarded again.
    private mutating func ask(_ index: Int, isForwarded: Bool) {
        guard nodes[index].phase == .absent else { return }
        if !isForwarded, let home = nodes[index].home, let target = Self.ids(nodes.count).firstIndex(of: home) {
            return ask(target, isForwarded: true)
        }
        nodes[index].phase = .proposed
        nodes[index].queue.append(.write(.requested))
        flush(index)
    }

    private mutating func commit(_ index: Int) {
        guard case .write(let fact) = nodes[index].queue.removeFirst() else { return }
        switch fact {
        case .requested:
            nodes[index].phase = .open
            feed(.announce(Self.key, isExclusive: true, noted: nodes[index].home), to: index)
        case .ended:
            nodes[index].phase = .absent
            feed(.withdraw(Self.key), to: index)
        case .noted(let home):
            nodes[index].home = home
            feed(.noted(Self.key), to: index)
        case .forgotten(let home):
            if nodes[index].home == home { nodes[index].home = nil }
        }
        flush(index)
    }

    private mutating func receive(_ message: DirectoryMessage, from: Int, at index: Int) {
        let node = nodes[index]
        feed(
            .received(
                message, from: Self.ids(nodes.count)[from], held: node.phase == .absent ? [] : [Self.key],
                settled: node.phase == .settled ? [Self.key] : [], noted: node.home.map { [Self.key: $0] } ?? [:]),
            to: index)
    }

    private mutating func feed(_ input: Directory.Input, to index: Int) {
        for effect in nodes[index].directory.effects(of: input, at: .zero) {
            switch effect {
            case .note(_, let home):
                if nodes[index].home == home {
                    feed(.noted(Self.key), to: index)
                } else {
                    nodes[index].queue.append(.write(.noted(home)))
                }
            case .forget(_, let home): nodes[index].queue.append(.write(.forgotten(home)))
            case .send(let message, let peer):
                guard let target = Self.ids(nodes.count).firstIndex(of: peer) else { continue }
                nodes[index].queue.append(.send(message, to: target))
            case .announced: if nodes[index].phase == .open { nodes[index].phase = .settled }
            case .yield:
                guard nodes[index].phase == .open else { continue }
                nodes[index].phase = .ending
                nodes[index].queue.append(.write(.ended))
            case .stalled, .set: continue
            }
        }
        flush(index)
    }

    /// What stands before the next write leaves.
    private mutating func flush(_ index: Int) {
        while case .send(let message, let target)? = nodes[index].queue.first {
            nodes[index].queue.removeFirst()
            channels[index * nodes.count + target].append(message)
        }
    }

    /// Goes on without faults, fairly, until nothing changes any more or so many rounds are over.
    func healed(rounds: Int) -> DirectoryModel {
        var world = self
        (world.losses, world.destroys) = (0, 0)
        for _ in 0..<rounds {
            world.resends = 0
            while let action = world.actions.first(where: { if case .ask = $0 { false } else { true } }) {
                world.perform(action)
            }
            for from in nodes.indices {
                for to in nodes.indices where from != to { world.perform(.resend(from, to)) }
            }
        }
        return world
    }
}

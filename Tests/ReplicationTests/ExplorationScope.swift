import Automata
import Testing

@testable import Replication

/// How much may happen in a search.
struct Scope: Sendable, CustomTestStringConvertible {
    var name = ""
    var members = 3
    /// One more that follows, and is no member.
    var hasLearner = false
    /// Whom the members change to.
    var target: [Int]?
    var requests = 1
    /// The last view of the members' epoch.
    var viewMax: UInt32 = 1
    /// The last view of the epoch after it.
    var nextViewMax: UInt32 = 0
    var crashes: UInt8 = 0
    var damages: UInt8 = 0
    var reads: UInt8 = 0
    /// Whether wishes are messages; else any member may enter any later view at any time, as if a majority had wished.
    var tellsWishes = false
    /// Whether writes may take long; else each is done before anything else happens to its replica.
    var writesTakeLong = true
    /// Whether messages are kept that can hardly matter.
    var keepsAll = false
    /// Whether the old are told that they are.
    var refuses = false
    var sabotage: Replica.Sabotage = []
    var statesMax = 2_000_000
    /// Fewer mean that the search does not look where it should.
    var statesMin = 0
    /// Whether all is seen; else the search ends at its bound, breadth first.
    var isSeenWhole = true

    var nodes: Int { members + (hasLearner ? 1 : 0) }
    var keepsBeats: Bool { reads > 0 }
    var testDescription: String { name }

    var configuration: Replica.Configuration {
        var configuration = Replica.Configuration()
        configuration.fetchPatience = .zero
        configuration.sabotage = sabotage
        return configuration
    }

    var budget: Budget { Budget(crashes: crashes, damages: damages, reads: reads) }
}

/// What may still happen.
struct Budget: Hashable {
    var crashes: UInt8
    var damages: UInt8
    var reads: UInt8

    var packed: UInt32 { UInt32(crashes) | UInt32(damages) << 8 | UInt32(reads) << 16 }

    /// nil: it may not.
    func paying(for act: Act) -> Budget? {
        var rest = self
        switch act {
        case .crash(let crash):
            guard crashes > 0, crash.damaged == nil || damages > 0 else { return nil }
            rest.crashes -= 1
            if crash.damaged != nil { rest.damages -= 1 }
        case .confirm:
            guard reads > 0 else { return nil }
            rest.reads -= 1
        case .sync, .enter, .silence, .change, .resend, .beat, .deafBeat, .request, .reconfigure: break
        }
        return rest
    }
}

/// What may happen at a replica, besides that a message arrives.
enum Act: Hashable {
    case sync
    /// A majority wishes for the view with this number in its epoch.
    case enter(UInt32)
    case silence
    case change
    /// Asks one of the others.
    case resend(picks: Int)
    case beat
    /// The primary finds that it hears no majority.
    case deafBeat
    case request(UInt8)
    case reconfigure
    case confirm
    case crash(Crash)
}

extension Scope {
    /// How many writes a replica may have under way, and how long its log may become.
    static let ordersMax = 5
    static let rowsMax = 9

    var acts: [Act] {
        var acts: [Act] = [.resend(picks: 0), .resend(picks: 1)]
        if !keepsBeats { acts.append(.beat) }  // else they would be counted for ever
        if writesTakeLong { acts.append(.sync) }
        acts +=
            tellsWishes
            ? [.silence, .change, .deafBeat] : (0..<max(viewMax, nextViewMax)).map { .enter($0 + 1) }
        acts += (0..<requests).map { .request(UInt8($0)) }
        if target != nil { acts.append(.reconfigure) }
        if reads > 0 { acts.append(.confirm) }
        guard crashes > 0 else { return acts }
        for kept in 0...(writesTakeLong ? Self.ordersMax : 0) {
            let isAmnesia = sabotage.contains(.amnesia)
            acts.append(.crash(Crash(kept: kept, losesDisk: isAmnesia)))
            guard damages > 0 else { continue }
            for row in Self.founding(members)..<Self.rowsMax {
                acts.append(.crash(Crash(kept: kept, damaged: row, keepsDigest: true)))
                acts.append(.crash(Crash(kept: kept, damaged: row, keepsDigest: false)))
            }
        }
        return acts
    }

    // MARK: Steps

    /// - Returns: nil where it cannot happen.
    func perform(_ act: Act, at index: Int, of node: ExploredNode) -> ExploredNode.Step? {
        guard let replica = node.replica else { return nil }
        precondition(node.orders.count <= Self.ordersMax && node.disk.rows.count <= Self.rowsMax)
        switch act {
        case .sync: return node.orders.isEmpty ? nil : node.synced(beats: keepsBeats)
        case .enter(let number):
            let view = View(epoch: replica.view.epoch, number: number)
            guard replica.isMember, view > replica.view else { return nil }
            var step = ExploredNode.Step(node: node)
            for member in replica.membership.members where member != replica.own {
                let wish = ReplicaMessage(store: member.store, view: view, body: .wish)
                step.goOn { self.step($0, .received(wish, from: member.peer)) }
            }
            return step
        case .silence: return step(node, .timerFired(.silence), at: ExploredNode.late)
        case .change: return replica.status == .changing ? step(node, .timerFired(.change)) : nil
        case .resend(let picks): return step(node, .timerFired(.resend), seed: Self.seeds[picks])
        case .beat: return replica.isLeading ? step(node, .timerFired(.beat)) : nil
        case .deafBeat:
            return replica.isLeading ? step(node, .timerFired(.beat), at: ExploredNode.late) : nil
        case .request(let number):
            guard replica.isLeading else { return nil }
            let session = SessionID(high: 0, low: UInt64(number) + 1)
            return step(node, .request(ClientRequest(id: RequestID(session: session, number: 1), operation: [])))
        case .reconfigure:
            guard let target, replica.isLeading, replica.view.epoch == Self.epoch(members) else { return nil }
            return step(node, .reconfigure(target.map(ExploredNode.member)))
        case .confirm: return replica.isLeading ? step(node, .confirm(Replica.ReadID(1))) : nil
        case .crash(let crash):
            guard crash.kept <= node.orders.count else { return nil }
            if let row = crash.damaged, row >= node.disk.rows.count { return nil }
            return drained(node.restarted(crash, index: index, configuration, beats: keepsBeats))
        }
    }

    func deliver(_ letter: Letter, to node: ExploredNode) -> ExploredNode.Step? {
        guard node.replica != nil else { return nil }
        return step(node, .received(letter.message, from: ExploredNode.peer(letter.from)))
    }

    private func step(
        _ node: ExploredNode, _ input: Replica.Input, at now: Instant = ExploredNode.now, seed: UInt64 = 0
    ) -> ExploredNode.Step {
        drained(node.step(input, at: now, seed: seed, beats: keepsBeats))
    }

    /// Where writes take no time, all are done.
    private func drained(_ step: ExploredNode.Step) -> ExploredNode.Step {
        var step = step
        while !writesTakeLong, !step.node.orders.isEmpty, step.fault == nil {
            step.goOn { $0.synced(beats: keepsBeats) }
        }
        return step
    }

    /// Whether it is not in, nor wishes for, a view that is beyond the scope.
    func contains(_ node: ExploredNode) -> Bool {
        guard let replica = node.replica else { return true }
        return holds(replica.view) && holds(replica.wished ?? .zero) && replica.wishes.values.allSatisfy(holds)
    }

    private func holds(_ view: View) -> Bool {
        let epoch = Self.epoch(members)
        return view.number <= (view.epoch <= epoch ? viewMax : nextViewMax)
    }

    func carries(_ letter: Letter) -> Bool {
        guard letter.to < nodes, holds(letter.message.view) else { return false }
        switch letter.message.body {
        case .stale: return refuses
        case .wish, .abdicate: return tellsWishes
        default: return true
        }
    }

    /// Seeds whose first draw among two is the first, and the second.
    static let seeds: [UInt64] = (0...1).compactMap { wanted in
        (UInt64(0)...100).first { seed in
            var random = SeededRandom(seed: seed)
            return random.pick([0, 1]) == wanted
        }
    }

    // MARK: The beginning

    /// A group of one becomes one of three in its second epoch.
    private static func epoch(_ members: Int) -> UInt32 { members == 1 ? 1 : 2 }
    /// How many entries that takes.
    private static func founding(_ members: Int) -> Int { members == 1 ? 2 : 4 }

    /// The group as its founder makes it, without faults, when all is quiet.
    func formed() -> (nodes: [ExploredNode], executed: [LogEntry]) {
        var group = (0..<nodes).map { ExploredNode($0, founds: $0 == 0, configuration) }
        var executed: [LogEntry] = []
        func calm(_ input: Replica.Input, at index: Int) {
            var letters: [Letter] = []
            take(group[index].step(input, beats: false), at: index, &letters)
            for _ in 0..<10_000 {
                if let index = group.firstIndex(where: { !$0.orders.isEmpty }) {
                    take(group[index].synced(beats: false), at: index, &letters)
                } else if !letters.isEmpty {
                    let letter = letters.removeFirst()
                    let input = Replica.Input.received(letter.message, from: ExploredNode.peer(letter.from))
                    take(group[letter.to].step(input, beats: false), at: letter.to, &letters)
                } else {
                    return
                }
            }
            preconditionFailure("the group is never quiet")
        }
        func take(_ step: ExploredNode.Step, at index: Int, _ letters: inout [Letter]) {
            precondition(step.fault == nil)
            group[index] = step.node
            letters += step.letters
            guard index == 0 else { return }
            for case .executed(let entry, _) in step.deeds { executed.append(entry) }
        }
        for index in group.indices { calm(.started, at: index) }
        for index in group.indices.dropFirst() { calm(.enlist(ExploredNode.peer(index)), at: 0) }
        if members > 1 { calm(.reconfigure((0..<members).map(ExploredNode.member)), at: 0) }
        for _ in 0..<2 { calm(.timerFired(.beat), at: 0) }
        if hasLearner { calm(.enlist(ExploredNode.peer(members)), at: 0) }
        for _ in 0..<3 { calm(.timerFired(.beat), at: 0) }
        for index in group.indices { calm(.timerFired(.resend), at: index) }
        let founding = Self.founding(members)
        for node in group {
            precondition(node.disk.rows.count == founding && node.disk.state.commit.value == UInt64(founding))
            precondition(node.replica?.view == View.first(of: Self.epoch(members)))
        }
        return (group, executed)
    }
}

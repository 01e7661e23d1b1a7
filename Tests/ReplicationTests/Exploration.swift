import Automata

@testable import Replication

/// Everything that a few replicas can come to by any order of what may happen, breadth first.
///
/// The replicas are those that ship. What may happen: any message that was ever sent arrives, late, once more, or not; a disk
/// finishes a write; a process ends and begins anew, with any part of its unfinished writes; a timer fires; a client asks
/// anybody, any number of times. Time stands still, so that states meet.
///
/// ## Why so many states can be searched
/// - A step changes one replica and adds messages. So each replica's state, and each step from it, is computed once and
///   numbered; a state of the whole is a few numbers.
/// - Messages are a set that only grows: loss is never delivering one, and repeating costs nothing. A repeated
///   answer is in the set already, so `resend` and `beat` need no bound.
/// - A message of a view that is older than the receiver's *disk* says is dropped, where refusals are not tried: it is
///   refused for ever, since that view never goes back.
/// - A crash and the restart are one step: who is down is one to whom nothing happens.
struct Exploration {
    struct State {
        var nodes: SIMD4<UInt32>
        var history: UInt32
        var budget: Budget
        /// Sorted.
        var letters: [UInt16]
    }

    struct Outcome {
        var node: UInt32
        var letters: [UInt16]
        var deeds: [Deed]
        var fault: String?
        /// Nothing but messages.
        var isGift: Bool
        var executes: Bool
    }

    struct Result {
        var states = 0
        var steps = 0
        var depth = 0
        /// Different states of single replicas.
        var nodes = 0
        var letters = 0
        var cores = 0
        /// How many states each kind of deed was done in.
        var reached: [String: Int] = [:]
        /// Whether all there is was seen.
        var isComplete = true
        var violation: String?
        var trace: [String] = []
    }

    let scope: Scope
    private let acts: [Act]
    private let sync: UInt16?
    private var nodes: [ExploredNode] = []
    private var nodeNumbers: [ExploredKey: UInt32] = [:]
    private var letters: [Letter] = []
    private var letterNumbers: [Letter: UInt16] = [:]
    private var histories: [ExploredHistory] = []
    private var historyNumbers: [ExploredHistory: UInt32] = [:]
    private var outcomes: [Outcome] = []
    private var known: [UInt64: Int32] = [:]
    private var over: [UInt64: Bool] = [:]
    /// Of each state the largest sets of messages.
    private var seen: [UInt64: [[UInt16]]] = [:]
    private var parents: [(state: UInt32, node: UInt8, act: UInt16)] = []
    private(set) var result = Result()

    init(_ scope: Scope) {
        self.scope = scope
        acts = scope.acts
        sync = acts.firstIndex(of: .sync).map { UInt16($0) }
    }

    // MARK: The search

    mutating func run() -> Result {
        let formed = scope.formed()
        var history = ExploredHistory(heedsReads: scope.reads > 0)
        for entry in formed.executed { _ = history.add(.executed(entry, entry.view)) }
        var start = State(
            nodes: SIMD4(repeating: .max), history: number(history), budget: scope.budget, letters: [])
        for (index, node) in formed.nodes.enumerated() { start.nodes[index] = number(node) }
        _ = isNews(start)
        parents.append((.max, 0, 0))
        var layer: [State] = [start]
        var first = 0
        while !layer.isEmpty, result.violation == nil, result.isComplete {
            var next: [State] = []
            for (offset, state) in layer.enumerated() where result.violation == nil {
                expand(state, number: first + offset, into: &next)
                if parents.count > scope.statesMax { result.isComplete = false }
                guard result.isComplete else { break }
            }
            first += layer.count
            layer = next
            if !next.isEmpty { result.depth += 1 }
        }
        (result.states, result.nodes, result.letters) = (parents.count, nodes.count, letters.count)
        result.cores = seen.count
        return result
    }

    private mutating func expand(_ state: State, number: Int, into next: inout [State]) {
        guard seen[fingerprint(state)]?.contains(state.letters) == true else { return }
        if state.budget.crashes == 0, let sync {
            for node in 0..<scope.nodes {
                guard let step = outcome(sync, at: node, of: state), !outcomes[step].executes else { continue }
                return take(sync, step, at: node, in: state, budget: state.budget, from: number, into: &next)
            }
        }
        for node in 0..<scope.nodes {
            for act in UInt16(0)..<UInt16(acts.count) {
                guard let budget = state.budget.paying(for: acts[Int(act)]) else { continue }
                guard let step = outcome(act, at: node, of: state) else { continue }
                take(act, step, at: node, in: state, budget: budget, from: number, into: &next)
            }
        }
        for letter in state.letters {
            let act = UInt16(acts.count) + letter
            let node = letters[Int(letter)].to
            guard let step = outcome(act, at: node, of: state) else { continue }
            take(act, step, at: node, in: state, budget: state.budget, from: number, into: &next)
        }
    }

    /// nil where nothing happens.
    private mutating func outcome(_ act: UInt16, at node: Int, of state: State) -> Int? {
        let key = UInt64(state.nodes[node]) << 16 | UInt64(act)
        let place = known[key] ?? learn(act, at: node, of: state.nodes[node], key)
        return place < 0 ? nil : Int(place)
    }

    private mutating func take(
        _ act: UInt16, _ step: Int, at node: Int, in state: State, budget: Budget, from parent: Int,
        into next: inout [State]
    ) {
        guard !outcomes[step].isGift || budget != state.budget else { return }
        result.steps += 1
        var after = state
        after.budget = budget
        after.nodes[node] = outcomes[step].node
        let fault = outcomes[step].fault ?? add(outcomes[step].deeds, to: &after)
        let old = state.letters.count
        send(outcomes[step].letters, in: &after)
        complete(&after, changed: node, old: old)
        after.letters = after.letters.filter { !isOver($0, after) }
        after.letters.sort()
        guard isNews(after) || fault != nil else { return }
        parents.append((UInt32(parent), UInt8(node), act))
        for deed in outcomes[step].deeds { result.reached[deed.kind, default: 0] += 1 }
        if let fault {
            result.violation = fault
            result.trace = trace(parents.count - 1)
            return
        }
        next.append(after)
    }

    /// What a replica says without a change in itself, it says at once: having been sent, a message forces nothing.
    private mutating func complete(_ state: inout State, changed node: Int, old: Int) {
        for act in UInt16(0)..<UInt16(acts.count) where state.budget.paying(for: acts[Int(act)]) == state.budget {
            guard let step = outcome(act, at: node, of: state), outcomes[step].isGift else { continue }
            send(outcomes[step].letters, in: &state)
        }
        var next = 0
        while next < state.letters.count {
            let letter = state.letters[next]
            let target = letters[Int(letter)].to
            next += 1
            guard next > old || target == node,
                let step = outcome(UInt16(acts.count) + letter, at: target, of: state), outcomes[step].isGift
            else { continue }
            send(outcomes[step].letters, in: &state)
        }
    }

    private mutating func send(_ sent: [UInt16], in state: inout State) {
        for letter in sent where !state.letters.contains(letter) && !isOver(letter, state) {
            state.letters.append(letter)
        }
    }

    private mutating func isOver(_ letter: UInt16, _ state: State) -> Bool {
        guard !scope.keepsAll else { return false }
        let sent = letters[Int(letter)]
        let (sender, receiver) = (state.nodes[sent.from], state.nodes[sent.to])
        let crashes = state.budget.crashes > 0
        let there = UInt64(receiver) << 16 | UInt64(letter) | (crashes ? 1 << 62 : 1 << 63)
        if over[there] == nil { over[there] = sent.isOver(at: nodes[Int(receiver)], crashes: crashes) }
        if over[there] == true { return true }
        let here = UInt64(sender) << 16 | UInt64(letter)
        if over[here] == nil { over[here] = sent.isOver(from: nodes[Int(sender)]) }
        return over[here] == true
    }

    private mutating func add(_ deeds: [Deed], to state: inout State) -> String? {
        guard !deeds.isEmpty else { return nil }
        var history = histories[Int(state.history)]
        for deed in deeds {
            if let broken = history.add(deed) { return broken }
        }
        if history != histories[Int(state.history)] { state.history = number(history) }
        return nil
    }

    // MARK: Steps of one replica

    /// - Returns: the outcome's place; below zero when nothing happens, or more than the scope has.
    private mutating func learn(_ act: UInt16, at index: Int, of node: UInt32, _ key: UInt64) -> Int32 {
        let isLetter = Int(act) >= acts.count
        let before = nodes[Int(node)]
        let step: ExploredNode.Step? =
            if isLetter {
                scope.deliver(letters[Int(act) - acts.count], to: before)
            } else {
                scope.perform(acts[Int(act)], at: index, of: before)
            }
        var place: Int32 = -1
        if let step, scope.contains(step.node) {
            let after = number(step.node)
            let sent = Set(step.letters.filter { scope.carries($0) }.map { number($0) }).sorted()
            if after != node || !sent.isEmpty || step.fault != nil || !step.deeds.isEmpty {
                place = Int32(outcomes.count)
                let executes = step.deeds.contains { if case .executed = $0 { true } else { false } }
                outcomes.append(
                    Outcome(
                        node: after, letters: sent, deeds: step.deeds, fault: step.fault,
                        isGift: after == node && step.deeds.isEmpty && step.fault == nil, executes: executes))
            }
        }
        known[key] = place
        return place
    }

    // MARK: Numbers

    private mutating func number(_ node: ExploredNode) -> UInt32 {
        let key = ExploredKey(node)
        if let number = nodeNumbers[key] { return number }
        let number = UInt32(nodes.count)
        nodeNumbers[key] = number
        nodes.append(node)
        return number
    }

    private mutating func number(_ letter: Letter) -> UInt16 {
        if let number = letterNumbers[letter] { return number }
        let number = UInt16(letters.count)
        letterNumbers[letter] = number
        letters.append(letter)
        return number
    }

    private mutating func number(_ history: ExploredHistory) -> UInt32 {
        if let number = historyNumbers[history] { return number }
        let number = UInt32(histories.count)
        historyNumbers[history] = number
        histories.append(history)
        return number
    }

    /// Whether it was not seen yet, nor with more messages: who has those can do all that this one can.
    private mutating func isNews(_ state: State) -> Bool {
        let key = fingerprint(state)
        guard seen[key]?.contains(where: { $0.holdsAll(of: state.letters) }) != true else { return false }
        seen[key]?.removeAll { state.letters.holdsAll(of: $0) }
        seen[key, default: []].append(state.letters)
        return true
    }

    /// Of all but the messages. 64 bits: of two million states two have the same with a chance of one in ten million.
    private func fingerprint(_ state: State) -> UInt64 {
        var hash: UInt64 = 0
        for node in 0..<scope.nodes { hash = Self.mix(hash ^ UInt64(state.nodes[node])) }
        return Self.mix(hash ^ (UInt64(state.history) << 32 | UInt64(state.budget.packed)))
    }

    /// The end of SplitMix64.
    private static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value &+ 0x9e37_79b9_7f4a_7c15
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    // MARK: For people

    private func trace(_ last: Int) -> [String] {
        var steps: [String] = []
        var at = last
        while at > 0 {
            let (parent, node, act) = parents[at]
            if Int(act) >= acts.count {
                let letter = letters[Int(act) - acts.count]
                let message = letter.message
                steps.append("\(letter.to) hears \(letter.from), view \(message.view): \(message.body.words)")
            } else {
                steps.append("\(node) \(acts[Int(act)])")
            }
            at = Int(parent)
        }
        return steps.reversed()
    }
}

extension [UInt16] {
    /// Both sorted.
    fileprivate func holdsAll(of others: [UInt16]) -> Bool {
        guard others.count <= count else { return false }
        var at = 0
        for other in others {
            while at < count, self[at] < other { at += 1 }
            guard at < count, self[at] == other else { return false }
        }
        return true
    }
}

extension Deed {
    var kind: String {
        switch self {
        case .executed: "executed"
        case .started: "started"
        case .answered: "answered"
        case .asked: "asked"
        case .confirmed: "confirmed"
        }
    }
}

extension ReplicaMessage.Body {
    var words: String {
        switch self {
        case .prepare(let entries, let after, let commit, _):
            "prepare \(entries.map(\.words)) after \(after), commit \(commit)"
        case .prepareOK(let op, _): "prepareOK \(op)"
        case .vote(let vote):
            "vote: normal in \(vote.lastNormal), op \(vote.op), commit \(vote.commit), "
                + "\(vote.tail.map { $0.isReadable ? "\($0.op)" : "\($0.op) damaged" })"
        case .startView(let op, _, let commit): "startView op \(op), commit \(commit)"
        case .fetch(let after): "fetch after \(after)"
        case .entries(let entries, let after, let commit, let op, let isNormal):
            "entries \(entries.map(\.words)) after \(after), commit \(commit), op \(op), normal \(isNormal)"
        case .want(let places): "want \(places.map(\.op))"
        case .given(let entries): "given \(entries.map(\.words))"
        case .wish: "wish"
        case .abdicate: "abdicate"
        case .stale: "stale"
        case .retire(let epoch): "retire \(epoch)"
        case .checkpoint, .fetchPiece: "checkpoint"
        }
    }
}

extension LogEntry {
    var words: String { "\(op) of \(view)" }
}

import Automata
import Claims
import Ledger
import Rendezvous

/// Everything that a ledger and a few machines can come to by any order of what may happen, breadth first.
///
/// The automata are those that ship. What may happen: any message that was ever sent arrives, late, once more, or not; a
/// process ends and begins anew with what is on its disk; the ledger's primary dies, with what it had proposed, and another
/// one leads from the books; time moves on to where leases and grants end. What runs goes on until it is emptied, or until
/// its guard ends it.
///
/// Each node's state, and each step from it at an instant, is computed once and numbered; a state of the whole is a few
/// numbers and the set of messages. Messages only grow more, so of two states with the same nodes the one with more of them
/// can do all that the other can. Steps that lead out of the scope (too many attempts or grants) are not taken.
struct ClaimExploration {
    enum Node {
        case machine(ExploredMachine)
        case ledger(ExploredLedger)
        case rendezvous(ExploredRendezvous)
    }

    enum NodeKey: Hashable {
        case machine(ExploredMachineKey)
        case ledger(ExploredLedgerKey)
        case rendezvous(ExploredRendezvous.Key)
    }

    struct State {
        var nodes: [UInt32]
        var tick: UInt8
        var budget: ClaimBudget
        /// Sorted.
        var letters: [UInt16]
    }

    private struct Core: Hashable {
        var nodes: [UInt32]
        var tick: UInt8
        var budget: ClaimBudget
    }

    private struct Deed: Hashable {
        var node: UInt32
        var tick: UInt8
        var act: UInt32
    }

    private struct Outcome {
        var node: UInt32
        var letters: [UInt16]
        var orders: [(claim: ClaimReference, request: RequestKey)]
        var fault: String?
    }

    struct Result {
        var states = 0
        var steps = 0
        var depth = 0
        var letters = 0
        var nodes = 0
        /// In how many states an exclusive request ran, and on how many attempts it came.
        var runs = 0
        var isComplete = true
        var violation: String?
        var trace: [String] = []
    }

    let scope: ClaimScope
    private let acts: [(node: Int, act: ClaimAct)]
    private var nodes: [Node] = []
    private var numbers: [NodeKey: UInt32] = [:]
    private var letters: [ClaimLetter] = []
    private var letterNumbers: [ClaimLetter: UInt16] = [:]
    private var outcomes: [Deed: Outcome?] = [:]
    private var seen: [Core: [[UInt16]]] = [:]
    private var parents: [(state: UInt32, words: Int32)] = []
    private var words: [String] = []
    private var wordNumbers: [String: Int32] = [:]
    private(set) var result = Result()

    init(_ scope: ClaimScope) {
        self.scope = scope
        acts = scope.acts
    }

    // MARK: The search

    mutating func run() -> Result {
        var step = ClaimStep()
        let now = scope.instant(0)
        var start = State(nodes: [], tick: 0, budget: scope.budget, letters: [])
        let ledger = ExploredLedger(scope, at: now, into: &step)
        for machine in 0..<scope.machines { start.nodes.append(number(.machine(ExploredMachine(machine, scope)))) }
        start.nodes.append(number(.ledger(ledger)))
        for place in 0..<scope.rendezvous { start.nodes.append(number(.rendezvous(ExploredRendezvous(place)))) }
        start.letters = Set(step.letters.map { number($0) }).sorted()
        _ = isNews(start)
        parents.append((.max, -1))
        var layer = [start]
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
        (result.states, result.letters, result.nodes) = (parents.count, letters.count, nodes.count)
        return result
    }

    private mutating func expand(_ state: State, number: Int, into next: inout [State]) {
        for (index, item) in acts.enumerated() {
            guard let budget = state.budget.paying(for: item.act) else { continue }
            guard let after = outcome(UInt32(index), of: item.node, in: state) else { continue }
            var later = state
            later.budget = budget
            take(after, at: item.node, in: later, from: number, { "\(item.node) \(item.act)" }, into: &next)
        }
        for letter in state.letters {
            let receiver = letters[Int(letter)].receiver(scope)
            guard let after = outcome(UInt32(acts.count) + UInt32(letter), of: receiver, in: state) else { continue }
            let words = letters[Int(letter)]
            take(after, at: receiver, in: state, from: number, { "\(receiver) hears \(words)" }, into: &next)
        }
        guard let budget = state.budget.paying(for: .tick) else { return }
        var later = state
        (later.budget, later.tick) = (budget, state.tick + 1)
        var sent: [UInt16] = []
        var fault: String?
        for machine in 0..<scope.machines {
            guard let after = outcome(.max, of: machine, in: later) else { continue }
            later.nodes[machine] = after.node
            sent += after.letters
            fault = fault ?? after.fault
        }
        enter(later, sent, fault, from: number, { "time moves on to \(later.tick)" }, into: &next)
    }

    private mutating func take(
        _ outcome: Outcome, at node: Int, in state: State, from parent: Int, _ words: () -> String,
        into next: inout [State]
    ) {
        var after = state
        after.nodes[node] = outcome.node
        var fault = outcome.fault
        if fault == nil, case .ledger(let ledger) = nodes[Int(after.nodes[scope.ledger])] {
            for order in outcome.orders where !ledger.placed.contains(order.claim) {
                fault = "PLACED: \(order.claim) runs \(order.request), and was never a placement in the books"
            }
        }
        enter(after, outcome.letters, fault, from: parent, words, into: &next)
    }

    private mutating func enter(
        _ state: State, _ sent: [UInt16], _ fault: String?, from parent: Int, _ words: () -> String,
        into next: inout [State]
    ) {
        result.steps += 1
        var after = state
        for letter in sent where !after.letters.contains(letter) { after.letters.append(letter) }
        after.letters.sort()
        let broken = fault ?? twice(after)
        guard isNews(after) || broken != nil else { return }
        parents.append((UInt32(parent), number(words())))
        if let broken {
            result.violation = broken
            result.trace = trace(parents.count - 1)
        }
        next.append(after)
    }

    /// I1: an exclusive request that runs on two machines.
    private mutating func twice(_ state: State) -> String? {
        var running: [RequestKey] = []
        for machine in 0..<scope.machines {
            guard case .machine(let machine) = nodes[Int(state.nodes[machine])] else { continue }
            for request in machine.running {
                if running.contains(request) { return "I1: \(request) runs twice" }
                running.append(request)
            }
        }
        if !running.isEmpty { result.runs += 1 }
        return nil
    }

    // MARK: Steps of one node

    /// - Returns: nil where nothing happens, or more than the scope has.
    private mutating func outcome(_ act: UInt32, of index: Int, in state: State) -> Outcome? {
        let deed = Deed(node: state.nodes[index], tick: state.tick, act: act)
        if let known = outcomes[deed] { return known }
        let found = learn(
            act, of: nodes[Int(state.nodes[index])], from: state.nodes[index], at: scope.instant(state.tick))
        outcomes[deed] = .some(found)
        return found
    }

    private mutating func learn(_ act: UInt32, of node: Node, from before: UInt32, at now: Instant) -> Outcome? {
        var step = ClaimStep()
        let letter = act == .max || act < acts.count ? nil : letters[Int(act) - acts.count]
        let doing = act == .max ? .tick : act < acts.count ? acts[Int(act)].act : nil
        let after: Node
        switch node {
        case .machine(var machine):
            if let doing { machine.perform(doing, at: now, scope, into: &step) }
            switch letter {
            case .toMachine(let message, _): machine.hear(message, at: now, into: &step)
            case .visit(_, let place, let search, let allocation):
                machine.visit(allocation, by: place, search, at: now, into: &step)
            default: break
            }
            guard !step.grants.contains(where: { $0.fencing.value > scope.fencingMax }) else { return nil }
            after = .machine(machine)
        case .ledger(var ledger):
            if let doing { ledger.perform(doing, at: now, scope, into: &step) }
            switch letter {
            case .toLedger(let message, let machine): ledger.hear(message, from: machine, at: now, scope, into: &step)
            case .found(let key, let attempt, let candidates):
                ledger.hear(key, attempt, candidates, at: now, scope, into: &step)
            default: break
            }
            guard ledger.keeper.books.all.allSatisfy({ $0.attempt.value <= scope.attemptMax }) else {
                return nil
            }
            after = .ledger(ledger)
        case .rendezvous(var rendezvous):
            if let doing { rendezvous.perform(doing, at: now, scope, into: &step) }
            if let letter { rendezvous.hear(letter, at: now, scope, into: &step) }
            after = .rendezvous(rendezvous)
        }
        let there = number(after)
        let sent = Set(step.letters.map { number($0) }).sorted()
        guard there != before || !sent.isEmpty || step.fault != nil else { return nil }
        return Outcome(node: there, letters: sent, orders: step.orders, fault: step.fault)
    }

    // MARK: Numbers

    private mutating func number(_ node: Node) -> UInt32 {
        let key: NodeKey =
            switch node {
            case .machine(let machine): .machine(ExploredMachineKey(machine))
            case .ledger(let ledger): .ledger(ExploredLedgerKey(ledger))
            case .rendezvous(let rendezvous): .rendezvous(rendezvous.key)
            }
        if let number = numbers[key] { return number }
        let number = UInt32(nodes.count)
        numbers[key] = number
        nodes.append(node)
        return number
    }

    private mutating func number(_ letter: ClaimLetter) -> UInt16 {
        if let number = letterNumbers[letter] { return number }
        let number = UInt16(letters.count)
        letterNumbers[letter] = number
        letters.append(letter)
        return number
    }

    private mutating func number(_ said: String) -> Int32 {
        if let number = wordNumbers[said] { return number }
        let number = Int32(words.count)
        wordNumbers[said] = number
        words.append(said)
        return number
    }

    /// Whether it was not seen yet, nor with more messages.
    private mutating func isNews(_ state: State) -> Bool {
        let core = Core(nodes: state.nodes, tick: state.tick, budget: state.budget)
        let known = seen[core] ?? []
        guard !known.contains(where: { $0.holdsAll(of: state.letters) }) else { return false }
        seen[core] = known.filter { !state.letters.holdsAll(of: $0) } + [state.letters]
        return true
    }

    private func trace(_ last: Int) -> [String] {
        var steps: [String] = []
        var at = last
        while at > 0 {
            steps.append(words[Int(parents[at].words)])
            at = Int(parents[at].state)
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

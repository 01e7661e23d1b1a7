import Automata
import Claims

@testable import Rendezvous

/// A rendezvous of the exploration: the automaton that ships, known by what it was told since it began.
struct ExploredRendezvous {
    struct Key: Hashable {
        var index: Int
        var heard: [ClaimLetter]
        var lives: UInt64
        var waited: Int
    }

    let index: Int
    private var rendezvous: Rendezvous
    private(set) var key: Key
    private var timer: Rendezvous.Timer?

    init(_ index: Int) {
        self.index = index
        rendezvous = Rendezvous(first: UInt64(index) * 1_000)
        key = Key(index: index, heard: [], lives: 0, waited: 0)
    }

    mutating func perform(_ act: ClaimAct, at now: Instant, _ scope: ClaimScope, into step: inout ClaimStep) {
        switch act {
        case .restart:
            key = Key(index: index, heard: [], lives: key.lives + 1, waited: 0)
            rendezvous = Rendezvous(first: UInt64(index) * 1_000 + key.lives * 100)
            timer = nil
        case .bind:
            guard let timer else { return }
            // Whoever waits, waits no longer than this.
            feed(.timerFired(timer), at: now + .seconds(5), scope, into: &step)
        case .tick, .renew, .emptied, .commit, .succeed, .leaseOver, .change, .destroy: return
        }
    }

    mutating func hear(_ letter: ClaimLetter, at now: Instant, _ scope: ClaimScope, into step: inout ClaimStep) {
        let effects: Int
        switch letter {
        case .allocate(let allocation, _):
            // The same again while it searches changes nothing; later it is another search.
            effects = feed(.allocate(allocation), at: now, scope, into: &step)
        case .candidate(_, let search, let candidate):
            guard !key.heard.contains(letter) else { return }
            effects = feed(.accepted(search, candidate), at: now, scope, into: &step)
        case .toMachine, .toLedger, .visit, .found: return
        }
        if effects > 0 { key.heard.append(letter) }
    }

    @discardableResult
    private mutating func feed(
        _ input: Rendezvous.Input, at now: Instant, _ scope: ClaimScope, into step: inout ClaimStep
    ) -> Int {
        let effects = rendezvous.effects(of: input, at: now)
        for effect in effects {
            switch effect {
            case .search(let id, _, let allocation):
                for machine in 0..<scope.machines { step.letters.append(.visit(machine, by: index, id, allocation)) }
            case .tell(.found(let key, let attempt, let candidates), _):
                step.letters.append(.found(key, attempt, candidates))
            case .set(let timer, _): self.timer = timer
            case .tell, .press, .count: continue
            }
        }
        if case .timerFired = input, !effects.isEmpty { key.waited += 1 }
        return effects.count
    }
}

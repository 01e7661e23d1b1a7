import Accounting
import Automata
import OrderedCollections

/// What is reserved for placed requests, period by period.
extension RequestKeeper {
    /// The books have reserved something, or have refused to: without money the attempt is over.
    mutating func onHold(of key: RequestKey, at now: Instant, into effects: inout [Effect]) {
        guard let request = books.requests[key], request.placement != nil else { return }
        if case .refused(let breach)? = books.outcome {
            lose(request, breach.text, into: &effects)
        } else {
            awaitHoldEnd(of: key, at: now, into: &effects)
        }
    }

    func awaitHoldEnd(of key: RequestKey, at now: Instant, into effects: inout [Effect]) {
        guard let ends = books.holdEnds(key) else { return }
        effects.append(.set(.hold(key), at: max(ends, now)))
    }

    mutating func extend(_ key: RequestKey, at now: Instant, into effects: inout [Effect]) {
        guard let ends = books.holdEnds(key), let claim = books.claimHeld(key, until: ends) else { return }
        guard ends <= now else { return effects.append(.set(.hold(key), at: ends)) }
        guard let item = work[key], !item.extending, !item.losing, !item.ending else { return }
        work[key]?.extending = true
        effects.append(.propose(.extended(key, claim)))
    }
}

extension RuleBreach {
    /// For people who wait.
    var text: String { remedy.isEmpty ? message : "\(message); \(remedy)" }
}

public import Automata
import Claims
import OrderedCollections

/// A request that accepts several releases: a machine is looked for the first, then for the next, and so on.
extension RequestKeeper {
    /// The release that a machine is to be found for, of a request that is looked for or moves.
    public func release(soughtFor key: RequestKey) -> ReleaseDocument? {
        guard let request = books.requests[key] else { return nil }
        guard request.placement == nil else { return request.chosen.release }
        return request.specification.with(work[key]?.choice ?? 0).release
    }

    /// No machine serves the release that was looked for: the next one is looked for.
    ///
    /// - Returns: false where there is no next one.
    mutating func passOver(
        _ request: Request, _ none: NoMachine, at now: Instant, into effects: inout [Effect]
    ) -> Bool {
        guard var item = work[request.key], item.choice + 1 < request.specification.acceptable.count else {
            return false
        }
        item.passed.append(none)
        item.choice += 1
        work[request.key] = item
        queue.settle(request.key)
        search(request.key, at: now, into: &effects)
        return true
    }

    /// The books are told which release was found a machine for, before they are told which machine.
    mutating func choose(_ request: Request, _ item: Work, into effects: inout [Effect]) {
        work[request.key]?.choice = 0
        work[request.key]?.passed = []
        guard item.choice != request.choice?.number ?? 0 else { return }
        let reasons = zip(request.specification.acceptable, item.passed).map { "\($0.document.url): \($1.reason)" }
        let reason = reasons.joined(separator: "; ").cut(toBytes: ReleaseChoice.reasonBytesMax)
        effects.append(
            .propose(.chose(request.key, request.attempt, ReleaseChoice(number: item.choice, reason: reason))))
    }
}

extension Work {
    /// Why no machine serves any of the releases.
    func summary(of last: NoMachine) -> NoMachine {
        let all = passed + [last]
        let words = all.enumerated().map { "release \($0.offset + 1): \($0.element.reason)" }
        return NoMachine(reason: words.joined(separator: "; "), isHopeless: all.allSatisfy(\.isHopeless))
    }
}

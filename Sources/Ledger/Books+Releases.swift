public import Automata
import OrderedCollections

/// Which of several acceptable releases a request runs: the first in their order that found a machine.
extension Books {
    /// The attempt's machine is to run this release. Behind the placement it changes nothing: what runs keeps its release.
    mutating func choose(_ key: RequestKey, _ attempt: Attempt, _ choice: ReleaseChoice, at now: Instant) {
        guard let request = requests[key], request.attempt == attempt, request.placement == nil,
            request.specification.acceptable.indices.contains(choice.number)
        else { return }
        update(key, at: now) { $0.choice = choice.number == 0 ? nil : choice }
    }
}

extension Request {
    /// What runs it carries on with its release where that is still acceptable, wherever it stands among them now.
    mutating func keepRelease(of old: Specification) {
        guard placement != nil, let choice, old.acceptable.indices.contains(choice.number) else {
            return self.choice = nil
        }
        let document = old.acceptable[choice.number].document
        let number = specification.acceptable.firstIndex { $0.document.text == document.text } ?? 0
        self.choice = number == 0 ? nil : ReleaseChoice(number: number, reason: choice.reason)
    }

    /// What machines are asked and ordered: with the one release that was chosen.
    public var chosen: Specification { specification.with(choice?.number ?? 0) }
}

extension Specification {
    /// All releases that it accepts, the best first.
    public var acceptable: [AcceptableRelease] {
        [AcceptableRelease(document: release, needs: releaseNeeds)] + others
    }

    /// The same with one of its releases alone, whose needs its machine must meet as well.
    ///
    /// - Parameter number: its place in the order; beyond the last one it is the first.
    public func with(_ number: Int) -> Specification {
        guard !others.isEmpty || !releaseNeeds.isEmpty else { return self }
        let acceptable = acceptable
        let one = acceptable.indices.contains(number) ? acceptable[number] : acceptable[0]
        var specification = self
        (specification.others, specification.releaseNeeds, specification.release) = ([], "", one.document)
        // The comma binds least.
        specification.requirements.condition = [requirements.condition, one.needs].filter { !$0.isEmpty }
            .joined(separator: ", ")
        return specification
    }
}

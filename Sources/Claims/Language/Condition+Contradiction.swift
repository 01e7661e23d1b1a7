import Automata

extension Condition {
    /// The first two terms that no machine can meet together, in the order of the text, or one term twice that none can meet;
    /// nil: none were found.
    ///
    /// A disjunction is contradictory when each of its branches is, also together with what stands beside it; the pair
    /// is then that of its first branch. Terms are looked at two by two: three of which each two can be met are not found
    /// (`cpu >= 4, cpu <= 4, cpu != 4`), nor what is written with so many alternatives that it takes more than
    /// `contradictionStepsMax` steps. No machine meets those either.
    public var contradiction: (Term, Term)? {
        var search = ContradictionSearch(stepsLeft: Self.contradictionStepsMax)
        return search.contradiction(of: [self], beside: [])
    }

    /// Comparisons of two values; conditions that people write take some hundreds.
    public static let contradictionStepsMax = 100_000
}

/// Walks through all choices of branches until one has no contradiction.
private struct ContradictionSearch {
    var stepsLeft: Int

    /// - Parameter open: still to be looked at, all of which must hold.
    /// - Parameter held: terms before them, among which there is no contradiction.
    mutating func contradiction(
        of open: [Condition], beside held: [Condition.Term]
    ) -> (Condition.Term, Condition.Term)? {
        var held = held
        var choices: [[Condition]] = []
        var waiting = open[...]
        while let part = waiting.popFirst() {
            switch part {
            case .all(let parts): waiting = parts + waiting
            case .any(let parts): choices.append(parts)
            case .term(let term):
                for other in [term] + held {
                    stepsLeft -= term.steps(with: other)
                    guard stepsLeft >= 0 else { return nil }
                    if !term.canHold(with: other) { return (other, term) }
                }
                held.append(term)
            }
        }
        guard let branches = choices.first else { return nil }
        let others = choices.dropFirst().map { Condition.any($0) }
        var first: (Condition.Term, Condition.Term)?
        for branch in branches {
            guard let pair = contradiction(of: [branch] + others, beside: held) else { return nil }
            first = first ?? pair
        }
        return first
    }
}

extension Condition.Term {
    /// Whether some value meets both.
    ///
    /// What a term allows begins at the least value of all or right beside one that is written in it, so that it is enough
    /// to try those.
    func canHold(with other: Condition.Term) -> Bool {
        guard property == other.property else { return true }
        return candidates(with: other).contains { holds(for: $0) && other.holds(for: $0) }
    }

    /// How many comparisons that may take.
    func steps(with other: Condition.Term) -> Int {
        guard property == other.property else { return 1 }
        let written = values.count + other.values.count
        return 3 * written * written
    }

    private func candidates(with other: Condition.Term) -> [PropertyValue] {
        let written = values + other.values
        switch property.kind {
        case .number:
            return beside(written.map { if case .number(let value) = $0 { value } else { 0 } }, step: property.step)
                .map { .number($0) }
        case .bytes:
            return beside(written.map { if case .bytes(let value) = $0 { value.bytes } else { 0 } }, step: 1)
                .map { .bytes(ByteCount($0)) }
        case .version:
            let versions = written.map { if case .version(let numbers) = $0 { numbers } else { [Int]() } }
            // Longer than all of them, so that nothing written stands between a version and the one above it.
            let length = versions.map(\.count).max() ?? 0
            return [.version([])] + versions.map { .version($0) }
                + versions.map { .version($0 + [Int](repeating: 0, count: length - $0.count) + [1]) }
        case .flag: return [.flag(true), .flag(false)]
        case .word:
            // Of those that can be anything, those that are written and another one: longer than all.
            let words = property.knownWords ?? written.words + [written.words.joined() + "x"]
            return (words + (property.canBeUnknown ? [""] : [])).map { .word($0) }
        case .words:
            // A machine has several of them: all but those that one of the two denies.
            let denied = [self, other].filter { $0.comparison == .notEqual || $0.comparison == .notAmong }
                .flatMap { $0.values.words.map { $0.lowercased() } }
            return [.words(written.words.filter { !denied.contains($0.lowercased()) })]
        }
    }

    /// Multiples of the step that are 0, or next to a written number, below or above or equal; none below 0.
    private func beside(_ written: [Int64], step: Int64) -> [Int64] {
        var found: [Int64] = [0]
        for value in written where value >= 0 {
            let floor = value - value % step
            found.append(floor)
            if floor > 0 { found.append(floor - step) }
            let (above, overflow) = floor.addingReportingOverflow(step)
            if !overflow { found.append(above) }
        }
        return found
    }
}

extension Property {
    /// What its numbers are multiples of, in millionths.
    fileprivate var step: Int64 {
        switch self {
        case .cpu, .gpu, .free: 1_000_000
        case .load: 10_000
        default: 1
        }
    }
}

extension [PropertyValue] {
    fileprivate var words: [String] { compactMap { if case .word(let word) = $0 { word } else { nil } } }
}

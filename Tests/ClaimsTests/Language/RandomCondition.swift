import Automata

@testable import Claims

/// Conditions in their canonical form, of few values, so that terms meet each other often.
enum RandomCondition {
    static func next(_ random: inout SeededRandom, depth: Int = 3) -> Condition {
        guard depth > 0, random.chance(perMille: 700) else { return .term(term(&random)) }
        let parts = (0..<2 + random.below(3)).map { _ in next(&random, depth: depth - 1) }
        return random.chance(perMille: 500) ? .all(of: parts) : .any(of: parts)
    }

    static func term(_ random: inout SeededRandom, of property: Property? = nil) -> Condition.Term {
        let property = property ?? random.pick(Property.allCases) ?? .cpu
        let comparisons = Condition.Term.Comparison.allCases.filter { comparison in
            switch comparison {
            case .equal, .notEqual: true
            case .less, .atMost, .more, .atLeast: property.kind.isOrdered
            case .among, .notAmong: property.kind != .flag
            }
        }
        let comparison = random.pick(comparisons) ?? .equal
        let isList = comparison == .among || comparison == .notAmong
        let values = (0..<(isList ? 1 + random.below(4) : 1)).map { _ in value(&random, of: property) }
        return Condition.Term(property, comparison, values).usual
    }

    static func value(_ random: inout SeededRandom, of property: Property) -> PropertyValue {
        switch property.kind {
        case .word, .words: .word(word(&random, of: property))
        case .number:
            .number(
                random.pick([
                    Int64(random.below(6)) * 1_000_000, Int64(random.below(600)) * 10_000,
                    Int64(random.below(1_000)) - 500,
                    .max, .min,
                ]) ?? 0)
        case .bytes:
            .bytes(
                ByteCount(
                    random.pick([
                        Int64(random.below(6)), Int64(random.below(6)) << 30, Int64(random.below(2_000)) * 1_000_000,
                        Int64(random.below(1 << 40)), .max, .min,
                    ]) ?? 0))
        case .version: .version(version(&random))
        case .flag: .flag(random.chance(perMille: 500))
        }
    }

    private static func word(_ random: inout SeededRandom, of property: Property) -> String {
        if property == .country { return random.pick(["fr", "DE", "it", ""]) ?? "" }
        if let known = property.knownWords { return random.pick(known) ?? "" }
        return random.pick([
            property.canBeUnknown ? "" : "box", "fr", "de", "eu-west", "New York", "and", "IN", "a\"b", "it's",
            "x86-64", "192.0.2.0/24", "2001:db8::/64",
            "1", "8GiB", "-", "%", "a,b", "(c)", "[d]", "é", "東京", "=", "cpu", "yes",
        ]) ?? ""
    }

    private static func version(_ random: inout SeededRandom) -> [Int] {
        var numbers = (0..<1 + random.below(4)).map { _ in random.pick([0, 1, 2, 10, 999_999_999]) ?? 0 }
        while numbers.count > 1, numbers.last == 0 { numbers.removeLast() }
        return numbers
    }

    /// What a machine might have: of numbers only what can be.
    struct Machine {
        var cores = 0
        var memory = ByteCount.zero
        var gpus = 0
        var others: [Property: PropertyValue] = [:]

        func value(of property: Property) -> PropertyValue {
            switch property {
            case .cpu: .number(Int64(cores) * 1_000_000)
            case .memory: .bytes(memory)
            case .gpu: .number(Int64(gpus) * 1_000_000)
            default: others[property] ?? .word("")
            }
        }
    }

    static func machine(_ random: inout SeededRandom) -> Machine {
        var machine = Machine(
            cores: random.below(8),
            memory: ByteCount(Int64(random.below(8)) << (random.chance(perMille: 500) ? 30 : 0)),
            gpus: random.below(8))
        for property in Property.allCases { machine.others[property] = found(&random, of: property) }
        return machine
    }

    static func found(_ random: inout SeededRandom, of property: Property) -> PropertyValue {
        switch property.kind {
        case .words: .words((0..<random.below(4)).map { _ in word(&random, of: property) })
        case .word: .word(word(&random, of: property))
        case .number where property == .load || property == .price: .number(Int64(random.below(600)) * 10_000)
        case .number: .number(Int64(random.below(8)) * 1_000_000)
        case .bytes: .bytes(ByteCount(Int64(random.below(8)) << (random.chance(perMille: 500) ? 30 : 0)))
        case .version: .version(version(&random))
        case .flag: .flag(random.chance(perMille: 500))
        }
    }
}

extension Condition {
    /// As matching decides it, without the reasons.
    func holds(_ machine: RandomCondition.Machine) -> Bool {
        switch self {
        case .term(let term): term.holds(for: machine.value(of: term.property))
        case .all(let parts): parts.allSatisfy { $0.holds(machine) }
        case .any(let parts): parts.contains { $0.holds(machine) }
        }
    }
}

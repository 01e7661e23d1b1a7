import Yams

/// What a scenario file says besides the scenario itself.
struct ExperimentNotes {
    var variation = Variation()
    var seeds: ClosedRange<UInt64>?
    var goals: [Goal] = []
    var comparisons: [Comparison] = []

    init(_ root: Node, _ reader: Reader) throws(ScenarioError) {
        var reader = reader
        let own = (root.mapping ?? [:]).filter { Self.keys[$0.key.string ?? ""] != nil }
        try reader.readRoot(.mapping(Node.Mapping(own.map { ($0.key, $0.value) })), into: &self, keys: Self.keys)
    }

    /// A scenario's reader passes over them.
    static let names = ["vary", "seeds", "goals", "compare"]

    private static let keys: [String: Reader.Field<ExperimentNotes>] = [
        "vary": { $0.variation = try Variation($1, $2) },
        "seeds": { notes, node, reader in
            let range = try reader.range(node, "a seed or a range such as 1...3") { UInt64($0) }
            guard range.upperBound - range.lowerBound < 1_000_000 else {
                throw reader.error(node, "expected at most 1000000 seeds")
            }
            notes.seeds = range
        },
        "goals": { notes, node, reader in
            notes.goals = try reader.list(node, "a list of goals") { item, reader in
                var goal = Goal(name: "", figure: "", at: nil, reach: "")
                try reader.read(item, into: &goal, keys: goalKeys)
                guard !goal.name.isEmpty, !goal.figure.isEmpty, !goal.reach.isEmpty else {
                    throw reader.error(item, "expected name, figure and reach")
                }
                return goal
            }
        },
        "compare": { notes, node, reader in
            notes.comparisons = try reader.list(node, "a list of published figures") { item, reader in
                var comparison = Comparison()
                try reader.read(item, into: &comparison, keys: comparisonKeys)
                guard !comparison.system.isEmpty, !comparison.value.isEmpty, !comparison.source.isEmpty else {
                    throw reader.error(item, "expected system, value and source, and what else is known")
                }
                return comparison
            }
        },
    ]

    private static let goalKeys: [String: Reader.Field<Goal>] = [
        "name": { $0.name = try $2.text($1) },
        "figure": { goal, node, reader in
            let known = Measures.figureNames
            goal.figure = try reader.parse(node, "one of \(known.joined(separator: ", "))") {
                known.contains($0) ? $0 : nil
            }
        },
        "at": { $0.at = try $2.text($1) },
        "reach": { goal, node, reader in
            goal.reach = try reader.parse(node, "a comparison and a number such as <= 4.1") { text in
                let words = text.split(separator: " ")
                let isRight = words.count == 2 && ["<", "<=", ">", ">="].contains(words[0]) && Double(words[1]) != nil
                return isRight ? text : nil
            }
        },
    ]

    private static let comparisonKeys: [String: Reader.Field<Comparison>] = [
        "system": { $0.system = try $2.text($1) },
        "figure": { $0.figure = try $2.text($1) },
        "value": { $0.value = try $2.text($1) },
        "conditions": { $0.conditions = try $2.text($1) },
        "source": { $0.source = try $2.text($1) },
    ]
}

extension Reader {
    mutating func list<Value>(
        _ node: Node, _ expected: String, _ read: (Node, inout Reader) throws -> Value
    ) throws -> [Value] {
        guard case .sequence(let items) = node else { throw error(node, "expected \(expected)") }
        var values: [Value] = []
        for item in items { values.append(try read(item, &self)) }
        return values
    }
}

import Yams

/// What varies between the points of an experiment.
struct Variation {
    struct Setting {
        /// `churn.sessions`.
        var key: String
        var value: Node
    }

    /// Rows are alternatives; the points are all combinations of one row of each group.
    private(set) var groups: [[[Setting]]] = []

    init() {}

    /// Reads a mapping of keys to lists of values, or a list of mappings.
    init(_ node: Node, _ reader: Reader) throws(ScenarioError) {
        switch node {
        case .mapping(let mapping) where !mapping.isEmpty:
            for (key, values) in mapping {
                guard let key = key.string, case .sequence(let values) = values, !values.isEmpty else {
                    throw reader.error(values, "expected a list of values, such as [5min, 15min]")
                }
                groups.append(values.map { [Setting(key: key, value: $0)] })
            }
        case .sequence(let rows) where !rows.isEmpty:
            var group: [[Setting]] = []
            for row in rows {
                guard case .mapping(let mapping) = row, !mapping.isEmpty else {
                    throw reader.error(row, "expected settings such as {peers: 1000, join: 1min}")
                }
                let settings = mapping.map { Setting(key: $0.key.string ?? "", value: $0.value) }
                if let first = group.first, first.map(\.key) != settings.map(\.key) {
                    let keys = first.map(\.key).joined(separator: ", ")
                    throw reader.error(row, "expected the keys of the first row, \(keys)")
                }
                group.append(settings)
            }
            groups = [group]
        default:
            throw reader.error(node, "expected keys with lists of values, or a list of settings")
        }
        guard count <= Experiment.pointsMax else {
            throw reader.error(node, "expected at most \(Experiment.pointsMax) combinations, found \(count)")
        }
    }

    /// One key with its values.
    mutating func add(_ key: String, _ values: [Node]) {
        groups.append(values.map { [Setting(key: key, value: $0)] })
    }

    var keys: [String] { groups.flatMap { $0.first?.map(\.key) ?? [] } }

    var count: Int {
        groups.reduce(1) { product, group in
            let (count, isTooLarge) = product.multipliedReportingOverflow(by: group.count)
            return isTooLarge ? .max : count
        }
    }

    /// The same with one key fixed, wherever it stands; rows that become the same are one.
    func fixing(_ key: String, to value: Node) -> Variation {
        var fixed = self
        var isThere = false
        for index in groups.indices {
            var rows: [[Setting]] = []
            for var row in groups[index] {
                for place in row.indices where row[place].key == key {
                    row[place].value = value
                    isThere = true
                }
                if !rows.contains(where: { $0.map(\.value) == row.map(\.value) }) { rows.append(row) }
            }
            fixed.groups[index] = rows
        }
        if !isThere { fixed.add(key, [value]) }
        return fixed
    }

    /// Every combination, the first key changing slowest.
    func points(
        of root: Node, _ read: (Node, [Setting]) throws(ScenarioError) -> Scenario
    ) throws(ScenarioError) -> [ExperimentPoint] {
        var combinations: [[Setting]] = [[]]
        for group in groups { combinations = combinations.flatMap { head in group.map { head + $0 } } }
        let telling = Self.tellingKeys(combinations)
        var points: [ExperimentPoint] = []
        for settings in combinations {
            let changed = settings.reduce(root) { $0.setting($1.key.split(separator: ".")[...], to: $1.value) }
            let label = settings.prefix(telling).map(\.value.flow).joined(separator: ", ")
            points.append(
                ExperimentPoint(
                    try read(changed, settings), settings: settings.map { .init($0.key, $0.value.flow) },
                    label: combinations.count > 1 ? label : "",
                    axis: combinations.count > 1 ? settings.prefix(telling).map(\.key).joined(separator: ", ") : ""))
        }
        return points
    }

    /// How many of the first keys tell all points apart.
    private static func tellingKeys(_ combinations: [[Setting]]) -> Int {
        let most = combinations.first?.count ?? 0
        for count in 0..<most {
            let labels = Set(combinations.map { $0.prefix(count).map(\.value.flow) })
            if labels.count == combinations.count { return count }
        }
        return most
    }
}

extension Node {
    /// The same with the value at a path of keys set; mappings that are missing are made. In a list the key is a number
    /// from 0: `faults.0.at`.
    fileprivate func setting(_ path: ArraySlice<Substring>, to value: Node) -> Node {
        guard let first = path.first else { return value }
        if case .sequence(var items) = self, let index = Int(first), items.indices.contains(index) {
            items[index] = items[index].setting(path.dropFirst(), to: value)
            return .sequence(items)
        }
        var pairs = (mapping ?? Node.Mapping([])).map { ($0.key, $0.value) }
        let place = pairs.firstIndex { $0.0.string ?? "" == first }
        let inner = (place.map { pairs[$0].1 } ?? Node([])).setting(path.dropFirst(), to: value)
        if let place { pairs[place].1 = inner } else { pairs.append((Node(String(first)), inner)) }
        return .mapping(Node.Mapping(pairs, .implicit, .any, mark))
    }

    private init(_ pairs: [(Node, Node)]) { self = .mapping(Node.Mapping(pairs)) }

    /// On one line, as it would be written.
    var flow: String {
        switch self {
        case .scalar(let scalar): scalar.string
        case .mapping(let mapping):
            "{" + mapping.map { "\($0.key.flow): \($0.value.flow)" }.joined(separator: ", ") + "}"
        case .sequence(let items): "[" + items.map(\.flow).joined(separator: ", ") + "]"
        case .alias: "*"
        }
    }
}

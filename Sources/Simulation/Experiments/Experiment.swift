import Yams

/// A scenario file as a researcher uses it: one scenario, or one for each value of what varies; the seeds of the published
/// run; what shall be reached; what others published.
///
///     vary:                                     # every combination of the lists
///       churn.sessions: [5min, 15min, 30min]
///     vary:                                     # or rows, whose keys change together
///       - {peers: 1000, join: 1min}
///       - {peers: 10000, join: 5min}
///     seeds: 1...3
///     goals:
///       - {name: hops_mean, figure: hops mean, at: 10000, reach: <= 4.1}
///     compare:
///       - {system: Pastry, figure: mean hops, value: about 4.0, conditions: 100000 nodes, source: Pastry 2001}
public struct Experiment: Sendable {
    public let file: String
    /// The comment at the head of the file: what it shows.
    public let about: String
    public let title: String
    /// In the order of the file; one without settings where nothing varies.
    public private(set) var points: [ExperimentPoint]
    /// Of the published run; nil of a scenario that is not published.
    public let seeds: ClosedRange<UInt64>?
    public let goals: [Goal]
    public let comparisons: [Comparison]

    /// How many points there may be.
    public static let pointsMax = 1_000

    /// Reads a file, and every point of it.
    ///
    /// - Parameter choices: of the command line; they win over what the file says.
    /// - Throws: `ScenarioError` with the line of what is wrong, or with the choice.
    public init(yaml: String, file: String, choices: Choices = Choices()) throws(ScenarioError) {
        let reader = Reader(file: file)
        let root = try reader.root(of: yaml)
        // The file must be right by itself: what is wrong afterwards is a choice's.
        let base = try Scenario(root: root, file: file)
        let notes = try ExperimentNotes(root, reader)
        let written = try notes.variation.points(of: root) { root, _ throws(ScenarioError) in
            try Scenario(root: root, file: file)
        }
        self.file = file
        title = base.title
        about = Self.head(of: yaml)
        (seeds, goals, comparisons) = (notes.seeds, notes.goals, notes.comparisons)
        guard !choices.isEmpty else {
            points = written
            return
        }
        points = try choices.applied(to: notes.variation).points(of: root) { root, settings throws(ScenarioError) in
            do throws(ScenarioError) {
                return try Scenario(root: root, file: file)
            } catch {
                throw choices.blamed(for: error, settings)
            }
        }
    }

    /// The same with other points.
    public func with(points: [ExperimentPoint]) -> Experiment {
        var other = self
        other.points = points
        return other
    }

    /// What varies, `peers` or `churn.sessions, crash`; empty where nothing does.
    public var axis: String { points.first?.axis ?? "" }

    /// The comment that a file begins with, without its marks.
    private static func head(of yaml: String) -> String {
        var lines: [Substring] = []
        for line in yaml.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            guard line.hasPrefix("#") else { break }
            lines.append(line.dropFirst(line.hasPrefix("# ") ? 2 : 1))
        }
        return lines.joined(separator: "\n")
    }
}

/// One scenario of an experiment, and what sets it apart from the others.
public struct ExperimentPoint: Sendable {
    /// A key and its value, as a scenario writes them.
    public struct Setting: Hashable, Sendable, Codable {
        public var key: String
        public var value: String

        public init(_ key: String, _ value: String) {
            self.key = key
            self.value = value
        }
    }

    public let settings: [Setting]
    /// The values that tell it from the other points: `5min`; empty of the only one.
    public let label: String
    /// Their keys.
    public let axis: String
    public let scenario: Scenario

    public init(_ scenario: Scenario, settings: [Setting] = [], label: String = "", axis: String = "") {
        self.scenario = scenario
        self.settings = settings
        self.label = label
        self.axis = axis
    }
}

/// A figure with what it shall reach.
public struct Goal: Hashable, Sendable, Codable {
    /// Of a benchmark: `hops_mean`.
    public var name: String
    /// One of a run's figures.
    public var figure: String
    /// The label of a point; nil of the sum over all points.
    public var at: String?
    /// A comparison and a number.
    public var reach: String

    public func isMet(by value: Double) -> Bool {
        let words = reach.split(separator: " ")
        guard words.count == 2, let limit = Double(words[1]) else { return false }
        switch words[0] {
        case "<": return value < limit
        case "<=": return value <= limit
        case ">": return value > limit
        default: return value >= limit
        }
    }
}

/// A figure that somebody published.
public struct Comparison: Hashable, Sendable, Codable {
    public var system = ""
    public var figure = ""
    public var value = ""
    public var conditions = ""
    public var source = ""

    public init() {}

    /// Whether the source itself was not at hand.
    public var isApproximate: Bool { source.contains("from memory") }
}

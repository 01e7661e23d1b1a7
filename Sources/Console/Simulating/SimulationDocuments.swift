import Automata
public import Simulation

/// A measured value.
public struct FigureDocument: Codable, Hashable, Sendable {
    public var name: String
    public var value: Double
    public var unit: String

    public init(_ name: String, _ value: Double, unit: String) {
        self.name = name
        self.value = value
        self.unit = unit
    }
}

/// What `palmier sim run FILE --seed N` prints.
public struct SimulationDocument: Codable, Hashable, Sendable {
    public struct Violation: Codable, Hashable, Sendable {
        public var invariant: String
        /// Virtual seconds since the start.
        public var at: Double
        public var summary: String
    }

    public var schema = "palmier.sim/1"
    public var scenario: String
    public var seed: UInt64
    public var sabotage: String?
    /// The same for the same (scenario, seed, sabotage), on every run of one build.
    public var traceHash: String
    public var violations: [Violation]
    /// Which faults the seed drew.
    public var plan: String
    public var virtualSeconds: Double
    public var events: Int
    public var wallSeconds: Double
    /// The most memory that the process held.
    public var peakBytes: Int64
    public var figures: [FigureDocument]
    /// The last events, oldest first: with `--trace`, or those that led to a violation.
    public var trace: [String]?

    public init(
        _ result: RunResult, scenario: String, sabotage: String?, wallSeconds: Double, peakBytes: Int64,
        withTrace: Bool
    ) {
        self.scenario = scenario
        seed = result.seed
        self.sabotage = sabotage
        traceHash = result.traceHash.description
        violations = result.violations.map {
            Violation(invariant: $0.invariant, at: ($0.at - .zero).inSeconds, summary: $0.summary)
        }
        plan = result.plan
        virtualSeconds = result.virtualTime.inSeconds
        events = result.events
        self.wallSeconds = wallSeconds
        self.peakBytes = peakBytes
        figures =
            result.figures.map { FigureDocument($0.name, $0.value, unit: $0.unit) }
            + result.reached.sorted { $0.key < $1.key }.map { FigureDocument($0.key, Double($0.value), unit: "times") }
        trace = withTrace || result.measures != nil && !result.violations.isEmpty ? result.recent : nil
    }
}

/// What `palmier sim run FILE --seeds A...B` prints.
public struct SweepDocument: Codable, Equatable, Sendable {
    public struct Violation: Codable, Hashable, Sendable {
        public var seed: UInt64
        /// The label of the point; empty where nothing varies.
        public var point: String
        public var invariant: String
        public var summary: String
        /// Repeats it.
        public var command: String
    }

    public struct Run: Codable, Hashable, Sendable {
        public var seed: UInt64
        public var point: String
        public var traceHash: String
        public var figures: [FigureDocument]
    }

    /// What came out for one value of what varies.
    public struct Point: Codable, Equatable, Sendable {
        public var label: String
        public var settings: [ExperimentPoint.Setting]
        public var runs = 0
        public var events = 0
        /// Over all its runs together.
        public var figures: [FigureDocument] = []
        /// Series and distributions, the runs' sums.
        public var measures: Measures?
    }

    public var schema = "palmier.sweep/1"
    public var scenario: String
    public var sabotage: String?
    /// How many runs there were: seeds, times points where something varies.
    public var seeds: Int
    public var first: UInt64
    public var last: UInt64
    /// Sorted by point and seed.
    public var violations: [Violation]
    /// How many runs were done again in another process, with the same trace hash.
    public var replayed: Int
    public var jobs: Int
    public var virtualSeconds: Double
    public var events: Int
    public var wallSeconds: Double
    public var peakBytes: Int64
    public var figures: [FigureDocument]
    /// Which part of a divided sweep this is, `2/5`; nil of a whole one.
    public var shard: String?
    /// Each run's own figures, sorted by point and seed.
    public var runs: [Run] = []
    /// The keys of what varies; empty where nothing does.
    public var axis = ""
    /// One for each value of what varies, in the scenario's order; one where nothing does.
    public var points: [Point] = []
}

/// What `palmier sim list` prints.
public struct ScenariosDocument: Codable, Hashable, Sendable {
    public struct Item: Codable, Hashable, Sendable {
        public var file: String
        public var title: String
        public var invariants: [String]
        public var sabotages: [String]
    }

    public var schema = "palmier.scenarios/1"
    public var scenarios: [Item]
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

public import Automata
import Simulation

extension SweepDocument {
    /// One document out of the parts of a divided sweep.
    ///
    /// - Parameter files: their names, for messages.
    /// - Throws: `Refusal` `invalid` when the parts are of different sweeps, or a seed is in two of them.
    public init(merging parts: [SweepDocument], files: [String]) throws(Refusal) {
        guard var whole = parts.first else {
            throw Refusal(.invalid, "there is nothing to merge", remedy: "name the documents of the parts")
        }
        for (part, file) in zip(parts, files).dropFirst() {
            guard part.scenario == whole.scenario, part.sabotage == whole.sabotage, part.first == whole.first,
                part.last == whole.last, part.points.map(\.settings) == whole.points.map(\.settings)
            else {
                throw Refusal(
                    .invalid,
                    "\(file) is of \(part.scenario), seeds \(part.first)...\(part.last); \(files[0]) is of "
                        + "\(whole.scenario), seeds \(whole.first)...\(whole.last), or what varies is not the same",
                    remedy: "merge only the parts of one sweep")
            }
            whole.seeds += part.seeds
            whole.violations += part.violations
            whole.replayed += part.replayed
            whole.jobs += part.jobs
            whole.virtualSeconds += part.virtualSeconds
            whole.events += part.events
            whole.wallSeconds = max(whole.wallSeconds, part.wallSeconds)
            whole.peakBytes = max(whole.peakBytes, part.peakBytes)
            whole.runs += part.runs
        }
        for index in whole.points.indices {
            for part in parts.dropFirst() { whole.points[index].add(part.points[index]) }
        }
        whole.sort()
        for (run, next) in zip(whole.runs, whole.runs.dropFirst())
        where run.seed == next.seed && run.point == next.point {
            throw Refusal(.invalid, "seed \(run.seed) is in two of the parts", remedy: "merge each part once")
        }
        whole.shard = nil
        whole.figures = Self.figures(of: parts, runs: whole.runs, wallSeconds: whole.wallSeconds)
        self = whole
    }

    /// Means of what each run measured; sums of what was counted over all.
    private static func figures(of parts: [SweepDocument], runs: [Run], wallSeconds: Double) -> [FigureDocument] {
        var figures = [FigureDocument("runs per second", Double(runs.count) / max(wallSeconds, 1e-9), unit: "1/s")]
        var totals = SweepTotals()
        for run in runs { totals.add(run.figures) }
        figures += totals.figures
        var counted: [String: Double] = [:]  // looked up only
        var names: Set<String> = []
        for figure in parts.flatMap(\.figures) where figure.unit == "times" && !figure.name.hasPrefix("mean of ") {
            counted[figure.name, default: 0] += figure.value
            names.insert(figure.name)
        }
        return figures + names.sorted().map { FigureDocument($0, counted[$0] ?? 0, unit: "times") }
    }
}

extension SweepDocument {
    init(_ sweep: Sweep) {
        self.init(
            scenario: sweep.file, sabotage: sweep.sabotage, seeds: 0, first: sweep.seeds.lowerBound,
            last: sweep.seeds.upperBound, violations: [], replayed: 0, jobs: sweep.jobs, virtualSeconds: 0, events: 0,
            wallSeconds: 0, peakBytes: 0, figures: [])
        shard = sweep.shard?.description
        axis = sweep.points.first?.axis ?? ""
        points = sweep.points.map { Point(label: $0.label, settings: $0.settings) }
    }

    /// Counts one run.
    mutating func add(_ result: RunResult, at point: ExperimentPoint, number: Int) {
        seeds += 1
        events += result.events
        virtualSeconds += result.virtualTime.inSeconds
        let figures = result.figures.map { FigureDocument($0.name, $0.value, unit: $0.unit) }
        runs.append(
            Run(seed: result.seed, point: point.label, traceHash: result.traceHash.description, figures: figures))
        points[number].add(
            Point(
                label: point.label, settings: point.settings, runs: 1, events: result.events, measures: result.measures)
        )
    }

    /// Threads finish in any order; the document does not depend on it.
    mutating func sort() {
        var order: [String: Int] = [:]  // looked up only
        for (index, point) in points.enumerated() { order[point.label] = index }
        func place(_ point: String, _ seed: UInt64) -> (Int, UInt64) { (order[point] ?? 0, seed) }
        runs.sort { place($0.point, $0.seed) < place($1.point, $1.seed) }
        // Stable within one run.
        violations = violations.enumerated().sorted {
            let (one, other) = (place($0.element.point, $0.element.seed), place($1.element.point, $1.element.seed))
            return one == other ? $0.offset < $1.offset : one < other
        }.map(\.element)
    }
}

extension SweepDocument.Point {
    /// Adds the runs of another part.
    mutating func add(_ other: Self) {
        runs += other.runs
        events += other.events
        // Never the first as it is: what it had begun to count would stay in it.
        if let more = other.measures {
            var sum = measures ?? .none
            sum.merge(more)
            measures = sum
        }
        figures = (measures?.figures ?? []).map { FigureDocument($0.name, $0.value, unit: $0.unit) }
    }
}

public import Automata

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
                part.last == whole.last
            else {
                throw Refusal(
                    .invalid,
                    "\(file) is of \(part.scenario), seeds \(part.first)...\(part.last); \(files[0]) is of "
                        + "\(whole.scenario), seeds \(whole.first)...\(whole.last)",
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
        whole.runs.sort { $0.seed < $1.seed }
        for (run, next) in zip(whole.runs, whole.runs.dropFirst()) where run.seed == next.seed {
            throw Refusal(.invalid, "seed \(run.seed) is in two of the parts", remedy: "merge each part once")
        }
        whole.violations = whole.violations.enumerated()
            .sorted { ($0.element.seed, $0.offset) < ($1.element.seed, $1.offset) }.map(\.element)
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

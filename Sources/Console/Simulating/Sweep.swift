import API
import Automata
import Foundation
public import Simulation
import Synchronization

/// An experiment over many seeds, on threads, each run on one: every point of it with every seed.
///
/// Every 50th run is done a second time in another process, and the trace hashes are compared: what differs from one
/// process to the next (hash seeds, addresses, leftovers in memory) would show. A difference is a violation of `replay`.
public struct Sweep: Sendable {
    public var points: [ExperimentPoint]
    public var file: String
    public var seeds: ClosedRange<UInt64>
    public var sabotage: String?
    public var jobs: Int
    public var untilViolation: Bool
    /// Only the runs of this part, of so many: every n-th one.
    public var shard: Shard?
    /// This program, for second runs; nil does none.
    public var program: String?
    /// Told now and then, by any thread, while runs go on.
    public var live: (@Sendable (SweepProgress) -> Void)?

    /// One in so many is done twice.
    public static let replayPeriod: UInt64 = 50
    /// The stack of a thread that runs a world; the default of 8 MiB on Linux, made explicit.
    private static let stackBytes = 8 << 20

    public init(
        points: [ExperimentPoint], file: String, seeds: ClosedRange<UInt64>, sabotage: String? = nil, jobs: Int = 1,
        untilViolation: Bool = false, shard: Shard? = nil, program: String? = nil
    ) {
        self.points = points
        self.file = file
        self.seeds = seeds
        self.sabotage = sabotage
        self.jobs = max(1, jobs)
        self.untilViolation = untilViolation
        self.shard = shard
        self.program = program
    }

    /// Of a scenario in which nothing varies.
    public init(
        scenario: Scenario, file: String, seeds: ClosedRange<UInt64>, sabotage: String? = nil, jobs: Int = 1,
        untilViolation: Bool = false, shard: Shard? = nil, program: String? = nil
    ) {
        self.init(
            points: [ExperimentPoint(scenario)], file: file, seeds: seeds, sabotage: sabotage, jobs: jobs,
            untilViolation: untilViolation, shard: shard, program: program)
    }

    /// How many runs there are in all, of this part.
    public var runs: Int {
        let all = points.count * seeds.count
        guard let shard else { return all }
        return all / shard.count + (all % shard.count >= shard.index ? 1 : 0)
    }

    /// Runs everything.
    ///
    /// - Parameter progress: how many are done, and how many violations there are.
    public func run(progress: (Int, Int) -> Void) async throws -> SweepDocument {
        let began = ContinuousClock.now
        let queue = RunQueue(points: points.count, seeds, shard: shard)
        defer { queue.stop() }
        var document = SweepDocument(self)
        var reached: [String: Int] = [:]
        for await (point, result) in results(from: queue) {
            document.add(result, at: points[point], number: point)
            reached.merge(result.reached, uniquingKeysWith: +)
            var found = result.violations.map { ($0.invariant, $0.summary) }
            if let program, (result.seed - seeds.lowerBound) % Self.replayPeriod == 0, points.count == 1 || point == 0 {
                if let difference = try await replay(result, of: points[point], by: program) {
                    found.append(("replay", difference))
                } else {
                    document.replayed += 1
                }
            }
            let command = ScenarioFiles.command(
                file: file, seed: result.seed, sabotage: sabotage, settings: points[point].settings)
            document.violations += found.map {
                SweepDocument.Violation(
                    seed: result.seed, point: points[point].label, invariant: $0.0, summary: $0.1, command: command)
            }
            progress(document.seeds, document.violations.count)
            if untilViolation, !document.violations.isEmpty { queue.stop() }
        }
        try Task.checkCancellation()
        document.sort()
        var totals = SweepTotals()
        for run in document.runs { totals.add(run.figures) }
        document.wallSeconds = (ContinuousClock.now - began).inSeconds
        document.peakBytes = ScenarioFiles.peakBytes
        document.figures =
            [FigureDocument("runs per second", Double(document.seeds) / document.wallSeconds, unit: "1/s")]
            + totals.figures
            + reached.sorted { $0.key < $1.key }.map { FigureDocument($0.key, Double($0.value), unit: "times") }
        return document
    }

    private func results(from queue: RunQueue) -> AsyncStream<(Int, RunResult)> {
        // Unbounded, because a thread cannot wait; at most as many as there are runs, without their recent events.
        let (stream, continuation) = AsyncStream.makeStream(of: (Int, RunResult).self)
        let running = SharedCount(jobs)
        let meter = live.map { SweepMeter(runs: runs, told: $0) }
        for _ in 0..<jobs {
            let thread = Thread {
                while let (point, seed) = queue.next() {
                    var options = RunOptions(sabotage: sabotage)
                    let number = meter?.begin() ?? 0
                    options.progress = meter?.listener(number)
                    var result = points[point].scenario.run(seed: seed, options: options)
                    meter?.end(number, result)
                    result.recent = []
                    continuation.yield((point, result))
                }
                if running.decrement() == 0 { continuation.finish() }
            }
            thread.stackSize = Self.stackBytes
            thread.start()
        }
        return stream
    }

    /// - Returns: what is different in the second run; nil when nothing is.
    private func replay(
        _ result: RunResult, of point: ExperimentPoint, by program: String
    ) async throws -> String? {
        let again = try await ScenarioProcess.run(
            file, seed: result.seed, sabotage: sabotage,
            settings: point.settings.map { "\($0.key)=\($0.value)" }, by: program)
        let first = result.traceHash.description
        return again.traceHash == first
            ? nil : "the trace hash is \(first) here and \(again.traceHash) in another process"
    }
}

/// One of several parts of a sweep: `2/5` is the second of five.
public struct Shard: Sendable, Hashable, CustomStringConvertible {
    public let index: Int
    public let count: Int

    /// Nil for anything but `i/n` with 1 <= i <= n <= 10000.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let index = Int(parts[0]), let count = Int(parts[1]), 1...10_000 ~= count,
            1...count ~= index
        else { return nil }
        self.index = index
        self.count = count
    }

    public var description: String { "\(index)/\(count)" }
}

/// Means over runs, in the order in which the figures first came.
struct SweepTotals {
    private var names: [String] = []
    private var sums: [String: (sum: Double, count: Int, unit: String)] = [:]  // looked up only

    mutating func add(_ figures: [FigureDocument]) {
        for figure in figures {
            if sums[figure.name] == nil { names.append(figure.name) }
            let old = sums[figure.name] ?? (0, 0, figure.unit)
            sums[figure.name] = (old.sum + figure.value, old.count + 1, figure.unit)
        }
    }

    var figures: [FigureDocument] {
        names.compactMap { name in
            sums[name].map { FigureDocument("mean of " + name, $0.sum / Double(max(1, $0.count)), unit: $0.unit) }
        }
    }
}

/// Runs that no thread has taken yet: point after point, in each seed after seed.
private final class RunQueue: Sendable {
    private let seeds: ClosedRange<UInt64>
    private let rest: Mutex<(next: Int, end: Int)>
    private let step: Int

    init(points: Int, _ seeds: ClosedRange<UInt64>, shard: Shard?) {
        self.seeds = seeds
        step = shard?.count ?? 1
        rest = Mutex(((shard?.index ?? 1) - 1, points * seeds.count))
    }

    func next() -> (point: Int, seed: UInt64)? {
        rest.withLock { rest in
            guard rest.next < rest.end else { return nil }
            let (point, seed) = rest.next.quotientAndRemainder(dividingBy: seeds.count)
            rest.next += step
            return (point, seeds.lowerBound + UInt64(seed))
        }
    }

    func stop() { rest.withLock { $0.next = $0.end } }
}

/// How many threads still run.
private final class SharedCount: Sendable {
    private let count: Mutex<Int>

    init(_ count: Int) { self.count = Mutex(count) }

    func decrement() -> Int {
        count.withLock { count in
            count -= 1
            return count
        }
    }
}

import API
import Automata
import Foundation
public import Simulation
import Subprocess
import Synchronization

/// One scenario over many seeds, on threads, each run on one.
///
/// Every 50th run is done a second time in another process, and the trace hashes are compared: what differs from one
/// process to the next (hash seeds, addresses, leftovers in memory) would show. A difference is a violation of `replay`.
public struct Sweep: Sendable {
    public var scenario: Scenario
    public var file: String
    public var seeds: ClosedRange<UInt64>
    public var sabotage: String?
    public var jobs: Int
    public var untilViolation: Bool
    /// Only the seeds of this part, of so many: every n-th one.
    public var shard: Shard?
    /// This program, for second runs; nil does none.
    public var program: String?

    /// One in so many is done twice.
    public static let replayPeriod: UInt64 = 50
    /// The stack of a thread that runs a world; the default of 8 MiB on Linux, made explicit.
    private static let stackBytes = 8 << 20

    public init(
        scenario: Scenario, file: String, seeds: ClosedRange<UInt64>, sabotage: String? = nil, jobs: Int = 1,
        untilViolation: Bool = false, shard: Shard? = nil, program: String? = nil
    ) {
        self.scenario = scenario
        self.file = file
        self.seeds = seeds
        self.sabotage = sabotage
        self.jobs = max(1, jobs)
        self.untilViolation = untilViolation
        self.shard = shard
        self.program = program
    }

    /// Runs all seeds.
    ///
    /// - Parameter progress: how many are done, and how many violations there are.
    public func run(progress: (Int, Int) -> Void) async throws -> SweepDocument {
        let began = ContinuousClock.now
        let queue = SeedQueue(seeds, shard: shard)
        defer { queue.stop() }
        var document = SweepDocument(
            scenario: file, sabotage: sabotage, seeds: 0, first: seeds.lowerBound, last: seeds.upperBound,
            violations: [], replayed: 0, jobs: jobs, virtualSeconds: 0, events: 0, wallSeconds: 0, peakBytes: 0,
            figures: [])
        document.shard = shard?.description
        var reached: [String: Int] = [:]
        for await result in results(from: queue) {
            document.seeds += 1
            document.events += result.events
            document.virtualSeconds += result.virtualTime.inSeconds
            reached.merge(result.reached, uniquingKeysWith: +)
            document.runs.append(
                SweepDocument.Run(
                    seed: result.seed, traceHash: result.traceHash.description,
                    figures: result.figures.map { FigureDocument($0.name, $0.value, unit: $0.unit) }))
            var found = result.violations.map { ($0.invariant, $0.summary) }
            if let program, (result.seed - seeds.lowerBound) % Self.replayPeriod == 0 {
                if let difference = try await replay(result, by: program) {
                    found.append(("replay", difference))
                } else {
                    document.replayed += 1
                }
            }
            let command = ScenarioFiles.command(file: file, seed: result.seed, sabotage: sabotage)
            document.violations += found.map {
                SweepDocument.Violation(seed: result.seed, invariant: $0.0, summary: $0.1, command: command)
            }
            progress(document.seeds, document.violations.count)
            if untilViolation, !document.violations.isEmpty { queue.stop() }
        }
        try Task.checkCancellation()
        // Threads finish in any order; the document does not depend on it. The sort is stable within one seed.
        document.violations = document.violations.enumerated()
            .sorted { ($0.element.seed, $0.offset) < ($1.element.seed, $1.offset) }.map(\.element)
        document.runs.sort { $0.seed < $1.seed }
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

    private func results(from queue: SeedQueue) -> AsyncStream<RunResult> {
        // Unbounded, because a thread cannot wait; at most as many as there are seeds, without their recent events.
        let (stream, continuation) = AsyncStream.makeStream(of: RunResult.self)
        let running = SharedCount(jobs)
        for _ in 0..<jobs {
            let thread = Thread {
                while let seed = queue.next() {
                    var result = scenario.run(seed: seed, options: RunOptions(sabotage: sabotage))
                    result.recent = []
                    continuation.yield(result)
                }
                if running.decrement() == 0 { continuation.finish() }
            }
            thread.stackSize = Self.stackBytes
            thread.start()
        }
        return stream
    }

    /// - Returns: what is different in the second run; nil when nothing is.
    private func replay(_ result: RunResult, by program: String) async throws -> String? {
        let again = try await ScenarioProcess.run(file, seed: result.seed, sabotage: sabotage, by: program)
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

/// Seeds that no thread has taken yet.
private final class SeedQueue: Sendable {
    private let rest: Mutex<(next: UInt64?, last: UInt64)>
    private let step: UInt64

    init(_ seeds: ClosedRange<UInt64>, shard: Shard?) {
        step = shard.map { UInt64($0.count) } ?? 1
        let first = seeds.lowerBound + (shard.map { UInt64($0.index - 1) } ?? 0)
        rest = Mutex((first <= seeds.upperBound ? first : nil, seeds.upperBound))
    }

    func next() -> UInt64? {
        rest.withLock { rest in
            guard let seed = rest.next else { return nil }
            rest.next = rest.last - seed >= step ? seed + step : nil
            return seed
        }
    }

    func stop() { rest.withLock { $0.next = nil } }
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

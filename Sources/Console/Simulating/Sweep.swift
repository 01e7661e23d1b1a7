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
    public var sabotage: Sabotage?
    public var jobs: Int
    public var untilViolation: Bool
    /// This program, for second runs; nil does none.
    public var program: String?

    /// One in so many is done twice.
    public static let replayPeriod: UInt64 = 50
    /// The stack of a thread that runs a world; the default of 8 MiB on Linux, made explicit.
    private static let stackBytes = 8 << 20

    public init(
        scenario: Scenario, file: String, seeds: ClosedRange<UInt64>, sabotage: Sabotage? = nil, jobs: Int = 1,
        untilViolation: Bool = false, program: String? = nil
    ) {
        self.scenario = scenario
        self.file = file
        self.seeds = seeds
        self.sabotage = sabotage
        self.jobs = max(1, jobs)
        self.untilViolation = untilViolation
        self.program = program
    }

    /// Runs all seeds.
    ///
    /// - Parameter progress: how many are done, and how many violations there are.
    public func run(progress: (Int, Int) -> Void) async throws -> SweepDocument {
        let began = ContinuousClock.now
        let queue = SeedQueue(seeds)
        defer { queue.stop() }
        var document = SweepDocument(
            scenario: file, sabotage: sabotage?.rawValue, seeds: 0, first: seeds.lowerBound, last: seeds.upperBound,
            violations: [], replayed: 0, jobs: jobs, virtualSeconds: 0, events: 0, wallSeconds: 0, peakBytes: 0,
            figures: [])
        var reached: [String: Int] = [:]
        for await result in results(from: queue) {
            document.seeds += 1
            document.events += result.events
            document.virtualSeconds += result.virtualTime.inSeconds
            reached.merge(result.reached, uniquingKeysWith: +)
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
        document.wallSeconds = (ContinuousClock.now - began).inSeconds
        document.peakBytes = ScenarioFiles.peakBytes
        document.figures =
            [FigureDocument("runs per second", Double(document.seeds) / document.wallSeconds, unit: "1/s")]
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
                    var result = scenario.run(seed: seed, sabotage: sabotage)
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
        var arguments = ["sim", "run", file, "--seed", String(result.seed), "-o", "json"]
        if let sabotage { arguments += ["--sabotage", sabotage.rawValue] }
        let place = URL(fileURLWithPath: program)
        // By name, in a search path that is the program's own directory: a path would need another package's type.
        let search: [Environment.Key: String?] = ["PATH": place.deletingLastPathComponent().path]
        let outcome = try await Subprocess.run(
            .name(place.lastPathComponent), arguments: Arguments(arguments),
            environment: .inherit.updating(search), output: .bytes(limit: 16 << 20), error: .discarded)
        let again = try DocumentCoding.decode(SimulationDocument.self, from: Data(outcome.standardOutput))
        let first = result.traceHash.description
        return again.traceHash == first
            ? nil : "the trace hash is \(first) here and \(again.traceHash) in another process"
    }
}

/// Seeds that no thread has taken yet.
private final class SeedQueue: Sendable {
    private let rest: Mutex<(next: UInt64?, last: UInt64)>

    init(_ seeds: ClosedRange<UInt64>) {
        rest = Mutex((seeds.lowerBound, seeds.upperBound))
    }

    func next() -> UInt64? {
        rest.withLock { rest in
            guard let seed = rest.next else { return nil }
            rest.next = seed < rest.last ? seed + 1 : nil
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

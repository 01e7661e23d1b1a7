import API
import ArgumentParser
import Automata
import Console
import Foundation
import Lab
import NIOCore
import NIOPosix

/// `palmier bench ledger`: a ledger with two passive replicas, on real processes and a real disk, next to etcd.
struct BenchLedger: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "A ledger with two replicas on loopback, next to etcd.",
        discussion: Help.text(
            """
            Starts three masters and three members of etcd with their files in one folder, writes to both by turns, kills \
            their leaders, and removes everything. At the end every acknowledged write is looked for on the masters' disks. \
            Without etcd (Debian: etcd-server) its figures are left out. Ends with 0 also when a figure falls short of its \
            goal, and says so on standard error; with 1 when one could not be taken, or an acknowledged write is lost.

            Figures:
            \(LedgerFigures.help)
            """,
            examples: .init(
                "palmier bench ledger --load 10m -o json", "all figures, for the record; about half an hour"),
            .init("palmier bench ledger --figures catch_up --entries 100000", "one of them, with less")))

    @Option(
        help: ArgumentHelp("Only these, separated by commas; those taken together come together.", valueName: "NAME,…"))
    var figures: String?

    @Option(help: ArgumentHelp("How often rates and latencies are taken.", valueName: "N"))
    var rounds = 3

    @Option(help: ArgumentHelp("How long each time.", valueName: "DURATION"))
    var window: DurationArgument = .seconds(10)

    @Option(name: .customLong("repeat"), help: ArgumentHelp("How often the primary is killed.", valueName: "N"))
    var times = 10

    @Option(help: ArgumentHelp("How long all write while nobody else may come to lead.", valueName: "DURATION"))
    var load: DurationArgument = .seconds(60)

    @Option(help: ArgumentHelp("What a new replica has to catch up with.", valueName: "N"))
    var entries = 1_000_000

    @Option(help: ArgumentHelp("What is invoiced.", valueName: "N"))
    var movements = 1_000_000

    @Option(help: ArgumentHelp("After this time everything is ended.", valueName: "DURATION"))
    var timeout: DurationArgument = .seconds(3_600)

    @Option(
        help: ArgumentHelp("Where the folder is made, and so on which disk.", valueName: "DIR"), completion: .directory)
    var directory: String?

    @Flag(help: "Leaves the folder there, with states and logs of all processes.")
    var keep = false

    @Flag(help: "Leaves etcd out.")
    var alone = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...100).contains(rounds) else { throw ValidationError("--rounds: expected 1 to 100, found \(rounds)") }
        guard (1...1_000).contains(times) else { throw ValidationError("--repeat: expected 1 to 1000, found \(times)") }
        guard window.duration >= .seconds(1) else { throw ValidationError("--window: expected 1s or more") }
        guard (50_000...10_000_000).contains(movements) else {
            throw ValidationError("--movements: expected 50000 to 10000000, found \(movements)")
        }
        _ = try chosen()
    }

    mutating func run() async throws {
        let plan = LedgerPlan(
            rounds: rounds, window: window.duration, failovers: times, load: load.duration, entries: entries,
            movements: movements, progress: ProgressLine())
        if !alone, let obstacle = EtcdCluster.obstacle() { Terminal.note(obstacle) }
        let withEtcd = !alone && EtcdCluster.obstacle() == nil
        let chosen = try chosen()
        let parent = directory ?? FileManager.default.temporaryDirectory.path
        let folder = StateDirectory("\(parent)/palmier-bench-\(ProcessInfo.processInfo.processIdentifier)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let outcome = await Result {
            try await Interruptible.run(within: timeout.duration) {
                try await Self.measure(chosen, plan, folder, withEtcd: withEtcd)
            }
        }
        if keep {
            Terminal.note("states and logs are in \(folder)")
        } else {
            try FileManager.default.removeItem(atPath: folder)
        }
        let (measured, failures) = try outcome.get()
        try BenchPrinting.print(measured, failures: failures, output: output.output)
    }

    private func chosen() throws -> [LedgerFigures] {
        guard let figures else { return LedgerFigures.allCases }
        let known = LedgerFigures.allCases.flatMap(\.names)
        let wanted = figures.split(separator: ",").map(String.init)
        for name in wanted where !known.contains(name) {
            throw ValidationError("--figures: there is no \(name); known: \(known.joined(separator: ", "))")
        }
        return LedgerFigures.allCases.filter { !$0.names.filter(wanted.contains).isEmpty }
    }

    private static func measure(
        _ chosen: [LedgerFigures], _ plan: LedgerPlan, _ folder: String, withEtcd: Bool
    ) async throws -> ([Figure], [String]) {
        defer { plan.progress.finish() }
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        plan.progress.update("starting masters\(withEtcd ? " and etcd" : "")")
        let fabric = try await LedgerFabric.start(in: folder, on: loop)
        var (figures, failures) = ([Figure](), [String]())
        do {
            let etcd = withEtcd ? try await EtcdCluster.start(in: folder, on: loop) : nil
            let measuring = LedgerMeasuring(fabric: fabric, etcd: etcd, plan: plan, loop: loop)
            for kind in chosen {
                do {
                    figures += try await measuring.measure(kind)
                } catch let error as CancellationError {
                    await etcd?.end()
                    throw error
                } catch {
                    // What was measured before is not lost with it.
                    failures.append("\(kind.names.joined(separator: ", ")): \(error)\n\(fabric.lastWords)")
                }
            }
            await etcd?.end()
            plan.progress.update("looking for every acknowledged write")
            try await fabric.stop()
            let count = try await LedgerAudit(fabric: fabric).run()
            Terminal.note("all \(count) acknowledged writes are on the disks of a majority")
        } catch let error as CancellationError {
            await fabric.end()
            throw error
        } catch {
            failures.append("\(error)")
        }
        await fabric.end()
        return (figures, failures)
    }
}

extension Result where Failure == any Error {
    /// What the work comes to, errors included.
    fileprivate init(_ work: () async throws -> Success) async {
        do { self = .success(try await work()) } catch { self = .failure(error) }
    }
}

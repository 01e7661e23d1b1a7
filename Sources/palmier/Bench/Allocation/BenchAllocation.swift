import API
import ArgumentParser
import Automata
import Console
import Lab
import Logging
import Simulation

/// `palmier bench allocation`: how well, how fast and at what cost requests find machines; simulated over a wide area of
/// 10,000 machines, and on real processes.
struct BenchAllocation: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "allocation", abstract: "How well, how fast and at what cost requests find machines.",
        discussion: Help.text(
            """
            Simulates what the goals of the scenarios with placements need, then starts three masters and 20 agents on a \
            link of network namespaces (root, iproute2 and nftables are needed), and a master that knows 1,000 machines. \
            Use a release build: it takes some minutes. Ends with 0 also when a figure falls short of its goal, and says \
            so on standard error; with 1 when one could not be taken.

            Figures:
              placed_share, placement_messages_p50, placement_messages_p99: of 10,000 machines at 90 % load
              placement_p50, placement_p99: requests for another region, 80 ms away and back in the median
              rare_found, rare_p99: a machine with what 1 in 10,000 has
              placements_rate, placements_p50, placements_p99: on real processes
              why_p99: the full list of 1,000 machines
            """,
            examples: .init("palmier bench allocation -o json", "all figures, for the record"),
            .init("palmier bench allocation --figures placements_rate,placements_p99", "real processes alone")))

    private static let placing = ["placements_rate", "placements_p50", "placements_p99"]
    private static let asking = ["why_p99"]

    @Option(help: ArgumentHelp("Only these, separated by commas.", valueName: "NAME,…"))
    var figures: String?

    @Option(help: ArgumentHelp("How many clients ask at once, of real processes.", valueName: "N"))
    var clients = 28

    @Option(help: ArgumentHelp("How long they are counted.", valueName: "DURATION"))
    var window: DurationArgument = .seconds(20)

    @OptionGroup var options: ScenarioBenchOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...400).contains(clients) else {
            throw ValidationError("--clients: expected 1 to 400, found \(clients)")
        }
        guard window.duration >= .seconds(1) else { throw ValidationError("--window: expected 1s or more") }
    }

    mutating func run() async throws {
        let wanted = figures.map { $0.split(separator: ",").map(String.init) }
        let isReal = wanted.map { $0.allSatisfy((Self.placing + Self.asking).contains) } ?? false
        let simulated =
            try isReal
            ? nil
            : ScenarioBench(options, figures: figures, others: Self.placing + Self.asking) {
                $0.fabric?.placements != nil
            }
        let releases = try await BenchReleases(directory: nil)
        let progress = ProgressLine()
        var (measured, failures) = try await simulated?.run(progress) ?? ([], [])
        if wanted.map({ !$0.filter(Self.asking.contains).isEmpty }) ?? true {
            progress.update("asking why")
            measured += try await Asking.measure(releases.noop)
        }
        if wanted.map({ !$0.filter(Self.placing.contains).isEmpty }) ?? true {
            do {
                measured += try await place(releases, progress)
            } catch let error as CancellationError {
                throw error
            } catch {
                failures.append("\(Self.placing.joined(separator: ", ")): \(error)")
            }
        }
        progress.finish()
        try BenchPrinting.print(measured, failures: failures, output: output.output)
    }

    private func place(_ releases: BenchReleases, _ progress: ProgressLine) async throws -> [Lab.Figure] {
        if let obstacle = await Lan.requirements() {
            throw Refusal(.failed, obstacle, remedy: "run it as root on a Linux machine that is yours")
        }
        var logger = Logger(label: "palmier.bench")
        logger.logLevel = .warning
        await Lan.removeLeftovers(logger: logger)
        let (clients, window) = (clients, window.duration)
        return try await Interruptible.run(within: .seconds(600)) { [logger] in
            try await Lan.with(hosts: BenchFabric.hosts, addressing: .both, folder: nil, logger: logger) { lan in
                progress.update("starting \(BenchFabric.masters) masters and \(Placing.agents) agents")
                let fabric = try await BenchFabric.start(
                    in: lan, agents: Placing.agents, partitions: Placing.partitions)
                progress.update("\(clients) clients ask for no-op instances")
                let placing = Placing(fabric: fabric, release: releases.noop, clients: clients, window: window)
                let figures: [Lab.Figure]
                do {
                    figures = try await placing.measure()
                } catch let error as CancellationError {
                    throw error
                } catch {
                    await fabric.close()
                    throw Refusal(.failed, "\(error)\n\(fabric.lastWords())")
                }
                await fabric.close()
                return figures
            }
        }
    }
}

import API
import ArgumentParser
import Automata
import Console
import Foundation
import Lab
import Logging

/// `palmier bench lan`: the figures that users and owners of machines feel, on real processes and a real link.
///
/// Five hosts are network namespaces on one bridge; three masters and five agents are this same program, started there.
/// Each figure is taken from outside, as a user would see it: through masters' sockets, through connections to the
/// instances, from the kernel's counters.
struct BenchLan: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lan", abstract: "Three masters and five agents on a local network of five hosts.",
        discussion: Help.text(
            """
            Makes five hosts out of network namespaces, starts masters and agents in them, measures, and removes \
            everything. Needs root, iproute2 and nftables. Ends with 0 also when a figure falls short of its goal, \
            and says so on standard error; with 1 when one could not be taken.

            Figures:
            \(BenchFigures.allCases.map { "  \($0.names.joined(separator: ", ")): \($0.meaning)" }.joined(separator: "\n"))
            """,
            examples: .init("palmier bench lan -o json", "all figures, about five minutes"),
            .init("palmier bench lan --figures join_p50,failure_p95 --repeat 5", "some, quickly")))

    @Option(
        help: ArgumentHelp("Only these, separated by commas; those taken together come together.", valueName: "NAME,…"))
    var figures: String?

    @Option(
        name: .customLong("repeat"),
        help: ArgumentHelp("How many joins, restarts and failures; requests are ten times as many.", valueName: "N"))
    var times = 20

    @Option(help: ArgumentHelp("How long the agent's idleness is watched.", valueName: "DURATION"))
    var idle: DurationArgument = .seconds(60)

    @Option(help: ArgumentHelp("After this time everything is ended.", valueName: "DURATION"))
    var timeout: DurationArgument = .seconds(1_200)

    @Option(
        help: ArgumentHelp("Where memcached.yaml and noop.yaml are; found by itself in a checkout.", valueName: "DIR"),
        completion: .directory)
    var examples: String?

    @Option(
        help: ArgumentHelp("Keeps states and logs of all hosts in this directory.", valueName: "DIR"),
        completion: .directory)
    var keep: String?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...1_000).contains(times) else { throw ValidationError("--repeat: expected 1 to 1000, found \(times)") }
        guard idle.duration >= .seconds(5) else { throw ValidationError("--idle: expected 5s or more") }
        _ = try chosen()
    }

    mutating func run() async throws {
        if let obstacle = await Lan.requirements() {
            throw Refusal(.failed, obstacle, remedy: "run it as root on a Linux machine that is yours")
        }
        let releases = try await BenchReleases(directory: examples)
        let plan = BenchPlan(times: times, idle: idle.duration, releases: releases, progress: ProgressLine())
        let chosen = try chosen()
        let limit = timeout.duration
        // Figures are quiet about what they watch; errors of the network itself are for a person.
        var logger = Logger(label: "palmier.bench")
        logger.logLevel = .warning
        await Lan.removeLeftovers(logger: logger)
        let folder = try keep.map { try Self.makeFolder($0) }
        let (measured, failures) = try await Interruptible.run(within: limit) { [logger] in
            try await Self.measure(chosen, plan, folder, logger)
        }
        let document = BenchmarkDocument(machine: .current, figures: measured)
        let output = output.output
        try output.write(document, names: measured.map(\.name)) { isWide in
            BenchView.table(document, isWide: isWide, output: output)
        }
        BenchView.noteShort(document)
        guard failures.isEmpty else {
            for failure in failures { Terminal.note("error: \(failure)") }
            throw Ending(.failed)
        }
    }

    private func chosen() throws -> [BenchFigures] {
        guard let figures else { return BenchFigures.allCases }
        let known = BenchFigures.allCases.flatMap(\.names)
        let wanted = figures.split(separator: ",").map(String.init)
        for name in wanted where !known.contains(name) {
            throw ValidationError("--figures: there is no \(name); known: \(known.joined(separator: ", "))")
        }
        return BenchFigures.allCases.filter { !$0.names.filter(wanted.contains).isEmpty }
    }

    private static func makeFolder(_ path: String) throws -> String {
        let folder = StateDirectory(path).path
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        } catch {
            throw Refusal(.failed, "--keep \(folder) cannot be made: \(error.localizedDescription)")
        }
        return folder
    }

    private static func measure(
        _ chosen: [BenchFigures], _ plan: BenchPlan, _ folder: String?, _ logger: Logger
    ) async throws -> ([Figure], [String]) {
        defer { plan.progress.finish() }
        return try await Lan.with(hosts: BenchFabric.hosts, addressing: .both, folder: folder, logger: logger) { lan in
            plan.progress.update("starting \(BenchFabric.masters) masters and \(BenchFabric.agents) agents")
            let fabric = try await BenchFabric.start(in: lan)
            var figures: [Figure] = []
            var failures: [String] = []
            for kind in chosen {
                do {
                    figures += try await kind.measure(fabric, plan)
                } catch let error as CancellationError {
                    throw error
                } catch {
                    // What was measured before is not lost with it.
                    failures.append("\(kind.names.joined(separator: ", ")): \(error)\n\(fabric.lastWords())")
                }
            }
            await fabric.close()
            return (figures, failures)
        }
    }
}

import API
import ArgumentParser
import Automata
import Console
import Foundation
import Lab

/// `palmier bench simulator`: how fast the deterministic simulator is, and how small a peer in it.
struct BenchSimulator: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulator", abstract: "Speed and memory of the deterministic simulator.",
        discussion: Help.text(
            """
            Runs scenarios with a fixed seed, each in a process of its own on one thread, and measures them from its \
            start to its end. Ends with 0 also when a figure falls short of its goal, and says so on standard error; \
            with 1 when one could not be taken. Leave the machine alone meanwhile: whatever else runs slows it down.

            Figures:
            \(SimulatorFigures.allCases.map { "  \($0.names.joined(separator: ", ")): \($0.meaning)" }.joined(separator: "\n"))
            """,
            examples: .init("palmier bench simulator -o json", "all but the million, about ten minutes"),
            .init("palmier bench simulator --figures million_peers", "up to an hour, and some 6 GiB"),
            .init("palmier bench simulator --peers 2000", "a quick try")))

    @Option(
        help: ArgumentHelp("Only these, separated by commas; those taken together come together.", valueName: "NAME,…"))
    var figures: String?

    @Option(help: ArgumentHelp("So many peers in each figure; figures have no goals then.", valueName: "N"))
    var peers: Int?

    @Option(help: ArgumentHelp("After this time everything is ended.", valueName: "DURATION"))
    var timeout: DurationArgument = .seconds(7_200)

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if let peers, !(200...2_000_000).contains(peers) {
            throw ValidationError("--peers: expected 200 to 2000000, found \(peers)")
        }
        _ = try chosen()
    }

    mutating func run() async throws {
        let runs = SimulatorRuns(progress: ProgressLine())
        let (chosen, peers) = (try chosen(), peers)
        let (measured, failures) = try await Interruptible.run(within: timeout.duration) {
            try await Self.measure(chosen, peers: peers, by: runs)
        }
        try BenchPrinting.print(measured, failures: failures, output: output.output)
    }

    private func chosen() throws -> [SimulatorFigures] {
        guard let figures else { return SimulatorFigures.allCases.filter { $0 != .million } }
        let known = SimulatorFigures.allCases.flatMap(\.names)
        let wanted = figures.split(separator: ",").map(String.init)
        for name in wanted where !known.contains(name) {
            throw ValidationError("--figures: there is no \(name); known: \(known.joined(separator: ", "))")
        }
        guard !wanted.isEmpty else {
            throw ValidationError("--figures: expected names; known: \(known.joined(separator: ", "))")
        }
        return SimulatorFigures.allCases.filter { !$0.names.filter(wanted.contains).isEmpty }
    }

    private static func measure(
        _ chosen: [SimulatorFigures], peers: Int?, by runs: SimulatorRuns
    ) async throws -> ([Figure], [String]) {
        defer { runs.progress.finish() }
        var figures: [Figure] = []
        var failures: [String] = []
        for kind in chosen {
            do {
                figures += try await kind.measure(peers: peers, by: runs)
            } catch let error as CancellationError {
                throw error
            } catch {
                // What was measured before is not lost with it.
                failures.append("\(kind.names.joined(separator: ", ")): \(error)")
            }
        }
        return (figures, failures)
    }
}

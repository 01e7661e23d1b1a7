import API
import ArgumentParser
import Automata
import Console
import Foundation
import Lab
import Simulation

/// `palmier bench overlay`: the figures that the overlay shall reach, each from the published scenario that names it.
///
/// What is measured, at which value of what varies, and what shall be reached stands in the scenario's `goals:`; here is
/// only the running.
struct BenchOverlay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "overlay", abstract: "Hops, stretch, control traffic, lost and wrong lookups of the ring.",
        discussion: Help.text(
            """
            Simulates what the goals of the published scenarios need, with their seeds; use a release build. All take \
            some minutes of one core. Ends with 0 also when a figure falls short of its goal, and says so on standard \
            error; with 1 when an invariant was violated.

            Figures are the names of the goals in Simulations/*.yaml:
              hops_mean: hops of a lookup among 100,000 peers
              stretch, control, wrong_gnutella: delay stretch, control messages a second of each peer, wrong
              deliveries, under the churn of Gnutella
              wrong_poisson, answered_5min: wrong deliveries under Poisson churn; lookups answered at its worst
              lost_5percent, wrong_5percent: one of so many lookups is lost, or delivered wrong, at 5 % loss
            """,
            examples: .init("palmier bench overlay -o json", "all figures, for the record"),
            .init("palmier bench overlay --figures hops_mean", "one of them"),
            .init("palmier bench overlay --set peers=200", "the way of it, quickly; no figure to quote")))

    @Option(help: ArgumentHelp("Only these, separated by commas.", valueName: "NAME,…"))
    var figures: String?

    @OptionGroup var options: ScenarioBenchOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let bench = try ScenarioBench(options, figures: figures) { $0.fabric?.placements == nil }
        let progress = ProgressLine()
        let (measured, failures) = try await bench.run(progress)
        progress.finish()
        try BenchPrinting.print(measured, failures: failures, output: output.output)
    }
}

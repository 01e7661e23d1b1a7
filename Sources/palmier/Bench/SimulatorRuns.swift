import Automata
import Console
import Foundation
import Simulation

/// Runs scenarios in processes of their own, one after the other.
struct SimulatorRuns: Sendable {
    /// As many as show what a process takes without peers.
    static let fewPeers = 100
    static let seed: UInt64 = 1

    /// This program: what is measured is what measures.
    let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
    let progress: ProgressLine

    /// What a run said of itself.
    struct Outcome: Sendable {
        let document: SimulationDocument

        var delivered: Double { figure("messages delivered") }

        /// Zero when the run has no such figure.
        func figure(_ name: String) -> Double { document.figures.first { $0.name == name }?.value ?? 0 }

        func conditions(_ peers: Int) -> String {
            "\(peers) overlays join, then \(Int(figure("lookups"))) lookups in 60 s, all delivered; "
                + "\(Int(delivered)) messages, one thread"
        }
    }

    /// - Throws: `Refusal` when the run broke an invariant or lost a lookup.
    func run(_ scenario: Scenario) async throws -> Outcome {
        progress.update(scenario.title)
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("palmier-\(UUID().uuidString).yaml")
        try Data(scenario.yaml.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let document = try await ScenarioProcess.run(file.path, seed: Self.seed, by: program)
        if let violation = document.violations.first {
            throw Refusal(
                .failed, "\(scenario.title): \(violation.invariant) was violated: \(violation.summary)",
                remedy: "a figure of a wrong run says nothing: repair it first")
        }
        let outcome = Outcome(document: document)
        let lost = outcome.figure("lookups lost")
        guard scenario.churn != .none || lost == 0 else {
            throw Refusal(.failed, "\(scenario.title): \(Int(lost)) lookups were lost, although nothing failed")
        }
        return outcome
    }
}

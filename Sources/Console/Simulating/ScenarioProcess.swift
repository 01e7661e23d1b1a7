import API
import Automata
import Foundation
import Subprocess

/// One run of a scenario in a process of its own: with fresh memory, and with nothing that this one has done before.
public enum ScenarioProcess {
    /// - Parameters:
    ///   - settings: `KEY=VALUE`, as `--set` takes them.
    ///   - program: the path of `palmier`.
    /// - Returns: what `palmier sim run FILE --seed N -o json` printed; a violation is no error.
    /// - Throws: `Refusal` when the process ended without a document.
    public static func run(
        _ file: String, seed: UInt64, sabotage: String? = nil, settings: [String] = [], by program: String
    ) async throws -> SimulationDocument {
        var arguments = ["sim", "run", file, "--seed", String(seed), "-o", "json"]
        if let sabotage { arguments += ["--sabotage", sabotage] }
        for setting in settings { arguments += ["--set", setting] }
        let place = URL(fileURLWithPath: program)
        // By name, in a search path that is the program's own directory: a path would need another package's type.
        let search: [Environment.Key: String?] = ["PATH": place.deletingLastPathComponent().path]
        var options = PlatformOptions()
        // Who is cancelled while it waits ends the run with it.
        options.teardownSequence = [.send(signal: .kill, allowedDurationToNextStep: .seconds(1))]
        let outcome = try await Subprocess.run(
            .name(place.lastPathComponent), arguments: Arguments(arguments),
            environment: .inherit.updating(search), platformOptions: options, output: .bytes(limit: 16 << 20),
            error: .string(limit: 1 << 16))
        do {
            return try DocumentCoding.decode(SimulationDocument.self, from: Data(outcome.standardOutput))
        } catch {
            throw Refusal(
                .failed,
                "`palmier \(arguments.joined(separator: " "))` gave no document: \(outcome.terminationStatus): "
                    + outcome.standardError.suffix(2_000))
        }
    }
}

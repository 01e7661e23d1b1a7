import ArgumentParser
import Simulation

/// What differs from the scenario's file.
struct ChoiceOptions: ParsableArguments {
    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("Another value for a key of the scenario; may be repeated.", valueName: "KEY=VALUE"))
    var set: [String] = []

    @Option(
        help: ArgumentHelp(
            "Run each of these values, in place of what the scenario varies; may be repeated: every combination.",
            valueName: "KEY=A,B,…"))
    var vary: [String] = []

    func choices() throws -> Choices { try Choices(set: set, vary: vary) }

    /// As they were typed.
    var words: [String] { Self.words(set: set) + vary.map { Self.quoted("--vary", $0) } }

    static func words(set: [String]) -> [String] { set.map { quoted("--set", $0) } }

    private static func quoted(_ option: String, _ text: String) -> String {
        text.contains { "{}[]' \"*?$".contains($0) } ? "\(option) '\(text)'" : "\(option) \(text)"
    }
}

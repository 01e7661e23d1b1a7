import ArgumentParser
import Console

struct AgentConfig: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Each effective setting, and where it came from.",
        discussion: Help.text(
            "Takes the flags that `agent` and `master` take, and starts nothing.",
            examples: .init("palmier agent config", "what `palmier agent` would use"),
            .init("palmier agent config --partitions 4 -o json", "with a flag, for a script")))

    @OptionGroup var flags: HostFlags

    @OptionGroup var master: MasterFlags
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let settings = try await flags.settings(master)
        // Reads them all, so that a wrong one is found here, too.
        _ = try settings.options(isMaster: true)
        let output = output.output
        try output.write(
            SettingsDocument(settings: settings.settings), names: settings.settings.map(\.name)
        ) { isWide in
            var table = Table([.plain("NAME"), .flexible("VALUE"), .plain("ORIGIN")])
            for setting in settings.settings { table.add([setting.name, setting.value, setting.origin]) }
            return output.text(of: table, isWide: isWide)
        }
    }
}

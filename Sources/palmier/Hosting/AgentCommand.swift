import ArgumentParser
import Console

struct AgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent", abstract: "Let this machine run software for the fabric.",
        discussion: Help.text(
            """
            On a LAN nothing needs to be typed: the agent finds the fabric, asks to be let in, and says how it is \
            approved. A restart never resets a setting, and what runs goes on meanwhile.

            Settings: flags over environment (PALMIER_PARTITIONS, …) over a YAML file (partitions: 4).
            """,
            examples: .init("palmier agent", "joins the fabric on this link"),
            .init("palmier agent --token palmier-abc --partitions 4", "joins from elsewhere, with four partitions"),
            .init(
                "palmier agent --price core-hour=0.01 --hours 19:00-07:00 --max-memory 8GiB",
                "at a price, at night (UTC), and for no instance that asks for more"),
            .init("palmier agent config --state /srv/palmier", "prints each setting and where it came from")),
        subcommands: [AgentConfig.self, AgentLeave.self])

    @OptionGroup var flags: HostFlags

    mutating func run() async throws {
        try await palmier.run(options: flags.settings().options(isMaster: false))
    }
}

import ArgumentParser
import Console

/// The root: commands by who reads them.
struct Palmier: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "palmier",
        abstract: "Machines join by starting an agent; any master answers; a real program runs.",
        discussion: Help.root,
        version: Console.version,
        groupedSubcommands: [
            CommandGroup(
                name: "For users of software",
                subcommands: [
                    RequestCommand.self, ScaleCommand.self, WarmCommand.self, PlanCommand.self, InstanceCommand.self,
                    WhyCommand.self, ObjectCommand.self,
                    IdentityCommand.self,
                ]),
            CommandGroup(name: "For the owner of a machine", subcommands: [AgentCommand.self, DoctorCommand.self]),
            CommandGroup(
                name: "For operators",
                subcommands: [
                    FabricCommand.self, MasterCommand.self, LedgerCommand.self, NodeCommand.self, OverlayCommand.self,
                    StatusCommand.self,
                ]),
            CommandGroup(
                name: "For those who keep accounts",
                subcommands: [
                    AccountCommand.self, ProjectCommand.self, PriceCommand.self, ResourceCommand.self,
                    ContractCommand.self, SubscriptionCommand.self, IncidentCommand.self,
                ]),
            CommandGroup(name: "For researchers", subcommands: [SimCommand.self, BenchCommand.self]),
            CommandGroup(
                name: "Helpers", subcommands: [VersionCommand.self, CompletionCommand.self, CompleteNamesCommand.self]),
        ])
}

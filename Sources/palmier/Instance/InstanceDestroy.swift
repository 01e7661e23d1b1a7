import API
import ArgumentParser
import Automata
import Console

struct InstanceDestroy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "destroy", abstract: "End an instance and delete its data.",
        discussion: Help.text(
            "Asks for the instance's name before anything is deleted.",
            examples: .init("palmier instance destroy cache", "asks, destroys, waits until it is gone"),
            .init("palmier instance destroy cache --yes --detach", "does not ask, returns at once"),
            .init("palmier instance destroy cache --dry-run", "shows what would be deleted")))

    @Argument(help: "The instance's name.", completion: Names.instances)
    var name: String

    @OptionGroup var danger: DangerOptions
    @OptionGroup var follow: FollowOptions
    @OptionGroup var customer: CustomerOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        if danger.dryRun || !danger.yes {
            let (name, customer) = (name, customer.customer)
            let document = try await connection.withMaster { try await $0.instance(name, customer: customer) }
            let output = output.output
            if danger.dryRun {
                return try output.write(document, names: [document.reference]) { _ in
                    "would be destroyed, with its data:\n" + InstanceView.details(document, style: output.style)
                }
            }
            try danger.confirm(name, what: "\(InstanceView.sentence(document)); its data is deleted with it")
        }
        let act = InstanceAct(
            name: name, customer: customer.customer, until: .destroyed, follow: follow, connection: connection,
            output: output)
        try await act.run { try await $0.destroy($1, customer: $2, wait: $3) }
    }
}

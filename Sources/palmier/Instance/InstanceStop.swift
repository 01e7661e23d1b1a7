import API
import ArgumentParser
import Automata
import Console

struct InstanceStop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Stop an instance; it keeps its place and its data.",
        discussion: Help.text(
            examples: .init("palmier instance stop cache --wait stopped", "stops it, and waits until it is stopped"),
            .init("palmier instance stop cache --detach", "returns at once")))

    @Argument(help: "The instance's name.", completion: Names.instances)
    var name: String

    @OptionGroup var follow: FollowOptions
    @OptionGroup var customer: CustomerOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let act = InstanceAct(
            name: name, customer: customer.customer, until: .stopped, follow: follow, connection: connection,
            output: output)
        try await act.run { try await $0.stop($1, customer: $2, wait: $3) }
    }
}

import API
import ArgumentParser
import Automata
import Console

struct InstanceStart: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Start a stopped instance again.",
        discussion: Help.text(
            examples: .init("palmier instance start cache --wait running", "starts it, and waits until it runs"),
            .init("palmier instance start cache --detach", "returns at once")))

    @Argument(help: "The instance's name.", completion: Names.instances)
    var name: String

    @OptionGroup var follow: FollowOptions
    @OptionGroup var customer: CustomerOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let act = InstanceAct(
            name: name, customer: customer.customer, until: .running, follow: follow, connection: connection,
            output: output)
        try await act.run { try await $0.start($1, customer: $2, wait: $3) }
    }
}

import API
import ArgumentParser
import Automata
import Console

struct WarmEnd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "end", abstract: "Keep it prepared no more.",
        discussion: Help.text(
            "What has taken a place over goes on.",
            examples: .init("palmier warm end warm-memcached --wait destroyed", "frees its places, and waits"),
            .init("palmier warm end warm-memcached --detach", "returns at once")))

    @Argument(help: "Its name, as in `palmier warm list`.", completion: Names.instances)
    var name: String

    @OptionGroup var follow: FollowOptions
    @OptionGroup var customer: CustomerOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let (name, customer) = (name, customer.customer)
        let document = try await connection.withMaster { try await $0.instance(name, customer: customer) }
        guard document.group?.warm != nil else { throw WarmShow.notWarm(name) }
        let act = InstanceAct(
            name: name, customer: customer, until: .destroyed, follow: follow, connection: connection, output: output)
        try await act.run { try await $0.destroy($1, customer: $2, wait: $3) }
    }
}

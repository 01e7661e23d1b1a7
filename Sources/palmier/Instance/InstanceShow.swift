import API
import ArgumentParser
import Console

struct InstanceShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "One instance with its connection parameters.",
        discussion: Help.text(
            "Ends with 2 while it is not as it should be, with 1 when it has failed.",
            examples: .init("palmier instance show cache", "everything about one instance"),
            .init("palmier instance show cache -o json", "the same for a script")))

    @Argument(help: "The instance's name.", completion: Names.instances)
    var name: String

    @OptionGroup var customer: CustomerOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let (name, customer) = (name, customer.customer)
        let document = try await connection.withMaster { try await $0.instance(name, customer: customer) }
        let output = output.output
        try output.write(document, names: [document.reference]) { _ in
            InstanceView.details(document, style: output.style)
        }
        try Ending.with(document.exitCode)
    }
}

import API
import ArgumentParser
import Automata
import Console

struct WarmShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "One of them, with why it keeps so many.",
        discussion: Help.text(
            examples: .init("palmier warm show warm-memcached", "its places, and what was decided lately"),
            .init("palmier warm show warm-memcached -o json", "the same for a script")))

    @Argument(help: "Its name, as in `palmier warm list`.", completion: Names.instances)
    var name: String

    @OptionGroup var customer: CustomerOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let (name, customer) = (name, customer.customer)
        let document = try await connection.withMaster { try await $0.instance(name, customer: customer) }
        guard document.group?.warm != nil else { throw Self.notWarm(name) }
        let output = output.output
        try output.write(document, names: [document.reference]) { _ in
            InstanceView.details(document, style: output.style)
        }
        try Ending.with(document.exitCode)
    }

    static func notWarm(_ name: String) -> Refusal {
        Refusal(.notFound, "\(name) keeps nothing prepared", remedy: "see `palmier warm list`")
    }
}

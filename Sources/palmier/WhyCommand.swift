import API
import ArgumentParser
import Console

struct WhyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Why an instance is where it is, or nowhere.",
        discussion: Help.text(
            """
            Counts come first, and add up to the machines that the master knows: a machine counts under the first rule that \
            refused it. `not now` ends when a claim ends, a machine comes back or opens; `never` does not.
            """,
            examples: .init("palmier why cache", "the story of one request, and what each machine says to it"),
            .init("palmier why cache --all -o wide", "every machine, with every rule that refused it")))

    @Argument(help: "The instance's name.", completion: Names.instances)
    var name: String

    @Flag(help: "Name every machine, not only the first 20.")
    var all = false

    @OptionGroup var customer: CustomerOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let (name, customer, all) = (name, customer.customer, all)
        let why = try await connection.withMaster { try await $0.why(name, customer: customer, all: all) }
        let output = output.output
        try output.write(why, names: [why.instance.reference]) {
            MatchingText.why(why, all: "palmier why \(ShellWord.quoted(name)) --all", isWide: $0, output: output)
        }
    }
}

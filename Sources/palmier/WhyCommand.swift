import API
import ArgumentParser
import Console

struct WhyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Why an instance is where it is, or nowhere.",
        discussion: Help.text(
            examples: .init("palmier why cache", "the story of one request, and what each machine says to it"),
            .init("palmier why cache -o json", "the same for a script")))

    @Argument(help: "The instance's name.", completion: Names.instances)
    var name: String

    @OptionGroup var customer: CustomerOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let (name, customer) = (name, customer.customer)
        let why = try await connection.withMaster { try await $0.why(name, customer: customer) }
        let output = output.output
        try output.write(why, names: [why.instance.reference]) { isWide in
            var lines = [InstanceView.sentence(why.instance)] + why.explanation.map { "  " + Table.printable($0) }
            if !why.candidates.isEmpty {
                var table = Table([.plain("NODE"), .state("FITS"), .flexible("REASON"), .plain("FINGERPRINT")])
                for candidate in why.candidates {
                    table.add([
                        candidate.node, candidate.fits ? "fits" : "no", candidate.mismatches.joined(separator: "; "),
                        candidate.fingerprint,
                    ])
                }
                lines.append("")
                lines.append(
                    "\(why.candidates.count { $0.fits }) of \(Wording.count(why.candidates.count, "machine")) fit")
                lines.append(output.text(of: table, isWide: isWide))
            }
            return lines.joined(separator: "\n")
        }
    }
}

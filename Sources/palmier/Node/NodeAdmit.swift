import API
import ArgumentParser
import Console

struct NodeAdmit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admit", abstract: "Let somebody in who waits.",
        discussion: Help.text(
            "Compare the fingerprint with the one that the other machine shows.",
            examples: .init(
                "palmier node admit 7f3a-09c1-55d2-e0aa", "by the fingerprint, which is one machine's alone"),
            .init("palmier node admit worker-1", "by the name, where only one of that name waits")))

    @Argument(help: "A fingerprint, or the name of one who waits.", completion: Names.pending)
    var who: String

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let who = who
        let admission = try await connection.withMaster { try await $0.admit(who) }
        let output = output.output
        try output.write(admission, names: [admission.name]) { _ in
            Table.printable("admitted \(admission.kind) \(admission.name) (\(admission.fingerprint))")
        }
    }
}

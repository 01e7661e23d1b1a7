import API
import ArgumentParser
import Console

/// The mirror of `palmier why`: what a machine was asked for, and why it did not get it.
struct NodeWhy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "The last requests that a machine saw, and why each went elsewhere.",
        discussion: Help.text(
            """
            Without a name: this machine, whose master or agent answers. The owner of a machine and administrators see every \
            request, others their own. Requests whose masters knew at once that the machine does not fit never get as far \
            as to it: `palmier why NAME` tells of those.
            """,
            examples: .init("palmier node why", "what this machine was asked for"),
            .init("palmier node why worker-1 -o wide", "another one, with every reason")))

    @Argument(help: "A name, a fingerprint or an id.", completion: Names.nodes)
    var node: String?

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let node = node
        let document =
            if node == nil {
                try await connection.withPeer { try await $0.claims(seenBy: nil) }
            } else {
                try await connection.withMaster { try await $0.claims(seenBy: node) }
            }
        let output = output.output
        try output.write(document, names: document.claims.map { "\($0.customer)/\($0.reference)" }) {
            MatchingText.claims(document, isWide: $0, output: output)
        }
    }
}

import API
import ArgumentParser
import Console

struct OverlayStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "The ring as one peer sees it.",
        discussion: Help.text(
            """
            SIDE is the place on the ring: left is down, right is up, 1 is next; in a small ring a peer stands on both \
            sides. ROUND TRIP is empty where none was measured. A peer that is `silent` did not answer in time and is \
            being probed. The ring tells ids and addresses; names are there for machines that are known otherwise.
            """,
            examples: .init("palmier overlay status", "state, neighbours, table, counters, and what to do"),
            .init("palmier overlay status --master m2:7424 -o json", "as another master sees it, for a script")))

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let document = try await connection.withPeer(
            elsewhere: { Terminal.note("no peer answers on this machine: this is how a master sees the ring") },
            { try await $0.overlay() })
        let output = output.output
        try output.write(document, names: [document.peer.shownName]) { isWide in
            RingText.status(document, isWide: isWide, output: output)
        }
    }
}

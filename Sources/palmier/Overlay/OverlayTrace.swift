import API
import ArgumentParser
import Console

struct OverlayTrace: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace", abstract: "By which way a message gets to the root of a key.",
        discussion: Help.text(
            """
            A line for each peer on the way, from the one asked to the root. SHARED is how many leading digits of the key \
            its id has: it grows on the way, or the last step goes to a neighbour. ROUND TRIP is measured by the peer \
            asked; a `distant` one it does not talk to.
            """,
            examples: .init("palmier overlay trace --name greeting", "the way to a name's key"),
            .init("palmier overlay trace 5d41402abc4b2a76b9719d911017c592 -o json", "the same for a script")))

    @OptionGroup var key: KeyArguments
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let wanted = try key.key()
        let route = try await connection.withPeer { try await $0.lookup(wanted, traced: true) }
        let output = output.output
        try output.write(route, names: (route.path ?? []).map(\.shownName)) { isWide in
            RingText.trace(route, name: key.name, isWide: isWide, output: output)
        }
    }
}

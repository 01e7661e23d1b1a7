import API
import ArgumentParser
import Console

struct OverlayLookup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lookup", abstract: "Which peer is root of a key.",
        discussion: Help.text(
            "From wherever it is asked, the answer is the same live peer: the one whose id is nearest to the key.",
            examples: .init("palmier overlay lookup --name greeting", "the root of a name's key"),
            .init("palmier overlay lookup 5d41402abc4b2a76b9719d911017c592", "the root of a key, or of an object")))

    @OptionGroup var key: KeyArguments
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let wanted = try key.key()
        let route = try await connection.withPeer { try await $0.lookup(wanted) }
        let output = output.output
        try output.write(route, names: [route.root.shownName]) { isWide in
            RingText.lookup(route, name: key.name, isWide: isWide, style: output.style)
        }
    }
}

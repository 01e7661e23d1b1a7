import ArgumentParser
import Automata
import Console

struct OverlayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "overlay", abstract: "The ring of the wide area: how it is, who is root of a key, by which way.",
        discussion: Help.text(
            """
            Every peer is in one ring, sorted by id, however far apart the machines are. A message to a key ends at the \
            live peer whose id is nearest to it, the key's root. Any peer answers: a master, or this machine's agent.
            """,
            examples: .init("palmier overlay status", "how this machine's peer sees the ring"),
            .init("palmier overlay trace --name greeting", "by which way a message gets to a key")),
        subcommands: [OverlayStatusCommand.self, OverlayLookup.self, OverlayTrace.self])
}

/// A key of the ring.
struct KeyArguments: ParsableArguments {
    @Argument(help: ArgumentHelp("32 hexadecimal digits, such as a peer's id.", valueName: "key"))
    var text: String

    @Flag(name: .customLong("name"), help: "KEY is any text: the key is the first half of its SHA-256.")
    var isName = false

    var name: String? { isName ? text : nil }

    func key() throws(Refusal) -> PeerID { try RingKey.read(text, isName: isName) }
}

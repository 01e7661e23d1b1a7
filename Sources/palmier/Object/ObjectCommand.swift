import ArgumentParser

struct ObjectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "object", abstract: "Small objects that the ring keeps, whoever comes and goes.",
        discussion: Help.text(
            """
            An object is up to 64 KiB of bytes that never change; its key is the first half of their SHA-256. The three \
            peers nearest to the key keep a copy each, and make new ones when one of them is lost. It can be read from \
            any peer, and is verified on arrival. Objects are not secret within the fabric, and are never removed.
            """,
            examples: .init("palmier object put notes.txt", "keeps a file, and prints its key"),
            .init("palmier object get 5d41402abc4b2a76b9719d911017c592", "prints what is kept under a key")),
        subcommands: [ObjectPut.self, ObjectGet.self])
}

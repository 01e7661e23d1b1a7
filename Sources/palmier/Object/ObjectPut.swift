import API
import ArgumentParser
import Automata
import Console

struct ObjectPut: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put", abstract: "Keep a file of up to 64 KiB; prints its key.",
        discussion: Help.text(
            """
            Returns when most of the three copies are durable. The same bytes have the same key: to put them again \
            does no harm.
            """,
            examples: .init("palmier object put notes.txt", "keeps a file, and prints its key"),
            .init("palmier object put - -o json", "keeps what comes on standard input, for a script")))

    @Argument(help: ArgumentHelp("A file, or - for standard input.", valueName: "FILE|-"), completion: .file())
    var file: String

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let bytes = try ObjectFile.read(file)
        let progress = ProgressLine(
            isMoving: true, isSilent: !Terminal.errorsAreTerminal || output.chosen.isForPrograms)
        progress.update("putting \(Wording.size(bytes: bytes.count)) into the ring")
        defer { progress.finish() }
        let object = try await connection.withPeer { try await $0.putObject(bytes) }
        progress.finish()
        let output = output.output
        try output.write(object, names: [object.key]) { _ in object.key }
        guard !output.format.isForPrograms else { return }
        guard object.copies > 1 else {
            return Terminal.note(
                "\(Wording.size(bytes: object.size)), 1 copy durable: this peer is alone in its ring, see "
                    + "`palmier overlay status`; to read it: palmier object get \(object.key)")
        }
        Terminal.note(
            "\(Wording.size(bytes: object.size)), \(object.copies) copies durable; "
                + "from any peer: palmier object get \(object.key)")
    }
}

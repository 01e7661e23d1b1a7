import API
import ArgumentParser
import Automata
import Console

struct ObjectGet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Read an object; its bytes are verified.",
        discussion: Help.text(
            """
            The bytes go to standard output as they are, or to a file with --output; -o json prints a document. Ends \
            with 3 when the peers nearest to the key know of no such object.
            """,
            examples: .init("palmier object get 5d41402abc4b2a76b9719d911017c592", "prints what is kept"),
            .init("palmier object get 5d41402abc4b2a76b9719d911017c592 --output a", "writes it to a file")))

    @Argument(help: ArgumentHelp("32 hexadecimal digits, as `put` printed them.", valueName: "key"))
    var key: String

    @Option(
        name: .customLong("output"), help: ArgumentHelp("Write the bytes to a file.", valueName: "FILE"),
        completion: .file())
    var file: String?

    // `OutputOptions` has --output for the format, which here names a file.
    @Option(name: .customShort("o"), help: "How the result is written; the bytes as they are unless json or yaml.")
    var format: OutputFormat = .table

    @Flag(name: .customLong("json"), help: "Short for -o json.")
    var isJSON = false

    @OptionGroup var connection: ConnectionOptions

    private var chosen: OutputFormat { isJSON ? .json : format }

    func validate() throws {
        guard let file else { return }
        if OutputFormat(rawValue: file) != nil {
            throw ValidationError(
                "--output names a file here: write -o \(file) for the format, or --output ./\(file) for the file")
        }
        if chosen.isForPrograms { throw ValidationError("--output writes the bytes: leave -o \(chosen.rawValue) out") }
    }

    mutating func run() async throws {
        let wanted = try RingKey.read(key, isName: false)
        let progress = ProgressLine(isMoving: true, isSilent: !Terminal.errorsAreTerminal || chosen.isForPrograms)
        progress.update("asking the ring for \(wanted)")
        defer { progress.finish() }
        let bytes = try await connection.withPeer { try await $0.object(wanted) }
        progress.finish()
        if let file {
            try ObjectFile.write(bytes, to: file)
            return Terminal.note("\(Wording.size(bytes: bytes.count)) written to \(file)")
        }
        switch chosen {
        case .json, .yaml:
            Terminal.writeLine(try Output.text(of: ObjectContentsDocument(key: "\(wanted)", bytes: bytes), chosen))
        case .name: Terminal.writeLine("\(wanted)")
        case .table, .wide:
            guard !Terminal.outputIsTerminal || ObjectFile.isHarmless(bytes) else {
                throw Refusal(
                    .refused,
                    "the object's \(Wording.size(bytes: bytes.count)) are no text, and are not shown on a terminal",
                    remedy: "write them to a file with --output FILE, or pipe them on")
            }
            Terminal.write(bytes)
        }
    }
}

import API
import ArgumentParser
import Automata
import Console

struct InstanceLogs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "What an instance writes.",
        discussion: Help.text(
            "With -o json a stream of one document a line.",
            examples: .init("palmier instance logs cache --tail 20", "its last 20 lines"),
            .init("palmier instance logs cache -f --errors", "follows its standard error")))

    @Argument(help: "The instance's name.", completion: Names.instances)
    var name: String

    @Flag(name: .shortAndLong, help: "Go on with what is written from now on.")
    var follow = false

    @Flag(help: "Its standard error instead of its standard output.")
    var errors = false

    @Option(help: ArgumentHelp("Begin at the last so many lines.", valueName: "LINES"))
    var tail: Int?

    @OptionGroup var customer: CustomerOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    /// Bytes in one answer.
    private static let piece = 65_536
    /// Between two looks while nothing new is there.
    private static let period = Duration.milliseconds(500)

    func validate() throws {
        if let tail, tail < 0 { throw ValidationError("--tail: expected a number of lines from 0 on, found \(tail)") }
    }

    mutating func run() async throws {
        // The lines that are wanted are in the last piece, unless they are very long.
        var offset: Int64 = tail == nil ? 0 : -Int64(Self.piece)
        var isFirst = true
        while true {
            let from = offset
            var log: LogDocument
            do {
                log = try await read(from)
            } catch {
                // A follower outlives a master; whoever only looks is told.
                guard follow, !isFirst, Failure.problem(of: error)?.refusal.code == .unreachable else { throw error }
                try await Task.sleep(for: Self.period)
                continue
            }
            var bytes = log.bytes ?? Array(log.text.utf8)
            let isEnd = bytes.isEmpty
            if isFirst, let tail {
                bytes = Self.last(tail, linesOf: bytes)
                log.text = String(decoding: bytes, as: UTF8.self)
            }
            isFirst = false
            offset = log.nextOffset
            if !bytes.isEmpty { try show(log, bytes) }
            if isEnd {
                guard follow else { return }
                try await Task.sleep(for: Self.period)
            }
        }
    }

    private func read(_ offset: Int64) async throws -> LogDocument {
        let (name, customer, stream) = (name, customer.customer, errors ? "errors" : "output")
        return try await connection.withMaster {
            try await $0.log(name, customer: customer, stream: stream, offset: offset, limit: Self.piece)
        }
    }

    private func show(_ log: LogDocument, _ bytes: [UInt8]) throws {
        let output = output.output
        if output.format.isForPrograms { try output.writeStreamed(log) } else { Terminal.write(bytes) }
    }

    private static func last(_ count: Int, linesOf bytes: [UInt8]) -> [UInt8] {
        let newline = UInt8(ascii: "\n")
        var seen = 0
        // A newline at the very end closes the last line; it begins no other.
        for index in bytes.indices.dropLast().reversed() where bytes[index] == newline {
            seen += 1
            if seen == count { return Array(bytes[(index + 1)...]) }
        }
        return count == 0 ? [] : bytes
    }
}

import Foundation
import Lab
import Testing

/// What one command said, and how it ended.
struct Answer: Sendable, CustomStringConvertible {
    /// As it was typed.
    let command: String
    let code: Int32
    let output: String
    let error: String

    init(_ output: LabOutput) throws {
        guard case .exited(let code) = output.exit else {
            throw Unexpected("`\(output.command.joined(separator: " "))` ended by \(output.exit): \(output.error)")
        }
        command = output.command.joined(separator: " ")
        self.code = code
        self.output = output.output
        error = output.error
    }

    var description: String { "`\(command)` ended with \(code)\noutput: \(output)\nerror: \(error)" }

    /// Both streams, for looking for a word wherever it stands.
    var text: String { output + error }

    /// - Throws: what was said, when the command ended in another way.
    @discardableResult
    func ended(with expected: ExitCode) throws -> Answer {
        guard code == expected.rawValue else {
            throw Unexpected("expected exit code \(expected.rawValue) (\(expected)), found: \(self)")
        }
        return self
    }

    /// Reads a document from standard output.
    func document<Document: Decodable>(_ type: Document.Type = Document.self) throws -> Document {
        do {
            return try JSONDecoder().decode(type, from: Data(output.utf8))
        } catch {
            throw Unexpected("no \(type) in what was said (\(error)): \(self)")
        }
    }
}

/// The exit codes of the command line, written down a second time on purpose: scripts rely on these numbers.
enum ExitCode: Int32 {
    case done = 0
    case failed = 1
    case accepted = 2
    case notFound = 3
    case refused = 4
    case unreachable = 5
    case usage = 64
}

/// What a scenario found is not what must be.
struct Unexpected: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// The shipped program, next to the test's own executable.
enum Program {
    static let path = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("palmier").path

    /// The folder of the package.
    static let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    static func example(_ name: String) -> String { "file:\(package)/examples/\(name).yaml" }

    static func check() throws {
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw Unexpected("\(path) is not there: build it first, with `swift build`")
        }
    }
}

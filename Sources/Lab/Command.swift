import Foundation
import Subprocess

/// How a process ended.
public enum LabExit: Hashable, Sendable, CustomStringConvertible {
    case exited(Int32)
    case signaled(Int32)

    public var isSuccess: Bool { self == .exited(0) }

    public var description: String {
        switch self {
        case .exited(let code): "exit code \(code)"
        case .signaled(let signal): "signal \(signal)"
        }
    }

    init(_ status: TerminationStatus) {
        switch status {
        case .exited(let code): self = .exited(code)
        case .signaled(let signal): self = .signaled(signal)
        }
    }
}

/// What a program said until its end.
public struct LabOutput: Hashable, Sendable {
    public let command: [String]
    public let exit: LabExit
    /// At most 1 MiB; a program that says more fails.
    public let output: String
    /// At most 1 MiB.
    public let error: String

    /// Whether the program ended with exit code 0.
    public var succeeded: Bool { exit.isSuccess }

    /// - Returns: itself, when the program ended with exit code 0.
    /// - Throws: `LabError.commandFailed` with the end of what the program said.
    @discardableResult
    public func check() throws -> LabOutput {
        guard !exit.isSuccess else { return self }
        let words = (error.isEmpty ? output : error).trimmingCharacters(in: .whitespacesAndNewlines)
        throw LabError(
            .commandFailed, "`\(command.joined(separator: " "))` ended with \(exit): \(words.suffix(2_000))")
    }
}

/// A program that is run to its end in bounded time.
enum Command {
    /// - Parameter limit: when it passes, the program and those it started in its session are killed.
    /// - Throws: `LabError.timedOut`, `LabError.notPossibleHere` when the program cannot be started.
    static func run(
        _ command: [String], environment: [String: String] = [:], input: String = "",
        within limit: Duration = .seconds(30)
    ) async throws -> LabOutput {
        try await withThrowingTaskGroup(of: LabOutput?.self) { group in
            group.addTask { try await launch(command, environment: environment, input: input) }
            group.addTask {
                try await Task.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            guard let output = try await group.next() ?? nil else {
                throw LabError(.timedOut, "`\(command.joined(separator: " "))` did not end within \(limit)")
            }
            return output
        }
    }

    private static func launch(
        _ command: [String], environment: [String: String], input: String
    ) async throws -> LabOutput {
        guard let program = command.first else { throw LabError(.notPossibleHere, "an empty command cannot be run") }
        var options = PlatformOptions()
        // A session of its own: what it leaves running is ended with it when the time is over.
        options.createSession = true
        options.teardownSequence = [
            .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .seconds(1))
        ]
        do {
            let result = try await Subprocess.run(
                .name(program), arguments: Arguments(Array(command.dropFirst())),
                environment: .inherit.updating(environment.asUpdate), platformOptions: options,
                input: .string(input), output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
            return LabOutput(
                command: command, exit: LabExit(result.terminationStatus), output: result.standardOutput,
                error: result.standardError)
        } catch let error as SubprocessError {
            throw LabError(
                .notPossibleHere, "`\(command.joined(separator: " "))` could not be run: \(error); is \(program) there?"
            )
        }
    }
}

extension [String: String] {
    /// In the form that swift-subprocess takes: nil would remove a variable.
    var asUpdate: [Environment.Key: String?] {
        [Environment.Key: String?](
            uniqueKeysWithValues: compactMap { name, value in Environment.Key(rawValue: name).map { ($0, value) } })
    }
}

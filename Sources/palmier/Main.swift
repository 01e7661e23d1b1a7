import API
import ArgumentParser
import Automata
import Console
import Foundation

/// Parses, runs, and turns whatever was thrown into a message and one of the seven exit codes.
@main
enum Main {
    static func main() async {
        let arguments = Array(CommandLine.arguments.dropFirst())
        do {
            var command = try Palmier.parseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let ending as Ending {
            exit(ending.code.rawValue)
        } catch {
            end(with: error, arguments)
        }
    }

    private static func end(with error: any Error, _ arguments: [String]) -> Never {
        let format = Failure.format(inArguments: arguments)
        let style = Style(
            .auto, isTerminal: Terminal.errorsAreTerminal, environment: ProcessInfo.processInfo.environment)
        if let problem = Failure.problem(of: error) {
            Failure.report(problem, format: format, style: style)
            exit(problem.exitCode.rawValue)
        }
        let code = Palmier.exitCode(for: error)
        if format.isForPrograms, !code.isSuccess {
            let isUsage = code == .validationFailure
            let text = Palmier.message(for: error)
            Failure.report(
                ProblemDocument(
                    isUsage ? .invalid : .failed, text.isEmpty ? "\(error)" : text,
                    remedy: isUsage ? "see `palmier help`" : ""), format: format, style: style)
            exit(isUsage ? API.ExitCode.usage.rawValue : code.rawValue)
        }
        Palmier.exit(withError: error)
    }
}

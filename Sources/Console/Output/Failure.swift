public import API
public import Automata
import Claims
import Foundation
import Identity
import Releases
import Simulation

/// How a command ends that did not do what it was asked.
public enum Failure {
    /// The problem behind an error of ours; nil for an error of the argument parser, which knows better what to say.
    public static func problem(of error: any Error) -> ProblemDocument? {
        switch error {
        case let error as ProblemDocument: error
        case let error as ClientError: error.problem
        case let error as Refusal: ProblemDocument(error)
        case let error as IdentityError: ProblemDocument(error)
        case let error as ReleaseError: ProblemDocument(error)
        case let error as ParameterError: ProblemDocument(error)
        case let error as ScenarioError:
            ProblemDocument(
                .invalid, error.description,
                remedy: error.file.hasPrefix("--")
                    ? "correct the option" : "correct it, then `palmier sim check` the scenario again")
        case is CancellationError: ProblemDocument(.failed, "interrupted")
        default: nil
        }
    }

    /// What happened and why on the first line, with the rule of the books where it is one's, details below it, and what to do on the last.
    public static func text(of problem: ProblemDocument, style: Style) -> String {
        // What is wrong with a condition is said already; its code is for programs.
        let rule = problem.rule.flatMap { LanguageError.Code(rawValue: $0) == nil ? $0 : nil }
        let named = rule.map { "\(problem.detail) (rule: \($0))" } ?? problem.detail
        var lines = named.split(separator: "\n", omittingEmptySubsequences: false).map {
            Table.printable(String($0))
        }
        lines[0] = style.error("error:") + " " + lines[0]
        for index in lines.indices.dropFirst() { lines[index] = "       " + lines[index] }
        if !problem.remedy.isEmpty { lines.append(style.strong("to do:") + " " + Table.printable(problem.remedy)) }
        return lines.joined(separator: "\n")
    }

    /// Says it where it is looked for: as a document on standard output when documents were asked for, else on
    /// standard error.
    public static func report(_ problem: ProblemDocument, format: OutputFormat, style: Style) {
        if format.isForPrograms {
            do {
                return Terminal.writeLine(try Output.text(of: problem, format))
            } catch {
                Terminal.note("error: the problem cannot be written as \(format.rawValue): \(error)")
            }
        }
        Terminal.note(text(of: problem, style: style))
    }

    /// Finds the format in arguments that could not be parsed.
    public static func format(inArguments arguments: [String]) -> OutputFormat {
        for (index, argument) in arguments.enumerated() {
            if argument == "--" { break }
            if argument == "--json" { return .json }
            for prefix in ["--output=", "-o="] where argument.hasPrefix(prefix) {
                return OutputFormat(rawValue: String(argument.dropFirst(prefix.count))) ?? .table
            }
            if argument == "-o" || argument == "--output", index + 1 < arguments.count {
                return OutputFormat(rawValue: arguments[index + 1]) ?? .table
            }
        }
        return .table
    }
}

extension Refusal {
    /// The exit code of whoever ends with it.
    public var exitCode: API.ExitCode { code.exitCode }
}

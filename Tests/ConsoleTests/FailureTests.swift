import API
import Automata
import Console
import Identity
import Releases
import Simulation
import Testing

@Suite("How commands end")
struct FailureTests {
    @Test("each refusal has one of the seven exit codes")
    func codes() {
        let expected: [Refusal.Code: ExitCode] = [
            .invalid: .usage, .notFound: .notFound, .refused: .refused, .unsatisfiable: .usage,
            .unreachable: .unreachable, .timedOut: .unreachable, .overloaded: .failed, .conflict: .failed,
            .failed: .failed,
        ]
        for code in Refusal.Code.allCases {
            #expect(Failure.problem(of: Refusal(code, "no"))?.exitCode == expected[code], "\(code)")
        }
        #expect(ExitCode.allCases.map(\.rawValue) == [0, 1, 2, 3, 4, 5, 64])
    }

    @Test("every error of ours is a problem with a code; a foreign one is left to its owner")
    func kinds() throws {
        let parameterError = #expect(throws: ParameterError.self) { _ = try Schema.empty.validate(.integer(1)) }
        let scenarioError = #expect(throws: ScenarioError.self) { _ = try Scenario(yaml: "a: 1", file: "a.yaml") }
        struct Foreign: Error {}
        let table: [(any Error, ExitCode?)] = [
            (IdentityError(.invalidName, "x", remedy: ""), .usage),
            (IdentityError(.missing, "x", remedy: ""), .notFound),
            (IdentityError(.storage, "x", remedy: ""), .failed),
            (ReleaseError(.unreadable, origin: "a.yaml", "cannot be read", remedy: ""), .notFound),
            (ReleaseError(.unknownKey, origin: "a.yaml", "unknown", remedy: ""), .usage),
            (try #require(parameterError), .usage), (try #require(scenarioError), .usage),
            (ClientError(.unreachable, "nobody"), .unreachable), (ProblemDocument(.refused, "no"), .refused),
            (Foreign(), nil),
        ]
        for (error, code) in table { #expect(Failure.problem(of: error)?.exitCode == code, "\(error)") }
    }

    @Test("an error is one line, then details, then what to do")
    func text() {
        let problem = ProblemDocument(.unreachable, "no master answers\n/run/x: refused", remedy: "start one")
        #expect(
            Failure.text(of: problem, style: Style(isColored: false)) == """
                error: no master answers
                       /run/x: refused
                to do: start one
                """)
    }

    @Test(
        "the format is found in arguments that could not be parsed",
        arguments: [
            (["node", "list", "-o", "json"], .json), (["--json", "node"], .json), (["x", "--output=yaml"], .yaml),
            (["x", "-o"], .table), (["x"], .table), (["x", "--", "--json"], .table), (["x", "-o", "nonsense"], .table),
        ] as [([String], OutputFormat)])
    func format(arguments: [String], expected: OutputFormat) {
        #expect(Failure.format(inArguments: arguments) == expected)
    }
}

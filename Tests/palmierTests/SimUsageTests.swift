import API
import ArgumentParser
import Console
import Foundation
import Testing

@testable import palmier

/// What people write wrongly about simulations: exit code 64, where it stands, what was found, what was expected.
@Suite("Wrong simulations")
struct SimUsageTests {
    private static let ring = "kind: overlay\npeers: 20\nduration: 10s\n"

    /// A line to type; FILE is a scenario with `yaml`, beside which `side.csv` holds `csv`.
    struct Wrong: Sendable, CustomTestStringConvertible {
        let line: String
        let words: [String]
        var yaml = ring
        var csv = ""

        init(_ line: String, _ words: String..., yaml: String = ring, csv: String = "") {
            self.line = line
            self.words = words
            self.yaml = yaml
            self.csv = csv
        }

        var testDescription: String { "\(line) \(words.joined(separator: " "))" }
    }

    @Test(
        "it ends with 64, and names the place, what was found and what was expected",
        arguments: [
            Wrong("sim run FILE", "a.yaml:4: unknown key \"peeers\"; known here: ", "peers", yaml: ring + "peeers: 3"),
            Wrong(
                "sim run FILE", "a.yaml:2: expected a whole number from 0 on, found \"x\"",
                yaml: "kind: overlay\npeers: x"),
            Wrong("sim check FILE", "a.yaml: is not YAML", yaml: "peers: ["),
            Wrong("sim run none.yaml", "none.yaml cannot be read", "sim list"),
            Wrong(
                "sim run FILE", "side.csv:2: expected 2 delays, as many as there are lines, found \"1\"",
                yaml: ring + "network: {latency: {matrix: side.csv}}", csv: "0,1\n1"),
            Wrong(
                "sim run FILE", "side.csv:1: expected a delay in milliseconds, found \"near\"",
                yaml: ring + "network: {latency: {matrix: side.csv}}", csv: "near\n"),
            Wrong(
                "sim run FILE", "a.yaml:4: expected a file beside the scenario; ", "none.csv cannot be read",
                yaml: ring + "network: {latency: {matrix: none.csv}}"),
            Wrong(
                "sim run FILE", "side.csv:2: expected `up` or `down`, found \"gone\"",
                yaml: ring + "churn: {trace: side.csv}", csv: "0,a,up\r\n1,a,gone\r\n"),
            Wrong(
                "sim check FILE", "side.csv:3: expected a time not before 5.0, that of the line above, found \"4\"",
                yaml: ring + "churn: {trace: side.csv}", csv: "time,peer,state\n5,a,up\n4,b,up"),
            Wrong("sim run FILE --seeds 5...1", "--seeds: expected a range such as 1...500, found \"5...1\""),
            Wrong("sim publish FILE --seeds x", "--seeds: expected a range such as 1...500, found \"x\""),
            Wrong("sim run FILE --seed x", "'x'", "--seed"),
            Wrong("sim run FILE --jobs 0", "--jobs: expected 1 to 256, found 0"),
            Wrong("sim run FILE --jobs many", "'many'", "--jobs"),
            Wrong("sim publish FILE --jobs 257", "--jobs: expected 1 to 256, found 257"),
            Wrong("sim run FILE --seeds 1...4 --shard 5/4", "--shard: expected i/n such as 1/4, found \"5/4\""),
            Wrong(
                "sim run FILE --vary peers",
                "--vary: expected KEY=VALUE,VALUE such as peers=1000,10000, found \"peers\""),
            Wrong("sim run FILE --vary peers=9,x", "--vary peers=9,x: expected a whole number from 0 on, found \"x\""),
            Wrong("sim run FILE --set pears=9", "--set pears=9: unknown key \"pears\"; known here: "),
            Wrong("sim shrink FILE --seed 1 --set peers=x", "--set peers=x: expected a whole number"),
            Wrong("sim shrink FILE --seed 1 --vary peers=2,3", "sim shrink is for one scenario", "--set peers=2"),
            Wrong("sim run FILE --seed 1 --trace t --vary peers=2,3", "--trace and --last are for one run", "--set"),
            Wrong("sim run FILE --seed 1 --trace none/t", "none/t cannot be written"),
            Wrong(
                "sim run FILE --sabotage overlay-nonsense", "--sabotage: found \"overlay-nonsense\", expected one of ",
                "overlay-never-probe"),
            Wrong("sim publish FILE", "has no `seeds:`", "--seeds A...B"),
            Wrong("sim merge FILE", "a.yaml is no document of a sweep", "--shard i/n -o json"),
            Wrong("bench overlay --figures hops", "--figures: there is no hops", "hops_mean"),
        ])
    func wrong(_ wrong: Wrong) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "palmier-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "a.yaml")
        try Data(wrong.yaml.utf8).write(to: file)
        try Data(wrong.csv.utf8).write(to: folder.appending(path: "side.csv"))
        let line = wrong.line.split(separator: " ").map { $0 == "FILE" ? file.path : String($0) }
        let (code, text) = await Self.end(of: line)
        #expect(code == API.ExitCode.usage.rawValue, "\(text)")
        for words in wrong.words { #expect(text.contains(words), "\(text)") }
    }

    /// As `Main` ends.
    private static func end(of line: [String]) async -> (code: Int32, text: String) {
        do {
            var command = try Palmier.parseAsRoot(line)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            return (0, "nothing was wrong")
        } catch {
            guard let problem = Failure.problem(of: error) else {
                return (Palmier.exitCode(for: error).rawValue, Palmier.fullMessage(for: error))
            }
            return (problem.exitCode.rawValue, problem.detail + "\n" + "\(problem)")
        }
    }
}

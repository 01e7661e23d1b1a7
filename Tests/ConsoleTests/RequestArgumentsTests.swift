import API
import Automata
import Console
import Foundation
import Releases
import Testing

@Suite("What a request was given")
struct RequestArgumentsTests {
    private static let release = """
        name: cache
        version: "1"
        types:
          cache:
            parameters:
              type: object
              properties:
                memory: {type: integer, minimum: 1, default: 64}
                label: {type: string, default: ""}
                options:
                  type: object
                  properties: {verbose: {type: boolean, default: false}, level: {type: integer, default: 1}}
            command: [sleep, "1000"]
        """

    private func source() throws -> (text: RequestDocument.ReleaseText, release: Release) {
        (
            RequestDocument.ReleaseText(url: "file:cache.yaml", text: Self.release),
            try Release.parse(text: Self.release, origin: "cache.yaml")
        )
    }

    @Test("what is not given is not in the document, so that it stays as it is")
    func nothing() throws {
        let document = try RequestArguments(reference: "cache").document(release: nil)
        #expect(document == RequestDocument(reference: "cache"))
    }

    @Test("parameters are read by the release's schema")
    func bySchema() throws {
        var arguments = RequestArguments(reference: "cache")
        arguments.assignments = ["memory=128", "label=64", "options.verbose=true"]
        let document = try arguments.document(release: source())
        #expect(document.parameters?.canonicalJSON == #"{"label":"64","memory":128,"options":{"verbose":true}}"#)
        #expect(document.release?.url == "file:cache.yaml")
    }

    @Test("without the release a parameter is JSON where it is JSON, else a string")
    func withoutSchema() throws {
        var arguments = RequestArguments(reference: "cache")
        arguments.assignments = ["memory=128", "label=hello", "gone=null"]
        let document = try arguments.document(release: nil)
        #expect(document.parameters?.canonicalJSON == #"{"gone":null,"label":"hello","memory":128}"#)
    }

    @Test("a flag goes over the file, member by member")
    func file() throws {
        let path = FileManager.default.temporaryDirectory.path + "/palmier-parameters-\(UUID().uuidString).yaml"
        try Data("memory: 32\noptions: {verbose: true, level: 2}\n".utf8).write(to: URL(fileURLWithPath: path))
        defer { do { try FileManager.default.removeItem(atPath: path) } catch { Issue.record(error) } }
        var arguments = RequestArguments(reference: "cache")
        arguments.parametersFile = path
        arguments.assignments = ["options.level=3"]
        let document = try arguments.document(release: source())
        #expect(document.parameters?.canonicalJSON == #"{"memory":32,"options":{"level":3,"verbose":true}}"#)
    }

    @Test(
        "memory is rounded up to whole MiB",
        arguments: [("64", 64), ("64MiB", 64), ("2GiB", 2_048), ("1B", 1), ("1MB", 1)])
    func memory(text: String, mebibytes: Int64) throws {
        var arguments = RequestArguments(reference: "cache")
        arguments.memory = text
        #expect(try arguments.document(release: nil).requirements == .init(memoryMiB: mebibytes))
    }

    @Test("a wrong amount of memory is refused", arguments: ["lots", "-1", "64 apples"])
    func wrongMemory(text: String) {
        var arguments = RequestArguments(reference: "cache")
        arguments.memory = text
        let problem = #expect(throws: ProblemDocument.self) { _ = try arguments.document(release: nil) }
        #expect(problem?.detail.contains("\"\(text)\"") == true && problem?.exitCode == .usage)
    }

    @Test(
        "a wrong parameter is named by its path",
        arguments: [
            ("memory=many", "parameters.memory: expected an integer"), ("memroy=1", "did you mean \"memory\"?"),
            ("options.verbose=1", "parameters.options.verbose"), ("memory", "expected key=value"),
        ])
    func wrongParameter(assignment: String, message: String) throws {
        var arguments = RequestArguments(reference: "cache")
        arguments.assignments = [assignment]
        let release = try source()
        let error = #expect(throws: ParameterError.self) { _ = try arguments.document(release: release) }
        #expect(error?.description.contains(message) == true, "\(String(describing: error))")
    }

    @Test("what no peer could be told is refused before it is sent, by the flag's name and its bound")
    func bounds() throws {
        let long = String(repeating: "x", count: 129)
        let changes: [(flag: String, bound: String, change: (inout RequestArguments) -> Void)] = [
            ("NAME", "1 to 128", { $0.reference = long }), ("NAME", "1 to 128", { $0.reference = "" }),
            ("NAME", "control", { $0.reference = "a\nb" }), ("--customer", "1 to 128", { $0.customer = long }),
            ("--type", "128", { $0.type = long }), ("--node", "128", { $0.node = long }),
            ("--param", "65536", { $0.assignments = ["a=" + String(repeating: "x", count: 70_000)] }),
        ]
        for (flag, bound, change) in changes {
            var arguments = RequestArguments(reference: "cache")
            change(&arguments)
            let problem = #expect(throws: ProblemDocument.self) { _ = try arguments.document(release: nil) }
            let text = problem?.detail ?? ""
            #expect(text.hasPrefix(flag) && text.contains(bound) && problem?.exitCode == .usage, "\(text)")
        }
        var arguments = RequestArguments(reference: String(repeating: "x", count: 128))
        arguments.node = ""
        #expect(throws: Never.self) { _ = try arguments.document(release: nil) }
        arguments.memory = "257TiB"
        #expect(throws: ProblemDocument.self) { _ = try arguments.document(release: nil) }
    }

    @Test("what cannot be read of requirements is refused before it is sent: the flag, the place, the nearest word")
    func wrongRequirements() {
        let changes: [(says: [String], change: (inout RequestArguments) -> Void)] = [
            (
                ["--require: at byte 4: ", "no comparison", "cpu >== 4", "      ^"],
                { $0.require = ["region = fr", "cpu >== 4"] }
            ),
            (
                ["--require: at byte 0: there is no property \"memroy\"", "\"memory\""],
                { $0.require = ["memroy >= 1GiB"] }
            ),
            (["--prefer: at byte 7: there is no policy \"laod\"", "\"load\""], { $0.prefer = "price, laod" }),
            (["--max-price: expected a price such as 0.02", "\"two\""], { $0.maxPrice = "two" }),
            (
                ["--apart-from: there is no scope \"contry\"", "did you mean \"web@country\"?"],
                { $0.apartFrom = ["web@contry"] }
            ),
            (["--together-with: there is no scope \"lab\"", "\"ada@lab@host\""], { $0.togetherWith = ["ada@lab"] }),
            (
                ["--require: no machine can have both cpu >= 4 and cpu < 2", "leave out one"],
                { $0.require = ["cpu >= 4", "cpu < 2"] }
            ),
            (["--apart-from: expected 1 to 128 bytes"], { $0.apartFrom = ["@lan"] }),
        ]
        for (says, change) in changes {
            var arguments = RequestArguments(reference: "cache")
            change(&arguments)
            let problem = #expect(throws: ProblemDocument.self) { try arguments.check() }
            for words in says { #expect(problem?.description.contains(words) == true, "\(problem?.description ?? "")") }
            #expect(problem?.exitCode == .usage)
        }
        // What is wrong is said; its code is for programs.
        var arguments = RequestArguments(reference: "cache")
        arguments.require = ["cpu >== 4"]
        let problem = #expect(throws: ProblemDocument.self) { try arguments.check() }
        let text = problem.map { Failure.text(of: $0, style: Style(isColored: false)) } ?? ""
        #expect(problem?.rule == "syntax" && !text.contains("rule:"), "\(text)")
        #expect(text.contains("\n         cpu >== 4\n             ^\n"), "\(text)")
    }

    @Test("conditions are joined, relations read, empty texts take away, and what is not given is not said")
    func requirements() throws {
        var arguments = RequestArguments(reference: "db")
        arguments.require = ["cpu >= 4", "region = fr or region = de", ""]
        arguments.prefer = "nearest"
        arguments.maxPrice = "0.020"
        arguments.apartFrom = ["web", "ada@lab@host", "store@lan"]
        var needs = try #require(try arguments.document(release: nil).requirements)
        #expect(needs.condition == "cpu >= 4, region = fr or region = de" && needs.policy == "near, spread")
        #expect(needs.priceMax == "0.02" && needs.memoryMiB == nil && needs.machine == nil)
        #expect(needs.relations?.togetherWith == nil)
        #expect(
            needs.relations?.apartFrom == [
                .init(instance: "web", scope: "host"), .init(instance: "ada@lab", scope: "host"),
                .init(instance: "store", scope: "lan"),
            ])
        #expect(needs.relations?.apartFrom?.map { RelationText.text(of: $0) } == arguments.apartFrom)
        arguments = RequestArguments(reference: "db")
        (arguments.require, arguments.prefer, arguments.maxPrice) = ([""], "", "")
        arguments.togetherWith = [""]
        arguments.checkIndex = 4
        let document = try arguments.document(release: nil)
        needs = try #require(document.requirements)
        #expect(needs == .init(condition: "", policy: "", priceMax: "", relations: .init(togetherWith: [])))
        #expect(document.checkIndex == 4)
    }

    @Test("an unknown instance type is refused with the nearest one")
    func unknownType() throws {
        var arguments = RequestArguments(reference: "cache")
        arguments.type = "cahce"
        let release = try source()
        let error = #expect(throws: ReleaseError.self) { _ = try arguments.document(release: release) }
        #expect(error?.code == .unknownInstanceType)
    }
}

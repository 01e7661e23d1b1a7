import Testing

/// The checker on sources that break a rule, and on sources that only look as if they did.
@Suite struct SabotageTests {
    private let manifest: Manifest

    init() throws {
        manifest = try Manifest(
            """
            let package = Package(
                targets: [
                    .target(
                        name: "Automata",
                        dependencies: [.product(name: "Crypto", package: "swift-crypto")]),
                    automata("Claims", "Automata"),
                    automata("Ledger", "Automata"),
                    edge("Agent", "Automata", "Claims", .product(name: "Logging", package: "swift-log")),
                    edge("Runtime", "Automata", "Agent"),
                ])
            """)
    }

    private func found(
        _ source: String, in target: String = "Claims", file: String = "Sources/Claims/Sample.swift"
    ) throws -> [Violation] {
        try LayeringChecker(manifest: manifest).violations(inPure: target, file: file, source: source)
    }

    @Test(
        "a sabotaged line of a pure target is found, at its line",
        arguments: [
            "let now = ContinuousClock.now", "let t = clock.now", "let d = Date()", "let id = UUID()",
            "Task { work() }", "let u = try? Task.sleep(for: d)", "let w = Date.now.distance(to: e)",
            "func f() async {}", "let x = await f()", "let n = Int.random(in: 0..<6)",
            "let s = list.shuffled()", "list.shuffle()", "let e = list.randomElement()",
            "let h = ProcessInfo.processInfo.hostName", "Thread.sleep(forTimeInterval: 1)",
            "DispatchQueue.main.sync {}", "print(1)", "final class Box {}", "public actor Keeper {}",
            "let text = \"drawn: \\(Int.random(in: 0..<6))\"",
        ])
    func sabotage(_ line: String) throws {
        let violations = try found("import Automata\n\nlet a = 1\n\(line)\n")
        #expect(!violations.isEmpty)
        #expect(violations.allSatisfy { $0.line == 4 }, "\(violations)")
    }

    @Test(
        "a foreign import of a pure target is found in each of its forms",
        arguments: [
            "import Foundation", "public import Foundation", "internal import NIOCore", "@preconcurrency import Glibc",
            "@_spi(Internals) public import Crypto", "import struct Foundation.Date", "import Automata; import Logging",
        ])
    func foreignImport(_ line: String) throws {
        let violations = try found(line)
        #expect(violations.contains { $0.rule.hasPrefix("the pure target Claims imports only") }, "\(violations)")
    }

    @Test("a pure target may import collections and the lower targets that it declares")
    func allowedImports() throws {
        let source = "import HeapModule\nimport OrderedCollections\nimport DequeModule\npublic import Automata\n"
        #expect(try found(source).isEmpty)
    }

    @Test("SHA-256 enters through one file only")
    func digest() throws {
        let digest = "Sources/Automata/Contract/Digest.swift"
        #expect(try found("import Crypto", in: "Automata", file: digest).isEmpty)
        #expect(try found("import Crypto", in: "Automata", file: "Sources/Automata/Words/PeerID.swift").count == 1)
        #expect(try found("import Logging", in: "Automata", file: digest).count == 1)
    }

    @Test("an import upward, sideways or undeclared is found, and the remedy differs")
    func arrows() throws {
        let checker = LayeringChecker(manifest: manifest)
        func violations(_ source: String) throws -> [Violation] {
            try checker.importViolations(of: "Agent", file: "Sources/Agent/A.swift", text: SourceText(source))
        }
        let upward = try violations("\nimport Runtime")
        #expect(upward.map { $0.line } == [2])
        #expect(upward.first?.rule.contains("not below") == true)
        #expect(try violations("import Ledger").first?.rule.contains("does not declare") == true)
        #expect(try violations("import Claims\nimport Logging").isEmpty)
        #expect(try found("import Ledger").count == 1)
    }

    @Test("words in comments and strings are not code")
    func commentsAndStrings() throws {
        let source = ##"""
            // import Foundation; a Task that would await Date()
            /* print( /* nested: UUID() */ class Box */
            let a = "import Foundation: await \"Task\" .now"
            let b = #"raw: \(Date()) "print(1)" "#
            let c = "\(a + "nested: UUID()") .now"
            """## + "\nlet d = \"\"\"\n    print(1); class Box {}\n    \"\"\"\n"
        #expect(try found(source) == [])
    }

    @Test("names that only contain a forbidden word are allowed")
    func innocentNames() throws {
        let source = """
            let taskGraph = TaskGraph(nowhere: 1, classes: 2)
            let moved = instant.nowhere
            let update = UpdateDate(printed: sprint(2), asynchronous: factor(3))
            case actorLike(Threading)
            random.shuffle(&list)
            """
        #expect(try found(source) == [])
    }

    @Test("the message names the place, the text, the rule and the remedy")
    func message() throws {
        let violation = try #require(try found("\nlet now = Date()").first)
        #expect(
            violation.description
                == "Sources/Claims/Sample.swift:2: `Date`: a pure target reads no clock; "
                + "use the `now: Instant` that `handle` is given")
    }
}

import Automata
import Foundation
import Releases
import Testing

@Suite struct ReleaseParserTests {
    /// A document and the one line that is said of it.
    struct Wrong: Sendable, CustomTestStringConvertible {
        var text: String
        var message: String
        var testDescription: String { message }
    }

    static let head = "name: a\nversion: 1\n"
    static func type(_ text: String) -> String { "\(head)types:\n  main: {\(text)}\n" }

    static let wrong: [Wrong] = [
        Wrong(text: "", message: "x.yaml: the document is empty; write at least name and types"),
        Wrong(text: "- a", message: "x.yaml:1:1: expected a map, found a list"),
        Wrong(text: "a: [", message: "x.yaml:2:1: not YAML: did not find expected node content"),
        Wrong(text: "name: a\nname: b", message: "the key \"name\" is there twice"),
        Wrong(text: "nmae: a", message: "x.yaml:1:1: unknown key \"nmae\"; did you mean \"name\"?"),
        Wrong(text: "colour: a", message: "unknown key \"colour\"; known here: name, version"),
        Wrong(text: "version: 1", message: "x.yaml:1:1: the key \"name\" is missing; write name: memcached"),
        Wrong(text: "name: A", message: "x.yaml:1:7: name: expected a name of lower-case letters"),
        Wrong(text: "name: ../a\nversion: 1", message: "found \"../a\""),
        Wrong(text: "name: a\nversion: [1]", message: "x.yaml:2:10: version: expected a text, found a list"),
        Wrong(text: head, message: "the key \"types\" is missing"),
        Wrong(text: head + "types: {}", message: "x.yaml:3:8: types: there is no instance type"),
        Wrong(text: head + "types: {a: {}, b: {}}", message: "there are 2 instance types and no default"),
        Wrong(
            text: head + "default: c\ntypes: {cat: {}, b: {}}",
            message: "x.yaml:3:10: default: there is no instance type \"c\"; known here: cat, b"),
        Wrong(text: head + "types: {A: {}}", message: "\"A\" is no name for an instance type; names are lower-case"),
        Wrong(
            text: type("comand: [a]"),
            message: "x.yaml:4:10: types.main: unknown key \"comand\"; did you mean \"command\"?"),
        Wrong(text: type("command: []"), message: "x.yaml:4:19: types.main.command: the command is empty"),
        Wrong(text: type("command: {}"), message: "expected a list of arguments, or the text of a shell script"),
        Wrong(
            text: type("command: [a, \"${ports.main}\"]"),
            message: "x.yaml:4:23: types.main.command[1]: unknown variable ${ports.main}; known here: address"),
        Wrong(
            text: type("ports: [main], command: [a, \"${ports.mian}\"]"),
            message: "unknown variable ${ports.mian}; did you mean \"ports.main\"?"),
        Wrong(text: type("command: [\"${addres}\"]"), message: "unknown variable ${addres}; did you mean \"address\"?"),
        Wrong(text: type("command: [\"${address\"]"), message: "\"${\" without \"}\""),
        Wrong(text: type("command: \"echo ${ports.x}\""), message: "types.main.command: unknown variable ${ports.x}"),
        Wrong(
            text: type(
                "parameters: {type: object, properties: {m: {type: integer}}}, command: [a, \"${parameters.m}\"]"),
            message:
                "${parameters.m} may have no value; make \"m\" required in the parameters' schema, or give it a default"
        ),
        Wrong(text: type("publish: {a: \"${x}\"}"), message: "types.main.publish.a: unknown variable ${x}"),
        Wrong(text: type("environment: {1A: b}"), message: "\"1A\" is no name that is possible here"),
        Wrong(text: type("ports: [Main]"), message: "types.main.ports[0]: \"Main\" is no name for a port"),
        Wrong(text: type("ports: [a, a]"), message: "types.main.ports[1]: \"a\" is there twice"),
        Wrong(text: type("ready: {tcp: 1}"), message: "there is no command that this could be about"),
        Wrong(text: type("command: [a], ready: {}"), message: "expected exactly one of tcp, http and command, found 0"),
        Wrong(text: type("command: [a], ready: {tpc: 1}"), message: "unknown key \"tpc\"; did you mean \"tcp\"?"),
        Wrong(
            text: type("command: [a], ready: {tcp: 1, timeout: 3}"),
            message: "types.main.ready.timeout: \"3\" is no duration; write it as 500ms, 30s, 5m or 1h"),
        Wrong(text: type("command: [a], stop: {grace: 2h}"), message: "\"2h\" is longer than"),
        Wrong(text: type("command: [a], limits: {memory: 5 apples}"), message: "\"5 apples\" is no amount of bytes"),
        Wrong(
            text: type("command: [a], limits: {openFiles: 3}"),
            message: "types.main.limits.openFiles: expected an integer from 16 to 1048576, found 3"),
        Wrong(
            text: type("command: [a], restart: onfailure"),
            message: "unknown restart policy \"onfailure\"; did you mean \"on-failure\"?"),
        Wrong(text: head + "source: {deb: [a]}\ntypes: {a: {}}", message: "unknown key \"deb\"; known here: debian"),
        Wrong(
            text: head + "source: {debian: [\"-o x\"]}\ntypes: {a: {}}",
            message: "source.debian[0]: expected a Debian package's name, found \"-o x\""),
        Wrong(
            text: head + "source: {archive: {url: \"http://a\", sha256: b}}\ntypes: {a: {}}",
            message: "source.archive.url: expected an https: or file: URL, found \"http://a\""),
        Wrong(
            text: head + "source: {archive: {url: \"https://a/b\", sha256: b}}\ntypes: {a: {}}",
            message: "source.archive.sha256: expected 64 hexadecimal digits, found \"b\""),
        Wrong(
            text: type("parameters: {type: integer}"), message: "parameters are always an object; write type: object"),
        Wrong(text: type("parameters: {type: objekt}"), message: "unknown type \"objekt\"; did you mean \"object\"?"),
        Wrong(
            text: type("parameters: {type: object, properties: {m: {minimun: 1}}}"),
            message: "types.main.parameters.properties.m: unknown key \"minimun\"; did you mean \"minimum\"?"),
        Wrong(
            text: type("parameters: {type: object, properties: {m: {type: integer, default: abc}}}"),
            message: "properties.m.default: expected an integer, found \"abc\""),
        Wrong(
            text: type("parameters: {type: object, required: [n], properties: {m: {}}}"),
            message: "\"n\" is required but is no property; known here: m"),
        Wrong(
            text: type("parameters: {type: object, properties: {m: {pattern: \"(\"}}}"),
            message: "\"(\" is no regular expression"),
    ]

    @Test("a wrong document is refused with its place, its cause and what helps", arguments: wrong)
    func wrongDocuments(_ wrong: Wrong) {
        let error = #expect(throws: ReleaseError.self) { try Release.parse(text: wrong.text, origin: "x.yaml") }
        let description = error?.description ?? ""
        #expect(description.contains(wrong.message), "\(description)")
        #expect(description.hasPrefix("x.yaml"))
    }

    @Test("a document that grows without end through its aliases is refused")
    func aliases() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...6 {
            let many = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(many)]\n"
        }
        let error = #expect(throws: ReleaseError.self) { try Release.parse(text: text, origin: "x.yaml") }
        #expect(error?.message.contains("10,000 values") == true)
    }

    @Test("a document beyond 64 KiB is refused")
    func large() {
        let text = "name: a\n" + String(repeating: "# comment\n", count: 7000)
        let error = #expect(throws: ReleaseError.self) { try Release.parse(text: text, origin: "x.yaml") }
        #expect(error?.message.contains("the limit is 65536") == true)
    }

    @Test("every example is a release")
    func examples() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "examples")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".yaml") }
        #expect(files.count >= 6)
        for file in files {
            let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
            let release = try Release.parse(text: text, origin: file)
            #expect("\(release.name).yaml" == file)
        }
    }

    @Test("a type is found by its name, the default one by none, and an unknown one is refused with the nearest")
    func types() throws {
        let release = try Release.parse(
            text: Self.head + "default: web\ntypes: {cache: {}, web: {}}", origin: "x.yaml")
        #expect(try release.type(named: "").name == "web")
        #expect(try release.type(named: "cache").name == "cache")
        let error = #expect(throws: ReleaseError.self) { try release.type(named: "cahce") }
        #expect(error?.description == "x.yaml: types: has no instance type \"cahce\"; did you mean \"cache\"?")
        #expect(release.directoryName == "a-1-\(release.digest.description.prefix(8))")
    }
}

import Automata
import Foundation
import Releases
import Testing

@Suite struct RenderingTests {
    func context(_ parameters: String = "{}") throws -> RenderingContext {
        RenderingContext(
            parameters: try JSONValue(parsing: parameters), ports: ["main": 20_001], secrets: ["key": "s3"],
            address: "127.1.2.3", partitionDirectory: "/p", releaseDirectory: "/r", instanceReference: "cache")
    }

    func type(_ text: String) throws -> InstanceType {
        try Release.parse(text: "name: a\nversion: 1\ntypes:\n  main:\n\(text)", origin: "x.yaml").type(named: "")
    }

    @Test("every variable is filled, and a published value that is one variable keeps its type")
    func variables() throws {
        let type = try type(
            """
                ports: [main]
                secrets: [key]
                parameters: {type: object, required: [a], properties: {a: {type: object, required: [b], properties: {b: {}}}}}
                command: [run, "${parameters.a.b}", "${parameters.a}", "$${x}", "$5"]
                ready: {tcp: "${ports.main}"}
                limits: {memory: "${parameters.a.b}MiB"}
                publish: {port: "${ports.main}", all: "${address}:${ports.main} ${secrets.key} ${partition.directory} ${release.directory} ${instance.reference}"}
            """)
        let rendered = try type.render(context(#"{"a":{"b":7}}"#))
        #expect(rendered.command == .arguments(["run", "7", #"{"b":7}"#, "${x}", "$5"]))
        #expect(rendered.ready == .tcp(port: 20_001))
        #expect(rendered.memory == .mebibytes(7))
        #expect(rendered.connection == #"{"all":"127.1.2.3:20001 s3 /p /r cache","port":20001}"#)
    }

    @Test("in a script values come through the environment, so that none is ever read as shell")
    func script() throws {
        let type = try type(
            """
                parameters: {type: object, properties: {w: {type: string, default: ""}}}
                command: 'echo "${parameters.w}" "${HOME:-x.y}" ${#} "${address}"'
            """)
        let rendered = try type.render(context(#"{"w":"\"; rm -rf / #"}"#))
        #expect(
            rendered.command == .script(#"echo "${PALMIER_parameters_w}" "${HOME:-x.y}" ${#} "${PALMIER_address}""#))
        #expect(rendered.environment["PALMIER_parameters_w"] == "\"; rm -rf / #")
        #expect(rendered.environment["PALMIER_address"] == "127.1.2.3")
    }

    @Test("a free member that is not given fails when it is filled in, with its place")
    func absent() throws {
        let type = try type(
            """
                parameters: {type: object, additionalProperties: true}
                command: [run, "${parameters.free}"]
            """)
        #expect(try type.render(context(#"{"free":"x"}"#)).command == .arguments(["run", "x"]))
        let error = #expect(throws: ReleaseError.self) { try type.render(context()) }
        #expect(error?.description.contains("types.main.command[1]: ${parameters.free} has no value") == true)
    }

    @Test("a release with nothing to run renders to no command")
    func nothing() throws {
        #expect(try type("    publish: {a: b}").render(context()).command == nil)
    }
}

@Suite struct ReleaseReferenceTests {
    static let digest = String(repeating: "0a", count: 32)

    @Test(
        "a reference that cannot be read says what to write",
        arguments: [
            ("", "name the release's YAML file"),
            ("file://host/x", "write file:///path or file:path"),
            ("http://a/b", "use a file, or https: with #sha256=…"),
            ("https://a/b", "append #sha256="),
            ("https://a/b#sha256=12", "the digest is not 64 hexadecimal digits"),
        ])
    func wrong(_ text: String, _ message: String) {
        let error = #expect(throws: ReleaseError.self) { try ReleaseReference(text) }
        #expect(error?.description.contains(message) == true)
        #expect(error?.code == .badReference)
    }

    @Test("paths, file URLs and https URLs are told apart")
    func forms() throws {
        #expect(try ReleaseReference("examples/a.yaml") == .file(path: "examples/a.yaml"))
        #expect(try ReleaseReference("file:examples/a.yaml") == .file(path: "examples/a.yaml"))
        #expect(try ReleaseReference("file:///x/a.yaml") == .file(path: "/x/a.yaml"))
        let https = try ReleaseReference("https://a/b#sha256=\(Self.digest)")
        #expect(https.description == "https://a/b#sha256=\(Self.digest)")
    }

    @Test("a missing file is named with the cause")
    func missing() async throws {
        let reference = try ReleaseReference("/nonexistent/a.yaml")
        let error = await #expect(throws: ReleaseError.self) { try await reference.read { _ in [] } }
        #expect(error?.description.contains("/nonexistent/a.yaml: cannot be read: No such file or directory") == true)
    }

    @Test("a document from elsewhere is taken only with the right digest")
    func digests() async throws {
        let body = Array("name: a".utf8)
        let right = try ReleaseReference("https://a/b#sha256=\(Digest(of: body))")
        let document = try await right.read { url in
            #expect(url == "https://a/b")
            return body
        }
        #expect(document.text == "name: a")
        let wrong = try ReleaseReference("https://a/b#sha256=\(Self.digest)")
        let error = await #expect(throws: ReleaseError.self) { try await wrong.read { _ in body } }
        #expect(error?.code == .wrongDigest)
    }
}

import Automata
import Foundation
import Identity
import Ledger
import NIOHTTP1
import Peer
import Releases
import Testing

@testable import API

@Suite("Requests over HTTP")
struct RequestTests {
    @Test("a request is placed, runs, shows its connection, and is found again")
    func runs() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                let made = try await client.request(stage.cache(parameters: ["memory": .integer(32)]))
                #expect(made.state == "running" && made.isReached && made.exitCode == .done)
                #expect(
                    made.connection
                        == .object(["port": .integer(11_211), "url": .string("memcached://127.0.0.1:11211")]))
                #expect(made.release.name == "memcached" && made.release.version == "1.6")
                #expect(made.where?.node == "alpha" && made.home == "alpha")
                let again = try await client.instance("cache", until: .running, timeout: .seconds(5))
                #expect(again.revision == 1 && again.requestedAt == made.requestedAt)
                let list = try await client.instances()
                #expect(list.instances.map(\.reference) == ["cache"] && list.missing.isEmpty)
                let why = try await client.why("cache")
                #expect(why.machines.candidates.map(\.node) == ["alpha"] && !why.explanation.isEmpty)
                let status = try await client.status()
                #expect(status.sentence.contains("1 master, 1 machine, 1 request") && status.isHealthy)
            }
        }
    }

    @Test("what is not mentioned stays, null removes, and the same again changes nothing")
    func merges() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                _ = try await client.request(
                    stage.cache(parameters: ["memory": .integer(32), "verbose": .boolean(true)]))
                var change = RequestDocument(reference: "cache", parameters: .object(["memory": .integer(48)]))
                #expect(
                    try await client.request(change).parameters
                        == .object(["memory": .integer(48), "verbose": .boolean(true)]))
                #expect(try await client.request(change).revision == 2)
                change.parameters = .object(["verbose": .null])
                #expect(try await client.request(change).parameters == .object(["memory": .integer(48)]))
                change.parameters = nil
                change.requirements = .init(memoryMiB: 100)
                let last = try await client.request(change)
                #expect(last.requirements.memoryMiB == 100 && last.type == "cache" && last.revision == 4)
            }
        }
    }

    @Test("changes made at once are all kept")
    func concurrent() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                let release = Stage.release.replacing(
                    "default: 64}",
                    with:
                        "default: 64}\n        a: {type: integer}\n        b: {type: integer}\n        c: {type: integer}\n        d: {type: integer}"
                )
                var first = stage.cache()
                first.release?.text = release
                _ = try await client.request(first)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for name in ["a", "b", "c", "d"] {
                        group.addTask {
                            let change = RequestDocument(reference: "cache", parameters: .object([name: .integer(1)]))
                            _ = try await client.request(change)
                        }
                    }
                    try await group.waitForAll()
                }
                let all = try await client.instance("cache").parameters
                #expect(all == .object(["a": .integer(1), "b": .integer(1), "c": .integer(1), "d": .integer(1)]))
            }
        }
    }

    @Test("stop, start and destroy are states to reach; what is destroyed is not found")
    func acts() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                _ = try await client.request(stage.cache("a/b ü"))
                #expect(try await client.stop("a/b ü", wait: .seconds(10)).state == "stopped")
                #expect(try await client.start("a/b ü", wait: .seconds(10)).state == "running")
                #expect(try await client.destroy("a/b ü", wait: .seconds(10)).state == "destroyed")
                let gone = try await problem { try await client.instance("a/b ü") }
                #expect(gone.status == 404 && gone.exitCode == .notFound)
                #expect(try await problem { try await client.stop("none") }.exitCode == .notFound)
                #expect(try await problem { try await client.log("none") }.exitCode == .notFound)
                #expect(try await problem { try await client.why("none") }.exitCode == .notFound)
            }
        }
    }

    @Test("a request that no machine meets is accepted, says why, and is no failure")
    func unsatisfiable() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                var wish = stage.cache(wait: false)
                wish.requirements = .init(memoryMiB: 4_096)
                _ = try await client.request(wish)
                let document = try await client.instance("cache", until: .running, timeout: .milliseconds(50))
                #expect(document.state == "unsatisfiable" && document.exitCode == .accepted)
                #expect(document.reason.contains("alpha has 1 GiB left, 4 GiB of memory asked"))
                let why = try await client.why("cache")
                #expect(why.machines.candidates.first?.refusals.isEmpty == false)
                #expect(try await client.status().attention.map(\.subject) == ["instance cache"])
            }
        }
    }

    @Test("a log is read piece by piece, and no character is cut in two")
    func logs() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                _ = try await client.request(stage.cache())
                let first = try await client.log("cache", limit: 2)
                #expect(first.text == "h" && first.nextOffset == 1 && first.encoding == "utf8")
                #expect(try await client.log("cache", offset: first.nextOffset).text == "éllo\n")
                #expect(try await client.log("cache", stream: "errors", offset: -3).text == "lo\n")
            }
        }
        try await Stage.with(log: [0xFF, 0xFE, 0, 1, 2, 3, 4]) { (stage) async throws in
            try await stage.client { (client) async throws in
                _ = try await client.request(stage.cache())
                let piece = try await client.log("cache")
                #expect(piece.encoding == "base64" && piece.bytes == [0xFF, 0xFE, 0, 1, 2, 3, 4])
            }
        }
    }

    struct BadInput: Sendable, CustomTestStringConvertible {
        var path = "/v1/requests"
        var body: String?
        var status = 400
        var says: [String]
        var testDescription: String { body ?? path }
    }

    private static let long = String(repeating: "x", count: 129)

    static let badInputs: [BadInput] = [
        .init(body: "{", says: ["not JSON"]),
        .init(body: "[]", says: ["the body", "expected an object"]),
        .init(
            body: #"{"reference":"x","paramters":{}}"#,
            says: ["paramters: unknown key", "did you mean \"parameters\"?"]),
        .init(body: #"{"reference":"x","a":1,"a":2}"#, says: ["\"a\" is there twice"]),
        .init(body: "{}", says: ["reference: missing"]),
        .init(body: #"{"reference":""}"#, says: ["reference: expected 1 to 128 bytes"]),
        .init(body: #"{"reference":7}"#, says: ["reference: expected a string, found 7"]),
        .init(body: #"{"reference":"x"}"#, says: ["release: missing"]),
        .init(body: #"{"reference":"x","release":{"url":"u"}}"#, says: ["release.text: missing"]),
        .init(body: #"{"reference":"x","release":{"url":"u","txt":"t"}}"#, says: ["release.txt: unknown key"]),
        .init(
            body: #"{"reference":"x","state":"runing"}"#, says: ["state: expected one of running, stopped, destroyed"]),
        .init(body: #"{"reference":"x","exclusive":"yes"}"#, says: ["exclusive: expected true or false"]),
        .init(
            body: #"{"reference":"x","requirements":{"memoryMiB":-1}}"#,
            says: ["requirements.memoryMiB: expected an integer"]),
        .init(
            body: #"{"reference":"x","wait":{"timeoutSeconds":1e9}}"#, says: ["wait.timeoutSeconds: expected a number"]),
        .init(body: #"{"reference":"x","parameters":[]}"#, says: ["parameters: expected an object"]),
        .init(body: #"{"reference":"x","release":{"url":"file:y.yaml","text":"name: ["}}"#, says: ["y.yaml"]),
        .init(
            body: #"{"reference":"x","release":{"url":"R","text":"T"},"parameters":{"memory":"abc"}}"#,
            says: ["parameters.memory: expected an integer from 1 to 65536"]),
        .init(
            body: #"{"reference":"x","release":{"url":"R","text":"T"},"parameters":{"memry":1}}"#,
            says: ["parameters.memry: unknown parameter", "memory"]),
        .init(body: #"{"reference":"x","release":{"url":"R","text":"T"},"type":"cash"}"#, says: ["cash", "cache"]),
        .init(body: #"{"reference":"x","state":"destroyed"}"#, status: 404, says: ["no instance \"x\""]),
        .init(
            body: #"{"reference":"\#(long)"}"#, says: ["reference: expected 1 to 128 bytes of text, found 129"]),
        .init(body: #"{"reference":"a\u0007b"}"#, says: ["reference:", "control characters"]),
        .init(
            body: #"{"reference":"x","customer":"\#(long)"}"#, says: ["customer: expected 1 to 128 bytes"]),
        .init(
            body: #"{"reference":"x","type":"\#(long)"}"#, says: ["type: has 129 bytes, at most 128 are allowed"]),
        .init(
            body: #"{"reference":"x","requirements":{"machine":"\#(long)"}}"#,
            says: ["requirements.machine: has 129 bytes"]),
        .init(
            body: #"{"reference":"x","requirements":{"memoryMiB":268435457}}"#,
            says: ["requirements.memoryMiB: expected an integer from 0 to 268435456"]),
        .init(
            body: #"{"reference":"x","release":{"url":"\#(String(repeating: "u", count: 2_049))","text":"t"}}"#,
            says: ["release.url: has 2049 bytes, at most 2048 are allowed"]),
        .init(
            body: #"{"reference":"x","release":{"url":"u","text":"\#(String(repeating: "t", count: 65_537))"}}"#,
            says: ["release.text: has 65537 bytes, at most 65536 are allowed", "archive"]),
        .init(
            body: #"{"reference":"x","release":{"url":"R","text":"T"},"parameters":{"#
                + #""a":"\#(String(repeating: "p", count: 65_536))"}}"#,
            says: ["parameters: has 65544 bytes, at most 65536 are allowed"]),
        .init(path: "/v1/instances/\(long)", says: ["reference: expected 1 to 128 bytes"]),
        .init(path: "/v1/instances/x/log?offset=9007199254740993", says: ["offset: expected an integer"]),
        .init(path: "/v1/instances?al=1", says: ["al: unknown query parameter"]),
        .init(path: "/v1/instances/x?wait=up", says: ["wait: expected one of"]),
        .init(path: "/v1/instances/x?wait=running&timeout=-1", says: ["timeout: expected seconds"]),
        .init(path: "/v1/instances/x/log?limit=999999999", says: ["limit: expected an integer"]),
        .init(path: "/v1/nothing", status: 404, says: ["there is no GET /v1/nothing"]),
    ]

    @Test("wrong input is told with the field, what it should be, and nothing changes", arguments: [badInputs])
    func badInput(inputs: [BadInput]) async throws {
        try await Stage.with { (stage) async throws in
            let release = String(decoding: try JSONEncoder().encode(Stage.release), as: UTF8.self)
            for input in inputs {
                let body = input.body?.replacing(#""text":"T""#, with: #""text":"# + release)
                let (status, text) = try await stage.raw(body == nil ? .GET : .POST, input.path, body)
                #expect(status == input.status, "\(input.testDescription): \(text)")
                let problem = try DocumentCoding.decode(ProblemDocument.self, from: Data(text.utf8))
                for words in input.says { #expect(problem.description.contains(words), "\(problem) lacks \(words)") }
            }
            let large = #"{"reference":"\#(String(repeating: "x", count: 300_000))"}"#
            #expect(try await stage.raw(.POST, "/v1/requests", large).status == 413)
            let left = try await stage.client { try await $0.instances().instances }
            #expect(left.isEmpty)
        }
    }

    @Test("the same idempotency key gets the same answer once done, and is refused for another call")
    func idempotency() async throws {
        try await Stage.with { (stage) async throws in
            let key = [("idempotency-key", "k1")]
            let first = try await stage.raw(.POST, "/v1/invitations", "{}", headers: key)
            let again = try await stage.raw(.POST, "/v1/invitations", "{}", headers: key)
            #expect(first.status == 200 && first.body == again.body)
            let other = try await stage.raw(.POST, "/v1/invitations", #"{"kind":"master"}"#, headers: key)
            #expect(other.status == 409)
            #expect(try await stage.raw(.POST, "/v1/invitations", "{}").body != first.body)
        }
    }

    @Test("what a master that does not answer is known to hold is named, to its customer alone")
    func heldByTheDead() async throws {
        try await Stage.with { (stage) async throws in
            let beta = Advertisement(
                peer: PeerID(0xB0), incarnation: Incarnation(1), name: "beta", fabric: "lab",
                endpoints: [Endpoint(host: "127.0.0.1", port: 1)], apiPort: 7_002)
            let (alice, bob) = (try stage.person("alice@lab"), try stage.person("bob@lab"))
            let keys = [("alice@lab", "mine"), ("bob@lab", "his")].map {
                RequestKey(customer: Customer($0.0), reference: $0.1)
            }
            await stage.service.meet(beta, saying: .directory(.hold(keys), from: nil, to: nil))
            await stage.service.lose(beta.peer)
            let list = try await stage.client(as: alice) { try await $0.instances() }
            #expect(list.missing == ["beta"] && list.instances.isEmpty)
            #expect(
                list.unreachable == [
                    UnreachableDocument(
                        customer: "alice@lab", reference: "mine", home: "beta",
                        reason: "held by master beta, which does not answer")
                ])
            let status = try await stage.client(as: bob) { try await $0.status() }
            #expect(status.attention.map(\.subject) == ["master beta", "instance his"])
            #expect(status.instances == ["unreachable": 1] && !status.isHealthy)
            let all = try await stage.client { try await $0.instances(all: true) }
            #expect(all.unreachable.map(\.reference) == ["mine", "his"])
        }
    }

    @Test("a dead master costs little, and none at all is exit code 5")
    func deadMasters() async throws {
        try await Stage.with { (stage) async throws in
            let alice = try stage.person("alice@lab")
            let dead = Endpoint(host: "127.0.0.1", port: 1)
            let client = PalmierClient(.masters([dead, stage.endpoint], alice))
            #expect(try await client.nodes().nodes.count == 1)
            #expect(await client.endpoints.first == stage.endpoint)
            await client.shutdown()
            let lost = PalmierClient(.masters([dead], alice))
            let refused = try await problem { try await lost.nodes() }
            #expect(refused.exitCode == .unreachable && refused.detail.contains("127.0.0.1:1"))
            await lost.shutdown()
        }
    }
}

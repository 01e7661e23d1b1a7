import Automata
import Foundation
import Ledger
import NIOHTTP1
import Peer
import Releases
import Runtime
import Testing

@testable import API

@Suite("What a request asks of machines, over HTTP")
struct RequirementTests {
    struct Wrong: Sendable, CustomTestStringConvertible {
        let requirements: String
        var status = 400
        let says: [String]
        var testDescription: String { requirements }

        init(_ requirements: String, _ status: Int = 400, _ says: String...) {
            (self.requirements, self.status, self.says) = (requirements, status, says)
        }
    }

    private static let tooMany = (0...16).map { #"{"instance":"i\#($0)"}"# }.joined(separator: ",")

    static let wrong: [Wrong] = [
        Wrong(
            #"{"condition":"cpu >= 4, memroy >= 8GiB"}"#, 400,
            "requirements.condition: at byte 10: there is no property",
            "did you mean \"memory\"?", "  cpu >= 4, memroy >= 8GiB\n            ^"),
        Wrong(#"{"condition":"memory >= 8GX"}"#, 400, "requirements.condition: at byte", "GiB"),
        Wrong(#"{"condition":"cpu >="}"#, 400, "requirements.condition: at byte 6"),
        Wrong(#"{"condition":4}"#, 400, "requirements.condition: expected a string"),
        Wrong(#"{"condition":"\#(String(repeating: "x", count: 1_025))"}"#, 400, "1025 bytes, at most 1024"),
        Wrong(#"{"condition":"cpu >= 4, cpu < 2"}"#, 422, "no machine can have both cpu >= 4 and cpu < 2", "leave out"),
        Wrong(#"{"condition":"cpu < 0"}"#, 422, "no machine can have cpu < 0"),
        Wrong(
            #"{"condition":"region = fr and (cpu > 4 and cpu < 2 or cpu > 8 and cpu = 1)"}"#, 422, "cpu > 4 and cpu < 2"
        ),
        Wrong(
            #"{"condition":"memory < 4GiB","memoryMiB":8192}"#, 422,
            "no machine can have both memory < 4GiB and memory >= 8GiB"),
        Wrong(#"{"condition":"price > 0.05","priceMax":"0.02"}"#, 422, "price > 0.05 and price <= 0.02"),
        Wrong(#"{"policy":"cheepest"}"#, 400, "requirements.policy: at byte 0", "did you mean \"cheapest\"?"),
        Wrong(#"{"policy":"price price"}"#, 400, "requirements.policy: at byte 6", "comma"),
        Wrong(#"{"priceMax":"a lot"}"#, 400, "requirements.priceMax: expected a price such as 0.02", "\"a lot\""),
        Wrong(#"{"priceMax":"-1"}"#, 400, "requirements.priceMax: expected a price"),
        Wrong(#"{"priceMax":"0.0000001"}"#, 400, "six decimals"),
        Wrong(#"{"priceMax":0.02}"#, 400, "requirements.priceMax: expected a string"),
        Wrong(
            #"{"relations":{"apartFrm":[]}}"#, 400, "requirements.relations.apartFrm: unknown key",
            "did you mean \"apartFrom\"?"),
        Wrong(#"{"relations":{"apartFrom":["web"]}}"#, 400, "requirements.relations.apartFrom[0]: expected an object"),
        Wrong(#"{"relations":{"apartFrom":[{}]}}"#, 400, "requirements.relations.apartFrom[0].instance: missing"),
        Wrong(
            #"{"relations":{"togetherWith":[{"instance":"web","scope":"planet"}]}}"#, 400,
            "requirements.relations.togetherWith[0].scope: expected one of host, lan, country, continent"),
        Wrong(#"{"relations":{"apartFrom":[{"instance":"x"}]}}"#, 400, "another host than x", "itself"),
        Wrong(#"{"relations":{"apartFrom":[\#(tooMany)]}}"#, 400, "17 relations, at most 16"),
        Wrong(
            #"{"relations":{"apartFrom":[{"instance":"web","scope":"lan"}],"togetherWith":[{"instance":"web"}]}}"#, 422,
            "no machine stands on the same host as web and on another lan than web"),
    ]

    @Test("what no machine could mean is refused with its field, its place and the nearest word; nothing is recorded")
    func wrong() async throws {
        try await Stage.with { (stage) async throws in
            let release = String(decoding: try JSONEncoder().encode(Stage.release), as: UTF8.self)
            let before = await stage.service.snapshot().ownLedger?.books.index
            for wrong in Self.wrong {
                for path in ["/v1/requests", "/v1/plans"] {
                    let body =
                        #"{"reference":"x","release":{"url":"u","text":\#(release)},"requirements":\#(wrong.requirements)}"#
                    let (status, text) = try await stage.raw(.POST, path, body)
                    #expect(status == wrong.status, "\(wrong.requirements): \(text)")
                    let problem = try DocumentCoding.decode(ProblemDocument.self, from: Data(text.utf8))
                    #expect(
                        problem.exitCode == .usage && problem.field?.hasPrefix("requirements") == true, "\(problem)")
                    for words in wrong.says {
                        #expect(problem.description.contains(words), "\(problem) lacks \(words)")
                    }
                }
            }
            #expect(await stage.service.snapshot().ownLedger?.books.index == before)
            let problem = try await problem { () async throws in
                try await stage.client { client in
                    var document = stage.cache("x", wait: false)
                    document.requirements = .init(condition: "cores >== 4")
                    return try await client.request(document)
                }
            }
            #expect(problem.rule == "syntax" && problem.code == "invalid")
        }
    }

    @Test("what is asked is kept in its canonical form and shown; what is not mentioned stays; empty takes away")
    func kept() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                var document = stage.cache("db", wait: false)
                document.requirements = .init(
                    memoryMiB: 16, condition: "CPUS>=4 , (mem >= 8192MiB)", policy: "cheapest", priceMax: "0.020",
                    relations: .init(
                        apartFrom: [.init(instance: "web"), .init(instance: "web")],
                        togetherWith: [.init(instance: "store", scope: "country")]))
                let made = try await client.request(document).requirements
                #expect(made.condition == "cpu >= 4 and memory >= 8GiB" && made.policy == "price, spread")
                #expect(made.priceMax == "0.02" && made.memoryMiB == 16)
                #expect(made.relations?.apartFrom == [.init(instance: "web", scope: "host")])
                #expect(made.relations?.togetherWith == [.init(instance: "store", scope: "country")])

                var change = RequestDocument(reference: "db")
                change.requirements = .init(relations: .init(apartFrom: []))
                var now = try await client.request(change).requirements
                #expect(now.relations?.apartFrom == [] && now.relations?.togetherWith?.count == 1)
                #expect(now.condition == made.condition && now.policy == made.policy && now.priceMax == "0.02")
                change.requirements = .init(condition: " ", policy: "", priceMax: "")
                now = try await client.request(change).requirements
                #expect(now.condition == nil && now.policy == nil && now.priceMax == nil && now.memoryMiB == 16)
                let revision = try await client.request(change).revision
                #expect(revision == 3, "the same again changes nothing")
                #expect(try await client.instance("db").requirements.relations?.togetherWith?.count == 1)
            }
        }
    }

    @Test("an index that is another is a conflict, and nothing is changed")
    func checkIndex() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                var document = stage.cache("db", wait: false)
                document.checkIndex = 1
                let absent = try await problem { try await client.request(document) }
                #expect(absent.code == "conflict" && absent.exitCode == .failed && absent.field == "checkIndex")
                #expect(absent.detail.contains("there is no") && absent.detail.contains("index 1"), "\(absent)")
                document.checkIndex = 0
                #expect(try await client.request(document).revision == 1)
                let there = try await problem { try await client.request(document) }
                #expect(there.status == 409 && there.detail.contains("is at index 1, and 0 was given"), "\(there)")
                document.checkIndex = 1
                document.parameters = .object(["memory": .integer(32)])
                #expect(try await client.request(document).revision == 2)
                #expect(try await problem { try await client.request(document) }.code == "conflict")
                #expect(try await client.instance("db").revision == 2)
            }
            #expect(try await stage.raw(.POST, "/v1/requests", #"{"reference":"db","checkIndex":-1}"#).status == 400)
        }
    }

    @Test("instances of two ledgers stand in no relation: it is said which is held where")
    func twoLedgers() async throws {
        try await Stage.with { (stage) async throws in
            let beta = Advertisement(
                peer: PeerID(0xB0), incarnation: Incarnation(1), name: "beta", fabric: "lab",
                endpoints: [Endpoint(host: "127.0.0.1", port: 1)], apiPort: 7_002)
            let alice = try stage.person("alice@lab")
            let key = RequestKey(customer: Customer("alice@lab"), reference: "web")
            await stage.service.meet(beta, saying: .directory(.hold([key]), from: nil, to: nil))
            await stage.service.lose(beta.peer)
            try await stage.client(as: alice) { (client) async throws in
                _ = try await client.request(stage.cache("store"))
                var change = RequestDocument(reference: "store")
                change.requirements = .init(relations: .init(apartFrom: [.init(instance: "web")]))
                let two = try await problem { try await client.request(change) }
                #expect(two.code == "invalid" && two.field == "requirements.relations", "\(two)")
                #expect(two.detail.contains("store is held by the ledger alpha and web by beta"), "\(two)")
                var both = stage.cache("db", wait: false)
                both.requirements = .init(
                    relations: .init(apartFrom: [.init(instance: "store")], togetherWith: [.init(instance: "web")]))
                #expect(
                    try await problem { try await client.request(both) }.detail.contains("store is held by the ledger"))
            }
        }
    }
}

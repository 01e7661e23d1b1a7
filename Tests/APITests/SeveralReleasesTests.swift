import Automata
import Foundation
import Testing

@testable import API

@Suite("Requests that accept several releases")
struct SeveralReleasesTests {
    private static let text = Stage.release

    private static func document(_ stage: Stage, _ needs: String, others: [String]) -> RequestDocument {
        var document = stage.cache("db")
        document.release = .init(url: "file:first.yaml", text: "requires: \"\(needs)\"\n" + text)
        document.orReleases = others.enumerated().map { number, needs in
            .init(url: "file:other\(number).yaml", text: (needs.isEmpty ? "" : "requires: \"\(needs)\"\n") + text)
        }
        return document
    }

    @Test("what a release needs is an error with its field where it cannot be read or met; at most seven others")
    func refused() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                var wrong = Self.document(stage, "memroy >= 1GiB", others: [])
                #expect(try await problem { try await client.request(wrong) }.field == "release.requires")
                wrong = Self.document(stage, "", others: ["cpu >= many"])
                #expect(try await problem { try await client.request(wrong) }.field == "orReleases[0].requires")
                wrong = Self.document(stage, "", others: ["cpu < 2"])
                wrong.requirements = .init(condition: "cpu >= 4")
                let both = try await problem { try await client.request(wrong) }
                #expect(both.code == "unsatisfiable" && both.field == "orReleases[0].requires", "\(both)")
                wrong = Self.document(stage, "", others: Array(repeating: "", count: 8))
                #expect(try await problem { try await client.request(wrong) }.field == "orReleases")
            }
        }
    }

    @Test("the first that a machine can run is taken; plan, why and the instance say which, and why none before it")
    func ordered() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                let document = Self.document(stage, "region = fr", others: ["", "region = de"])
                let plan = try await client.plan(document)
                #expect(plan.release == "file:other0.yaml", "\(plan.reasons)")
                #expect(plan.reasons.contains { $0.contains("there is no machine now") })
                #expect(plan.changes.contains { $0.field == "orReleases" })
                let instance = try await client.request(document)
                #expect(instance.state == "running" && instance.release.url == "file:other0.yaml")
                #expect(instance.releases?.map(\.url) == ["file:first.yaml", "file:other0.yaml", "file:other1.yaml"])
                #expect(
                    instance.releaseReason?.contains("region = fr asked") == true, "\(instance.releaseReason ?? "")")
                // What is not mentioned stays; what runs keeps its release while that is acceptable.
                let same = try await client.plan(RequestDocument(reference: "db"))
                #expect(same.act == "nothing" && same.reasons.contains { $0.hasPrefix("It keeps its release") })
                var fewer = RequestDocument(reference: "db")
                fewer.orReleases = []
                #expect(try await client.request(fewer).releases == nil)
            }
        }
    }
}

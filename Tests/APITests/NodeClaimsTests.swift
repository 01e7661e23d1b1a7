import Automata
import Claims
import Foundation
import Identity
import Ledger
import NIOHTTP1
import Peer
import Releases
import Testing

@testable import API

@Suite("What a machine was asked for")
struct NodeClaimsTests {
    @Test("a machine that nobody knows is not found, with the nearest name; one that is away is unreachable")
    func unknown() async throws {
        try await Stage.with { (stage) async throws in
            let gone = Fleet.machine(1, name: "worker-1")
            await stage.service.discover(gone)
            await stage.service.lose(gone.peer)
            try await stage.client { (client) async throws in
                let missing = try await problem { try await client.claims(seenBy: "alhpa") }
                #expect(
                    missing.exitCode == .notFound && missing.remedy.contains("did you mean \"alpha\"?"), "\(missing)")
                #expect(try await problem { try await client.claims(seenBy: "worker-1") }.exitCode == .unreachable)
            }
        }
    }

    @Test("the newest claim comes first, with what became of it; others see their own requests' alone")
    func claims() async throws {
        try await Stage.with(capacity: 1) { (stage) async throws in
            let (alice, bob) = (try stage.person("alice@lab"), try stage.person("bob@lab"))
            try await stage.client(as: alice) { _ = try await $0.request(stage.cache("web")) }
            // The ledger knows that there is no place left, and asks nobody; so another master asks for it.
            let asked = ClaimRequest(
                request: RequestKey(customer: Customer("bob@lab"), reference: "db"), attempt: .first,
                requirements: Requirements(memory: .mebibytes(1)))
            let beta = Advertisement(
                peer: PeerID(0xB0), incarnation: Incarnation(1), name: "beta", fabric: "lab",
                endpoints: [Endpoint(host: "127.0.0.1", port: 1)], apiPort: 7_002)
            await stage.service.meet(beta, saying: .claim(.claim(asked), .init()))
            let all = try await stage.client { try await $0.claims(seenBy: nil) }
            #expect(all.node == "alpha" && all.hidden == 0)
            #expect(
                all.claims.map { "\($0.customer)/\($0.reference) \($0.outcome)" } == [
                    "bob@lab/db refused", "alice@lab/web placed",
                ])
            let refused = try #require(all.claims.first)
            #expect(refused.refusals.map(\.code) == ["full"] && refused.reason == "has no free partition")
            #expect(refused.ledger == "beta" && refused.attempt == 1)
            #expect(all.claims.last?.ledger == "alpha" && all.claims.last?.reason == "")
            for (who, reference) in [(alice, "web"), (bob, "db")] {
                let own = try await stage.client(as: who) { try await $0.claims(seenBy: "alpha") }
                #expect(own.claims.map(\.reference) == [reference] && own.hidden == 1)
            }
            let machine = try stage.member("worker", .machine)
            let (status, body) = try await stage.raw(.GET, "/v1/nodes/alpha/claims", as: .member(machine))
            #expect(status == 403 && body.contains("machine worker may not see"), "\(body)")
        }
    }
}

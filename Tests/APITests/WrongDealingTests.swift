import Accounting
import Automata
import Foundation
import Identity
import Ledger
import NIOHTTP1
import Peer
import Releases
import Runtime
import Testing

@testable import API

@Suite("Contracts, subscriptions and usage that break a rule, over HTTP")
struct WrongDealingTests {
    private struct Wrong: Sendable {
        var act: PalmierClient.BookAct
        var rule: String
        var exit: API.ExitCode
        var saying: String
    }

    private static func changed(_ change: (inout ContractRequest) -> Void) -> PalmierClient.BookAct {
        var offer = Bookkeeping.offer()
        change(&offer)
        return .offer(offer)
    }

    private static func usage(_ quantity: String = "1", from: String, to: String) -> PalmierClient.BookAct {
        .use(
            UsageRequest(
                instance: "ada/shop", resource: "cpu-hour", from: from, to: to, quantity: quantity, node: "alpha",
                release: "r", project: "web"))
    }

    private static func subscription(_ change: (inout SubscriptionRequest) -> Void) -> PalmierClient.BookAct {
        var request = SubscriptionRequest(
            name: "s", project: "web", supplier: "lab", resource: "cpu-hour", quantity: "1", cycle: "month",
            from: "2026-06-01")
        change(&request)
        return .subscribe(request)
    }

    private static let wrong: [Wrong] = [
        Wrong(act: changed { $0.supplier = "eve" }, rule: "unknown-account", exit: .notFound, saying: "eve"),
        Wrong(
            act: changed { $0.terms[0].resource = "gpu" }, rule: "unknown-resource", exit: .notFound, saying: "gpu"),
        Wrong(act: changed { $0.terms[0].price = "-1" }, rule: "negative-price", exit: .usage, saying: "-1 EUR"),
        Wrong(act: changed { $0.terms = [] }, rule: "too-many", exit: .usage, saying: "0 terms"),
        Wrong(act: changed { $0.to = "2025-01-01" }, rule: "empty-period", exit: .usage, saying: "2025-01-01"),
        Wrong(act: changed { $0.customer = "lab" }, rule: "wrong-party", exit: .refused, saying: "lab"),
        Wrong(
            act: changed { $0.offeredBy = PeerID(0xB0).description }, rule: "wrong-party", exit: .refused,
            saying: PeerID(0xB0).fingerprint),
        Wrong(act: changed { $0.name = "two words" }, rule: "malformed", exit: .usage, saying: "two words"),
        Wrong(
            act: .countersign("c9", .init(terms: String(repeating: "0", count: 64))), rule: "unknown-contract",
            exit: .notFound, saying: "c9"),
        Wrong(act: .endContract("c9", .init()), rule: "unknown-contract", exit: .notFound, saying: "c9"),
        Wrong(
            act: subscription { $0.quantity = "-1" }, rule: "negative-quantity", exit: .usage, saying: "-1"),
        Wrong(act: subscription { $0.project = "wob" }, rule: "unknown-project", exit: .notFound, saying: "wob"),
        Wrong(act: subscription { $0.cycle = "week" }, rule: "unpriced", exit: .refused, saying: "week"),
        Wrong(act: subscription { $0.cycle = "year" }, rule: "wrong-currency", exit: .usage, saying: "USD"),
        Wrong(act: subscription { $0.quantity = "9" }, rule: "ceiling-exceeded", exit: .refused, saying: "18"),
        Wrong(
            act: .unsubscribe("s9", .init(at: "2026-01-01")), rule: "unknown-subscription", exit: .notFound,
            saying: "s9"
        ),
        Wrong(
            act: usage("-1", from: "2026-03-01", to: "2026-03-02"), rule: "negative-quantity", exit: .usage,
            saying: "-1"
        ),
        Wrong(
            act: usage(from: "2026-03-02", to: "2026-03-01"), rule: "empty-period", exit: .usage, saying: "2026-03-02"),
        Wrong(
            act: usage(from: "2026-02-01", to: "2026-02-03"), rule: "period-overlap", exit: .usage, saying: "2026-02-02"
        ),
        Wrong(
            act: usage(from: "2199-01-01", to: "2199-01-02"), rule: "period-in-future", exit: .usage, saying: "2199"),
    ]

    @Test("what breaks a rule is refused with the rule's name, its code and the values found, and nothing is stored")
    func rules() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                try await Bookkeeping.begin(client)
                for (price, currency, cycle) in [("2", "EUR", "month"), ("20", "USD", "year")] {
                    let request = PriceRequest(
                        resource: "cpu-hour", price: price, currency: currency, from: "2026-01-01", per: cycle)
                    _ = try await client.record(.price(request), in: "-")
                }
                let used = Self.usage(from: "2026-02-02", to: "2026-02-04")
                _ = try await client.record(used, in: "-")
                let before = await stage.service.snapshot().ownLedger?.books
                for wrong in Self.wrong {
                    for dryRun in [true, false] {
                        let problem = try await problem { try await client.record(wrong.act, in: "-", dryRun: dryRun) }
                        #expect(problem.rule == wrong.rule, "\(problem)")
                        #expect(problem.exitCode == wrong.exit, "\(problem)")
                        #expect(problem.detail.contains(wrong.saying), "\(problem)")
                    }
                }
                let after = await stage.service.snapshot().ownLedger?.books
                #expect(after?.index == before?.index && after?.accounts == before?.accounts)
            }
        }
    }

    @Test("a wrong body is refused by field")
    func bodies() async throws {
        try await Stage.with { (stage) async throws in
            for (path, body, expected) in [
                ("contracts", #"{"name":"c"}"#, "supplier: missing"),
                ("contracts", #"{"name":"c","supplier":"a","customer":"b","currency":"EUR"}"#, "to: missing"),
                (
                    "contracts",
                    #"{"name":"c","supplier":"a","customer":"b","terms":[{"resource":"r","price":"x"}]}"#,
                    "terms[0].price: expected a decimal"
                ),
                (
                    "contracts", #"{"name":"c","supplier":"a","customer":"b","to":"2030-01-01","offeredBy":"nobody"}"#,
                    "no ledger is called"
                ),
                ("contracts/c/countersign", #"{"terms":"abc"}"#, "terms: expected a digest"),
                ("subscriptions", #"{"name":"s"}"#, "cycle: missing"),
                ("subscriptions", #"{"name":"s","cycle":"day","quantity":"x"}"#, "project: missing"),
                (
                    "subscriptions",
                    #"{"name":"s","cycle":"day","project":"p","supplier":"l","resource":"r","quantity":"1e3"}"#,
                    "quantity: expected a decimal"
                ),
                ("subscriptions/s/end", #"{"at":"soon"}"#, "at: expected a date"),
                ("usage", #"{"instance":"a/b"}"#, "from: missing"),
                ("received", "{}", "schema: missing"),
                ("accounts", #"{"kind":"person","name":"a","title":"A","keeper":"nobody"}"#, "no ledger is called"),
            ] {
                let (status, text) = try await stage.raw(.POST, "/v1/ledgers/-/\(path)", body)
                #expect((400..<500).contains(status) && text.contains(expected), "\(path) \(body): \(status) \(text)")
            }
        }
    }
}

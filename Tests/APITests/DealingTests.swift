import Accounting
import Automata
import Foundation
import Identity
import Ledger
import NIOHTTP1
import Peer
import Releases
import Testing

@testable import API

@Suite("Contracts, subscriptions and incidents over HTTP")
struct DealingTests {
    @Test("a contract is offered, told, countersigned by its digest alone, and gives prices; each may be repeated")
    func contract() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                try await Bookkeeping.begin(client)
                let trial = try await client.record(.offer(Bookkeeping.offer()), in: "-", dryRun: true)
                #expect(trial.changes == true && trial.act == "contract c1")
                #expect(try await client.contracts(of: "-").contracts.isEmpty)
                for _ in 0..<2 { _ = try await client.record(.offer(Bookkeeping.offer()), in: "-") }
                let offered = try await client.contract("c1", of: "-")
                #expect(offered.state == "offered" && offered.from == "2026-01-01T00:00:00Z")
                #expect(offered.terms == Bookkeeping.offer().terms && offered.digest.count == 64)
                #expect(offered.supplier.ledger == "alpha" && offered.countersigner == stage.master.peer.description)
                let wrong = try await problem {
                    let terms = String(repeating: "0", count: 64)
                    return try await client.record(.countersign("c1", .init(terms: terms)), in: "-")
                }
                #expect(wrong.rule == "terms-differ" && wrong.exitCode == .failed, "\(wrong)")
                for _ in 0..<2 {
                    _ = try await client.record(.countersign("c1", .init(terms: offered.digest)), in: "-")
                }
                #expect(try await client.contracts(of: "-").contracts.map(\.state) == ["signed"])
                #expect(try await client.contract("c1", of: "-").isSigned)
                // 500 hours at 0.01 instead of 0.02.
                _ = try await Bookkeeping.bill(client, stage)
                let used = try await client.contract("c1", of: "-")
                #expect(used.totals.map(\.value) == ["5.00"] && used.totals.map(\.quantity) == ["500"])
                #expect(used.invoices.map(\.total) == ["5.00"] && used.source?.ledger == "alpha")
                for _ in 0..<2 {
                    _ = try await client.record(.endContract("c1", .init(at: "2035-01-01")), in: "-")
                }
                let ending = try await client.contract("c1", of: "-")
                #expect(ending.state == "ending" && ending.ends == "2035-01-01T00:00:00Z" && ending.isSigned)
                _ = try await client.record(.endContract("c1", .init()), in: "-")  // as it ends already
                let other = try await problem {
                    try await client.record(.endContract("c1", .init(at: "2034-01-01")), in: "-")
                }
                #expect(other.rule == "duplicate" && other.detail.contains("2034-01-01"), "\(other)")
                let missing = try await problem { try await client.contract("c2", of: "-") }
                #expect(missing.rule == "unknown-contract" && missing.remedy.contains("palmier contract list"))
            }
        }
    }

    @Test("a contract that is offered again without its beginning is the same one")
    func defaults() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                try await Bookkeeping.begin(client)
                var offer = Bookkeeping.offer()
                offer.from = nil
                _ = try await client.record(.offer(offer), in: "-")
                let first = try await client.contract("c1", of: "-")
                try await Task.sleep(for: .milliseconds(5))
                _ = try await client.record(.offer(offer), in: "-")
                #expect(try await client.contract("c1", of: "-").digest == first.digest)
                // As it is told, it is said again: for another ledger, the very same words.
                offer.from = first.from
                offer.supplierLedger = first.supplier.ledgerId
                offer.customerLedger = "alpha"
                offer.offeredBy = first.offeredBy
                _ = try await client.record(.offer(offer), in: "-")
                #expect(try await client.contract("c1", of: "-").digest == first.digest)
            }
        }
    }

    @Test("a subscription is told with what it costs and is charged next, billed by a run, and ended")
    func subscription() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                try await Bookkeeping.begin(client)
                _ = try await client.record(
                    .price(
                        PriceRequest(
                            resource: "cpu-hour", price: "2.5", currency: "EUR", from: "2026-01-01", per: "month")),
                    in: "-")
                let now = Cycle.month.boundary(atOrBefore: stage.service.now) - .seconds(24 * 3_600)
                let request = SubscriptionRequest(
                    name: "s1", project: "web", supplier: "lab", resource: "cpu-hour", quantity: "2", cycle: "month",
                    from: now.civilText)
                for _ in 0..<2 { _ = try await client.record(.subscribe(request), in: "-") }
                let running = try await client.subscription("s1", of: "-")
                #expect(running.state == "running" && running.amount == "5.00" && running.price == "2.5")
                #expect(running.charged == 0 && running.next == now.civilText && running.customer == "ada")
                #expect(try await client.project("web", of: "-").held == "5.00")
                let billed = try await client.record(.bill(InvoiceRunRequest(supplier: "lab")), in: "-")
                #expect(billed.issued == ["lab-000001"])
                #expect(try await client.subscription("s1", of: "-").charged == 1)
                _ = try await client.record(.unsubscribe("s1", .init()), in: "-")
                let ended = try await client.subscription("s1", of: "-")
                #expect(ended.state == "ended" && ended.to != nil && ended.next == nil)
                // Again without an instant: it has ended, and stays so.
                _ = try await client.record(.unsubscribe("s1", .init()), in: "-")
                #expect(try await client.subscriptions(of: "-").subscriptions.first?.to == ended.to)
                #expect(try await client.project("web", of: "-").held == "0.00")
                var costly = request
                (costly.name, costly.quantity) = ("s2", "5")
                let refused = try await problem { try await client.record(.subscribe(costly), in: "-") }
                #expect(refused.rule == "ceiling-exceeded" && refused.exitCode == .refused, "\(refused)")
            }
        }
    }

    @Test("a credit note is told with its incident; who is no administrator sees what is its own")
    func incident() async throws {
        try await Stage.with { (stage) async throws in
            let (ada, eve) = (try stage.person("ada"), try stage.person("eve"))
            try await stage.client { (client) async throws in
                try await Bookkeeping.begin(client)
                let number = try await Bookkeeping.bill(client, stage)
                _ = try await client.record(
                    .incident(
                        IncidentRequest(
                            name: "i", instance: "ada/shop", from: "2026-01-01", to: "2026-01-02", what: "Lost")),
                    in: "-")
                _ = try await client.record(
                    .credit(CreditRequest(invoice: number, incident: "i", amount: "1.5", currency: "EUR")), in: "-")
                _ = try await client.record(.offer(Bookkeeping.offer()), in: "-")
                let incident = try #require(try await client.incidents(of: "-").incidents.first)
                #expect(incident.instance == "ada/shop" && incident.node == nil && incident.what == "Lost")
                #expect(incident.credits == [.init(invoice: number, amount: "1.50", currency: "EUR")])
            }
            try await stage.client(as: ada) { (client) async throws in
                #expect(try await client.incidents(of: "-").incidents.map(\.name) == ["i"])
                #expect(try await client.contracts(of: "-").contracts.map(\.name) == ["c1"])
                let digest = try await client.contract("c1", of: "-").digest
                let refused = try await problem {
                    try await client.record(.countersign("c1", .init(terms: digest)), in: "-")
                }
                #expect(refused.exitCode == .refused && refused.detail.contains("countersign"), "\(refused)")
            }
            try await stage.client(as: eve) { (client) async throws in
                #expect(try await client.incidents(of: "-").incidents.isEmpty)
                #expect(try await client.contracts(of: "-").contracts.isEmpty)
                #expect(try await client.subscriptions(of: "-").subscriptions.isEmpty)
                #expect(try await problem { try await client.contract("c1", of: "-") }.exitCode == .notFound)
            }
        }
    }
}

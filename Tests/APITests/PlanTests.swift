import Automata
import Foundation
import Ledger
import NIOHTTP1
import Peer
import Releases
import Runtime
import Testing

@testable import API

@Suite("Plans")
struct PlanTests {
    @Test("a plan of what is refused says why, a wrong one is refused as the act is, and nothing is recorded")
    func refused() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                let unknown = try await problem { try await client.plan(RequestDocument(reference: "db")) }
                #expect(unknown.code == "invalid" && unknown.field == "release")
                _ = try await client.request(stage.cache("db"))
                let before = await stage.service.snapshot().ownLedger?.books.index
                var change = RequestDocument(reference: "db", exclusive: true)
                let exclusive = try await client.plan(change)
                #expect(exclusive.act == "refused" && exclusive.refusal?.detail.contains("is not exclusive") == true)
                #expect(!exclusive.changesSomething && exclusive.index == 1)
                change = RequestDocument(reference: "db", project: "web")
                #expect(try await client.plan(change).refusal?.detail.contains("belongs to no project") == true)
                var paid = stage.cache("paid", wait: false)
                paid.project = "web"
                let project = try await client.plan(paid)
                #expect(project.act == "refused" && project.refusal?.rule == "unknown-project", "\(project)")
                change = RequestDocument(reference: "db", checkIndex: 7)
                #expect(try await problem { try await client.plan(change) }.code == "conflict")
                #expect(await stage.service.snapshot().ownLedger?.books.index == before)
            }
            let bob = try stage.person("bob@lab")
            let other = try await problem { () async throws in
                try await stage.client(as: bob) {
                    try await $0.plan(RequestDocument(reference: "db", customer: "root@here"))
                }
            }
            #expect(other.exitCode == .refused)
        }
    }

    @Test("a new request: its fields, the best machine of its policy, the next two, the price, index 0")
    func new() async throws {
        try await Stage.with { (stage) async throws in
            for (number, price) in [(1, 30_000), (2, 10_000), (3, 20_000), (4, 40_000)] as [(UInt64, Int64)] {
                await stage.service.discover(Fleet.machine(number, name: "n\(number)", cores: 8, price: price))
            }
            try await stage.client { (client) async throws in
                var document = stage.cache("db", wait: false, parameters: ["memory": .integer(32)])
                document.requirements = .init(
                    condition: "cpu >= 4", policy: "price", relations: .init(apartFrom: [.init(instance: "web")]))
                let plan = try await client.plan(document)
                #expect(plan.act == "create" && plan.index == 0 && plan.changesSomething && plan.command == nil)
                #expect(plan.changes.allSatisfy { $0.before == nil })
                let fields = Dictionary(uniqueKeysWithValues: plan.changes.map { ($0.field, $0.after) })
                #expect(fields["parameters.memory"] == .integer(32) && fields["state"] == .string("running"))
                #expect(fields["requirements.condition"] == .string("cpu >= 4") && fields["type"] == .string("cache"))
                #expect(fields["requirements.relations.apartFrom"] == .array([.string("web@host")]))
                let machines = try #require(plan.machines)
                #expect(
                    machines.candidates.map(\.node) == ["n2", "n3", "n1"] && machines.known == 5 && machines.fits == 4)
                #expect(plan.hourly == "0.01" && plan.waitsFor.isEmpty && plan.where == nil && plan.hold == nil)
                #expect(plan.reasons.contains { $0.contains("there is no web") }, "\(plan.reasons)")
                #expect(try await problem { try await client.instance("db") }.code == "notFound")
            }
        }
    }

    @Test("a change: what is there and what would be; it goes on on its machine, and what that has not is said")
    func change() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                _ = try await client.request(stage.cache("db", parameters: ["memory": .integer(32)]))
                let same = try await client.plan(RequestDocument(reference: "db"))
                #expect(same.act == "nothing" && same.changes.isEmpty && same.index == 1)
                var change = RequestDocument(
                    reference: "db", parameters: .object(["memory": .null, "verbose": .boolean(true)]))
                change.requirements = .init(condition: "region = fr")
                let plan = try await client.plan(change)
                #expect(plan.act == "change" && plan.where?.node == "alpha")
                #expect(
                    plan.changes == [
                        .init(field: "parameters.verbose", before: nil, after: .boolean(true)),
                        .init(field: "requirements.condition", before: nil, after: .string("region = fr")),
                        .init(field: "parameters.memory", before: .integer(32), after: nil),
                    ], "\(plan.changes)")
                #expect(same.reasons.contains("It stays on alpha, which is as asked."))
                #expect(plan.reasons.contains { $0.contains("No other machine that is known here could take it now") })
                #expect(plan.reasons.contains { $0.contains("it goes on on alpha until one can") })
                #expect(plan.reasons.contains { $0.contains("alpha is not as asked any more: it has no region") })
                // The index that was shown is the one that the act takes.
                change.checkIndex = plan.index
                #expect(try await client.request(change).revision == 2)
                var stop = RequestDocument(reference: "db", state: "stopped")
                let stopped = try await client.plan(stop)
                #expect(stopped.changes.map(\.field) == ["state"] && stopped.machines == nil)
                stop = stage.cache("db", wait: false)
                stop.release?.text += "\n# another text\n"
                let text = try await client.plan(stop).changes
                #expect(text.map(\.field) == ["release"] && text.first?.before != text.first?.after, "\(text)")
            }
        }
    }

    @Test("a project's hold and what is left are shown, and a breach of its ceiling")
    func hold() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                try await Bookkeeping.begin(client)
                for act in [
                    .resource(ResourceDocument(name: "partition", title: "Partition", unit: "second")),
                    .price(PriceRequest(resource: "partition", price: "0.001", currency: "EUR", from: "2026-01-01")),
                    .project(ProjectRequest(name: "tight", account: "ada", ceiling: "1", currency: "EUR")),
                ] as [PalmierClient.BookAct] { _ = try await client.record(act, in: "-") }
                var document = stage.cache("db", wait: false)
                document.project = "web"
                let plan = try await client.plan(document)
                #expect(plan.act == "create", "\(plan)")
                let hold = try #require(plan.hold)
                #expect(hold.project == "web" && hold.currency == "EUR" && hold.node == "alpha")
                #expect(hold.amount == "3.60" && hold.left == "10.00", "\(hold)")
                document.project = "tight"
                let tight = try await client.plan(document)
                #expect(tight.act == "refused" && tight.refusal?.rule == "ceiling-exceeded", "\(tight)")
                #expect(tight.hold?.amount == nil && tight.hold?.left == "1.00", "\(tight)")
                #expect(tight.refusal?.code == (try await problem { try await client.request(document) }.code))
            }
        }
    }
}

import Automata
import Claims
import Foundation
import Ledger
import Releases
import Testing

@testable import API

/// Machines of a stage that are told of, and nothing more.
enum Fleet {
    static func machine(
        _ number: UInt64, name: String, cores: Int = 2, memory: Int64 = 4_096, free: Int = 2, price: Int64 = 0,
        change: (inout Advertisement) -> Void = { _ in }
    ) -> Advertisement {
        var machine = Advertisement(
            peer: PeerID(high: 0xF1EE_7000_0000_0000 + number, low: number), incarnation: Incarnation(1), name: name,
            fabric: "lab", state: .idle, endpoints: [Endpoint(host: "127.0.0.1", port: 1)], capacity: 4, free: free,
            memory: .mebibytes(memory), price: price)
        machine.cores = cores
        machine.facts = MachineFacts(cores: cores, memory: .mebibytes(memory))
        change(&machine)
        return machine
    }
}

@Suite("Why a request is where it is")
struct WhyTests {
    @Test("counts add up to the machines known, never apart from not now, best first, the first rule that refused it")
    func counts() async throws {
        try await Stage.with { (stage) async throws in
            await stage.service.discover(Fleet.machine(1, name: "dear", cores: 8, price: 50_000))
            await stage.service.discover(Fleet.machine(2, name: "cheap", cores: 8, price: 10_000))
            await stage.service.discover(Fleet.machine(3, name: "small", cores: 1))
            await stage.service.discover(Fleet.machine(4, name: "full", cores: 8, free: 0))
            await stage.service.discover(
                Fleet.machine(5, name: "busy", cores: 8) { $0.cores = 0 })
            let closed = OwnerHours(from: 0, until: 1)
            await stage.service.discover(
                Fleet.machine(6, name: "closed", cores: 8) { $0.facts.terms.hours = closed })
            try await stage.client { (client) async throws in
                var document = stage.cache("db", wait: false)
                document.requirements = .init(condition: "cpu >= 4", policy: "price", priceMax: "0.02")
                _ = try await client.request(document)
                let why = try await client.why("db")
                let machines = why.machines
                #expect(machines.known == 7 && machines.here + machines.fits + machines.notNow + machines.never == 7)
                #expect(machines.rules.reduce(0) { $0 + $1.machines } == machines.notNow + machines.never)
                #expect(machines.fits == 1 && machines.never == 3, "\(machines)")
                // alpha has no cores at all, small one, and dear wants more than may be paid.
                let never = machines.rules.filter(\.lasting).map { "\($0.machines) \($0.code) \($0.text)" }
                #expect(never == ["2 requirement do not have what is asked", "1 too-dear is too dear"])
                let notNow = machines.rules.filter { !$0.lasting }.map { "\($0.machines) \($0.code)" }
                #expect(notNow == ["1 requirement", "1 owner-hours", "1 full"])
                #expect(
                    machines.candidates.map(\.verdict) == ["fits"] + Array(repeating: "not now", count: 3)
                        + Array(repeating: "never", count: 3))
                #expect(machines.candidates.first?.node == "cheap" && machines.candidates.first?.hourly == "0.01")
                #expect(machines.unnamed == 0 && machines.closest == nil)
                #expect(why.waitsFor.contains("cheap could take it now"), "\(why.waitsFor)")
            }
        }
    }

    @Test("what it waits for is one sentence; where nothing can ever help, the closest machine is named")
    func waits() async throws {
        try await Stage.with(capacity: 1) { (stage) async throws in
            await stage.service.discover(Fleet.machine(1, name: "full", cores: 8, free: 0))
            try await stage.client { (client) async throws in
                var document = stage.cache("db", wait: false)
                document.requirements = .init(condition: "cpu >= 4")
                _ = try await client.request(document)
                var why = try await client.why("db")
                #expect(why.waitsFor == "It waits for a free partition (full).", "\(why.waitsFor)")
                #expect(why.machines.closest?.node == "full")

                document.requirements = .init(condition: "cpu >= 64")
                _ = try await client.request(document)
                why = try await client.why("db")
                // The one that refuses for the fewest reasons.
                #expect(why.machines.notNow == 0 && why.machines.never == 2 && why.machines.closest?.node == "alpha")
                #expect(
                    why.waitsFor.contains(
                        "No machine known here can ever take it. The closest is alpha, which has cpu = 0, cpu >= 64 asked."
                    ),
                    "\(why.waitsFor)")

                document.requirements = .init(condition: "", relations: .init(togetherWith: [.init(instance: "web")]))
                _ = try await client.request(document)
                why = try await client.why("db")
                #expect(why.machines.fits == 0 && why.waitsFor.contains("the same host as web"), "\(why.waitsFor)")
                #expect(
                    why.explanation.contains { $0.contains("there is no web: it waits for that") }, "\(why.explanation)"
                )

                document.requirements = .init(relations: .init(apartFrom: [.init(instance: "web")], togetherWith: []))
                document.wait = .init(until: "running", timeoutSeconds: 20)
                #expect(try await client.request(document).state == "running")
                why = try await client.why("db")
                // Its own reservation keeps no machine from having it.
                #expect(why.machines.here == 1 && why.machines.candidates.first?.verdict == "here")
                #expect(why.machines.candidates.first?.node == "alpha" && why.waitsFor.isEmpty)
                #expect(why.explanation.contains { $0.contains("there is no web: nothing keeps it apart") })

                _ = try await client.request(stage.cache("web", wait: false))
                why = try await client.why("db")
                #expect(why.explanation.contains { $0.contains("web, which has no machine yet") }, "\(why.explanation)")
            }
        }
    }

    @Test("of 1,000 machines twenty are named unless all are asked for")
    func thousand() async throws {
        try await Stage.with { (stage) async throws in
            for number in 0..<999 {
                let index = UInt64(number)
                await stage.service.discover(
                    Fleet.machine(
                        index, name: "n\(number)", cores: number % 16, free: number % 3, price: Int64(number)))
            }
            try await stage.client { (client) async throws in
                var document = stage.cache("db", wait: false)
                document.requirements = .init(
                    condition: "cpu >= 8 and (memory >= 1GiB or gpu >= 1) and not node = n8", policy: "price, load")
                _ = try await client.request(document)
                let why = try await client.why("db")
                let machines = why.machines
                #expect(machines.known == 1_000 && machines.candidates.count == 20 && machines.unnamed == 980)
                #expect(machines.here + machines.fits + machines.notNow + machines.never == 1_000)
                #expect(machines.rules.reduce(0) { $0 + $1.machines } == machines.notNow + machines.never)
                let fitting = (0..<999).filter { $0 % 16 >= 8 && $0 % 3 > 0 && $0 != 8 }
                #expect(machines.fits == fitting.count)
                #expect(machines.candidates.map(\.node) == fitting.prefix(20).map { "n\($0)" })
                let all = try await client.why("db", all: true).machines
                #expect(all.candidates.count == 1_000 && all.unnamed == 0)
                #expect(
                    all.candidates.map(\.verdict).reduce(into: [String]()) { if $0.last != $1 { $0.append($1) } }
                        == ["fits", "not now", "never"])
            }
        }
    }
}

import Automata
import Foundation
import Identity
import NIOHTTP1
import Releases
import Testing

@testable import API

@Suite("What the owner of a machine says through a master")
struct OwnerTests {
    @Test("a drain names who is there and what each waits for; an undrain ends it")
    func drain() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                _ = try await client.request(stage.cache("web"))
                #expect(try await client.instance("web").moving == nil)
                let drained = try await client.setDrained("alpha", true)
                #expect(drained.state == "draining" && drained.isDrained && drained.reason == "drains")
                let tenant = try #require(drained.tenants.first)
                #expect(drained.tenants.count == 1 && tenant.reference == "web" && tenant.ledger == "alpha")
                #expect(tenant.waitsFor.hasPrefix("alpha drains: "), "\(tenant.waitsFor)")
                let moving = try await client.instance("web").moving
                #expect(moving?.reason.hasPrefix("alpha drains: ") == true && moving?.to == nil)
                #expect(try await client.nodes().nodes.first?.state == "draining")
                #expect(try await client.drainage(of: nil) == client.drainage(of: "alpha"))
                _ = try await client.destroy("web", wait: .seconds(5))
                #expect(try await client.drainage(of: nil).state == "drained")
                let open = try await client.setDrained("alpha", false)
                #expect(open.state == "idle" && open.reason == "" && !open.isDrained)
            }
        }
    }

    @Test("an offer is shown, changed field by field, and reset; what nobody can mean is refused with its field")
    func offer() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                let before = try await client.offer(of: "alpha")
                #expect(before.hours == "always" && before.coreHour == "0" && before.kept.isEmpty)
                var said = NodeOfferRequest()
                (said.coreHour, said.hours, said.maxMemoryBytes) = ("0.01", "19:00-07:00", 8 << 30)
                let after = try await client.setOffer(of: "alpha", said)
                #expect(after.coreHour == "0.01" && after.hours == "19:00-07:00" && after.maxMemoryBytes == 8 << 30)
                #expect(after.kept == ["coreHour", "hours", "maxMemoryBytes"])
                said = NodeOfferRequest()
                (said.hours, said.country) = ("always", "fr")
                let both = try await client.setOffer(of: nil, said)
                #expect(both.hours == "always" && both.coreHour == "0.01" && both.country == "fr")
                said = NodeOfferRequest()
                said.reset = true
                #expect(try await client.setOffer(of: nil, said) == before)
            }
            for (body, words) in [
                (#"{"coreHour":"much"}"#, ["coreHour", "0.01"]), (#"{"hours":"19-7"}"#, ["hours", "19:00-07:00"]),
                (#"{"maxCpus":-1}"#, ["maxCpus", "0 to 65535"]), (#"{"continent":"xx"}"#, ["continent", "af"]),
                (#"{"reset":true,"country":"fr"}"#, ["reset", "country"]), ("{}", ["says nothing"]),
                (#"{"coreHuor":"1"}"#, ["did you mean \\\"coreHour\\\""]),
            ] {
                let (status, text) = try await stage.raw(.POST, "/v1/nodes/alpha/offer", body)
                #expect(status == 400, "\(text)")
                for word in words { #expect(text.contains(word), "\(word): \(text)") }
            }
        }
    }

    @Test("a machine is its owner's: customers may neither drain it nor see who is there")
    func rights() async throws {
        try await Stage.with { (stage) async throws in
            let alice = try stage.person("alice@lab")
            for path in ["drain", "undrain", "offer"] {
                let body = path == "offer" ? #"{"maxCpus":1}"# : nil
                let (status, text) = try await stage.raw(.POST, "/v1/nodes/alpha/\(path)", body, as: .member(alice))
                #expect(status == 403, "\(text)")
            }
            #expect(try await stage.raw(.GET, "/v1/nodes/alpha/drain", as: .member(alice)).status == 403)
            #expect(try await stage.raw(.POST, "/v1/nodes/nobody/drain").status == 404)
            #expect(try await stage.client { try await $0.drainage(of: nil) }.state == "idle")
        }
    }

    @Test("the promise and the patience of a request are shown; less than a lease is the lease")
    func patience() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                var document = stage.cache("web")
                let usual = try await client.request(document)
                #expect(usual.promise == "at least one" && usual.patienceSeconds == 45)
                document.patienceSeconds = 300
                #expect(try await client.request(document).patienceSeconds == 300)
                document.patienceSeconds = nil
                #expect(try await client.request(document).patienceSeconds == 300)
                document.patienceSeconds = 5
                #expect(try await client.request(document).patienceSeconds == 45)
            }
            let (status, text) = try await stage.raw(
                .POST, "/v1/requests", #"{"reference":"web","patienceSeconds":-1}"#)
            #expect(status == 400 && text.contains("patienceSeconds"), "\(text)")
        }
    }
}

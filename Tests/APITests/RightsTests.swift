import Automata
import Foundation
import Identity
import Ledger
import NIOHTTP1
import Peer
import Runtime
import Synchronization
import Testing

@testable import API

@Suite("Who may do what")
struct RightsTests {
    @Test("customers see their own requests only; an administrator sees all")
    func customers() async throws {
        try await Stage.with { (stage) async throws in
            let (alice, bob) = (try stage.person("alice@lab"), try stage.person("bob@lab"))
            try await stage.client(as: alice) { (client) async throws in
                #expect(try await client.request(stage.cache()).customer == "alice@lab")
                #expect(try await problem { try await client.instances(all: true) }.exitCode == .refused)
                #expect(try await problem { try await client.instances(customer: "bob@lab") }.status == 403)
                #expect(try await problem { try await client.pendingAdmissions() }.status == 403)
                #expect(try await problem { try await client.invite(InvitationRequest()) }.status == 403)
            }
            try await stage.client(as: bob) { (client) async throws in
                #expect(try await client.instances().instances.isEmpty)
                #expect(try await problem { try await client.instance("cache") }.status == 404)
                #expect(try await problem { try await client.destroy("cache", customer: "alice@lab") }.status == 403)
            }
            // The test's own user owns the master's process, and so is an administrator on the socket.
            try await stage.client { (client) async throws in
                #expect(try await client.instances().instances.isEmpty)
                #expect(try await client.instances(all: true).instances.map(\.customer) == ["alice@lab"])
                #expect(try await client.stop("cache", customer: "alice@lab", wait: .seconds(10)).state == "stopped")
            }
        }
    }

    @Test("a stranger reads what is open on purpose and nothing else, and changes nothing")
    func strangers() async throws {
        try await Stage.with { (stage) async throws in
            for path in ["/healthz", "/readyz", "/v1/fabric", "/metrics"] {
                #expect(try await stage.raw(.GET, path, as: .stranger).status == 200, "\(path)")
            }
            let index = await stage.service.snapshot().ownLedger?.books.index
            for route in Routes.all where route.door == .members {
                let path = route.path.replacing("{reference}", with: "x").replacing("{who}", with: "x")
                let method: HTTPMethod = route.method == .get ? .GET : .POST
                let (status, body) = try await stage.raw(method, path, method == .POST ? "{}" : nil, as: .stranger)
                #expect(status == 401 && body.contains("no certificate was shown"), "\(path): \(status) \(body)")
            }
            #expect(await stage.service.snapshot().ownLedger?.books.index == index)
        }
    }

    @Test("a certificate of another fabric, and one that has ended, are refused with the reason")
    func wrongCertificates() async throws {
        try await Stage.with { (stage) async throws in
            let now = stage.service.now
            let other = try FabricRoot.create(name: "lab", now: now).makeAuthority(name: "alpha", now: now)
            let key = PrivateKey()
            let request = try SigningRequest(key: key, role: .identity(.person), name: "eve")
            let foreign = try Credential(
                key: key, chain: try other.issue(request, kind: .person, name: "eve", now: now), trust: other.trust)
            let (status, body) = try await stage.raw(.GET, "/v1/nodes", as: .member(foreign))
            #expect(status == 403 && body.contains("another root"), "\(body)")

            let chain = try stage.authority.issue(
                request, kind: .person, name: "eve", lifetime: .seconds(60), now: now - .seconds(3_600))
            let ended = try Credential(key: key, chain: chain, trust: stage.root.trust)
            let late = try await stage.raw(.GET, "/v1/nodes", as: .member(ended))
            #expect(late.status == 403 && late.body.contains("ended on"), "\(late.body)")
        }
    }

    @Test("a machine sees the fabric and asks for nothing to run; no member but a master passes for a master")
    func machines() async throws {
        try await Stage.with { (stage) async throws in
            let machine = try stage.member("worker", .machine)
            #expect(try await stage.raw(.GET, "/v1/status", as: .member(machine)).status == 200)
            let (status, body) = try await stage.raw(.POST, "/v1/requests", #"{"reference":"x"}"#, as: .member(machine))
            #expect(status == 403 && body.contains("machine worker is no customer"), "\(body)")
        }
    }

    @Test("metrics are counted from what is so")
    func metrics() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { _ = try await $0.request(stage.cache()) }
            let (_, text) = try await stage.raw(.GET, "/metrics")
            for line in [
                #"palmier_requests{state="running"} 1"#, #"palmier_peers{state="worker"} 1"#,
                #"palmier_masters{state="primary"} 1"#, #"palmier_partitions{state="used"} 1"#,
                "# TYPE palmier_ledger_index counter", "palmier_overlay_active 1", "palmier_overlay_peers 1",
                #"palmier_overlay_messages_total{outcome="delivered"}"#, "palmier_objects 0",
            ] { #expect(text.contains(line), "\(line) is not in \(text)") }
            #expect(!text.contains("palmier_ledger_index 0"))
        }
    }

    @Test("problems of the host show in doctor and status, and a full disk makes the master not ready")
    func problems() async throws {
        try await Stage.with { (stage) async throws in
            await stage.service.report([HostProblem(code: "disk", message: "the disk is full", remedy: "make room")])
            try await stage.client { (client) async throws in
                #expect(try await client.doctor().problems.map(\.code) == ["disk"])
                #expect(try await client.status().isHealthy == false)
            }
            #expect(try await stage.raw(.GET, "/healthz").status == 200)
            let (status, body) = try await stage.raw(.GET, "/readyz", as: .stranger)
            #expect(status == 503 && !body.contains("disk is full"))
        }
    }

    @Test("a renewed credential is shown from the next connection on, without a restart")
    func renewedServer() async throws {
        try await Stage.with { (stage) async throws in
            let next = try stage.authority.issueOwn(key: PrivateKey(), now: stage.service.now)
            let shown = Mutex(stage.master)
            let context = ServerContext(credential: { shown.withLock { $0 } }, service: stage.service)
            let first = try context.current().0
            #expect(try context.current().0 === first)
            shown.withLock { $0 = next }
            #expect(try context.current().0 !== first)
        }
    }

    @Test("a local user without a name is still somebody, and only root and the owner are administrators")
    func localUsers() throws {
        #expect(LocalUser.name(of: 0) == "root")
        #expect(LocalUser.name(of: 3_999_999_999) == "uid3999999999")
        let guest = Principal(
            name: "guest@here", customer: Customer("guest@here"), isAdministrator: false, member: nil, isLocal: true)
        #expect(throws: ProblemDocument.self) { try guest.requireAdministrator("invite anybody") }
        #expect(throws: ProblemDocument.self) { try guest.key("x", customer: "root@here") }
        #expect(try guest.key("x", customer: "guest@here").reference == "x")
    }
}

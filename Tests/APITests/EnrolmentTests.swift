import Automata
import Foundation
import Identity
import Ledger
import NIOCore
import NIOHTTP1
import Peer
import Synchronization
import Testing

@testable import API
@testable import Runtime

@Suite("Enrolment over HTTP")
struct EnrolmentTests {
    @Test("policy link: a machine and a master on the link are admitted by themselves, and it is in the ledger")
    func link() async throws {
        try await Stage.with(policy: .link) { (stage) async throws in
            let key = PrivateKey()
            let client = EnrolmentClient(masters: [stage.endpoint])
            let credential = try await client.join(as: .machine, name: "worker", key: key) { _ in }
            #expect(credential.kind == .machine && credential.name == "worker" && credential.peer == key.peer)
            let (authority, master) = try await client.joinAsMaster(
                name: "beta", key: PrivateKey(), authorityKey: PrivateKey(), now: stage.service.now
            ) { _ in }
            #expect(authority.name == "beta" && master.kind == .master)
            let admissions = await stage.service.snapshot().ownLedger?.books.admissions ?? []
            #expect(admissions.map(\.kind) == ["machine", "master"] && admissions.allSatisfy { $0.by == "link" })
            #expect(try await stage.raw(.GET, "/v1/nodes", as: .member(credential)).status == 200)
        }
    }

    @Test("policy ask: who asks waits, is told how to be approved, and gets in when a person says so")
    func ask() async throws {
        try await Stage.with { (stage) async throws in
            let key = PrivateKey()
            let (progress, told) = AsyncStream.makeStream(of: String.self)
            async let joined = EnrolmentClient(masters: [stage.endpoint], fabric: "lab")
                .join(as: .machine, name: "worker", key: key) { told.yield("\($0)") }
            var lines = progress.makeAsyncIterator()
            #expect(await lines.next()?.contains("found fabric lab") == true)
            let fingerprint = key.peer.fingerprint
            #expect(await lines.next()?.contains("`palmier node admit \(fingerprint)`") == true)
            try await stage.client { (client) async throws in
                let pending = try await client.pendingAdmissions().admissions
                #expect(pending.map(\.fingerprint) == [fingerprint] && pending.first?.state == "pending")
                #expect(try await problem { try await client.admit("nobody") }.exitCode == .notFound)
                #expect(try await client.admit("worker").state == "admitted")
            }
            #expect(try await joined.name == "worker")
            // Asked again, with the same key, kind and name: the ledger knows.
            let again = try await EnrolmentClient(masters: [stage.endpoint])
                .join(as: .machine, name: "worker", key: key) { _ in }
            #expect(again.peer == key.peer)
        }
    }

    @Test("who is rejected reads so")
    func rejected() async throws {
        try await Stage.with { (stage) async throws in
            let key = PrivateKey()
            let (progress, told) = AsyncStream.makeStream(of: Bool.self)
            async let refusal = problem {
                try await EnrolmentClient(masters: [stage.endpoint]).join(as: .person, name: "eve", key: key) {
                    if case .waiting = $0 { told.yield(true) }
                }
            }
            var waiting = progress.makeAsyncIterator()
            _ = await waiting.next()
            try await stage.client { _ = try await $0.reject(key.peer.fingerprint) }
            #expect(try await refusal.exitCode == .refused)
        }
    }

    @Test("a token lets one in once: not another, not for another kind, not when it has expired or is made up")
    func token() async throws {
        try await Stage.with(policy: .token) { (stage) async throws in
            let invited = try await stage.client { try await $0.invite(InvitationRequest()) }
            var token = try JoinToken(text: invited.token)
            token.apiPort = stage.endpoint.port
            let bare = EnrolmentClient(masters: [stage.endpoint])
            let refused = try await problem { try await bare.join(as: .machine, name: "w", key: PrivateKey()) { _ in } }
            #expect(refused.exitCode == .refused && refused.detail.contains("join token only"))

            let client = EnrolmentClient(masters: [], token: token)
            let wrongKind = try await problem {
                try await client.join(as: .person, name: "w", key: PrivateKey()) { _ in }
            }
            #expect(wrongKind.detail.contains("is for a machine"))
            var forged = token
            forged.kind = .person
            let forger = EnrolmentClient(masters: [], token: forged)
            let person = try await problem { try await forger.join(as: .person, name: "w", key: PrivateKey()) { _ in } }
            #expect(person.detail.contains("no such token"), "the kind is bound to the secret: \(person)")

            let key = PrivateKey()
            #expect(try await client.join(as: .machine, name: "w", key: key) { _ in }.name == "w")
            #expect(
                try await client.join(as: .machine, name: "w", key: key) { _ in }.name == "w", "its answer was lost")
            let used = try await problem { try await client.join(as: .machine, name: "v", key: PrivateKey()) { _ in } }
            #expect(used.exitCode == .refused && used.detail.contains("used already"))

            var wrong = token
            wrong.secret = JoinSecret()
            let unknown = try await problem {
                try await EnrolmentClient(masters: [], token: wrong).join(as: .machine, name: "w", key: PrivateKey()) {
                    _ in
                }
            }
            #expect(unknown.detail.contains("no such token"))
            let short = try await stage.client { try await $0.invite(InvitationRequest(ttlSeconds: 1)) }
            var expired = try JoinToken(text: short.token)
            expired.apiPort = stage.endpoint.port
            while stage.service.now < expired.expires { try await Task.sleep(for: .milliseconds(20)) }
            let late = try await problem {
                try await EnrolmentClient(masters: [], token: expired)
                    .join(as: .machine, name: "late", key: PrivateKey()) { _ in }
            }
            #expect(late.detail.contains("expired"), "\(late)")
        }
    }

    @Test("of many who redeem one token at once, one gets in")
    func tokenRace() async throws {
        try await Stage.with(policy: .token) { (stage) async throws in
            let token = try await stage.desk.invite(
                .machine, endpoints: [Endpoint(host: "127.0.0.1", port: 7_000)], apiPort: 1)
            let admitted = await withTaskGroup(of: Bool.self) { group in
                for number in 0..<12 {
                    group.addTask {
                        do {
                            let request = try SigningRequest(
                                key: PrivateKey(), role: .identity(.machine), name: "w\(number)")
                            _ = try await stage.desk.ask(
                                EnrolmentAsk(
                                    kind: .machine, name: "w\(number)", request: request, token: token,
                                    address: "10.0.0.\(number)", isOnLink: false))
                            return true
                        } catch {
                            return false
                        }
                    }
                }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(admitted == 1)
        }
    }

    @Test("a token's secret is not sent to a fabric with another root")
    func otherRoot() async throws {
        try await Stage.with(policy: .token) { (stage) async throws in
            let foreign = try FabricRoot.create(name: "lab", now: stage.service.now)
            let token = JoinToken(
                kind: .machine, endpoints: [Endpoint(host: "127.0.0.1", port: 7_000)], apiPort: stage.endpoint.port,
                rootDigest: foreign.trust.rootDigest, secret: JoinSecret(), expires: .distantFuture)
            let client = EnrolmentClient(masters: [], token: token)
            let refusal = try await problem {
                try await client.join(as: .machine, name: "w", key: PrivateKey()) { _ in }
            }
            #expect(refusal.description.contains("the secret was not sent"))
            let pinned = EnrolmentClient(masters: [stage.endpoint], pinned: foreign.trust)
            let changed = try await problem {
                try await pinned.join(as: .machine, name: "w", key: PrivateKey()) { _ in }
            }
            #expect(changed.detail.contains("this machine knows lab"))
        }
    }

    @Test("a master is refused where the root's key is not, with the place to go to")
    func noRoot() async throws {
        try await Stage.with(policy: .link, holdsRoot: false) { (stage) async throws in
            let refusal = try await problem {
                try await EnrolmentClient(masters: [stage.endpoint]).joinAsMaster(
                    name: "beta", key: PrivateKey(), authorityKey: PrivateKey(), now: stage.service.now
                ) { _ in }
            }
            #expect(refusal.exitCode == .refused && refusal.description.contains("palmier fabric sign"))
        }
    }

    @Test("a local user becomes a person that every master knows, and renews with the same key")
    func people() async throws {
        try await Stage.with { (stage) async throws in
            let key = PrivateKey()
            let credential = try await stage.client { try await $0.becomePerson(key: key, name: "me") }
            #expect(credential.kind == .person && credential.name.hasSuffix("@here"))
            try await stage.client(as: credential) { (client) async throws in
                let renewed = try await client.renew(credential)
                #expect(renewed.peer == key.peer && renewed.name == credential.name)
                #expect(try await client.instances(all: true).instances.isEmpty, "the owner is an administrator")
                let request = try SigningRequest(key: PrivateKey(), role: .identity(.person), name: "me")
                let body = String(
                    decoding: try DocumentCoding.encode(CertificateRequest(request: request.pem)), as: UTF8.self)
                #expect(try await stage.raw(.POST, "/v1/people", body, as: .member(credential)).status == 403)
                #expect(try await stage.raw(.POST, "/v1/renewals", body, as: .member(credential)).status == 403)
            }
        }
    }

    @Test("strangers cannot fill the list of those who wait, nor ask without end")
    func bounds() async throws {
        var configuration = EnrolmentConfiguration()
        configuration.pendingMax = 3
        configuration.pendingPerAddressMax = 2
        configuration.asksPerMinute = 4
        try await Stage.with(configuration: configuration) { (stage) async throws in
            func ask(_ address: String) async -> Refusal.Code? {
                do {
                    let request = try SigningRequest(key: PrivateKey(), role: .identity(.machine), name: "w")
                    _ = try await stage.desk.ask(
                        EnrolmentAsk(kind: .machine, name: "w", request: request, address: address, isOnLink: false))
                    return nil
                } catch {
                    return (error as? Refusal)?.code
                }
            }
            #expect(await ask("a") == nil)
            #expect(await ask("a") == nil)
            #expect(await ask("a") == .overloaded, "two from one address")
            #expect(await ask("b") == nil)
            #expect(await ask("c") == .overloaded, "three in all")
            #expect(await ask("a") == .overloaded)
            #expect(await ask("a") == .overloaded, "five a minute")
            #expect(await stage.desk.pending.count == 3)
            #expect(await stage.service.snapshot().ownLedger?.books.admissions.isEmpty == true)
            let ambiguous = try await problem { try await stage.client { try await $0.admit("w") } }
            #expect(ambiguous.status == 409)
        }
    }

    @Test("who asks is shown by the address that people know, also when it came over an IPv6 socket")
    func plainAddress() throws {
        let text = try ["::ffff:192.168.7.9", "192.168.7.9", "fd77::9"].map {
            LinkAddress.text(of: try SocketAddress(ipAddress: $0, port: 1))
        }
        #expect(text == ["192.168.7.9", "192.168.7.9", "fd77::9"])
    }

    @Test("on-link is loopback, link-local, or the subnet of an interface")
    func onLink() {
        let subnets: [(address: [UInt8], mask: [UInt8])] = [([192, 168, 7, 1], [255, 255, 255, 0])]
        #expect(LinkAddress.isOnLink([192, 168, 7, 99], subnets: subnets))
        #expect(!LinkAddress.isOnLink([192, 168, 8, 99], subnets: subnets))
        #expect(LinkAddress.isOnLink([127, 3, 2, 1], subnets: []))
        #expect(LinkAddress.isOnLink([0xFE, 0x80] + [UInt8](repeating: 1, count: 14), subnets: []))
        #expect(!LinkAddress.isOnLink([0x20, 0x01] + [UInt8](repeating: 1, count: 14), subnets: subnets))
    }
}

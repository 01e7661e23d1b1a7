import Automata
import Foundation
import Identity
import Logging
import NIOHTTP1
import Neighbours
import Objects
import Overlay
import Peer
import Releases
import Runtime
import Testing

@testable import API

@Suite("The ring over HTTP")
struct RingTests {
    private let nowhere = String(repeating: "0", count: 32)

    @Test(
        "a key that is no key is refused with what was found",
        arguments: ["overlay/lookup", "overlay/trace", "objects"])
    func wrongKey(place: String) async throws {
        try await Stage.with { (stage) async throws in
            for key in ["greeting", "123", String(repeating: "g", count: 32), String(repeating: "0", count: 33)] {
                let (status, body) = try await stage.raw(.GET, "/v1/\(place)/\(key)")
                #expect(status == 400 && body.contains("32 hexadecimal digits") && body.contains(key), "\(body)")
            }
        }
    }

    @Test("an object may have 64 KiB and no byte more, over both doors")
    func size() async throws {
        try await Stage.with { (stage) async throws in
            let person = try stage.person("alice@lab")
            for who in [Stage.Who.local, .member(person)] {
                let most = [UInt8](repeating: 7, count: 65_536)
                #expect(try await stage.raw(.POST, "/v1/objects", octets: most, as: who).status == 200)
                let (status, body) = try await stage.raw(.POST, "/v1/objects", octets: most + [7], as: who)
                #expect(status == 413 && body.contains("at most 65536 bytes") && body.contains("65537"), "\(body)")
            }
        }
    }

    @Test("what is put can be got: any bytes, none at all, and the same again under the same key")
    func roundTrip() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                for bytes in [[], [0xFF, 0, 0x0A, 0x80], Array("palm\n".utf8)] as [[UInt8]] {
                    let object = try await client.putObject(bytes)
                    #expect(object.key == PeerID(hashing: bytes).description && object.size == bytes.count)
                    #expect(object.copies == 1, "a ring of one")
                    #expect(try await client.putObject(bytes).key == object.key)
                    #expect(try await client.object(PeerID(hashing: bytes)) == bytes)
                }
                #expect(try await client.overlay().kept.objects == 3)
            }
        }
    }

    @Test("an object that nobody has is not found, and the remedy says what an id is")
    func unknown() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                let problem = try await problem { try await client.object(PeerID(0xA5)) }
                #expect(problem.status == 404 && problem.exitCode == .notFound)
                #expect(problem.detail.contains(PeerID(0xA5).description) && problem.remedy.contains("SHA-256"))
            }
        }
    }

    @Test("everybody of the fabric looks; people and local users put, machines do not")
    func rights() async throws {
        try await Stage.with { (stage) async throws in
            let machine = try stage.member("worker", .machine)
            for path in ["/v1/overlay", "/v1/overlay/lookup/\(nowhere)", "/v1/overlay/trace/\(nowhere)"] {
                #expect(try await stage.raw(.GET, path, as: .member(machine)).status == 200, "\(path)")
                #expect(try await stage.raw(.GET, path, as: .stranger).status == 401, "\(path)")
            }
            let (status, body) = try await stage.raw(.POST, "/v1/objects", octets: [1], as: .member(machine))
            #expect(status == 403 && body.contains("machine worker may not keep objects"), "\(body)")
            #expect(await stage.service.snapshot().objects.status.objects == 0)
            let person = try stage.person("alice@lab")
            #expect(try await stage.raw(.POST, "/v1/objects", octets: [1], as: .member(person)).status == 200)
            let key = PeerID(hashing: [1])
            let read = try await stage.raw(.GET, "/v1/objects/\(key)", as: .member(machine))
            #expect(read.status == 200 && read.body == "\u{1}")
        }
    }

    @Test("one idempotency key is for one object")
    func idempotency() async throws {
        try await Stage.with { (stage) async throws in
            let headers = [("idempotency-key", "k")]
            let first = try await stage.raw(.POST, "/v1/objects", octets: [1], headers: headers)
            #expect(try await stage.raw(.POST, "/v1/objects", octets: [1], headers: headers) == first)
            #expect(try await stage.raw(.POST, "/v1/objects", octets: [2], headers: headers).status == 409)
        }
    }

    @Test("a ring of one is healthy, says that it is one, and is root of every key")
    func alone() async throws {
        try await Stage.with { (stage) async throws in
            try await stage.client { (client) async throws in
                let overlay = try await client.overlay()
                #expect(overlay.state == "active" && overlay.isHealthy && overlay.peers == 1 && overlay.isCounted)
                #expect(overlay.sentence == "active, and the only peer of its ring" && overlay.peer.name == "alpha")
                let route = try await client.lookup(PeerID(0xA5), traced: true)
                #expect(route.hops == 0 && route.root.name == "alpha" && route.root.state == "self")
                #expect(route.path == [route.root])
                #expect(try await client.lookup(PeerID(0xA5)).path == nil)
            }
        }
    }

    // MARK: One view

    @Test("neighbours have the names of machines that are known, and addresses; strangers have none")
    func names() async throws {
        let views = try await views(knowing: Self.beta)
        let status = status(of: views, leaves: [Self.beta.peer, PeerID(0xC0)])
        let document = views.overlay(status)
        let beta = try #require(document.right.first { $0.peer == Self.beta.peer.description })
        #expect(beta.name == "beta" && beta.address == "10.0.0.2:7000" && beta.roundTripMicroseconds == 340)
        let other = try #require(document.right.first { $0.peer == PeerID(0xC0).description })
        #expect(other.name.isEmpty && other.shownName == PeerID(0xC0).fingerprint && other.roundTripMicroseconds == nil)
        #expect(document.sentence == "active in a ring of 3 peers" && document.isHealthy, "\(document.problems)")
    }

    @Test("a peer that is not active, one that is alone among others, and silent neighbours are problems with a remedy")
    func problems() async throws {
        let views = try await views(knowing: Self.beta)
        var joining = status(of: views, leaves: [])
        (joining.phase, joining.isActive) = (.joining, false)
        #expect(views.overlay(joining).problems.map(\.code) == ["joining"])
        #expect(views.overlay(joining).sentence.contains("knows nobody there yet"))
        let alone = views.overlay(status(of: views, leaves: []))
        #expect(alone.problems.map(\.code) == ["alone"] && alone.problems[0].message.hasPrefix("1 other machine of"))
        var short = status(of: views, leaves: [Self.beta.peer, PeerID(0xC0)])
        short.leafSet.isComplete = false
        #expect(views.overlay(short).problems.map(\.code) == ["leaves"])
        var silent = status(of: views, leaves: [Self.beta.peer, PeerID(0xC0)])
        silent.contacts[0].isSuspected = true
        let problem = try #require(views.overlay(silent).problems.first)
        #expect(problem.code == "silent" && problem.message == "1 of 2 neighbours did not answer in time: beta")
        for document in [alone, views.overlay(short), views.overlay(silent)] {
            #expect(!document.isHealthy && document.problems.allSatisfy { !$0.remedy.isEmpty })
        }
    }

    @Test("a way names each peer, the digits it shares with the key, and what is known of its distance")
    func way() async throws {
        let views = try await views(knowing: Self.beta)
        let own = views.peer.id
        let key = PeerID(high: Self.beta.peer.high | 1, low: 0)
        let route = RingRoute(
            key: key, root: Self.beta.peer, hops: 2, peers: [own, PeerID(0xC0), Self.beta.peer],
            took: .microseconds(900))
        let document = views.route(route, traced: true)
        let path = try #require(document.path)
        #expect(path.map(\.state) == ["self", "distant", "distant"] && path[2].name == "beta")
        #expect(path[2].sharedDigits == 15 && path[1].sharedDigits == 0)
        #expect(document.root == path[2] && document.tookMicroseconds == 900)
    }

    private static let beta = Advertisement(
        peer: PeerID(0xB0), incarnation: Incarnation(1), name: "beta", fabric: "lab",
        endpoints: [Endpoint(host: "10.0.0.2", port: 7_000)])

    /// Of a machine that has met another.
    private func views(knowing other: Advertisement) async throws -> Views {
        let service = FakePeerService(id: PeerID(0xA0), name: "alpha", apiPort: 7_001)
        await service.start()
        await service.meet(other, saying: .neighbour(.hello(other)))
        let views = Views(peer: await service.snapshot(), now: service.now, shelf: ReleaseShelf())
        await service.stop()
        #expect(views.peer.neighbours[other.peer]?.isLive == true)
        return views
    }

    /// An active peer's in a ring of these and itself; the first was measured.
    private func status(of views: Views, leaves: [PeerID]) -> OverlayStatus {
        var status = views.peer.overlay.status
        (status.phase, status.isActive) = (.active, true)
        status.leafSet = LeafSet(smaller: leaves.reversed(), larger: leaves, isComplete: true)
        status.contacts = leaves.enumerated().map { index, peer in
            OverlayContact(
                peer: peer, roundTrip: index == 0 ? RoundTrip(microseconds: 340) : .unknown, isSuspected: false)
        }
        return status
    }

    // MARK: A machine that is no master

    @Test("a machine that is no master answers about the ring through its socket, and says of all else that it is none")
    func machine() async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("palmier-ring-\(UUID())").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let socket = "\(directory)/peer.sock"
        let service = FakePeerService(id: PeerID(0xA0), name: "worker", apiPort: nil)
        await service.start()
        let server = APIServer(
            service: service, configuration: .init(hostName: "here", socketPath: socket), logger: Logger(label: "test"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            for _ in 0..<500 where !FileManager.default.fileExists(atPath: socket) {
                try await Task.sleep(for: .milliseconds(10))
            }
            let client = PalmierClient(.socket(path: socket))
            let overlay = try await client.overlay()
            #expect(overlay.peer.name == "worker")
            #expect(
                overlay.problems.map(\.code) == ["alone"] && overlay.problems[0].remedy.contains("--join HOST:PORT"))
            let key = PeerID(hashing: [9])
            #expect(try await client.putObject([9]).key == key.description)
            #expect(try await client.object(key) == [9])
            let none = try await problem { try await client.status() }
            #expect(none.status == 404 && none.remedy.contains("no master"), "\(none)")
            await client.shutdown()
            group.cancelAll()
        }
        await service.stop()
        #expect(!FileManager.default.fileExists(atPath: socket))
    }
}

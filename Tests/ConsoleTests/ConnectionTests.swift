import API
import Automata
import Console
import Foundation
import Identity
import Testing

@Suite("Finding a master")
struct ConnectionTests {
    private let home = FileManager.default.temporaryDirectory.path + "/palmier-home-\(UUID().uuidString)"
    private let now = Instant(milliseconds: 1_800_000_000_000)

    @Test(
        "a master is named by addresses, a socket or a state directory",
        arguments: [
            ("10.0.0.1:7424", .addresses([Endpoint(host: "10.0.0.1", port: 7_424)])),
            (
                "[fd00::1]:1,b:2",
                .addresses([Endpoint(host: "fd00::1", port: 1), Endpoint(host: "b", port: 2)])
            ), ("/run/x.sock", .socket("/run/x.sock")), ("api.sock", .socket("api.sock")),
            ("/usr", .socket("/usr/api.sock")),
        ] as [(String, ConnectionChoice.Place)])
    func place(text: String, expected: ConnectionChoice.Place) throws {
        #expect(try ConnectionChoice.place(text) == expected)
    }

    @Test("what is neither is refused as a mistake of usage", arguments: ["", "host", "host:99999", ","])
    func noPlace(text: String) {
        let refusal = #expect(throws: Refusal.self) { _ = try ConnectionChoice.place(text) }
        #expect(refusal?.code == .invalid)
    }

    @Test("the state directory is the one named, else root's, else the user's own")
    func stateDirectory() {
        let named = StateDirectory.standard(environment: ["PALMIER_STATE": "/srv/p", "HOME": "/h"], isRoot: true)
        #expect(named.socket == "/srv/p/api.sock")
        #expect(StateDirectory.standard(environment: [:], isRoot: true).path == "/var/lib/palmier")
        #expect(StateDirectory.standard(environment: ["HOME": "/h"], isRoot: false).path == "/h/.local/state/palmier")
        let moved = StateDirectory.standard(environment: ["HOME": "/h", "XDG_STATE_HOME": "/x"], isRoot: false)
        #expect(moved.path == "/x/palmier")
    }

    @Test("--master goes over PALMIER_MASTER, and an empty variable is none")
    func named() {
        #expect(ConnectionChoice(master: "a:1", environment: ["PALMIER_MASTER": "b:2"]).named == "a:1")
        #expect(ConnectionChoice(environment: ["PALMIER_MASTER": "b:2"]).named == "b:2")
        #expect(ConnectionChoice(environment: ["PALMIER_MASTER": ""]).named == nil)
    }

    @Test("when nobody answers, everything that was tried is told")
    func nobody() async throws {
        let choice = ConnectionChoice(state: "\(home)/state", environment: ["HOME": home])
        let refusal = try await #require(throws: Refusal.self) { _ = try await Connection.open(choice, now: now) }
        #expect(refusal.code == .unreachable)
        #expect(refusal.message.contains("\(home)/state/api.sock: no such file or directory"))
        #expect(refusal.message.contains("\(home)/.config/palmier: no profile"))
        #expect(refusal.remedy.contains("palmier master"))
    }

    @Test("for what every peer answers the machine's own peer is asked, too, and the remedy names an agent")
    func noPeer() async throws {
        let choice = ConnectionChoice(state: "\(home)/state", environment: ["HOME": home])
        let refusal = try await #require(throws: Refusal.self) {
            _ = try await Connection.open(choice, anyPeer: true, now: now)
        }
        #expect(refusal.code == .unreachable && refusal.message.hasPrefix("no peer answers"))
        for socket in ["api.sock", "peer.sock"] {
            #expect(refusal.message.contains("\(home)/state/\(socket): no such"))
        }
        #expect(refusal.remedy.contains("palmier agent"))
    }

    @Test("a socket that was named is not replaced by anything else")
    func namedSocket() async throws {
        try makeProfile("lab")
        defer { remove() }
        let choice = ConnectionChoice(master: "\(home)/api.sock", environment: ["HOME": home])
        let refusal = try await #require(throws: Refusal.self) { _ = try await Connection.open(choice, now: now) }
        #expect(refusal.message.contains("\(home)/api.sock: no such file or directory"))
    }

    @Test("a profile lets a command go on without the local master")
    func profile() async throws {
        try makeProfile("lab")
        defer { remove() }
        let choice = ConnectionChoice(state: "\(home)/state", environment: ["HOME": home])
        let connection = try await Connection.open(choice, now: now)
        #expect(connection.way == .profile("lab"))
        #expect(await connection.client.endpoints == [Endpoint(host: "10.0.0.1", port: 7_424)])
        await connection.close(learning: false, now: now)
    }

    @Test("with two fabrics one must be named")
    func twoFabrics() async throws {
        try makeProfile("lab")
        try makeProfile("office")
        defer { remove() }
        let environment = ["HOME": home]
        let open = ConnectionChoice(state: "\(home)/state", environment: environment)
        let refusal = try await #require(throws: Refusal.self) { _ = try await Connection.open(open, now: now) }
        #expect(refusal.code == .invalid)
        #expect(refusal.message.contains("lab, office"))
        let named = ConnectionChoice(state: "\(home)/state", fabric: "office", environment: environment)
        let connection = try await Connection.open(named, now: now)
        #expect(connection.way == .profile("office"))
        await connection.close(learning: false, now: now)
    }

    @Test("a profile is what was saved")
    func roundTrip() throws {
        try makeProfile("lab")
        defer { remove() }
        let directory = "\(home)/.config/palmier"
        #expect(Profile.fabrics(in: directory) == ["lab"])
        let profile = try Profile.load(fabric: "lab", home: directory)
        #expect(profile.masters == [Endpoint(host: "10.0.0.1", port: 7_424)])
        #expect(profile.credential.name == "alice@host")
        #expect(profile.savedAt == now)
    }

    private func makeProfile(_ fabric: String) throws {
        let root = try FabricRoot.create(name: fabric, now: now)
        let authority = try root.makeAuthority(name: "m1", now: now)
        let key = PrivateKey()
        let request = try SigningRequest(key: key, role: .identity(.person), name: "alice@host", fabric: fabric)
        let chain = try authority.issue(request, kind: .person, name: "alice@host", now: now)
        let credential = try Credential(key: key, chain: chain, trust: root.trust)
        var profile = Profile(
            directory: "\(home)/.config/palmier/\(fabric)", credential: credential,
            masters: [Endpoint(host: "10.0.0.1", port: 7_424)])
        try profile.save(now: now)
    }

    private func remove() {
        do { try FileManager.default.removeItem(atPath: home) } catch { Issue.record(error) }
    }
}

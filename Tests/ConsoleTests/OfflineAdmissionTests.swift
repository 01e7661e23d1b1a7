import API
import Automata
import Console
import Foundation
import Identity
import Testing

@Suite("Admission of masters by a root that is kept off-line")
struct OfflineAdmissionTests {
    /// A fabric's root on its own disk, and a machine's state directory.
    private struct Stage {
        let folder: String
        let root: FabricRoot
        let now = Instant(milliseconds: 1_760_000_000_000)

        var disk: String { "\(folder)/disk" }
        var state: StateDirectory { StateDirectory("\(folder)/m2") }

        static func with(_ body: (Stage) throws -> Void) throws {
            let folder = FileManager.default.temporaryDirectory.path + "/palmier-offline-\(UUID().uuidString)"
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let now = Instant(milliseconds: 1_760_000_000_000)
            let stage = Stage(folder: folder, root: try FabricRoot.create(name: "lab", policy: .link, now: now))
            try stage.root.save(to: stage.disk)
            try body(stage)
        }

        func request(name: String? = nil, fabric: String? = nil) throws -> SigningRequest {
            try OfflineAdmission.request(state, name: name, fallback: "host", fabric: fabric)
        }

        func write(_ text: String, to name: String) throws -> String {
            try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
            return "\(folder)/\(name)"
        }

        /// Carries a request to the disk, and gives the admission's file.
        func sign(_ request: SigningRequest, root: String? = nil, at now: Instant? = nil) throws -> String {
            let path = try write(request.pem, to: "request")
            let (admission, read) = try OfflineAdmission.sign(path, root: root ?? disk, now: now ?? self.now)
            #expect(read.peer == request.peer)
            return try write(try admission.json(), to: "admission")
        }
    }

    private func refusal(_ body: () throws -> Void) -> Refusal? {
        do {
            try body()
            return nil
        } catch {
            return error as? Refusal
        }
    }

    @Test("request, sign, accept: the machine has all that a master has")
    func threeSteps() throws {
        try Stage.with { stage in
            let file = try stage.sign(stage.request(name: "m2", fabric: "lab"))
            let credential = try OfflineAdmission.accept(file, stage.state, now: stage.now)
            #expect(credential.kind == .master && credential.name == "m2" && credential.fabric == "lab")
            let kept = try Credential.load(from: stage.state.identity)
            #expect(kept.peer == credential.peer && kept.trust == stage.root.trust)
            #expect(try Authority.load(from: stage.state.authority, trust: kept.trust).name == "m2")
        }
    }

    @Test("the same steps renew a master's authority: same name, same id, a later end")
    func renewal() throws {
        try Stage.with { stage in
            let first = try OfflineAdmission.accept(
                try stage.sign(stage.request(name: "m2")), stage.state, now: stage.now)
            let trust = first.trust
            let ended = try Authority.load(from: stage.state.authority, trust: trust).notAfter
            let later = stage.now + .seconds(300 * 86_400)
            let again = try stage.request()
            #expect(again.subject.name == "m2" && again.subject.fabric == "lab", "what it is, it stays")
            let renewed = try OfflineAdmission.accept(try stage.sign(again, at: later), stage.state, now: later)
            #expect(renewed.peer == first.peer && renewed.name == "m2")
            #expect(try Authority.load(from: stage.state.authority, trust: trust).notAfter > ended)
            #expect(refusal { _ = try stage.request(name: "m3") }?.exitCode == .usage)
            #expect(refusal { _ = try stage.request(fabric: "other") }?.exitCode == .usage)
        }
    }

    @Test("where the root's key is not, nothing is signed, and the place is named")
    func noRoot() throws {
        try Stage.with { stage in
            let request = try stage.request()
            try FileManager.default.removeItem(atPath: "\(stage.disk)/key.pem")
            let refusal = refusal { _ = try stage.sign(request) }
            #expect(refusal?.exitCode == .notFound)
            #expect(refusal?.description.contains("\(stage.disk)/key.pem") == true)
        }
    }

    @Test("an admission for another machine's request, or for none, leaves all as it was")
    func foreign() throws {
        try Stage.with { stage in
            let other = try SigningRequest(key: PrivateKey(), role: .authority, name: "m3")
            let file = try stage.sign(other)
            #expect(
                refusal { _ = try OfflineAdmission.accept(file, stage.state, now: stage.now) }?.exitCode == .notFound)
            _ = try stage.request(name: "m2")
            let error = #expect(throws: IdentityError.self) {
                try OfflineAdmission.accept(file, stage.state, now: stage.now)
            }
            #expect(error?.code == .mismatch)
            #expect(!Authority.exists(in: stage.state.authority))
            #expect(!FileManager.default.fileExists(atPath: stage.state.identity))
        }
    }

    @Test("a machine that knows a fabric takes no admission of another, whatever its name")
    func otherFabric() throws {
        try Stage.with { stage in
            let twin = try FabricRoot.create(name: "lab", now: stage.now)
            try twin.trust.save(to: stage.state.identity)
            let file = try stage.sign(stage.request(name: "m2"))
            let refusal = refusal { _ = try OfflineAdmission.accept(file, stage.state, now: stage.now) }
            #expect(refusal?.exitCode == .refused)
            #expect(refusal?.description.contains(twin.trust.fingerprint) == true)
            #expect(!Authority.exists(in: stage.state.authority))
        }
    }

    @Test("files that are missing, folders or too large are named")
    func files() throws {
        try Stage.with { stage in
            let large = try stage.write(String(repeating: "x", count: 70_000), to: "large")
            for (path, code) in [
                ("\(stage.folder)/none", ExitCode.notFound), (stage.folder, .notFound), (large, .usage),
            ] {
                let refusal = refusal { _ = try OfflineAdmission.sign(path, root: stage.disk, now: stage.now) }
                #expect(refusal?.exitCode == code && refusal?.description.contains(path) == true, "\(path)")
            }
        }
    }
}

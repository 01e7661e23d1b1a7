import Automata
import Foundation
import Testing
import X509

@testable import Identity

@Suite("fabrics and authorities")
struct FabricTests {
    @Test("a root lasts ten years, an authority one, a machine seven days, a person ninety")
    func lifetimes() throws {
        let lab = try Lab()
        let person = try Lab.admit(name: "ada", kind: .person, by: lab.authority)
        func days(_ end: Instant) -> Int64 { (end.milliseconds - Lab.now.milliseconds) / 86_400_000 }
        #expect(days(lab.root.trust.root.notAfter) == 3_650)
        #expect(days(lab.authority.notAfter) == 365)
        #expect(days(lab.machine.notAfter) == 7)
        #expect(days(lab.master.notAfter) == 7)
        #expect(days(person.notAfter) == 90)
    }

    @Test("a certificate begins the tolerance before its issue, for machines whose clocks are behind")
    func backdated() throws {
        let lab = try Lab()
        #expect(lab.machine.notBefore == Lab.now - .seconds(300))
    }

    @Test("a certificate never outlives the authority that issued it")
    func clamped() throws {
        let lab = try Lab()
        let late = lab.authority.notAfter - .seconds(60)
        let credential = try Lab.admit(name: "late", by: lab.authority, now: late)
        #expect(credential.leaf.notAfter <= lab.authority.notAfter)
        let error = #expect(throws: IdentityError.self) {
            try Lab.admit(name: "later", by: lab.authority, now: lab.authority.notAfter + .seconds(1))
        }
        #expect(error?.code == .authorityExpired)
    }

    @Test("everything comes back from disk as it was stored")
    func stored() throws {
        let lab = try Lab()
        try withDirectory { directory in
            try lab.root.save(to: "\(directory)/root")
            try lab.authority.save(to: "\(directory)/authority")
            try lab.master.save(to: "\(directory)/identity")
            let root = try FabricRoot.load(from: "\(directory)/root")
            #expect(root.trust == lab.root.trust)
            #expect(root.trust.policy == .link)
            #expect(root.trust.created == Lab.now)
            let credential = try Credential.load(from: "\(directory)/identity")
            #expect(credential.chain == lab.master.chain)
            #expect(credential.peer == lab.master.peer)
            let authority = try Authority.load(from: "\(directory)/authority", trust: credential.trust)
            #expect(authority.name == "alpha")
            #expect(authority.certificateBytes == lab.authority.certificateBytes)
            for secret in ["root/key.pem", "authority/key.pem", "identity/key.pem"] {
                #expect(try mode(of: "\(directory)/\(secret)") == 0o600)
            }
            #expect(code { try lab.root.save(to: "\(directory)/root") } == .mismatch, "a root is never overwritten")
        }
    }

    @Test("parts of two machines do not make a credential")
    func mixed() throws {
        let lab = try Lab()
        let other = try Lab()
        #expect(
            code { _ = try Credential(key: PrivateKey(), chain: lab.machine.chain, trust: lab.root.trust) } == .mismatch
        )
        #expect(
            code { _ = try Credential(key: lab.machine.key, chain: lab.machine.chain, trust: other.root.trust) }
                == .mismatch)
        #expect(
            code {
                _ = try Authority(
                    key: PrivateKey(), certificateBytes: lab.authority.certificateBytes, trust: lab.root.trust)
            } == .mismatch)
    }

    @Test("a master's authority makes no other master, and the root makes nothing but authorities")
    func powers() throws {
        let lab = try Lab()
        #expect(code { _ = try Lab.admit(name: "beta", kind: .master, by: lab.authority) } == .requestRefused)
        let machine = try SigningRequest(key: PrivateKey(), role: .identity(.machine), name: "m")
        #expect(code { _ = try lab.root.admitMaster(machine, name: "m", now: Lab.now) } == .requestRefused)
        let authority = try SigningRequest(key: PrivateKey(), role: .authority, name: "gamma")
        #expect(
            code { _ = try lab.authority.issue(authority, kind: .machine, name: "g", now: Lab.now) } == .requestRefused)
    }

    @Test("a second master joins with one request and then issues its own leaf")
    func secondMaster() throws {
        let lab = try Lab()
        let authorityKey = PrivateKey()
        let request = try SigningRequest(key: authorityKey, role: .authority, name: "beta", fabric: "lab")
        let travelled = try SigningRequest(pem: request.pem)
        let bytes = try lab.root.admitMaster(travelled, name: "beta", now: Lab.now)
        let authority = try Authority(key: authorityKey, certificateBytes: bytes, trust: lab.root.trust)
        let credential = try authority.issueOwn(key: PrivateKey(), now: Lab.now)
        let verified = try lab.root.trust.verify(credential.chain, now: Lab.now).get()
        #expect(verified.kind == .master && verified.name == "beta" && verified.peer == credential.peer)
    }

    @Test("requests that are damaged, foreign or for another fabric are refused")
    func badRequests() throws {
        let lab = try Lab()
        let request = try SigningRequest(key: PrivateKey(), role: .identity(.machine), name: "m", fabric: "other")
        #expect(
            code { _ = try lab.authority.issue(request, kind: .machine, name: "m", now: Lab.now) } == .requestRefused)
        var bytes = request.derBytes
        bytes[bytes.count - 3] ^= 1
        #expect(code { _ = try SigningRequest(derBytes: bytes) } == .requestRefused)
        #expect(code { _ = try SigningRequest(derBytes: []) } == .requestRefused)
        #expect(code { _ = try SigningRequest(pem: "hello") } == .requestRefused)
        #expect(code { _ = try SigningRequest(pem: lab.root.trust.rootPEM) } == .requestRefused)
    }

    @Test("renewal is due at half of the lifetime, a little later with jitter, and keeps the PeerID")
    func renewal() throws {
        let lab = try Lab()
        let key = PrivateKey()
        let credential = try Lab.admit(name: "m", by: lab.authority, key: key, lifetime: .seconds(700))
        // 300 s before now to 700 s after: half is 200 s from now; the jitter adds up to a tenth of 1,000 s.
        #expect(!credential.renewDue(at: Lab.now + .seconds(199), jitterPerMille: 0))
        #expect(credential.renewDue(at: Lab.now + .seconds(200), jitterPerMille: 0))
        #expect(!credential.renewDue(at: Lab.now + .seconds(249), jitterPerMille: 500))
        #expect(credential.renewDue(at: Lab.now + .seconds(250), jitterPerMille: 500))
        let request = try credential.renewalRequest()
        let chain = try lab.authority.issue(request, kind: .machine, name: "m", now: Lab.now + .seconds(200))
        let renewed = try Credential(key: key, chain: chain, trust: lab.root.trust)
        #expect(renewed.peer == credential.peer)
        #expect(renewed.notAfter > credential.notAfter)
    }

    @Test("names that would break a certificate or a service name are refused")
    func names() {
        for name in ["", "Lab", "a b", "-a", "a-", "é", String(repeating: "a", count: 64)] {
            #expect(code { try CertifiedName.check(fabric: name) } == .invalidName, "\(name)")
        }
        for name in ["", " ", "a\nb", String(repeating: "é", count: 32)] {
            #expect(code { try CertifiedName.check(name: name) } == .invalidName, "\(name)")
        }
        #expect(code { try CertifiedName.check(fabric: "lab-2") } == nil)
        #expect(code { try CertifiedName.check(name: "Ada's PC/2") } == nil)
    }

    @Test("a name comes back from its URI, whatever is in it", arguments: ["worker-1", "Ada's PC/2 é %41", "日本"])
    func uris(name: String) throws {
        let original = CertifiedName(fabric: "lab", role: .identity(.instance), name: name)
        #expect(CertifiedName(uri: original.uri) == original)
    }

    @Test(
        "other URIs name nobody",
        arguments: [
            "https://lab/machine/a", "palmier://lab/machine", "palmier://lab/king/a", "palmier://lab/machine/a/b",
            "palmier://lab/machine/%zz", "palmier://lab/machine/", "palmier://lab/machine/%61",
        ])
    func badURIs(uri: String) {
        #expect(CertifiedName(uri: uri) == nil)
    }
}

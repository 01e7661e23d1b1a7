import Automata
import Testing

@testable import Identity

@Suite("a master's admission, as it is carried")
struct MasterAdmissionTests {
    private let key = PrivateKey()

    private func admission(by lab: Lab) throws -> MasterAdmission {
        let request = try SigningRequest(key: key, role: .authority, name: "beta")
        return try MasterAdmission(admitting: SigningRequest(pem: request.pem), by: lab.root, now: Lab.now)
    }

    @Test("what comes back makes the asker a master that the fabric accepts")
    func accepted() throws {
        let lab = try Lab()
        let carried = try MasterAdmission(json: Array(try admission(by: lab).json().utf8))
        #expect(carried.trust == lab.root.trust && carried.trust.policy == .link && carried.trust.created == Lab.now)
        let authority = try carried.authority(key: key, now: Lab.now)
        let credential = try authority.issueOwn(key: PrivateKey(), now: Lab.now)
        let verified = try lab.root.trust.verify(credential.chain, now: Lab.now).get()
        #expect(verified.kind == .master && verified.name == "beta")
    }

    @Test("it is good with the key of the request only, and until the authority's end")
    func bound() throws {
        let lab = try Lab()
        let admission = try admission(by: lab)
        #expect(code { _ = try admission.authority(key: PrivateKey(), now: Lab.now) } == .mismatch)
        let late = Lab.now + FabricRoot.authorityLifetime + .seconds(1)
        #expect(code { _ = try admission.authority(key: key, now: late) } == .authorityExpired)
    }

    @Test("an authority and a root that do not belong together are refused")
    func mixed() throws {
        let (lab, other) = (try Lab(), try Lab())
        let text = try admission(by: lab).json()
        let foreign = try admission(by: other).json()
        let own = try #require(text.split(separator: "\n").first { $0.contains("\"root\"") })
        let theirs = try #require(foreign.split(separator: "\n").first { $0.contains("\"root\"") })
        let mixed = try MasterAdmission(json: Array(text.replacing(own, with: theirs).utf8))
        #expect(code { _ = try mixed.authority(key: key, now: Lab.now) } == .mismatch)
    }

    @Test("only a request for an authority is admitted by the root")
    func machines() throws {
        let lab = try Lab()
        let request = try SigningRequest(key: key, role: .identity(.machine), name: "m")
        #expect(code { _ = try MasterAdmission(admitting: request, by: lab.root, now: Lab.now) } == .requestRefused)
        let stranger = try SigningRequest(key: key, role: .authority, name: "m", fabric: "other")
        #expect(code { _ = try MasterAdmission(admitting: stranger, by: lab.root, now: Lab.now) } == .requestRefused)
    }

    @Test(
        "damaged documents are refused", arguments: ["", "{}", "[]", "hello", "palmier.master-admission/2", "policy"])
    func damaged(text: String) throws {
        var json = text
        if text.hasPrefix("palmier") {
            json = try admission(by: Lab()).json().replacing("admission\\/1", with: "admission\\/2")
        }
        if text == "policy" { json = try admission(by: Lab()).json().replacing("\"link\"", with: "\"all\"") }
        #expect(code { _ = try MasterAdmission(json: Array(json.utf8)) } == .malformed)
    }
}

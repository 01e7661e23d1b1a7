import Automata
import Foundation
import Testing

@testable import Identity

@Suite("join tokens")
struct TokenTests {
    private let secret = JoinSecret()

    private func token(_ endpoints: [Endpoint] = [Endpoint(host: "192.0.2.7", port: 7_000)]) -> JoinToken {
        JoinToken(
            kind: .machine, endpoints: endpoints, apiPort: 7_443, rootDigest: Digest(of: [1]), secret: secret,
            expires: Lab.now + .seconds(3_600))
    }

    @Test("a token comes back from its text, with several endpoints, white space and upper case")
    func roundTrip() throws {
        let original = token([
            Endpoint(host: "192.0.2.7", port: 7_000), Endpoint(host: "fe80::1%eth0", port: 1),
            Endpoint(host: "master.example.org", port: 65_535),
        ])
        #expect(original.text.hasPrefix("palmier-"))
        #expect(try JoinToken(text: original.text) == original)
        #expect(
            try JoinToken(text: "  \(original.text.prefix(40))\n\(original.text.dropFirst(40).uppercased()) ")
                == original)
    }

    @Test("a token with one endpoint fits into two lines of a terminal")
    func size() {
        #expect(token().text.count <= 160, "\(token().text.count) characters")
    }

    @Test("a token with a character lost, changed or added is refused as damaged")
    func damaged() throws {
        let text = token().text
        for place in stride(from: 8, to: text.count, by: 3) {
            var characters = Array(text)
            characters[place] = characters[place] == "a" ? "b" : "a"
            #expect(code { _ = try JoinToken(text: String(characters)) } == .malformed)
            characters.remove(at: place)
            #expect(code { _ = try JoinToken(text: String(characters)) } == .malformed)
        }
        for noise in [
            "", "palmier-", "palmier-a", "hello", text + "a", "palmier-1189", String(repeating: "palmier-", count: 900),
        ] {
            #expect(code { _ = try JoinToken(text: noise) } == .malformed, "\(noise.prefix(20))")
        }
    }

    @Test("the secret is in no description")
    func secrecy() {
        #expect(!"\(secret)".contains(secret.bytes.hexadecimal))
    }

    @Test("Base32 follows RFC 4648, section 10")
    func base32() {
        let vectors = [
            "": "", "f": "my", "fo": "mzxq", "foo": "mzxw6", "foob": "mzxw6yq", "fooba": "mzxw6ytb",
            "foobar": "mzxw6ytboi",
        ]
        for (plain, encoded) in vectors {
            #expect(Base32.encode(Array(plain.utf8)) == encoded)
            #expect(Base32.decode(encoded[...]) == Array(plain.utf8))
        }
    }
}

@Suite("invitations")
struct InvitationTests {
    private let ada = PeerID(0xA0)
    private let bob = PeerID(0xB0)

    private func result(_ result: Result<Invitations.Invitation, Invitations.Refusal>) -> String {
        switch result {
        case .success(let invitation): invitation.kind.rawValue
        case .failure(let refusal): refusal.rawValue
        }
    }

    @Test("a token is used once; its user may repeat, because the answer may have been lost")
    func once() {
        var invitations = Invitations()
        let secret = JoinSecret()
        _ = invitations.give(secret: secret, kind: .machine, now: Lab.now)
        #expect(result(invitations.redeem(secret, by: ada, now: Lab.now)) == "machine")
        #expect(result(invitations.redeem(secret, by: ada, now: Lab.now)) == "machine")
        #expect(result(invitations.redeem(secret, by: bob, now: Lab.now)) == "used")
    }

    @Test("wrong, used and expired are different refusals with different remedies")
    func refusals() {
        var invitations = Invitations()
        let late = JoinSecret()
        let used = JoinSecret()
        _ = invitations.give(secret: late, kind: .machine, now: Lab.now, lifetime: .seconds(60))
        _ = invitations.give(secret: used, kind: .machine, now: Lab.now, lifetime: .seconds(60))
        _ = invitations.redeem(used, by: ada, now: Lab.now)
        let after = Lab.now + .seconds(60)
        #expect(result(invitations.redeem(JoinSecret(), by: bob, now: Lab.now)) == "unknown")
        #expect(result(invitations.redeem(late, by: bob, now: after)) == "expired")
        #expect(result(invitations.redeem(used, by: bob, now: after)) == "used")
        #expect(result(invitations.redeem(used, by: ada, now: after)) == "used")
        #expect(Set(Invitations.Refusal.allCases.map(\.description)).count == 3)
    }

    @Test("an invitation that expired a day ago is forgotten, and there are never too many")
    func bounded() {
        var invitations = Invitations()
        for _ in 0..<Invitations.capacity {
            #expect(invitations.give(secret: JoinSecret(), kind: .machine, now: Lab.now, lifetime: .seconds(1)) != nil)
        }
        #expect(invitations.give(secret: JoinSecret(), kind: .machine, now: Lab.now) == nil)
        #expect(invitations.give(secret: JoinSecret(), kind: .machine, now: Lab.now + .seconds(86_403)) != nil)
        #expect(invitations.all.count == 1)
    }

    @Test("the file holds digests and no secret, and keeps who used what")
    func stored() throws {
        try withDirectory { directory in
            var invitations = Invitations()
            let secret = JoinSecret()
            _ = invitations.give(secret: secret, kind: .person, name: "ada", now: Lab.now)
            _ = invitations.redeem(secret, by: ada, now: Lab.now)
            _ = invitations.give(secret: JoinSecret(), kind: .machine, now: Lab.now)
            try invitations.save(to: "\(directory)/invitations.json")
            let text = try String(contentsOfFile: "\(directory)/invitations.json", encoding: .utf8)
            #expect(!text.contains(secret.bytes.hexadecimal))
            #expect(try Invitations.load(from: "\(directory)/invitations.json") == invitations)
            #expect(try Invitations.load(from: "\(directory)/none.json") == Invitations())
        }
    }

    @Test("an unused invitation can be taken back, a used one cannot")
    func revoked() {
        var invitations = Invitations()
        let secret = JoinSecret()
        _ = invitations.give(secret: secret, kind: .machine, now: Lab.now)
        let digest = Digest(of: secret.bytes)
        let (first, second) = (invitations.revoke(secretDigest: digest), invitations.revoke(secretDigest: digest))
        #expect(first && !second)
        #expect(result(invitations.redeem(secret, by: ada, now: Lab.now)) == "unknown")
    }
}

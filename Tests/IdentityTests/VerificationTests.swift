import Automata
import Testing
import X509

@testable import Identity

@Suite("verification")
struct VerificationTests {
    private func refusal(
        _ trust: FabricTrust, _ chain: [[UInt8]], now: Instant = Lab.now, tolerance: Duration = defaultClockTolerance,
        expected: PeerID? = nil, kinds: Set<IdentityKind> = Set(IdentityKind.allCases)
    ) -> IdentityRefusal? {
        switch trust.verify(chain, now: now, tolerance: tolerance, expected: expected, kinds: kinds) {
        case .success: nil
        case .failure(let refusal): refusal
        }
    }

    @Test("members of all kinds are accepted and named, with or without the root in the chain")
    func accepted() throws {
        let lab = try Lab()
        for kind in [IdentityKind.machine, .person, .instance] {
            let credential = try Lab.admit(name: "Ada's \(kind.rawValue)", kind: kind, by: lab.authority)
            let verified = try lab.root.trust.verify(
                credential.chain + [lab.root.trust.rootBytes], now: Lab.now, expected: credential.peer
            ).get()
            #expect(verified.kind == kind && verified.name == "Ada's \(kind.rawValue)" && verified.fabric == "lab")
            #expect(verified.peer == credential.peer && verified.notAfter == credential.notAfter)
        }
    }

    @Test("a member of another fabric is refused by that fabric's name")
    func otherFabric() throws {
        let lab = try Lab()
        let found = refusal(lab.root.trust, try Lab(fabric: "moon").machine.chain)
        #expect(found == .otherFabric(found: "moon", expected: "lab", sameName: false))
        #expect(found?.description.contains("moon") == true)
    }

    @Test("a member of another fabric with the same name is told apart by the root")
    func sameName() throws {
        let lab = try Lab()
        #expect(
            refusal(lab.root.trust, try Lab().machine.chain)
                == .otherFabric(found: "lab", expected: "lab", sameName: true))
    }

    @Test("an expired certificate is refused with its end and how long ago that was")
    func expired() throws {
        let lab = try Lab()
        let later = lab.machine.notAfter + .seconds(3 * 3_600)
        let found = refusal(lab.root.trust, lab.machine.chain, now: later)
        #expect(found?.code == "expired")
        #expect(found?.message.contains("3 h 0 min ago") == true, "\(found?.message ?? "")")
        #expect(refusal(lab.root.trust, lab.machine.chain, now: lab.machine.notAfter + .seconds(299)) == nil)
        #expect(
            refusal(lab.root.trust, lab.machine.chain, now: lab.machine.notAfter + .seconds(1), tolerance: .zero)?.code
                == "expired")
    }

    @Test("a certificate from the future is refused, says by how much, and the remedy speaks of clocks")
    func future() throws {
        let lab = try Lab()
        let found = refusal(lab.root.trust, lab.machine.chain, now: Lab.now - .seconds(2 * 86_400 + 300))
        #expect(found?.code == "notYetValid")
        #expect(found?.message.contains("2 days") == true)
        #expect(found?.remedy.contains("clock") == true)
    }

    @Test("another peer than the expected one is refused with both fingerprints")
    func wrongPeer() throws {
        let lab = try Lab()
        let found = refusal(lab.root.trust, lab.machine.chain, expected: lab.master.peer)
        #expect(found == .wrongPeer(expected: lab.master.peer, found: lab.machine.peer))
    }

    @Test("a machine where a master is needed is refused")
    func wrongKind() throws {
        let lab = try Lab()
        #expect(refusal(lab.root.trust, lab.machine.chain, kinds: [.master])?.code == "wrongKind")
        #expect(refusal(lab.root.trust, lab.master.chain, kinds: [.master]) == nil)
    }

    @Test("chains of a wrong shape are refused: none, a leaf alone, an authority as a peer, swapped, too long, noise")
    func shapes() throws {
        let lab = try Lab()
        let chain = lab.machine.chain
        #expect(refusal(lab.root.trust, [])?.code == "garbage")
        #expect(refusal(lab.root.trust, [chain[0]])?.code == "garbage")
        #expect(refusal(lab.root.trust, [chain[1], lab.root.trust.rootBytes])?.code == "wrongKind")
        #expect(refusal(lab.root.trust, [chain[1], chain[0]])?.code == "wrongKind")
        #expect(refusal(lab.root.trust, chain + chain + chain)?.code == "garbage")
        #expect(refusal(lab.root.trust, [[1, 2, 3], [4]])?.code == "garbage")
        #expect(refusal(lab.root.trust, [lab.root.trust.rootBytes])?.code == "notSigned")
    }

    @Test("a machine's key signs no certificate that is accepted")
    func machineAsAuthority() throws {
        let lab = try Lab()
        let key = PrivateKey()
        let forged = try CertificateTemplate.leaf(.machine).issue(
            to: key.certificateKey.publicKey, as: CertifiedName(fabric: "lab", role: .identity(.machine), name: "evil"),
            validity: Lab.now...(Lab.now + .seconds(3_600)), issuer: lab.machine.leaf.subject,
            issuerKey: lab.machine.key)
        #expect(refusal(lab.root.trust, [forged.derBytes] + lab.machine.chain) != nil)
        #expect(refusal(lab.root.trust, [forged.derBytes, lab.authority.certificateBytes])?.code == "notSigned")
    }

    @Test("an authority cannot make a master of another name, even with its own key")
    func forgedMaster() throws {
        let lab = try Lab()
        let key = PrivateKey()
        let forged = try CertificateTemplate.leaf(.master).issue(
            to: key.certificateKey.publicKey, as: CertifiedName(fabric: "lab", role: .identity(.master), name: "beta"),
            validity: Lab.now...(Lab.now + .seconds(3_600)), issuer: lab.authority.certificate.subject,
            issuerKey: lab.authority.key)
        #expect(refusal(lab.root.trust, [forged.derBytes, lab.authority.certificateBytes])?.code == "notSigned")
    }

    @Test("a leaf with any one bit flipped is refused, and none traps")
    func flippedBits() throws {
        let lab = try Lab()
        let original = lab.machine.chain[0]
        for place in original.indices {
            for bit in 0..<8 {
                var leaf = original
                leaf[place] ^= UInt8(1 << bit)
                if case .success(let verified) = lab.root.trust.verify([leaf, lab.machine.chain[1]], now: Lab.now) {
                    Issue.record("byte \(place), bit \(bit) of \(original.hexadecimal) accepted as \(verified)")
                }
            }
        }
    }
}

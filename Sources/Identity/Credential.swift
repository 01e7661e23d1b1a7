public import Automata
import SwiftASN1
import X509

/// What it takes to be someone in a fabric: private key, leaf, intermediate, trust.
///
/// Files in a directory: `key.pem` (0600), `chain.pem` (leaf, then intermediate), `root.pem`, `fabric.json`.
public struct Credential: Sendable {
    public let key: PrivateKey
    public let trust: FabricTrust
    public let kind: IdentityKind
    public let name: String

    let leaf: Certificate
    let intermediate: Certificate

    /// Leaf, then intermediate, DER: what is shown to others.
    public var chain: [[UInt8]] { [leaf.derBytes, intermediate.derBytes] }
    public var peer: PeerID { key.peer }
    public var fabric: String { trust.name }
    public var notBefore: Instant { leaf.notBefore }
    public var notAfter: Instant { min(leaf.notAfter, intermediate.notAfter) }

    /// Puts the parts together and checks that they belong to each other; not whether they are valid now.
    public init(key: PrivateKey, chain: [[UInt8]], trust: FabricTrust) throws(IdentityError) {
        let parsed: CertificateChain
        switch trust.checkSignatures(of: chain) {
        case .failure(let refusal):
            throw IdentityError(.mismatch, refusal.message, remedy: refusal.remedy)
        case .success(let checked): parsed = checked
        }
        guard parsed.leaf.publicKey.peer == key.peer else {
            throw IdentityError(
                .mismatch,
                "the certificate is of \(parsed.leaf.publicKey.peer.fingerprint), the key of \(key.peer.fingerprint)",
                remedy: "restore both from one copy, or join anew")
        }
        self.key = key
        self.trust = trust
        self.kind = parsed.kind
        self.name = parsed.name
        self.leaf = parsed.leaf
        self.intermediate = parsed.intermediate
    }

    /// When to renew: half of the way from issue to end, so that half a lifetime remains for masters that are away.
    ///
    /// - Parameter jitterPerMille: 0 to 1,000, drawn by the caller: spreads machines that were admitted together over
    ///   the tenth of the lifetime after its half.
    public func renewal(jitterPerMille: Int) -> Instant {
        let lifetime = notAfter.nanoseconds - notBefore.nanoseconds
        let spread = lifetime / 10 / 1_000 * Int64(min(max(jitterPerMille, 0), 1_000))
        return Instant(nanoseconds: notBefore.nanoseconds + lifetime / 2 + spread)
    }

    public func renewDue(at now: Instant, jitterPerMille: Int) -> Bool {
        now >= renewal(jitterPerMille: jitterPerMille)
    }

    /// A request for the same name and kind by the same key, so that the PeerID stays.
    public func renewalRequest() throws(IdentityError) -> SigningRequest {
        try SigningRequest(key: key, role: .identity(kind), name: name, fabric: fabric)
    }

    // MARK: Files

    /// Whether a credential is in the directory. A key alone is none: the machine asked and waits.
    public static func load(from directory: String) throws(IdentityError) -> Credential {
        guard let pem = try StateFile.read("\(directory)/chain.pem", isSecret: false) else {
            throw IdentityError(
                .missing, "\(directory) holds no certificate yet", remedy: "join a fabric: palmier agent")
        }
        let chain: [[UInt8]]
        do {
            chain = try PEMDocument.parseMultiple(pemString: String(decoding: pem, as: UTF8.self)).map(\.derBytes)
        } catch {
            throw IdentityError(.malformed, "\(directory)/chain.pem is not PEM", remedy: "restore it, or join anew")
        }
        return try Credential(
            key: try PrivateKey.load(from: "\(directory)/key.pem"), chain: chain,
            trust: try FabricTrust.load(from: directory))
    }

    /// Writes all parts; the chain last, because it is what `load` looks for.
    public func save(to directory: String) throws(IdentityError) {
        try key.save(to: "\(directory)/key.pem", replacing: true)
        try trust.save(to: directory)
        try StateFile.write(
            Array((leaf.pem + "\n" + intermediate.pem + "\n").utf8), to: "\(directory)/chain.pem", mode: StateFile.open)
    }
}

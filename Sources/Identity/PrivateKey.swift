public import Automata
import Crypto
import X509

/// A P-256 key pair. The private half leaves this type for the TLS library and the owner's file only; it is in no
/// description and no error.
public struct PrivateKey: Sendable, CustomStringConvertible {
    let signing: P256.Signing.PrivateKey

    /// A new key from the system's random source.
    public init() {
        signing = P256.Signing.PrivateKey()
    }

    init(signing: P256.Signing.PrivateKey) {
        self.signing = signing
    }

    /// DER SubjectPublicKeyInfo (RFC 5280, 4.1.2.7).
    public var publicKeyInfo: [UInt8] { Array(signing.publicKey.derRepresentation) }

    /// The peer that owns this key.
    public var peer: PeerID { PeerID(publicKeyDigest: Digest(of: publicKeyInfo)) }

    /// PKCS#8, for the TLS library.
    public var secretBytes: [UInt8] { Array(signing.derRepresentation) }

    public var description: String { "private key of \(peer.fingerprint)" }

    var certificateKey: Certificate.PrivateKey { Certificate.PrivateKey(signing) }

    /// Reads a key from a PEM file.
    ///
    /// - Throws: `keyExposed` when the file can be read by others, `missing`, `malformed`, `storage`.
    public static func load(from path: String) throws(IdentityError) -> PrivateKey {
        guard let content = try StateFile.read(path, isSecret: true) else {
            throw IdentityError(.missing, "there is no private key at \(path)", remedy: "join a fabric first")
        }
        do {
            return PrivateKey(
                signing: try P256.Signing.PrivateKey(pemRepresentation: String(decoding: content, as: UTF8.self)))
        } catch {
            throw IdentityError(
                .malformed, "\(path) holds no P-256 private key in PEM",
                remedy: "restore it from a copy, or remove it and join anew")
        }
    }

    /// Writes the key with mode 0600.
    ///
    /// - Parameter replacing: false refuses to overwrite a key that is there.
    public func save(to path: String, replacing: Bool = false) throws(IdentityError) {
        try StateFile.write(
            Array((signing.pemRepresentation + "\n").utf8), to: path, mode: StateFile.secret, exclusively: !replacing)
    }

    /// The key at the path; makes it when there is none. Two processes that do this at once get the same key.
    public static func loadOrCreate(at path: String) throws(IdentityError) -> PrivateKey {
        do {
            return try load(from: path)
        } catch  where error.code == .missing {
            do throws(IdentityError) {
                let key = PrivateKey()
                try key.save(to: path, replacing: false)
                return key
            } catch  where error.code == .mismatch {
                return try load(from: path)
            }
        }
    }
}

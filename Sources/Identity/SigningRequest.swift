public import Automata
import SwiftASN1
import X509

/// The wish for a certificate (PKCS#10, RFC 2986): public key, role, name, and a signature that proves possession of
/// the private key. Whoever issues decides; what is asked for is only a proposal.
public struct SigningRequest: Hashable, Sendable {
    /// What is asked for; the fabric is empty when the asker does not know it yet.
    public let subject: CertifiedName
    /// Whose key it is. For an identity this is the PeerID; its `fingerprint` is what people compare.
    public let peer: PeerID
    /// The request as it travels.
    public let derBytes: [UInt8]

    let publicKey: Certificate.PublicKey

    /// Makes and signs a request.
    public init(key: PrivateKey, role: CertifiedName.Role, name: String, fabric: String = "") throws(IdentityError) {
        try CertifiedName.check(name: name)
        if !fabric.isEmpty { try CertifiedName.check(fabric: fabric) }
        let subject = CertifiedName(fabric: fabric, role: role, name: name)
        let der: [UInt8]
        do {
            let extensions = try Certificate.Extensions {
                SubjectAlternativeNames([.uniformResourceIdentifier(subject.uri)])
            }
            let request = try CertificateSigningRequest(
                version: .v1, subject: try DistinguishedName { CommonName(name) }, privateKey: key.certificateKey,
                attributes: CertificateSigningRequest.Attributes([.init(ExtensionRequest(extensions: extensions))]),
                signatureAlgorithm: .ecdsaWithSHA256)
            var serializer = DER.Serializer()
            try serializer.serialize(request)
            der = serializer.serializedBytes
        } catch {
            throw IdentityError(.signing, "cannot make a signing request: \(error)", remedy: "report this as a defect")
        }
        try self.init(derBytes: der)
    }

    /// Reads a request and checks its signature.
    public init(derBytes: [UInt8]) throws(IdentityError) {
        let malformed = { (what: String) in
            IdentityError(.requestRefused, "the signing request \(what)", remedy: "make it anew with palmier")
        }
        guard derBytes.count <= 16_384 else { throw malformed("has \(derBytes.count) bytes, more than 16384") }
        let request: CertificateSigningRequest
        let names: SubjectAlternativeNames?
        do {
            request = try CertificateSigningRequest(derEncoded: derBytes)
            names = try request.attributes.extensionRequest?.extensions.subjectAlternativeNames
        } catch {
            throw malformed("is not PKCS#10")
        }
        guard request.publicKey.isValidSignature(request.signature, for: request) else {
            throw malformed("is not signed by the key that it names")
        }
        guard request.publicKey.isP256 else { throw malformed("is for a key that is not P-256") }
        guard let subject = names?.certifiedName else { throw malformed("names no palmier:// identity") }
        try CertifiedName.check(name: subject.name)
        self.subject = subject
        self.peer = request.publicKey.peer
        self.publicKey = request.publicKey
        self.derBytes = derBytes
    }

    /// `CERTIFICATE REQUEST` in PEM, for documents and terminals.
    public var pem: String { PEMDocument(type: Self.pemType, derBytes: derBytes).pemString }

    public init(pem: String) throws(IdentityError) {
        let bytes: [UInt8]
        do {
            let document = try PEMDocument(pemString: pem)
            guard document.discriminator == Self.pemType else {
                throw IdentityError(
                    .requestRefused, "\"\(document.discriminator)\" is not a signing request",
                    remedy: "hand over the PEM block that begins with CERTIFICATE REQUEST")
            }
            bytes = document.derBytes
        } catch let error as IdentityError {
            throw error
        } catch {
            throw IdentityError(
                .requestRefused, "the signing request is not PEM",
                remedy: "hand over the whole block, first to last line")
        }
        try self.init(derBytes: bytes)
    }

    private static let pemType = "CERTIFICATE REQUEST"
}

extension Certificate.PublicKey {
    /// The digest of the SubjectPublicKeyInfo names the peer.
    var peer: PeerID { PeerID(publicKeyDigest: Digest(of: encodedInfo)) }

    /// DER SubjectPublicKeyInfo.
    var encodedInfo: [UInt8] {
        var serializer = DER.Serializer()
        do {
            try serializer.serialize(self)
        } catch {
            preconditionFailure("a public key that was parsed or made cannot be serialized: \(error)")
        }
        return serializer.serializedBytes
    }
}

extension SubjectAlternativeNames {
    /// The one palmier:// URI; nil when there is none or more than one.
    var certifiedName: CertifiedName? {
        let names = compactMap { name -> CertifiedName? in
            guard case .uniformResourceIdentifier(let uri) = name else { return nil }
            return CertifiedName(uri: uri)
        }
        return names.count == 1 ? names[0] : nil
    }
}

public import Automata
import SwiftASN1
import X509

/// A peer whose certificate was accepted: who it is, and until when.
public struct VerifiedIdentity: Hashable, Sendable {
    public let peer: PeerID
    public let kind: IdentityKind
    public let name: String
    public let fabric: String
    /// The earliest end in the chain.
    public let notAfter: Instant
}

/// A chain whose signatures hold.
struct CertificateChain {
    let leaf: Certificate
    let intermediate: Certificate
    let kind: IdentityKind
    let name: String
}

extension FabricTrust {
    /// Decides whether whoever proved to own the leaf's key is a member of this fabric.
    ///
    /// Complete by itself: it trusts nothing that a TLS library checked, except the possession of the private key.
    /// Written for the one shape of chain that fabrics have, because a general path builder can say only "no".
    ///
    /// - Parameters:
    ///   - chain: DER, leaf first, as the peer sent it: leaf, intermediate, and perhaps the root. At most 4.
    ///   - tolerance: how far the two clocks may differ: extends both ends of every validity.
    ///   - expected: the peer that should be there; nil accepts any member.
    ///   - kinds: what it may be.
    public func verify(
        _ chain: [[UInt8]], now: Instant, tolerance: Duration = defaultClockTolerance, expected: PeerID? = nil,
        kinds: Set<IdentityKind> = Set(IdentityKind.allCases)
    ) -> Result<VerifiedIdentity, IdentityRefusal> {
        let checked: CertificateChain
        switch checkSignatures(of: chain) {
        case .failure(let refusal): return .failure(refusal)
        case .success(let value): checked = value
        }
        let links = [
            (checked.leaf, "the certificate of \(checked.kind.rawValue) \"\(checked.name)\""),
            (checked.intermediate, "the certificate of the authority that admitted \"\(checked.name)\""),
            (root, "the root of the fabric \"\(name)\""),
        ]
        for (certificate, what) in links {
            if let refusal = refusal(ofTimeOf: certificate, what: what, now: now, tolerance: tolerance) {
                return .failure(refusal)
            }
        }
        let peer = checked.leaf.publicKey.peer
        if let expected, peer != expected {
            return .failure(.wrongPeer(expected: expected, found: peer))
        }
        guard kinds.contains(checked.kind) else {
            let allowed = IdentityKind.allCases.filter(kinds.contains).map(\.rawValue).joined(separator: " or ")
            return .failure(.wrongKind(found: checked.kind.rawValue, allowed: allowed))
        }
        return .success(
            VerifiedIdentity(
                peer: peer, kind: checked.kind, name: checked.name, fabric: name,
                notAfter: min(checked.leaf.notAfter, checked.intermediate.notAfter, root.notAfter)))
    }

    /// Reads a leaf whose chain was verified when its connection began, as far as it can be read and has not ended since.
    ///
    /// - Precondition: `verify` or a TLS library with this root accepted the leaf's chain. By itself this proves nothing.
    public func identity(
        ofVerifiedLeaf bytes: [UInt8], now: Instant, tolerance: Duration = defaultClockTolerance
    ) -> VerifiedIdentity? {
        let leaf: Certificate
        do {
            leaf = try Certificate(derEncoded: bytes)
        } catch {
            return nil
        }
        guard let subject = leaf.certifiedName, subject.fabric == name, case .identity(let kind) = subject.role,
            now - tolerance <= leaf.notAfter
        else { return nil }
        return VerifiedIdentity(
            peer: leaf.publicKey.peer, kind: kind, name: subject.name, fabric: name, notAfter: leaf.notAfter)
    }

    /// Everything about a chain that does not depend on time.
    func checkSignatures(of chain: [[UInt8]]) -> Result<CertificateChain, IdentityRefusal> {
        guard let first = chain.first else { return .failure(.garbage("none was shown")) }
        guard (2...4).contains(chain.count) else {
            return .failure(
                chain.count > 4 ? .garbage("\(chain.count) certificates were shown") : refusal(ofSingle: first))
        }
        guard chain.allSatisfy({ $0.count <= 16_384 }) else { return .failure(.garbage("it is larger than 16 KiB")) }
        let leaf: Certificate
        let intermediate: Certificate
        do {
            leaf = try Certificate(derEncoded: chain[0])
            intermediate = try Certificate(derEncoded: chain[1])
        } catch {
            return .failure(.garbage("it is no X.509"))
        }
        guard hasUnpaddedSignature(chain[0]), hasUnpaddedSignature(chain[1]) else {
            return .failure(.garbage("its signature is padded"))
        }
        guard let subject = leaf.certifiedName, let issuer = intermediate.certifiedName else {
            return .failure(.garbage("it names no palmier:// identity"))
        }
        guard subject.fabric == name, issuer.fabric == name else {
            return .failure(.otherFabric(found: subject.fabric, expected: name, sameName: false))
        }
        guard case .identity(let kind) = subject.role, issuer.role == .authority else {
            return .failure(.wrongKind(found: subject.roleWord, allowed: "machine, master, person or instance"))
        }
        guard root.publicKey.isValidSignature(intermediate.signature, for: intermediate) else {
            return .failure(.otherFabric(found: subject.fabric, expected: name, sameName: true))
        }
        guard intermediate.publicKey.isValidSignature(leaf.signature, for: leaf) else {
            return .failure(
                .notSigned("the certificate of \"\(subject.name)\" is not signed by the authority that it names"))
        }
        if let flaw = flaw(ofLeaf: leaf) ?? flaw(ofIntermediate: intermediate) { return .failure(.garbage(flaw)) }
        guard kind != .master || issuer.name == subject.name else {
            return .failure(
                .notSigned(
                    "the authority of \"\(issuer.name)\" made a master \"\(subject.name)\", which only the root may"))
        }
        return .success(CertificateChain(leaf: leaf, intermediate: intermediate, kind: kind, name: subject.name))
    }

    /// Whether the signature's bit string has no padding bits. Their number is not signed, and the parser takes any that
    /// fits: without this check one certificate would have several encodings. Found by flipping each bit of a leaf.
    private func hasUnpaddedSignature(_ bytes: [UInt8]) -> Bool {
        do {
            guard case .constructed(let parts) = try DER.parse(bytes).content,
                case .primitive(let content)? = Array(parts).last?.content
            else { return false }
            return content.first == 0
        } catch {
            return false
        }
    }

    /// A lone certificate is never accepted; says which kind of stranger shows it.
    private func refusal(ofSingle bytes: [UInt8]) -> IdentityRefusal {
        do {
            let certificate = try Certificate(derEncoded: bytes)
            if let subject = certificate.certifiedName, subject.fabric != name {
                return .otherFabric(found: subject.fabric, expected: name, sameName: false)
            }
            return certificate.isSelfSigned
                ? .notSigned("the certificate is signed by itself") : .garbage("it comes without its authority")
        } catch {
            return .garbage("it is no X.509")
        }
    }

    private func flaw(ofLeaf leaf: Certificate) -> String? {
        do {
            guard leaf.publicKey.isP256 else { return "its key is not P-256" }
            guard case .notCertificateAuthority? = try leaf.extensions.basicConstraints else {
                return "a peer's certificate may sign none"
            }
            guard try leaf.extensions.keyUsage?.digitalSignature == true,
                let usages = try leaf.extensions.extendedKeyUsage, usages.contains(.clientAuth),
                usages.contains(.serverAuth)
            else { return "it is not for TLS" }
            return unknownCriticalExtension(of: leaf)
        } catch {
            return "an extension cannot be read"
        }
    }

    private func flaw(ofIntermediate certificate: Certificate) -> String? {
        guard certificate.publicKey.isP256 else { return "its authority's key is not P-256" }
        guard certificate.isAuthority(below: 0) else { return "its authority may not sign" }
        return unknownCriticalExtension(of: certificate)
    }

    /// RFC 5280, 4.2: a critical extension that is not understood refuses the certificate.
    private func unknownCriticalExtension(of certificate: Certificate) -> String? {
        let known: Set = [
            Certificate.Extension.known.basicConstraints, Certificate.Extension.known.keyUsage,
            Certificate.Extension.known.extendedKeyUsage, Certificate.Extension.known.alternativeName,
        ]
        let unknown = certificate.extensions.first { $0.critical && !known.contains($0.oid) }
        return unknown.map { "its critical extension \($0.oid) is unknown" }
    }

    private func refusal(
        ofTimeOf certificate: Certificate, what: String, now: Instant, tolerance: Duration
    ) -> IdentityRefusal? {
        if now + tolerance < certificate.notBefore {
            return .notYetValid(
                what: what, from: certificate.notBefore,
                by: .nanoseconds(certificate.notBefore.nanoseconds - now.nanoseconds))
        }
        if now - tolerance > certificate.notAfter {
            return .expired(
                what: what, at: certificate.notAfter,
                since: .nanoseconds(now.nanoseconds - certificate.notAfter.nanoseconds))
        }
        return nil
    }
}

extension Certificate.Extension {
    /// The extensions that `CertificateTemplate` writes as critical, and those that others may.
    fileprivate static let known = (
        basicConstraints: [2, 5, 29, 19] as ASN1ObjectIdentifier,
        keyUsage: [2, 5, 29, 15] as ASN1ObjectIdentifier,
        extendedKeyUsage: [2, 5, 29, 37] as ASN1ObjectIdentifier,
        alternativeName: [2, 5, 29, 17] as ASN1ObjectIdentifier
    )
}

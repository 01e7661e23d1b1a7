import Automata
import Crypto
import Foundation
import SwiftASN1
import X509

/// The three shapes of certificate that a fabric has: root, authority, leaf (profile of RFC 5280).
enum CertificateTemplate {
    case root
    case authority
    case leaf(IdentityKind)

    /// Signs a certificate of this shape.
    ///
    /// - Parameter validity: in whole seconds on the wire; the start is rounded down, the end up.
    func issue(
        to key: Certificate.PublicKey, as subject: CertifiedName, validity: ClosedRange<Instant>,
        issuer: DistinguishedName, issuerKey: PrivateKey
    ) throws(IdentityError) -> Certificate {
        do {
            return try Certificate(
                version: .v3, serialNumber: Self.randomSerial(), publicKey: key,
                notValidBefore: validity.lowerBound.date(rounded: .down),
                notValidAfter: validity.upperBound.date(rounded: .up), issuer: issuer,
                subject: Self.distinguishedName(of: subject), signatureAlgorithm: .ecdsaWithSHA256,
                extensions: try extensions(key: key, subject: subject, issuerKey: issuerKey),
                issuerPrivateKey: issuerKey.certificateKey)
        } catch {
            throw IdentityError(.signing, "cannot sign a certificate: \(error)", remedy: "report this as a defect")
        }
    }

    /// 126 random bits, positive and never zero-padded: RFC 5280 (4.1.2.2) allows 20 octets, and asks for at least 64
    /// random bits where names could be predicted.
    private static func randomSerial() -> Certificate.SerialNumber {
        var system = SystemRandomNumberGenerator()
        var bytes = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &system) }
        bytes[0] = bytes[0] & 0x3f | 0x40
        return Certificate.SerialNumber(bytes: bytes)
    }

    /// Organisation = fabric, unit = role, common name = name: what a person sees in a certificate viewer, and what
    /// keeps issuers' names apart. Nothing is decided by it; the URI counts.
    static func distinguishedName(of subject: CertifiedName) throws -> DistinguishedName {
        try DistinguishedName {
            OrganizationName(subject.fabric)
            OrganizationalUnitName(subject.roleWord)
            CommonName(subject.name)
        }
    }

    private func extensions(
        key: Certificate.PublicKey, subject: CertifiedName, issuerKey: PrivateKey
    ) throws -> Certificate.Extensions {
        var names: [GeneralName] = [.uniformResourceIdentifier(subject.uri)]
        var extensions = Certificate.Extensions()
        switch self {
        case .root:
            try extensions.append(.init(BasicConstraints.isCertificateAuthority(maxPathLength: 1), critical: true))
            try extensions.append(.init(KeyUsage(keyCertSign: true, cRLSign: true), critical: true))
        case .authority:
            try extensions.append(.init(BasicConstraints.isCertificateAuthority(maxPathLength: 0), critical: true))
            try extensions.append(.init(KeyUsage(keyCertSign: true, cRLSign: true), critical: true))
        case .leaf(let kind):
            try extensions.append(.init(BasicConstraints.notCertificateAuthority, critical: true))
            try extensions.append(.init(KeyUsage(digitalSignature: true), critical: true))
            try extensions.append(.init(ExtendedKeyUsage([.serverAuth, .clientAuth]), critical: false))
            names.append(.dnsName(CertifiedName.dnsName(of: kind, fabric: subject.fabric)))
        }
        try extensions.append(.init(SubjectAlternativeNames(names), critical: false))
        try extensions.append(.init(SubjectKeyIdentifier(hash: key), critical: false))
        let issuerIdentifier = SubjectKeyIdentifier(hash: issuerKey.certificateKey.publicKey).keyIdentifier
        try extensions.append(.init(AuthorityKeyIdentifier(keyIdentifier: issuerIdentifier), critical: false))
        return extensions
    }
}

extension Certificate {
    var derBytes: [UInt8] {
        var serializer = DER.Serializer()
        do {
            try serializer.serialize(self)
        } catch {
            preconditionFailure("a certificate that was parsed or made cannot be serialized: \(error)")
        }
        return serializer.serializedBytes
    }

    var pem: String { PEMDocument(type: Self.defaultPEMDiscriminator, derBytes: derBytes).pemString }

    /// The palmier:// name; nil when there is none, or more than one.
    var certifiedName: CertifiedName? {
        do {
            return try extensions.subjectAlternativeNames?.certifiedName
        } catch {
            return nil  // an extension that cannot be parsed names nobody
        }
    }

    var notBefore: Instant { Instant(date: notValidBefore) }
    var notAfter: Instant { Instant(date: notValidAfter) }
}

extension Certificate.PublicKey {
    var isP256: Bool { P256.Signing.PublicKey(self) != nil }
}

extension Instant {
    enum Rounding { case up, down }

    init(date: Date) {
        // Clamped: a hostile certificate may name the year 9999, beyond 64 bits of nanoseconds.
        let seconds = min(max(date.timeIntervalSince1970, 0), 9_000_000_000)
        self.init(milliseconds: Int64(seconds * 1_000))
    }

    func date(rounded rounding: Rounding) -> Date {
        let seconds = Double(max(0, milliseconds)) / 1_000
        return Date(timeIntervalSince1970: rounding == .up ? seconds.rounded(.up) : seconds.rounded(.down))
    }

    /// `2026-03-01T12:00:00Z`, for messages.
    var calendar: String {
        date(rounded: .down).formatted(.iso8601)
    }
}

extension Duration {
    /// `3 h 20 min`, `7 min`, `12 s`: how far clocks are apart, as a person says it.
    public var spoken: String {
        let seconds = abs(components.seconds)
        switch seconds {
        case ..<120: return "\(seconds) s"
        case ..<7_200: return "\(seconds / 60) min"
        case ..<172_800: return "\(seconds / 3_600) h \(seconds % 3_600 / 60) min"
        default: return "\(seconds / 86_400) days"
        }
    }
}

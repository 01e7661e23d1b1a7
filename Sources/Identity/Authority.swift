public import Automata
import Foundation
import SwiftASN1
import X509

/// A master's power to admit machines, people and instances, given by the fabric's root.
///
/// Files: `authority/key.pem` (0600), `authority/certificate.pem`, beside the trust that it was made under.
public struct Authority: Sendable {
    public let trust: FabricTrust
    /// The master's name; also that of the only master leaf that this authority can issue.
    public let name: String
    let key: PrivateKey
    let certificate: Certificate

    /// The authority's certificate, DER.
    public var certificateBytes: [UInt8] { certificate.derBytes }
    /// When the root has to renew it.
    public var notAfter: Instant { certificate.notAfter }

    /// Puts key and certificate together, and checks that they belong to each other and to the fabric.
    public init(key: PrivateKey, certificateBytes: [UInt8], trust: FabricTrust) throws(IdentityError) {
        let certificate: Certificate
        do {
            certificate = try Certificate(derEncoded: certificateBytes)
        } catch {
            throw IdentityError(
                .malformed, "the authority's certificate is no X.509", remedy: "have the master admitted anew")
        }
        guard let subject = certificate.certifiedName, subject.role == .authority, subject.fabric == trust.name,
            certificate.isAuthority(below: 0),
            trust.root.publicKey.isValidSignature(certificate.signature, for: certificate)
        else {
            throw IdentityError(
                .mismatch, "the certificate is not one of an authority of the fabric \"\(trust.name)\"",
                remedy: "have the master admitted anew by whoever keeps the fabric's root")
        }
        guard certificate.publicKey.peer == key.peer else {
            throw IdentityError(
                .mismatch, "the authority's key is not that of its certificate",
                remedy: "restore both from one copy, or have the master admitted anew")
        }
        self.trust = trust
        self.name = subject.name
        self.key = key
        self.certificate = certificate
    }

    /// Issues a certificate.
    ///
    /// - Parameters:
    ///   - request: its key and proof; role and name of it are proposals only.
    ///   - kind: `master` for this master's own leaf only.
    ///   - lifetime: cut to the authority's own end.
    ///   - tolerance: the certificate begins this much before `now`, for machines whose clocks are behind.
    /// - Returns: leaf and authority, DER; for `Credential.init` together with the asker's key.
    public func issue(
        _ request: SigningRequest, kind: IdentityKind, name: String, lifetime: Duration? = nil, now: Instant,
        tolerance: Duration = defaultClockTolerance
    ) throws(IdentityError) -> [[UInt8]] {
        try CertifiedName.check(name: name)
        guard case .identity = request.subject.role else {
            throw IdentityError(
                .requestRefused, "the request asks for the role \(request.subject.roleWord)",
                remedy: "authorities are admitted by the fabric's root: palmier fabric sign")
        }
        guard request.subject.fabric.isEmpty || request.subject.fabric == trust.name else {
            throw IdentityError(
                .requestRefused,
                "the request is for the fabric \"\(request.subject.fabric)\", this is \"\(trust.name)\"",
                remedy: "ask a master of that fabric, or join with --fabric \(trust.name)")
        }
        guard kind != .master || name == self.name else {
            throw IdentityError(
                .requestRefused, "the authority of \"\(self.name)\" cannot make a master \"\(name)\"",
                remedy: "masters are admitted by the fabric's root")
        }
        guard now < notAfter else {
            throw IdentityError(
                .authorityExpired, "the authority of \"\(self.name)\" ended on \(notAfter.calendar)",
                remedy: "renew it: palmier fabric request here, palmier fabric sign where the root's key is")
        }
        let end = min(now + (lifetime ?? kind.defaultLifetime), notAfter)
        let leaf = try CertificateTemplate.leaf(kind).issue(
            to: request.publicKey, as: CertifiedName(fabric: trust.name, role: .identity(kind), name: name),
            validity: (now - tolerance)...end, issuer: certificate.subject, issuerKey: key)
        return [leaf.derBytes, certificateBytes]
    }

    /// The master's own credential, signed by its own authority.
    public func issueOwn(
        key: PrivateKey, lifetime: Duration? = nil, now: Instant, tolerance: Duration = defaultClockTolerance
    ) throws(IdentityError) -> Credential {
        let request = try SigningRequest(key: key, role: .identity(.master), name: name, fabric: trust.name)
        let chain = try issue(request, kind: .master, name: name, lifetime: lifetime, now: now, tolerance: tolerance)
        return try Credential(key: key, chain: chain, trust: trust)
    }

    /// Whether the directory holds an authority: this machine is a master.
    public static func exists(in directory: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(directory)/certificate.pem")
    }

    public static func load(from directory: String, trust: FabricTrust) throws(IdentityError) -> Authority {
        guard let pem = try StateFile.read("\(directory)/certificate.pem", isSecret: false) else {
            throw IdentityError(
                .missing, "\(directory) holds no authority",
                remedy: "have this machine admitted as a master: palmier fabric request, sign and accept")
        }
        let key = try PrivateKey.load(from: "\(directory)/key.pem")
        let bytes: [UInt8]
        do {
            bytes = try PEMDocument(pemString: String(decoding: pem, as: UTF8.self)).derBytes
        } catch {
            throw IdentityError(.malformed, "\(directory)/certificate.pem is not PEM", remedy: "restore it from a copy")
        }
        return try Authority(key: key, certificateBytes: bytes, trust: trust)
    }

    /// Writes key and certificate. The key may be there already, from when the authority was asked for.
    public func save(to directory: String) throws(IdentityError) {
        try key.save(to: "\(directory)/key.pem", replacing: true)
        try StateFile.write(
            Array((certificate.pem + "\n").utf8), to: "\(directory)/certificate.pem", mode: StateFile.open)
    }
}

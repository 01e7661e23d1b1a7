public import Automata
import Foundation
import SwiftASN1
import X509

/// What everybody knows of a fabric: its name and its root certificate. Public; whoever has it can tell members from
/// strangers (`verify`), and can make none.
public struct FabricTrust: Hashable, Sendable {
    public let name: String
    /// How the fabric admits machines: for masters; others are told by them.
    public var policy: AdmissionPolicy
    /// When the root was made.
    public let created: Instant

    let root: Certificate

    /// The root as it travels.
    public var rootBytes: [UInt8] { root.derBytes }
    /// What pins the root: in join tokens, and for comparing on two screens.
    public var rootDigest: Digest { Digest(of: rootBytes) }
    /// Four groups of the root's digest, for people to compare.
    public var fingerprint: String { PeerID(publicKeyDigest: rootDigest).fingerprint }
    public var rootPEM: String { root.pem }

    /// Trusts the root in `rootBytes` from here on.
    ///
    /// - Parameter created: nil takes the instant at which the root's certificate begins.
    public init(
        rootBytes: [UInt8], policy: AdmissionPolicy = .ask, created: Instant? = nil
    ) throws(IdentityError) {
        let certificate: Certificate
        do {
            certificate = try Certificate(derEncoded: rootBytes)
        } catch {
            throw IdentityError(
                .malformed, "the fabric's root is no X.509 certificate", remedy: "fetch it anew from a master")
        }
        try self.init(root: certificate, policy: policy, created: created)
    }

    public init(rootPEM: String, policy: AdmissionPolicy = .ask, created: Instant? = nil) throws(IdentityError) {
        let certificate: Certificate
        do {
            certificate = try Certificate(pemEncoded: rootPEM)
        } catch {
            throw IdentityError(
                .malformed, "the fabric's root is no PEM certificate", remedy: "fetch it anew from a master")
        }
        try self.init(root: certificate, policy: policy, created: created)
    }

    init(root: Certificate, policy: AdmissionPolicy, created: Instant?) throws(IdentityError) {
        guard let subject = root.certifiedName, subject.role == .root, root.publicKey.isP256,
            root.isSelfSigned, root.isAuthority(below: 1)
        else {
            throw IdentityError(
                .malformed, "the certificate is not the root of a fabric", remedy: "fetch it anew from a master")
        }
        try CertifiedName.check(fabric: subject.fabric)
        self.name = subject.fabric
        self.root = root
        self.policy = policy
        self.created = created ?? root.notBefore + defaultClockTolerance
    }

    // MARK: Files

    /// Reads `root.pem` and `fabric.json` of a directory.
    public static func load(from directory: String) throws(IdentityError) -> FabricTrust {
        guard let pem = try StateFile.read("\(directory)/root.pem", isSecret: false),
            let json = try StateFile.read("\(directory)/fabric.json", isSecret: false)
        else {
            throw IdentityError(
                .missing, "\(directory) holds no fabric",
                remedy: "join one, or make one with palmier fabric create NAME")
        }
        let document: Document
        do {
            document = try JSONDecoder().decode(Document.self, from: Data(json))
        } catch {
            throw IdentityError(
                .malformed, "\(directory)/fabric.json cannot be read: \(error)", remedy: "restore it, or join anew")
        }
        guard let policy = AdmissionPolicy(rawValue: document.policy) else {
            throw IdentityError(
                .malformed, "\(directory)/fabric.json has the policy \"\(document.policy)\"",
                remedy: "use one of \(AdmissionPolicy.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        let trust = try FabricTrust(
            rootPEM: String(decoding: pem, as: UTF8.self), policy: policy,
            created: Instant(milliseconds: document.createdMilliseconds))
        guard trust.name == document.name else {
            throw IdentityError(
                .mismatch, "\(directory)/fabric.json is of \"\(document.name)\", root.pem of \"\(trust.name)\"",
                remedy: "restore both from one copy, or join anew")
        }
        return trust
    }

    /// Writes `root.pem` and `fabric.json`.
    public func save(to directory: String) throws(IdentityError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let json: Data
        do {
            json = try encoder.encode(
                Document(name: name, policy: policy.rawValue, createdMilliseconds: created.milliseconds))
        } catch {
            throw IdentityError(.storage, "cannot encode fabric.json: \(error)", remedy: "report this as a defect")
        }
        try StateFile.write(Array(json) + [UInt8(ascii: "\n")], to: "\(directory)/fabric.json", mode: StateFile.open)
        try StateFile.write(Array((rootPEM + "\n").utf8), to: "\(directory)/root.pem", mode: StateFile.open)
    }

    private struct Document: Codable {
        var schema = "palmier.fabric/1"
        var name: String
        var policy: String
        var createdMilliseconds: Int64
    }
}

extension Certificate {
    /// Whether the subject's key signed it, whatever the names say.
    var isSelfSigned: Bool { publicKey.isValidSignature(signature, for: self) }

    /// Whether it may sign certificates, with at most this many authorities below it.
    func isAuthority(below pathLength: Int) -> Bool {
        do {
            guard case .isCertificateAuthority(let length)? = try extensions.basicConstraints else { return false }
            return try length == pathLength && extensions.keyUsage?.keyCertSign == true
        } catch {
            return false  // constraints that cannot be parsed permit nothing
        }
    }
}

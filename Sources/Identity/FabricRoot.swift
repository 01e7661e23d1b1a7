public import Automata
import X509

/// The key above all others of one fabric. It admits masters and does nothing else, so that it can be kept off-line.
///
/// Files: `root/key.pem` (0600), `root/root.pem`, `root/fabric.json`.
public struct FabricRoot: Sendable {
    public let trust: FabricTrust
    let key: PrivateKey

    /// Ten years: longer than the machines, and a new root means that everybody joins anew.
    public static let lifetime = Duration.seconds(3_650 * 86_400)
    /// One year: masters' authorities are renewed by whoever keeps the root, a person.
    public static let authorityLifetime = Duration.seconds(365 * 86_400)

    /// Makes a fabric.
    ///
    /// - Parameter tolerance: certificates begin this much before `now`, for machines whose clocks are behind.
    public static func create(
        name: String, policy: AdmissionPolicy = .ask, now: Instant, lifetime: Duration = FabricRoot.lifetime,
        tolerance: Duration = defaultClockTolerance
    ) throws(IdentityError) -> FabricRoot {
        try CertifiedName.check(fabric: name)
        let key = PrivateKey()
        let subject = CertifiedName(fabric: name, role: .root, name: name)
        let certificate = try CertificateTemplate.root.issue(
            to: key.certificateKey.publicKey, as: subject, validity: (now - tolerance)...(now + lifetime),
            issuer: try distinguishedName(of: subject), issuerKey: key)
        return FabricRoot(trust: try FabricTrust(root: certificate, policy: policy, created: now), key: key)
    }

    /// Admits a master: signs its authority's key.
    ///
    /// The master's own leaf is then issued by its own authority (`Authority.issue`), so nothing else has to travel.
    ///
    /// - Parameter request: for the role `authority`, made with the authority's key.
    /// - Parameter name: the master's name; its leaf must have the same.
    /// - Returns: the authority's certificate, DER; for `Authority.init`.
    public func admitMaster(
        _ request: SigningRequest, name: String, now: Instant, lifetime: Duration = FabricRoot.authorityLifetime,
        tolerance: Duration = defaultClockTolerance
    ) throws(IdentityError) -> [UInt8] {
        guard request.subject.role == .authority else {
            throw IdentityError(
                .requestRefused, "the request asks for \(request.subject.roleWord), not for a master's authority",
                remedy: "a fabric's root admits masters only; let a master admit it")
        }
        guard request.subject.fabric.isEmpty || request.subject.fabric == trust.name else {
            throw IdentityError(
                .requestRefused,
                "the request is for the fabric \"\(request.subject.fabric)\", this is \"\(trust.name)\"",
                remedy: "start the master with --fabric \(trust.name)")
        }
        try CertifiedName.check(name: name)
        guard now < trust.root.notAfter else {
            throw IdentityError(
                .authorityExpired, "the root of \"\(trust.name)\" ended on \(trust.root.notAfter.calendar)",
                remedy: "make a new fabric and let everybody join it")
        }
        let certificate = try CertificateTemplate.authority.issue(
            to: request.publicKey, as: CertifiedName(fabric: trust.name, role: .authority, name: name),
            validity: (now - tolerance)...min(now + lifetime, trust.root.notAfter), issuer: trust.root.subject,
            issuerKey: key)
        return certificate.derBytes
    }

    /// Makes a master's authority in one step, for the master on the machine where the root is.
    public func makeAuthority(name: String, now: Instant) throws(IdentityError) -> Authority {
        let authorityKey = PrivateKey()
        let request = try SigningRequest(key: authorityKey, role: .authority, name: name, fabric: trust.name)
        return try Authority(
            key: authorityKey, certificateBytes: try admitMaster(request, name: name, now: now), trust: trust)
    }

    /// Whether the directory holds a root: this machine can admit masters.
    public static func exists(in directory: String) -> Bool {
        do throws(IdentityError) {
            _ = try PrivateKey.load(from: "\(directory)/key.pem")
            return true
        } catch {
            return error.code != .missing
        }
    }

    public static func load(from directory: String) throws(IdentityError) -> FabricRoot {
        let root = FabricRoot(
            trust: try FabricTrust.load(from: directory), key: try PrivateKey.load(from: "\(directory)/key.pem"))
        guard root.key.peer == root.trust.root.publicKey.peer else {
            throw IdentityError(
                .mismatch, "\(directory)/key.pem is not the key of \(directory)/root.pem",
                remedy: "restore both from one copy")
        }
        return root
    }

    /// Writes a new root; refuses to replace one.
    public func save(to directory: String) throws(IdentityError) {
        try key.save(to: "\(directory)/key.pem", replacing: false)
        try trust.save(to: directory)
    }

    private static func distinguishedName(of subject: CertifiedName) throws(IdentityError) -> DistinguishedName {
        do {
            return try CertificateTemplate.distinguishedName(of: subject)
        } catch {
            throw IdentityError(.invalidName, "\(subject) cannot stand in a certificate", remedy: "choose another name")
        }
    }
}

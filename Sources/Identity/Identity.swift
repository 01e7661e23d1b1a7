/// Who is who in a fabric: keys, certificates, admission. No sockets; `Transport` uses what is made and checked here.
///
/// ## Vocabulary
/// - **fabric**: machines, masters and people that trust one root. Its `FabricTrust` is public, its `FabricRoot` holds
///   the root's key and may be kept off-line once the masters are admitted.
/// - **authority**: a master's intermediate authority under the root; it admits machines, people and instances, so that
///   no one is asked twice or centrally.
/// - **leaf**: the certificate that a peer shows. Its public key's digest is the `PeerID`; its URI
///   `palmier://FABRIC/KIND/NAME` says what it is. A leaf of kind master is issued by that master's *own* authority,
///   so that one master's key makes no second master.
/// - **credential**: private key, leaf, intermediate and trust: what it takes to open a connection.
/// - **signing request**: PKCS#10; the wish for a certificate, with proof of the private key, which never travels.
/// - **join token**: an invitation for one machine elsewhere; its secret is known to the invited only, the master keeps
///   a digest.
///
/// ## Flow
///
///     fabric create     FabricRoot.create ─▶ admitMaster ─▶ Authority ─▶ issue(master leaf) ─▶ Credential
///     machine joins     PrivateKey ─▶ SigningRequest ─▶ a master's Authority.issue ─▶ Credential
///     master joins      authority key ─▶ SigningRequest(.authority) ─▶ FabricRoot.admitMaster ─▶ Authority ─▶ issue to itself
///     every connection  FabricTrust.verify(chain) ─▶ VerifiedIdentity or IdentityRefusal
///     renewal           Credential.renewDue ─▶ SigningRequest by the same key ─▶ Credential with the same PeerID
///
/// ## Invariant
/// A chain is accepted in one shape only: leaf ← authority ← the fabric's pinned root, each P-256, each within its
/// time, each with the role that its place asks for. Everything else has a refusal that names the reason.
public enum IdentityKind: String, Hashable, Sendable, CaseIterable, Codable {
    /// A computer that runs an agent.
    case machine
    /// A computer that also answers users and keeps a ledger.
    case master
    /// Someone who asks for software to run.
    case person
    /// A running piece of software.
    case instance

    /// How long a certificate lives unless told otherwise. Short for what renews by itself, long for a person, who has
    /// to type something; a guess.
    public var defaultLifetime: Duration {
        switch self {
        case .machine, .master, .instance: .seconds(7 * 86_400)
        case .person: .seconds(90 * 86_400)
        }
    }
}

/// How a fabric lets machines in.
public enum AdmissionPolicy: String, Hashable, Sendable, CaseIterable, Codable {
    /// A person approves each by its fingerprint.
    case ask
    /// Machines on the same link are admitted by themselves.
    case link
    /// Only with a join token.
    case token
}

/// How far two clocks may differ before they are refused; a guess that Kerberos made before us (RFC 4120, 1.6).
public let defaultClockTolerance = Duration.seconds(300)

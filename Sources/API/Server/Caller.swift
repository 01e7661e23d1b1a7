import Automata
import Foundation
import Identity
import Ledger
import NIOCore
import Peer
import Runtime

/// What a connection proves about the other end.
enum Caller: Sendable {
    /// A local user, by the system's own word (SO_PEERCRED).
    case local(user: UInt32)
    /// A certificate whose key the other end has; whether it is a member's is the result.
    case certified(Result<VerifiedIdentity, IdentityRefusal>, address: SocketAddress?)
    /// No certificate was shown.
    case stranger(address: SocketAddress?)

    var address: SocketAddress? {
        switch self {
        case .local: nil
        case .certified(_, let address), .stranger(let address): address
        }
    }

    /// The member behind the connection; nil for strangers and local users.
    func member(at now: Instant) throws(ProblemDocument) -> VerifiedIdentity? {
        switch self {
        case .local, .stranger: return nil
        case .certified(.failure(let refusal), _):
            throw ProblemDocument(.refused, refusal.message, remedy: refusal.remedy)
        case .certified(.success(let identity), _):
            // A connection may outlive the certificate that opened it.
            guard now <= identity.notAfter + defaultClockTolerance else {
                throw ProblemDocument(
                    .refused, "the certificate of \"\(identity.name)\" has ended since the connection was made",
                    remedy: "renew it, and connect anew")
            }
            return identity
        }
    }
}

/// Who asks, and what they may.
///
/// - A **customer** sees and changes its own requests: a person, as the certificate says; a local user as `user@host`.
/// - An **administrator** may everything: root and the owner of the master's state on the Unix socket; a person whom
///   this master's ledger notes as one; a master of the fabric, since whoever has its key can make any person anyway.
/// - A **machine** sees the fabric (nodes, masters, status) and renews its certificate; it asks for nothing to run.
struct Principal: Sendable {
    /// The name that a log or the ledger shows: `alice@lab`, `machine worker-1`.
    var name: String
    /// nil for those who ask for nothing to run.
    var customer: Customer?
    var isAdministrator: Bool
    var member: VerifiedIdentity?
    var isLocal: Bool

    /// Whose request is meant: one's own, or, for administrators, the one named.
    func key(_ reference: String, customer named: String?) throws(ProblemDocument) -> RequestKey {
        try Bounds.checkName(reference, "reference")
        return RequestKey(customer: try customer(named: named), reference: reference)
    }

    func customer(named: String?) throws(ProblemDocument) -> Customer {
        if let named, named != customer?.name {
            guard isAdministrator else {
                throw ProblemDocument(
                    .refused, "\(name) may not see or change requests of \(named)",
                    remedy: "ask an administrator: root on a master's machine", field: "customer")
            }
            try Bounds.checkName(named, "customer")
            return Customer(named)
        }
        guard let customer else {
            throw ProblemDocument(
                .refused, "\(name) is no customer", remedy: "ask as a person: `palmier identity` makes one")
        }
        return customer
    }

    /// - Parameter what: what only those may who may ask for something to run.
    func requireCustomer(_ what: String) throws(ProblemDocument) {
        guard customer != nil || isAdministrator else {
            throw ProblemDocument(
                .refused, "\(name) may not \(what)", remedy: "ask as a person: `palmier identity` makes one")
        }
    }

    func requireAdministrator(_ what: String) throws(ProblemDocument) {
        guard isAdministrator else {
            throw ProblemDocument(
                .refused, "\(name) may not \(what)",
                remedy: "run it as root, or as the master's owner, on a master's machine")
        }
    }
}

/// Local users' names.
enum LocalUser {
    /// `alice`; `uid1234` for a user without a name.
    static func name(of user: UInt32) -> String {
        var entry = passwd()
        var buffer = [CChar](repeating: 0, count: 16_384)
        var found: UnsafeMutablePointer<passwd>?
        let result = getpwuid_r(user, &entry, &buffer, buffer.count, &found)
        guard result == 0, found != nil, let name = entry.pw_name else { return "uid\(user)" }
        return String(cString: name)
    }
}

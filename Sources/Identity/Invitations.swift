public import Automata
import Foundation

/// The invitations that a master has given and what became of them. Holds digests of secrets, never a secret: whoever
/// reads the master's disk can join nothing with it.
///
/// Transitions: given ─▶ used (once, by one peer) or expired. Both are remembered for a day, so that the answer to a
/// late token says which of the two it is.
public struct Invitations: Hashable, Sendable {
    /// What a token is good for.
    public struct Invitation: Hashable, Sendable {
        public let secretDigest: Digest
        public let kind: IdentityKind
        /// The name that the invited gets; nil leaves it to the invited.
        public let name: String?
        public let expires: Instant
        /// Who used it; nil until then.
        public internal(set) var usedBy: PeerID?
    }

    public enum Refusal: String, Error, Hashable, Sendable, CaseIterable, CustomStringConvertible {
        /// No such invitation: wrong, of another master, or forgotten since.
        case unknown
        case used
        case expired

        public var description: String {
            switch self {
            case .unknown: "this master gave no such token; ask it for one with palmier node invite"
            case .used: "the token was used already, by another machine; ask for a new one with palmier node invite"
            case .expired: "the token has expired; ask for a new one with palmier node invite"
            }
        }
    }

    /// In the order in which they were given.
    public private(set) var all: [Invitation] = []

    /// More are refused until old ones are forgotten; a guess.
    public static let capacity = 1_000
    /// One hour: long enough to walk to the other machine; a guess.
    public static let defaultLifetime = Duration.seconds(3_600)
    private static let memory = Duration.seconds(86_400)

    public init() {}

    /// Notes an invitation; nil when there are too many.
    ///
    /// - Returns: when it expires, for the token.
    public mutating func give(
        secret: JoinSecret, kind: IdentityKind, name: String? = nil, now: Instant,
        lifetime: Duration = Invitations.defaultLifetime
    ) -> Instant? {
        forget(at: now)
        guard all.count < Self.capacity else { return nil }
        let expires = now + lifetime
        all.append(
            Invitation(secretDigest: Digest(of: secret.bytes), kind: kind, name: name, expires: expires, usedBy: nil))
        return expires
    }

    /// Uses an invitation up. The same peer may redeem again while it has not expired, because the answer to its first
    /// try may have been lost.
    ///
    /// The caller stores the result before it answers.
    public mutating func redeem(_ secret: JoinSecret, by peer: PeerID, now: Instant) -> Result<Invitation, Refusal> {
        forget(at: now)
        let digest = Digest(of: secret.bytes)
        var match: Int?
        // Every entry is compared, and every byte of it: the time tells nothing about where a guess went wrong.
        for (index, invitation) in all.enumerated() where isEqualInConstantTime(invitation.secretDigest, digest) {
            match = index
        }
        guard let match else { return .failure(.unknown) }
        if let user = all[match].usedBy, user != peer { return .failure(.used) }
        guard now < all[match].expires else { return .failure(all[match].usedBy == nil ? .expired : .used) }
        all[match].usedBy = peer
        return .success(all[match])
    }

    /// Takes back an invitation that was not used.
    ///
    /// - Returns: whether it was there.
    public mutating func revoke(secretDigest: Digest) -> Bool {
        let before = all.count
        all.removeAll { $0.secretDigest == secretDigest && $0.usedBy == nil }
        return all.count < before
    }

    private mutating func forget(at now: Instant) {
        all.removeAll { $0.expires + Self.memory < now }
    }

    // MARK: File

    /// Reads the file; none is an empty list.
    public static func load(from path: String) throws(IdentityError) -> Invitations {
        guard let content = try StateFile.read(path, isSecret: false) else { return Invitations() }
        let malformed = IdentityError(
            .malformed, "\(path) is no list of invitations", remedy: "remove it: tokens that were given become void")
        let document: Document
        do {
            document = try JSONDecoder().decode(Document.self, from: Data(content))
        } catch {
            throw malformed
        }
        var invitations = Invitations()
        for entry in document.invitations {
            guard let digest = Digest(hexadecimal: entry.secretDigest) else { throw malformed }
            let user = entry.usedBy.flatMap { PeerID($0) }
            guard (entry.usedBy == nil) == (user == nil) else { throw malformed }
            invitations.all.append(
                Invitation(
                    secretDigest: digest, kind: entry.kind, name: entry.name,
                    expires: Instant(milliseconds: entry.expiresMilliseconds), usedBy: user))
        }
        return invitations
    }

    public func save(to path: String) throws(IdentityError) {
        let entries = all.map {
            Document.Entry(
                secretDigest: $0.secretDigest.description, kind: $0.kind, name: $0.name,
                expiresMilliseconds: $0.expires.milliseconds, usedBy: $0.usedBy?.description)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let json: Data
        do {
            json = try encoder.encode(Document(invitations: entries))
        } catch {
            throw IdentityError(.storage, "cannot encode \(path): \(error)", remedy: "report this as a defect")
        }
        try StateFile.write(Array(json), to: path, mode: StateFile.secret)
    }

    private struct Document: Codable {
        struct Entry: Codable {
            var secretDigest: String
            var kind: IdentityKind
            var name: String?
            var expiresMilliseconds: Int64
            var usedBy: String?
        }
        var schema = "palmier.invitations/1"
        var invitations: [Entry]
    }
}

private func isEqualInConstantTime(_ left: Digest, _ right: Digest) -> Bool {
    var difference: UInt8 = 0
    for index in 0..<32 {
        difference |= left.bytes[index] ^ right.bytes[index]
    }
    return difference == 0
}

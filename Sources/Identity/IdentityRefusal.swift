public import Automata

/// Why a peer's certificate is not accepted. Each reason has its own sentence and its own remedy.
public enum IdentityRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// It is no chain of certificates of the shape that fabrics have.
    case garbage(String)
    /// A member of another fabric; `sameName` when only the roots differ.
    case otherFabric(found: String, expected: String, sameName: Bool)
    /// It claims to be of this fabric, and is not signed by it.
    case notSigned(String)
    case expired(what: String, at: Instant, since: Duration)
    /// Made in the future: one of two clocks is off.
    case notYetValid(what: String, from: Instant, by: Duration)
    case wrongPeer(expected: PeerID, found: PeerID)
    case wrongKind(found: String, allowed: String)

    /// Stable words for logs, counters and tests.
    public var code: String {
        switch self {
        case .garbage: "garbage"
        case .otherFabric: "otherFabric"
        case .notSigned: "notSigned"
        case .expired: "expired"
        case .notYetValid: "notYetValid"
        case .wrongPeer: "wrongPeer"
        case .wrongKind: "wrongKind"
        }
    }

    public var message: String {
        switch self {
        case .garbage(let what): "the certificate is not one of a fabric: \(what)"
        case .otherFabric(let found, let expected, sameName: false):
            "the certificate is of the fabric \"\(found)\", this is \"\(expected)\""
        case .otherFabric(let found, _, sameName: true):
            "the certificate is of another fabric that is called \"\(found)\" too: it has another root"
        case .notSigned(let what): what
        case .expired(let what, let at, let since): "\(what) ended on \(at.calendar), \(since.spoken) ago by this clock"
        case .notYetValid(let what, let from, let by):
            "\(what) begins on \(from.calendar), \(by.spoken) from now by this clock"
        case .wrongPeer(let expected, let found):
            "\(expected.fingerprint) was expected, \(found.fingerprint) answered"
        case .wrongKind(let found, let allowed): "a \(found) was found where \(allowed) is needed"
        }
    }

    public var remedy: String {
        switch self {
        case .garbage, .notSigned: "the other side has to join the fabric: palmier agent"
        case .otherFabric(let found, let expected, sameName: false):
            "join one of them: palmier agent --fabric \(expected), or --fabric \(found) on this side"
        case .otherFabric: "compare the fabrics' fingerprints on both sides: palmier status"
        case .expired: "if this clock is right, the other side has to renew: palmier doctor there; else set this clock"
        case .notYetValid: "one of the two clocks is off: compare date -u on both, and let NTP set them"
        case .wrongPeer: "another machine has this address today; the right one is found by discovery"
        case .wrongKind: "check the address"
        }
    }

    public var description: String { "\(message); \(remedy)" }
}

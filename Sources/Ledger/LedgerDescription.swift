import Automata

/// What a ledger is called, and how many replicas it shall have: in its books, so that whoever leads it keeps to it.
///
/// Who founded the ledger says so, and nobody else: its owner's word must not depend on who leads after a failure.
public struct LedgerDescription: Hashable, Sendable {
    /// 1 to 63 bytes; empty: it is called after the master that founded it.
    public var name: String
    /// Passive replicas that the ledger shall have: k; 0 to 6.
    public var wanted: Int
    /// Passive replicas that it shall have at once, even if the group then stops when one of two fails; at most `wanted`.
    public var minimum: Int
    /// How long a replica may be away before another takes its place; 1 s to 30 days, in whole milliseconds.
    public var absence: Duration

    public static let nameBytesMax = 63
    public static let replicasMax = 6
    public static let absences: ClosedRange<Duration> = .seconds(1)...(.seconds(30 * 86_400))

    public init(name: String = "", wanted: Int = 2, minimum: Int = 0, absence: Duration = .seconds(60)) {
        self.name = name
        self.wanted = wanted
        self.minimum = minimum
        self.absence = absence
    }

    /// Why a text cannot be a ledger's name; nil: it can.
    ///
    /// Commands take a name where they take an id or a fingerprint, so a name must look like neither.
    public static func problem(withName name: String) -> String? {
        let count = name.utf8.count
        guard (1...nameBytesMax).contains(count) else {
            return "it has \(count) bytes, 1 to \(nameBytesMax) are possible"
        }
        if let wrong = name.first(where: { !$0.isLetter && !$0.isNumber && !"-_.".contains($0) }) {
            let isVisible =
                wrong.isASCII && !wrong.isWhitespace && wrong.asciiValue.map { $0 > 0x20 && $0 < 0x7f } == true
            let shown = isVisible ? "\"\(wrong)\"" : wrong == " " ? "a space" : "a character that is none of them"
            return "letters, digits, \"-\", \"_\" and \".\" are possible, and it has \(shown)"
        }
        guard let first = name.first, first.isLetter || first.isNumber else {
            return "it must begin with a letter or a digit"
        }
        let groups = name.split(separator: "-", omittingEmptySubsequences: false)
        let isFingerprint = groups.count == 4 && groups.allSatisfy { $0.count == 4 && $0.allSatisfy(\.isHexDigit) }
        return PeerID(name) != nil || isFingerprint ? "it looks like a ledger's id" : nil
    }
}

/// What the owner of a master says of the ledger that it founds; what is nil stays as the books have it.
public struct LedgerWishes: Hashable, Sendable {
    public var name: String?
    public var wanted: Int?
    public var minimum: Int?
    public var absence: Duration?

    public init(name: String? = nil, wanted: Int? = nil, minimum: Int? = nil, absence: Duration? = nil) {
        self.name = name
        self.wanted = wanted
        self.minimum = minimum
        self.absence = absence
    }

    public var isEmpty: Bool { self == LedgerWishes() }

    /// The description with what is wished for.
    ///
    /// Where only one of the two numbers is wished for, the other one follows: a minimum above k could not be kept to.
    public func applied(to description: LedgerDescription) -> LedgerDescription {
        var wished = description
        wished.name = name ?? description.name
        wished.wanted = wanted ?? description.wanted
        wished.minimum = min(minimum ?? description.minimum, wished.wanted)
        wished.absence = absence ?? description.absence
        return wished
    }
}

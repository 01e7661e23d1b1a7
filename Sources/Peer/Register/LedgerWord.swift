public import Automata
public import Overlay
public import Replication

/// What a ledger's primary says of it to the peers that keep its register.
///
/// Of two words of one ledger the one of the later view counts; of one view there is one primary, and its last word counts.
public struct LedgerWord: Hashable, Sendable {
    /// The master that founded it.
    public var ledger: PeerID
    public var view: View
    /// Who keeps it, and where: the primary first, then the other members; 1 to `membersMax`.
    public var members: [PeerContact]
    /// What it is called, at most 63 bytes; empty: after the master that founded it.
    public var name: String
    /// False from a primary that ends by its own will, when another one takes over.
    public var isServing: Bool

    public init(ledger: PeerID, view: View, members: [PeerContact], name: String = "", isServing: Bool = true) {
        precondition(!members.isEmpty, "nobody keeps \(ledger)")
        self.ledger = ledger
        self.view = view
        self.members = Array(members.prefix(Self.membersMax))
        self.name = name
        self.isServing = isServing
    }

    public static let membersMax = 8

    public var primary: PeerID { members[0].peer }
}

/// Which ledger somebody looks for.
public enum LedgerQuestion: Hashable, Sendable {
    case ledger(PeerID)
    /// What it is called, 1 to 63 bytes; several may be called alike.
    case name(String)

    /// Where on the ring the answer is kept: not at the founder's own place, which is gone when the founder is.
    public var key: Key {
        switch self {
        case .ledger(let ledger): PeerID(hashing: Array("ledger:".utf8) + ledger.bytes)
        case .name(let name): PeerID(hashing: Array("ledger-name:".utf8) + Array(name.utf8))
        }
    }

    func isAnswered(by word: LedgerWord) -> Bool {
        switch self {
        case .ledger(let ledger): word.ledger == ledger
        case .name(let name): word.name == name
        }
    }
}

/// What peers say to each other about the register of ledgers.
public enum RegisterMessage: Hashable, Sendable {
    /// To whoever looked for the peers near a key, from its root: nearest first, the sender too; at most 64.
    case near(number: UInt64, [PeerContact])
    /// From a ledger's primary: keep this for a while.
    case keep(LedgerWord)
    /// Kept; or not, since another primary has said this in a later view.
    case kept(PeerID, newer: LedgerWord?)
    case ask(number: UInt64, LedgerQuestion)
    /// At most 8; none when nothing is kept.
    case told(number: UInt64, [LedgerWord])
    /// From a primary that looks for masters: a master answers by a hello, others do not.
    case survey

    /// Whom the message names, where it says so.
    var contacts: [PeerContact] {
        switch self {
        case .near(_, let peers): peers
        case .keep(let word), .kept(_, newer: let word?): word.members
        case .told(_, let words): words.flatMap(\.members)
        case .kept(_, newer: nil), .ask, .survey: []
        }
    }
}

public import Accounting
public import Automata

/// One line of a master's books: what happened, never how to compute it.
///
/// Entries are appended, never changed. A reader that meets an entry of a later version keeps its unknown fields.
public struct Entry: Hashable, Sendable {
    public var index: LedgerIndex
    /// When the master that appended it saw it happen.
    public var at: Instant
    public var fact: Fact
    /// Fields of a later version, as they stood on the wire or on disk; written back unchanged.
    public var unknownFields: [UInt8]

    public init(index: LedgerIndex, at: Instant, fact: Fact, unknownFields: [UInt8] = []) {
        self.index = index
        self.at = at
        self.fact = fact
        self.unknownFields = unknownFields
    }
}

/// What an entry says.
public enum Fact: Hashable, Sendable {
    /// A new request; attempt 1 begins, revision 1.
    case requested(RequestKey, Specification)
    /// The request says something else from here on.
    case changed(RequestKey, Specification, Revision)
    /// A machine's claim, and where it stands, is the request's placement for this attempt.
    case placed(RequestKey, Attempt, ClaimReference, Place)
    /// The attempt, which has no machine yet, is to run this one of the request's releases. Indirect, since it is rare.
    indirect case chose(RequestKey, Attempt, ReleaseChoice)
    /// What the machine says of the instance; `sequence` orders the reports of one claim.
    case reported(RequestKey, ClaimReference, sequence: UInt64, InstanceStatus)
    /// A group's rule was applied: it has another count and this revision, or it is said why it has not.
    indirect case scaled(RequestKey, Revision, ScaleDecision)
    /// The request takes over the placement of a member of a warm group, which ends with it.
    case adopted(RequestKey, Attempt, from: RequestKey)
    /// The placement goes on: what it used is counted, and the price of its next period is reserved.
    case extended(RequestKey, ClaimReference)
    /// The attempt is over without the request's will; the next one begins.
    case lost(RequestKey, Attempt, reason: String)
    /// A claim, and where it stands, is to take the placement's place when it is ready: its successor, which goes on beside it.
    case succeeding(RequestKey, Attempt, ClaimReference, Place)
    /// The successor of this attempt is the placement from here on; what was is to be emptied.
    case moved(RequestKey, Attempt)
    /// The successor of this attempt is no more; the placement goes on.
    case dropped(RequestKey, Attempt, reason: String)
    /// The placement is to end in favour of another project, which has less for its share: its machine is told to empty the
    /// partition, and then the attempt is `lost`. It changes nothing where the project has no more than its share by then.
    /// Indirect, since it is larger than most facts.
    indirect case gaveWay(RequestKey, Attempt, to: Outranking)
    /// The request is destroyed and its partition is empty, or its lease has run out.
    case ended(RequestKey)
    /// A machine keeps a place of a reservation by this claim, and stands there. The key is `RequestKey(placeOf:number:)`.
    case booked(RequestKey, Attempt, ClaimReference, Place)
    /// No machine keeps it any more; the next attempt begins.
    case unbooked(RequestKey, Attempt, reason: String)
    /// Another master's ledger holds this request.
    case noted(RequestKey, home: PeerID)
    /// Another master's ledger holds this request no more.
    case forgotten(RequestKey, home: PeerID)
    /// A peer or a person was let into the fabric.
    case admitted(Admission)
    /// A one-time token was made; only its digest is kept.
    case invited(token: Digest, expires: Instant)
    /// A token was used, and never can be again.
    case redeemed(token: Digest, by: PeerID)
    /// Something is recorded in the accounts. Whether their rules allow it is decided where it stands in the log, on every
    /// replica alike. Indirect, since acts are larger than all other facts.
    indirect case accounting(Act)
    /// The ledger is called so, and has so many replicas, from here on. Indirect, since nothing else needs its room.
    indirect case described(LedgerDescription)
}

/// Who was let in, as what, and by whom.
public struct Admission: Hashable, Sendable {
    public var peer: PeerID
    /// `machine`, `master` or `person`.
    public var kind: String
    public var name: String
    /// The customer or the policy that let it in: `root@host`, `link`, `token`.
    public var by: String

    public init(peer: PeerID, kind: String, name: String, by: String) {
        self.peer = peer
        self.kind = kind
        self.name = name
        self.by = by
    }
}

extension Fact {
    /// The place of a reservation that the fact is about.
    var placeKey: RequestKey? {
        switch self {
        case .booked(let key, _, _, _), .unbooked(let key, _, _): key
        case .extended(let key, _): key.reservedPlace == nil ? nil : key
        default: nil
        }
    }

    /// The request that the fact is about; nil for facts about other things.
    public var requestKey: RequestKey? {
        switch self {
        case .requested(let key, _), .changed(let key, _, _), .placed(let key, _, _, _), .reported(let key, _, _, _),
            .extended(let key, _), .lost(let key, _, _), .succeeding(let key, _, _, _), .moved(let key, _),
            .dropped(let key, _, _), .gaveWay(let key, _, _), .ended(let key), .scaled(let key, _, _),
            .adopted(let key, _, _), .chose(let key, _, _):
            key
        case .booked, .unbooked, .noted, .forgotten, .admitted, .invited, .redeemed, .accounting, .described: nil
        }
    }
}

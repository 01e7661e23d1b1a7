public import Automata
public import Overlay

/// What objects' peers say to each other, directly. Each may be lost, late or repeated.
///
/// `number` joins an answer to its question; it is the asker's, and means nothing to others.
public enum ObjectMessage: Hashable, Sendable {
    /// The root's answer to a routed query: the peers nearest to the key, nearest first.
    case nearest(number: UInt64, [PeerID])
    /// Keep a copy; `diverted`: in the place of the sender, which has no room. Answered by `stored`.
    case store(number: UInt64, StoredObject, diverted: Bool)
    /// Nil: a durable copy is kept.
    case stored(number: UInt64, StoreRefusal?)
    /// Answered by `contents` or `missing`.
    case fetch(number: UInt64, Key)
    case contents(number: UInt64, [UInt8])
    /// Not here; the peer named may hold it.
    case missing(number: UInt64, elsewhere: PeerID?)
    /// The sender holds these, and thinks that the receiver should. Answered by `lacking`.
    case keys(number: UInt64, [ObjectEntry])
    /// Of that page, what is not in the receiver's care; all others are.
    case lacking(number: UInt64, [Key])

    /// Every peer that the message speaks of, so that the composition can say where they are.
    public var named: [PeerID] {
        switch self {
        case .nearest(_, let peers): peers
        case .missing(_, let elsewhere): elsewhere.map { [$0] } ?? []
        case .store, .stored, .fetch, .contents, .keys, .lacking: []
        }
    }
}

/// An object with its bytes; whether they belong to the id is for the receiver to verify.
public struct StoredObject: Hashable, Sendable {
    public var id: Key
    public var bytes: [UInt8]

    public init(id: Key, bytes: [UInt8]) {
        self.id = id
        self.bytes = bytes
    }

    /// Whether the bytes are those that the id names.
    public var isGenuine: Bool { Key(hashing: bytes) == id }
}

/// A line of an index.
public struct ObjectEntry: Hashable, Sendable {
    public var id: Key
    public var size: UInt32

    public init(id: Key, size: UInt32) {
        self.id = id
        self.size = size
    }
}

/// Why a peer does not keep a copy.
public enum StoreRefusal: UInt8, Hashable, Sendable, CaseIterable {
    /// No room here, nor on the leaves that were asked.
    case full
    /// Too much under way at this moment.
    case busy
    /// The bytes are not those that the id names, or too many.
    case invalid
    /// The disk did not take it.
    case failed
}

/// The payload of a routed message of `Application.objects`.
public struct ObjectQuery: Hashable, Sendable {
    /// The caller's.
    public var number: UInt64
    /// The root may answer with the object; else it names the peers nearest to the key.
    public var wantsContents: Bool

    public init(number: UInt64, wantsContents: Bool) {
        self.number = number
        self.wantsContents = wantsContents
    }

    /// Nine bytes: the kind (1: nearest, 2: contents), then the number, most significant byte first.
    public var payload: [UInt8] {
        [wantsContents ? 2 : 1] + (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
    }

    /// Nil for anything else.
    public init?(payload: [UInt8]) {
        guard payload.count == 9, payload[0] == 1 || payload[0] == 2 else { return nil }
        number = payload[1...].reduce(0) { $0 << 8 | UInt64($1) }
        wantsContents = payload[0] == 2
    }
}

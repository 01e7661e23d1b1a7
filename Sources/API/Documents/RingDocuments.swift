/// A peer of the ring as the peer asked knows it.
public struct RingPeerDocument: Codable, Hashable, Sendable {
    /// 32 hexadecimal digits: its id, and its place on the ring.
    public var peer: String
    public var fingerprint: String
    /// Empty for a peer that is not known otherwise: the ring tells ids and addresses, no names.
    public var name: String
    /// Where it listens; empty when that is not known here.
    public var address: String
    /// `self`; `live`; `silent`, when it did not answer in time and is being probed; `distant`, when the peer asked does
    /// not talk to it and cannot say.
    public var state: String
    /// From the peer asked; nil when it was not measured.
    public var roundTripMicroseconds: Int64?
    /// Leading hexadecimal digits that it shares with the key; only on the way to one.
    public var sharedDigits: Int?

    public init(
        peer: String, fingerprint: String, name: String, address: String, state: String,
        roundTripMicroseconds: Int64? = nil, sharedDigits: Int? = nil
    ) {
        self.peer = peer
        self.fingerprint = fingerprint
        self.name = name
        self.address = address
        self.state = state
        self.roundTripMicroseconds = roundTripMicroseconds
        self.sharedDigits = sharedDigits
    }

    /// What people call it.
    public var shownName: String { name.isEmpty ? fingerprint : name }
}

/// The ring as one peer sees it.
public struct OverlayDocument: Codable, Hashable, Sendable {
    /// Counted since the peer's start.
    public struct Counters: Codable, Hashable, Sendable {
        /// Messages that ended here, at their key's root.
        public var delivered: UInt32
        public var forwarded: UInt32
        /// Sent again, because no acknowledgement came.
        public var resent: UInt32
        /// Given up here.
        public var undeliverable: UInt32
        /// Peers called failed after probes of this one.
        public var failures: UInt32
        /// Times that this process stood still for seconds.
        public var stalls: UInt32
        /// Messages that meant nothing.
        public var refused: UInt32

        public init(
            delivered: UInt32 = 0, forwarded: UInt32 = 0, resent: UInt32 = 0, undeliverable: UInt32 = 0,
            failures: UInt32 = 0, stalls: UInt32 = 0, refused: UInt32 = 0
        ) {
            self.delivered = delivered
            self.forwarded = forwarded
            self.resent = resent
            self.undeliverable = undeliverable
            self.failures = failures
            self.stalls = stalls
            self.refused = refused
        }
    }

    /// What this peer keeps for the ring.
    public struct Kept: Codable, Hashable, Sendable {
        public var objects: Int
        public var bytes: Int
        public var bytesMax: Int

        public init(objects: Int, bytes: Int, bytesMax: Int) {
            self.objects = objects
            self.bytes = bytes
            self.bytesMax = bytesMax
        }
    }

    public var schema = "palmier.overlay/1"
    public var peer: RingPeerDocument
    /// `starting`, `joining`, `agreeing`, `active`, `stopped`.
    public var state: String
    public var sentence: String
    public var isHealthy: Bool
    /// Empty when healthy.
    public var problems: [DoctorDocument.Problem]
    /// Peers in the ring, this one included: counted, or else estimated from how close the neighbours' ids lie.
    public var peers: Int64
    public var isCounted: Bool
    /// Neighbours on the ring going down from the own id, nearest first.
    public var left: [RingPeerDocument]
    /// Going up. In a small ring a peer stands on both sides.
    public var right: [RingPeerDocument]
    /// Entries of each row of the prefix table, first row first.
    public var tableRows: [Int]
    /// Between two probes of an entry.
    public var tableProbeSeconds: Int64
    /// Estimated failures of one peer in a day.
    public var failuresPerDay: Double
    /// Messages that wait for an acknowledgement.
    public var unacknowledged: Int
    /// Messages that wait until this peer is active.
    public var held: Int
    public var counters: Counters
    public var kept: Kept
    /// ISO 8601: when this was so.
    public var at: String

    public init(
        peer: RingPeerDocument, state: String, sentence: String, problems: [DoctorDocument.Problem], peers: Int64,
        isCounted: Bool, left: [RingPeerDocument], right: [RingPeerDocument], tableRows: [Int],
        tableProbeSeconds: Int64, failuresPerDay: Double, unacknowledged: Int, held: Int, counters: Counters,
        kept: Kept, at: String
    ) {
        self.peer = peer
        self.state = state
        self.sentence = sentence
        isHealthy = problems.isEmpty
        self.problems = problems
        self.peers = peers
        self.isCounted = isCounted
        self.left = left
        self.right = right
        self.tableRows = tableRows
        self.tableProbeSeconds = tableProbeSeconds
        self.failuresPerDay = failuresPerDay
        self.unacknowledged = unacknowledged
        self.held = held
        self.counters = counters
        self.kept = kept
        self.at = at
    }
}

/// Where a key's messages end, and, of a trace, by which way they got there.
public struct RouteDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.route/1"
    /// 32 hexadecimal digits.
    public var key: String
    /// The live peer nearest to the key.
    public var root: RingPeerDocument
    /// How many peers handed the message on.
    public var hops: Int
    /// Until the answer was back.
    public var tookMicroseconds: Int64
    /// From the peer asked to the root, both included; only of a trace.
    public var path: [RingPeerDocument]?

    public init(key: String, root: RingPeerDocument, hops: Int, tookMicroseconds: Int64, path: [RingPeerDocument]?) {
        self.key = key
        self.root = root
        self.hops = hops
        self.tookMicroseconds = tookMicroseconds
        self.path = path
    }
}

/// An object that is kept.
public struct ObjectDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.object/1"
    /// 32 hexadecimal digits: the first half of the SHA-256 of its bytes.
    public var key: String
    public var size: Int
    /// Durable when this was said; more may follow.
    public var copies: Int

    public init(key: String, size: Int, copies: Int) {
        self.key = key
        self.size = size
        self.copies = copies
    }
}

/// An object with its bytes, as `object get -o json` prints it.
public struct ObjectContentsDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.object-contents/1"
    public var key: String
    public var size: Int
    /// `utf8` or, when the bytes are none, `base64`.
    public var encoding: String
    public var text: String

    public init(key: String, bytes: [UInt8]) {
        self.key = key
        size = bytes.count
        if let text = String(validating: bytes, as: UTF8.self) {
            (encoding, self.text) = ("utf8", text)
        } else {
            (encoding, self.text) = ("base64", Base64.encode(bytes))
        }
    }
}

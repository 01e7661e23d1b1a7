public import Automata
public import Overlay

/// Keeps small immutable objects on the peers nearest to their content address, whoever comes and goes (PAST, SOSP 2001).
///
/// An object's id is the first 128 bits of the SHA-256 of its bytes. The `copies` live peers nearest to the id on the
/// ring are its **replica set**; each of them should hold it. This automaton keeps the index (ids and sizes); the bytes are the
/// host's, which writes, reads and erases them when told.
///
/// ## A call
///
///     put: locate ──nearest──▶ store at the replica set ──quorum durable──▶ answered
///     get: own copy, else locate ──contents──▶ answered
///                           └──nearest──▶ ask one after the other ──contents──▶ answered
///
/// *Locate* is a routed query of nine bytes; the key's root answers the caller directly, so that content crosses the network
/// once for each copy and never hop by hop. What fails is tried again, from *locate* on, until `callTimeout`.
///
/// **A put is answered when `quorum` copies are durable: a majority of `copies`, two of three by default** (in a ring of
/// fewer peers, all of them). One copy would be lost with one disk; waiting for all would let one dead peer hold up every put for as
/// long as its failure takes to be noticed. What is missing then is restored as after a failure.
///
/// A get says `notFound` only when, `missRounds` times in a row, every one of the `2 * copies` peers nearest to the key has said
/// that it knows nothing of the object. A peer that has heard of it, but holds no copy, names one that does.
///
/// ## One copy
///
///     ──store, or fetched──▶ writing ──written──▶ held ──out of range──▶ leaving ──all confirmed──▶ erased
///                                                   └──bad on a read──▶ wanted ──fetched──▶ writing
///
/// - **Restoring.** Who holds an object offers it to the other members of its replica set: when the replica set has got
///   new members, when the copy is new, and every `reconcilePeriod`. An offer is a page of ids and sizes (`keys`);
///   the answer names those that the receiver lacks (`lacking`), all others are confirmed. The receiver fetches what it
///   lacks one by one. Offers are repeated, ever more slowly, while something is lacking.
/// - **Handing over.** A holder that is not in the replica set offers its copy to all members, and erases it only when
///   each has confirmed. Members are nearer to the key than it is; so the nearest holder never erases its copy, and copies end by
///   disks that die, never by erasing.
/// - **Far from home.** A copy whose key lies beyond the leaf set (the peer was away while the ring grew) is handed over to
///   the replica set that the key's root names.
/// - **Diversion.** A member without room places the copy on a leaf outside the replica set and keeps a pointer. It confirms
///   the object to everyone but that leaf, which therefore keeps the copy. Pointers are soft: after a restart the leaf's next
///   offer brings them back. When no leaf takes it, the store is refused.
///
/// ## Invariants
/// - An acknowledged object of which one holder survives is readable.
/// - No bytes are answered or stored whose hash is not their id.
/// - Once changes stop, each object is held (or pointed to) by every member of its replica set.
/// - Nothing is confirmed that is not durable here, or with the leaf that a pointer names.
/// - Every collection has a bound in `Configuration`; a message that breaks one changes nothing and is counted.
///
/// ## What it takes and emits
/// Each input that needs the ring carries a `RingView`; none is kept by an idle peer, which costs four words (see
/// `init(own:sharing:random:)`) and sends nothing. One timer. `write` and `read` are answered by `written` and `contents`; what
/// relies on a write is said only after `written`, so a host may write while the peer goes on, and a full disk is a refusal.
///
/// Ours, not PAST's: no caching and no salted second id (an id is the content's hash and nothing else), so a put for
/// which there is no room is refused with the reason; the caller, not the root, sends the copies (as FreePastry does).
/// Figures of FreePastry: 0.5 s between two fetches (ours: 50 ms, at most 1.3 MB/s of repair at each peer), 600 s between
/// reconciliations, 1,000 keys a message (ours: 512, 10 KB).
public struct Objects: Automaton {
    public enum Input: Sendable {
        /// The host is up, and the overlay's leaf set or activity may have changed.
        case ringChanged(RingView)
        /// Keeps the bytes; answered once.
        case put([UInt8], ObjectCall)
        /// Reads an object; answered once.
        case get(Key, ObjectCall)
        /// A routed message of `Application.objects` ended here.
        case delivered(Routed, in: RingView)
        /// A routed message of this peer found no one.
        case undeliverable(Routed, in: RingView)
        case received(ObjectMessage, from: PeerID, in: RingView)
        case timerFired(Timer, in: RingView)
        /// What came of `write`: whether the bytes are durable.
        case written(Key, durable: Bool, in: RingView)
        /// What came of `read`.
        case contents(ReadToken, Contents, in: RingView)
    }

    /// What the host found when it was told to read.
    public enum Contents: Hashable, Sendable {
        /// As they are on disk; verified here.
        case bytes([UInt8])
        /// The host has no such object.
        case missing
        /// The disk gives an error, or a checksum of the host's own does not hold.
        case corrupt
    }

    public enum Timer: UInt8, Hashable, Sendable {
        /// The earliest of all deadlines.
        case wake
    }

    public enum Effect: Hashable, Sendable {
        /// Hand to the overlay, as `Application.objects`.
        case route(key: Key, payload: [UInt8])
        case send(ObjectMessage, to: PeerID)
        case set(Timer, at: Instant)
        /// Make the object durable, then answer `written`. At most one at a time for a key.
        case write(StoredObject)
        /// Forget the object; of no consequence if that is lost in a crash. Keeps its place among writes.
        case erase(Key)
        /// Answer `contents` with the same token.
        case read(Key, ReadToken)
        case answer(ObjectCall, ObjectAnswer)
    }

    public let own: PeerID
    /// The first number of this life; drawn at random, so that an answer to an earlier life is not taken for one.
    private let firstNumber: UInt64
    /// Exactly one. Peers that were made alike share it until they are first used.
    private var keeper: [ObjectKeeper]

    /// - Parameter index: what the host found on its disk.
    public init(
        own: PeerID, configuration: Configuration = Configuration(), index: [ObjectEntry] = [], random: SeededRandom
    ) {
        var random = random
        self.own = own
        firstNumber = random.next()
        keeper = [ObjectKeeper(configuration: configuration)]
        if !index.isEmpty { keeper[0].restore(index) }
    }

    /// A peer that holds nothing yet and shares all it has with others made from the same one: four words in a simulation of
    /// 100,000.
    ///
    /// - Parameter idle: gives the configuration; holds nothing and was never used.
    public init(own: PeerID, sharing idle: Objects, random: SeededRandom) {
        precondition(
            idle.isIdle && !idle.keeper[0].isAwake, "only a peer never used can be shared; this one has \(idle.status)")
        var random = random
        self.own = own
        firstNumber = random.next()
        keeper = idle.keeper
    }

    /// Whether nothing is held and nothing under way: changes of the ring need not be told.
    public var isIdle: Bool { keeper[0].isIdle }

    /// For `palmier object status`, metrics and checks from outside.
    public var status: ObjectsStatus { keeper[0].status }

    /// Whether a durable copy is held here.
    public func holds(_ key: Key) -> Bool { keeper[0].objects[key] != nil }

    /// Every object held here, by id.
    public var index: [ObjectEntry] { keeper[0].index }

    public mutating func handle(_ input: Input, at now: Instant, into effects: inout [Effect]) {
        if case .ringChanged = input, isIdle { return }
        keeper[0].wake(own, firstNumber)
        keeper[0].handle(input, at: now, into: &effects)
    }
}

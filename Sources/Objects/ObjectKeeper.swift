import Automata
import OrderedCollections
import Overlay

/// The working part of `Objects`, which documents it: its state, and the order of its work.
///
/// Whatever the input, the work that is due is done after it, and the one timer is set for the earliest deadline.
struct ObjectKeeper: Sendable {
    typealias Effect = Objects.Effect

    let configuration: Objects.Configuration
    var own = PeerID(high: 0, low: 0)
    private var lastNumber: UInt64 = 0
    /// Has an id, and a number to begin with.
    private(set) var isAwake = false
    /// As the last view of the ring said.
    private var isActive = false
    var counters = ObjectsCounters()

    // What is held. Looked up; put in order wherever it is walked.
    var objects: [Key: UInt32] = [:]
    /// Bytes held and being written.
    var bytesUsed = 0
    var writing: [Key: Writing] = [:]
    var reads: [ReadToken: Reading] = [:]
    var pointers: [Key: Pointer] = [:]
    var diversions: OrderedDictionary<UInt64, Diversion> = [:]
    /// No leaf had room; until then nothing is fetched to be diverted.
    var diversionPausedUntil = Instant.zero

    // Restoring and handing over.
    /// The ring as it was when what is held was last compared with it.
    var reviewed: RingView?
    /// When it is compared next: after a change, and at the latest.
    var settleAt: Instant?
    var reconcileAt: Instant?
    var offers: OrderedDictionary<PeerID, Offer> = [:]
    /// Copies out of range, and who has yet to confirm them.
    var leaving: [Key: [PeerID]] = [:]
    /// Copies whose replica set the leaf set does not show.
    var strays: [Key] = []
    var strayLookup: StrayLookup?

    /// What this peer should hold and lacks, first come first fetched; one fetch at a time, for the first.
    var wants: OrderedDictionary<Key, Want> = [:]
    var nextFetchAt = Instant.zero

    var calls: [Call] = []

    /// What the timer is set for.
    private var wakeAt: Instant?

    init(configuration: Objects.Configuration) {
        self.configuration = configuration
    }

    var isIdle: Bool {
        objects.isEmpty && pointers.isEmpty && calls.isEmpty && wants.isEmpty && writing.isEmpty && reads.isEmpty
            && diversions.isEmpty
    }

    var index: [ObjectEntry] {
        objects.map { ObjectEntry(id: $0.key, size: $0.value) }.sorted { $0.id < $1.id }
    }

    var status: ObjectsStatus {
        ObjectsStatus(
            objects: objects.count, bytes: bytesUsed, bytesMax: configuration.storeBytesMax, diverted: pointers.count,
            wanted: wants.count, leaving: leaving.count, calls: calls.count, counters: counters)
    }

    mutating func restore(_ index: [ObjectEntry]) {
        // More than the bound, if the owner has lowered it: kept until they are handed over, and nothing more is taken.
        for entry in index where Int(entry.size) <= configuration.objectBytesMax {
            if objects.updateValue(entry.size, forKey: entry.id) == nil { bytesUsed += Int(entry.size) }
        }
    }

    mutating func wake(_ own: PeerID, _ firstNumber: UInt64) {
        guard !isAwake else { return }
        isAwake = true
        self.own = own
        lastNumber = firstNumber
    }

    mutating func nextNumber() -> UInt64 {
        lastNumber &+= 1
        return lastNumber
    }

    mutating func handle(_ input: Objects.Input, at now: Instant, into effects: inout [Effect]) {
        var ring: RingView?
        switch input {
        case .put(let bytes, let call): onPut(bytes, call, at: now, into: &effects)
        case .get(let id, let call): onGet(id, call, at: now, into: &effects)
        case .ringChanged(let view):
            ring = view
            onRing(view, at: now)
        case .delivered(let routed, let view):
            ring = view
            onQuery(routed, view, at: now, into: &effects)
        case .undeliverable(let routed, let view):
            ring = view
            onUndeliverable(routed, at: now)
        case .received(let message, let peer, let view):
            ring = view
            onReceived(message, from: peer, view, at: now, into: &effects)
        case .timerFired(.wake, let view):
            ring = view
            if let due = wakeAt, now >= due { wakeAt = nil }
        case .written(let id, let durable, let view):
            ring = view
            onWritten(id, durable: durable, view, at: now, into: &effects)
        case .contents(let token, let contents, let view):
            ring = view
            onContents(token, contents, view, at: now, into: &effects)
        }
        if let ring {
            isActive = ring.isActive
            work(ring, at: now, into: &effects)
        }
        setTimer(at: now, into: &effects)
    }

    mutating func onReceived(
        _ message: ObjectMessage, from peer: PeerID, _ ring: RingView, at now: Instant, into effects: inout [Effect]
    ) {
        switch message {
        case .nearest(let number, let peers):
            guard peers.count <= 2 * configuration.copies + 1 else { return counters.refused += 1 }
            if number == strayLookup?.number {
                onStrayLocated(peers, at: now)
            } else {
                onNearest(number, peers, from: peer, ring, at: now, into: &effects)
            }
        case .store(let number, let object, let diverted):
            onStore(object, diverted: diverted, for: .peer(peer, number), ring, at: now, into: &effects)
        case .stored(let number, let refusal):
            if diversions[number] != nil {
                onDiverted(number, refusal, by: peer, ring, at: now, into: &effects)
            } else {
                onStored(number, refusal, by: peer, at: now, into: &effects)
            }
        case .fetch(let number, let id): onFetch(id, number, from: peer, into: &effects)
        case .contents(let number, let bytes):
            if number == asked?.number {
                onFetched(bytes, from: peer, ring, at: now, into: &effects)
            } else {
                onCallContents(number, bytes, from: peer, at: now, into: &effects)
            }
        case .missing(let number, let elsewhere):
            if number == asked?.number {
                onNotFetched(from: peer, at: now)
            } else {
                onMissing(number, elsewhere, from: peer, at: now, into: &effects)
            }
        case .keys(let number, let entries): onKeys(entries, number, from: peer, ring, at: now, into: &effects)
        case .lacking(let number, let keys): onLacking(keys, number, from: peer, ring, at: now, into: &effects)
        }
    }

    /// Everything that is due.
    private mutating func work(_ ring: RingView, at now: Instant, into effects: inout [Effect]) {
        workOnCalls(at: now, into: &effects)
        workOnDiversions(ring, at: now, into: &effects)
        guard ring.isActive else { return }
        reviewIfDue(ring, at: now, into: &effects)
        workOnOffers(ring, at: now, into: &effects)
        workOnStrays(at: now, into: &effects)
        workOnWants(ring, at: now, into: &effects)
    }

    // MARK: The timer

    private mutating func setTimer(at now: Instant, into effects: inout [Effect]) {
        var earliest = Instant.distantFuture
        func consider(_ deadline: Instant?) { if let deadline, deadline < earliest { earliest = deadline } }
        for call in calls { consider(min(call.stepEnds, call.ends)) }
        for diversion in diversions.values { consider(diversion.ends) }
        if isActive {
            for offer in offers.values { consider(offer.due) }
            consider(settleAt)
            consider(reconcileAt)
            consider(strayLookup?.ends)
            if let want = wants.elements.first?.value { consider(want.asked?.ends ?? nextFetchAt) }
        }
        guard earliest < .distantFuture, wakeAt.map({ earliest < $0 }) ?? true else { return }
        wakeAt = max(earliest, now)
        effects.append(.set(.wake, at: max(earliest, now)))
    }
}

import Automata
import OrderedCollections
import Overlay

/// What is being offered to one peer.
struct Offer: Sendable {
    /// By id; not yet told.
    var pending: [Key] = []
    /// Told, and lacking there: told again after the wait.
    var lacking: [Key] = []
    /// In the message under way.
    var page: [Key] = []
    var number: UInt64 = 0
    /// When the answer is given up, or the next page leaves.
    var due: Instant
    var wait: Duration
    /// Pages in a row by which nothing was gained.
    var vain = 0
}

/// A question to the ring, who should hold a copy that lies far from here.
struct StrayLookup: Sendable {
    /// Nil: answered; the next one follows when this ends.
    var number: UInt64?
    var id: Key
    var ends: Instant
}

/// Keeping copies where they belong: offers, confirmations, handing over.
extension ObjectKeeper {
    // MARK: When

    mutating func onRing(_ ring: RingView, at now: Instant) {
        guard ring.isActive, !objects.isEmpty || !pointers.isEmpty, settleAt == nil else { return }
        // Only the nearest decide about what is held in range; what is on its way out, or elsewhere, concerns all leaves.
        let isSame = reviewed?.near(configuration.copies) == ring.near(configuration.copies)
        guard !isSame || !leaving.isEmpty || !pointers.isEmpty else { return }
        settleAt = now + configuration.settle
    }

    mutating func reviewIfDue(_ ring: RingView, at now: Instant, into effects: inout [Effect]) {
        if objects.isEmpty, pointers.isEmpty {
            (settleAt, reconcileAt, reviewed) = (nil, nil, nil)
            return
        }
        if reconcileAt == nil { reconcileAt = now + firstReconciliation }
        if let due = reconcileAt, now >= due {
            reconcileAt = now + configuration.reconcilePeriod
            review(ring, all: true, at: now, into: &effects)
        } else if let due = settleAt, now >= due {
            review(ring, all: reviewed == nil, at: now, into: &effects)
        }
    }

    /// Between half a period and a whole one, by the own id: peers that start together do not reconcile together.
    private var firstReconciliation: Duration {
        let half = max(1, configuration.reconcilePeriod.nanoseconds / 2)
        return .nanoseconds(half + Int64(own.low % UInt64(half)))
    }

    // MARK: Comparing with the ring

    /// Offers what new members of the replica sets should hold, or all; finds what should be held elsewhere.
    private mutating func review(_ ring: RingView, all: Bool, at now: Instant, into effects: inout [Effect]) {
        let before = all ? nil : reviewed
        reviewed = ring
        settleAt = nil
        for peer in offers.keys where !ring.contains(peer) && !leaving.values.contains(where: { $0.contains(peer) }) {
            offers[peer] = nil
        }
        if all { offers = [:] }
        strays = []
        var offered: OrderedDictionary<PeerID, [Key]> = [:]
        for id in objects.keys.sorted() {
            guard let replicas = ring.replicaSet(of: id, count: configuration.copies) else {
                if all || leaving[id] == nil { strays.append(id) }
                continue
            }
            let former = before?.nearest(to: id, count: configuration.copies) ?? []
            if replicas.contains(own) {
                leaving[id] = nil
                // Who comes back into range has not told the others of what it has.
                let known = former.contains(own) ? former : []
                for peer in replicas where peer != own && !known.contains(peer) { offered[peer, default: []].append(id) }
            } else if former != replicas || leaving[id] == nil {
                leave(id, to: replicas, &offered, into: &effects)
            }
        }
        for (peer, ids) in offered { offer(ids, to: peer, at: now) }
        reviewPointers(ring, all: all, at: now)
    }

    private mutating func leave(
        _ id: Key, to replicas: [PeerID], _ offered: inout OrderedDictionary<PeerID, [Key]>,
        into effects: inout [Effect]
    ) {
        if configuration.sabotage.contains(.forgetReplica) { return erase(id, into: &effects) }
        leaving[id] = replicas
        for peer in replicas { offered[peer, default: []].append(id) }
    }

    /// A copy has become durable here: the other members hear of it soon, so that what a put has not reached is restored.
    mutating func onNewCopy(_ id: Key, _ ring: RingView, at now: Instant) {
        guard ring.isActive else {
            reviewed = nil  // all is offered as soon as it is
            return
        }
        if objects.count == 1, pointers.isEmpty { reviewed = ring }
        guard let replicas = ring.replicaSet(of: id, count: configuration.copies) else {
            settleAt = settleAt ?? now + configuration.settle
            return
        }
        if !replicas.contains(own) { leaving[id] = replicas }
        for peer in replicas where peer != own { offer([id], to: peer, at: now) }
    }

    // MARK: Offering

    mutating func offer(_ ids: [Key], to peer: PeerID, at now: Instant) {
        if offers[peer] == nil {
            guard offers.count < configuration.offereesMax else { return counters.overloads += 1 }
            offers[peer] = Offer(due: now + configuration.settle, wait: configuration.offerRetry)
        }
        offers[peer]?.pending.append(contentsOf: ids)
        offers[peer]?.vain = 0
    }

    mutating func workOnOffers(_ ring: RingView, at now: Instant, into effects: inout [Effect]) {
        for (peer, offer) in offers.elements where now >= offer.due {
            if !offer.page.isEmpty {
                onVain(peer, offer.page, at: now)
            } else {
                tell(peer, ring, at: now, into: &effects)
            }
        }
    }

    private mutating func tell(_ peer: PeerID, _ ring: RingView, at now: Instant, into effects: inout [Effect]) {
        guard var offer = offers[peer] else { return }
        offers[peer] = nil
        if offer.pending.isEmpty { (offer.pending, offer.lacking) = (offer.lacking, []) }
        var entries: [ObjectEntry] = []
        var walked = 0
        // What was erased since, or is no longer the peer's, is left out; what was put twice is told twice.
        for id in offer.pending {
            walked += 1
            if let entry = entry(id, for: peer, ring) { entries.append(entry) }
            if entries.count == configuration.keysMax { break }
        }
        offer.pending.removeFirst(walked)
        guard !entries.isEmpty else { return }
        offer.page = entries.map(\.id)
        offer.number = nextNumber()
        offer.due = now + configuration.offerTimeout
        offers[peer] = offer
        effects.append(.send(.keys(number: offer.number, entries), to: peer))
    }

    private func entry(_ id: Key, for peer: PeerID, _ ring: RingView) -> ObjectEntry? {
        if let pointer = pointers[id], pointer.holder == peer { return ObjectEntry(id: id, size: pointer.size) }
        guard let size = objects[id] else { return nil }
        let isTheirs = leaving[id].map { $0.contains(peer) }
            ?? ring.nearest(to: id, count: configuration.copies).contains(peer)
        return isTheirs ? ObjectEntry(id: id, size: size) : nil
    }

    mutating func onLacking(
        _ keys: [Key], _ number: UInt64, from peer: PeerID, _ ring: RingView, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let offer = offers[peer], offer.number == number, !offer.page.isEmpty else { return }
        let lacking = Set(keys)  // asked only
        guard keys.count <= offer.page.count else { return counters.refused += 1 }
        let confirmed = offer.page.filter { !lacking.contains($0) }
        let open = offer.page.filter { lacking.contains($0) }
        for id in confirmed { onConfirmed(id, by: peer, into: &effects) }
        for id in open where pointers[id]?.holder == peer { onPointerLost(id, ring, at: now) }
        if confirmed.isEmpty {
            onVain(peer, open, at: now)
        } else {
            offers[peer]?.page = []
            offers[peer]?.vain = 0
            offers[peer]?.wait = configuration.offerRetry
            offers[peer]?.lacking.append(contentsOf: open)
            goOn(with: peer, at: now)
        }
    }

    /// Nothing was gained by the page: there was no answer, or everything is lacking.
    private mutating func onVain(_ peer: PeerID, _ page: [Key], at now: Instant) {
        guard var offer = offers[peer] else { return }
        offers[peer] = nil
        offer.page = []
        offer.vain += 1
        offer.lacking.append(contentsOf: page)
        guard offer.vain < configuration.offersMax else { return }  // until the next reconciliation
        offer.wait = min(offer.wait * 2, configuration.offerRetry * 16)
        offers[peer] = offer
        goOn(with: peer, at: now)
    }

    private mutating func goOn(with peer: PeerID, at now: Instant) {
        guard let offer = offers[peer] else { return }
        if offer.pending.isEmpty, offer.lacking.isEmpty {
            offers[peer] = nil
        } else {
            offers[peer]?.due = offer.pending.isEmpty ? now + offer.wait : now
        }
    }

    private mutating func onConfirmed(_ id: Key, by peer: PeerID, into effects: inout [Effect]) {
        guard let open = leaving[id] else { return }
        let rest = open.filter { $0 != peer }
        leaving[id] = rest
        guard rest.isEmpty else { return }
        counters.handedOver += 1
        erase(id, into: &effects)
    }

    /// The leaf that kept a copy in this peer's place has it no more.
    private mutating func onPointerLost(_ id: Key, _ ring: RingView, at now: Instant) {
        guard let pointer = pointers.removeValue(forKey: id) else { return }
        want(id, size: pointer.size, offerer: nil, ring, at: now)
    }

    // MARK: Strays

    mutating func workOnStrays(at now: Instant, into effects: inout [Effect]) {
        if let lookup = strayLookup, now < lookup.ends { return }
        strayLookup = nil
        guard let id = strays.popLast() else { return }
        let number = nextNumber()
        strayLookup = StrayLookup(number: number, id: id, ends: now + configuration.stepTimeout)
        effects.append(.route(key: id, payload: ObjectQuery(number: number, wantsContents: false).payload))
    }

    mutating func onStrayLocated(_ peers: [PeerID], at now: Instant) {
        guard let lookup = strayLookup else { return }
        // The next one after the gap.
        strayLookup?.ends = now + configuration.fetchGap
        strayLookup?.number = nil
        let replicas = Array(peers.prefix(configuration.copies))
        guard objects[lookup.id] != nil, !replicas.isEmpty else { return }
        leaving[lookup.id] = replicas.contains(own) ? nil : replicas
        for peer in replicas where peer != own { offer([lookup.id], to: peer, at: now) }
    }
}

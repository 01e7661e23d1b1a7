import Automata
import OrderedCollections
import Overlay

/// A put or a get of this machine, from its input to its answer.
struct Call: Sendable {
    let call: ObjectCall
    let id: Key
    /// A put's.
    let bytes: [UInt8]?
    /// When it is answered with what it has.
    let ends: Instant
    /// Of the round under way; answers to an earlier round find nothing.
    var number: UInt64
    var step: Step = .resting
    /// When the step is given up.
    var stepEnds: Instant

    // A put's.
    var targets: [PeerID] = []
    /// Targets with a durable copy; those that are targets again in a later round still count.
    var confirmed: [PeerID] = []
    var refusals: [PeerID: StoreRefusal] = [:]  // looked up and counted only

    // A get's.
    /// To be asked in this round; those asked already.
    var candidates: [PeerID] = []
    var asked: [PeerID] = []
    /// Somebody did not answer in this round: nothing follows from what the others say.
    var isUncertain = false
    var misses = 0

    enum Step: Hashable, Sendable {
        case reading
        case locating
        case storing
        case fetching(PeerID)
        /// Until the next round.
        case resting
    }
}

/// The users' side.
extension ObjectKeeper {
    // MARK: Beginning

    mutating func onPut(_ bytes: [UInt8], _ call: ObjectCall, at now: Instant, into effects: inout [Effect]) {
        guard bytes.count <= configuration.objectBytesMax else {
            let refusal = Refusal(
                .invalid,
                "an object has at most \(configuration.objectBytesMax) bytes, and this one has \(bytes.count)",
                remedy: "store it in pieces, and an object that lists their ids")
            return effects.append(.answer(call, .refused(refusal)))
        }
        begin(Key(hashing: bytes), bytes, call, at: now, into: &effects)
    }

    mutating func onGet(_ id: Key, _ call: ObjectCall, at now: Instant, into effects: inout [Effect]) {
        begin(id, nil, call, at: now, into: &effects)
    }

    private mutating func begin(
        _ id: Key, _ bytes: [UInt8]?, _ call: ObjectCall, at now: Instant, into effects: inout [Effect]
    ) {
        guard calls.count < configuration.callsMax else {
            counters.overloads += 1
            let refusal = Refusal(
                .overloaded, "\(calls.count) calls for objects are under way on this peer, the most it takes",
                remedy: "call again when some of them have ended")
            return effects.append(.answer(call, .refused(refusal)))
        }
        calls.append(
            Call(
                call: call, id: id, bytes: bytes, ends: now + configuration.callTimeout, number: nextNumber(),
                stepEnds: now))
        let index = calls.count - 1
        if bytes == nil, objects[id] != nil, read(id, for: .call(calls[index].number), into: &effects) {
            calls[index].step = .reading
            calls[index].stepEnds = now + configuration.stepTimeout
        } else {
            locate(index, at: now, into: &effects)
        }
    }

    /// Begins a round.
    private mutating func locate(_ index: Int, at now: Instant, into effects: inout [Effect]) {
        let number = nextNumber()
        calls[index].number = number
        calls[index].step = .locating
        calls[index].stepEnds = now + configuration.stepTimeout
        calls[index].refusals = [:]
        calls[index].candidates = []
        calls[index].asked = []
        calls[index].isUncertain = false
        let query = ObjectQuery(number: number, wantsContents: calls[index].bytes == nil)
        effects.append(.route(key: calls[index].id, payload: query.payload))
    }

    // MARK: Answers

    private func index(_ number: UInt64) -> Int? { calls.firstIndex { $0.number == number } }

    mutating func onNearest(
        _ number: UInt64, _ peers: [PeerID], from root: PeerID, _ ring: RingView, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let index = index(number), calls[index].step == .locating else { return }
        guard !peers.isEmpty else { return rest(index, at: now) }
        if calls[index].bytes == nil {
            calls[index].asked = [root]
            calls[index].candidates = distinct(peers).filter { $0 != root && $0 != own }
            askNext(index, at: now, into: &effects)
        } else {
            store(index, at: distinct(Array(peers.prefix(configuration.copies))), ring, at: now, into: &effects)
        }
    }

    mutating func onUndeliverable(_ routed: Routed, at now: Instant) {
        guard let query = ObjectQuery(payload: routed.payload) else { return counters.refused += 1 }
        if query.number == strayLookup?.number { strayLookup = nil }  // looked for again after the next change
        guard let index = index(query.number), calls[index].step == .locating else { return }
        calls[index].isUncertain = true
        rest(index, at: now)
    }

    private mutating func rest(_ index: Int, at now: Instant) {
        calls[index].step = .resting
        calls[index].stepEnds = now + configuration.roundGap
    }

    private mutating func end(_ index: Int, _ answer: ObjectAnswer, into effects: inout [Effect]) {
        effects.append(.answer(calls[index].call, answer))
        calls.remove(at: index)
    }

    // MARK: Putting

    private mutating func store(
        _ index: Int, at targets: [PeerID], _ ring: RingView, at now: Instant, into effects: inout [Effect]
    ) {
        let number = calls[index].number
        guard let bytes = calls[index].bytes else { return }
        let object = StoredObject(id: calls[index].id, bytes: bytes)
        calls[index].targets = targets
        calls[index].confirmed.removeAll { !targets.contains($0) }
        calls[index].step = .storing
        calls[index].stepEnds = now + configuration.stepTimeout
        for target in targets where target != own && !calls[index].confirmed.contains(target) {
            effects.append(.send(.store(number: number, object, diverted: false), to: target))
        }
        if targets.contains(own), !calls[index].confirmed.contains(own) {
            onStore(object, diverted: false, for: .call(number), ring, at: now, into: &effects)
        }
        if let index = self.index(number) { judge(index, at: now, into: &effects) }
    }

    mutating func onStored(
        _ number: UInt64, _ refusal: StoreRefusal?, by peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        guard let index = index(number), calls[index].step == .storing, calls[index].targets.contains(peer) else {
            return
        }
        if let refusal {
            calls[index].refusals[peer] = refusal
        } else if !calls[index].confirmed.contains(peer) {
            calls[index].confirmed.append(peer)
        }
        judge(index, at: now, into: &effects)
    }

    private mutating func judge(_ index: Int, at now: Instant, into effects: inout [Effect]) {
        let call = calls[index]
        let needed = min(configuration.quorum, call.targets.count)
        if call.confirmed.count >= needed {
            return end(index, .stored(call.id, copies: call.confirmed.count), into: &effects)
        }
        let full = call.refusals.values.count { $0 == .full }
        if call.targets.count - full < needed {
            let refusal = Refusal(
                .overloaded,
                "\(full) of the \(call.targets.count) peers that should hold the object have no room for its "
                    + "\(call.bytes?.count ?? 0) bytes, nor have the peers next to them",
                remedy: "raise what the machines give to objects, or add machines")
            return end(index, .refused(refusal), into: &effects)
        }
        // Too many are busy or failed: a later round may find them better.
        if call.targets.count - call.refusals.count < needed { rest(index, at: now) }
    }

    // MARK: Getting

    mutating func onOwnContents(
        _ number: UInt64, _ object: StoredObject?, at now: Instant, into effects: inout [Effect]
    ) {
        guard let index = index(number), calls[index].step == .reading else { return }
        if let object {
            end(index, .object(object), into: &effects)
        } else {
            locate(index, at: now, into: &effects)
        }
    }

    mutating func onCallContents(
        _ number: UInt64, _ bytes: [UInt8], from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        guard let index = index(number), calls[index].bytes == nil else { return }
        guard calls[index].step == .locating || calls[index].step == .fetching(peer) else { return }
        let object = StoredObject(id: calls[index].id, bytes: bytes)
        if !verifies || (bytes.count <= configuration.objectBytesMax && object.isGenuine) {
            return end(index, .object(object), into: &effects)
        }
        counters.corruptReceived += 1
        calls[index].isUncertain = true  // it exists, and a round in which it was seen is no miss
        if calls[index].step == .locating {
            rest(index, at: now)
        } else {
            askNext(index, at: now, into: &effects)
        }
    }

    mutating func onMissing(
        _ number: UInt64, _ elsewhere: PeerID?, from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        guard let index = index(number), calls[index].step == .fetching(peer) else { return }
        if let elsewhere, elsewhere != own, !calls[index].asked.contains(elsewhere),
            calls[index].asked.count + calls[index].candidates.count <= 4 * configuration.copies
        {
            calls[index].candidates.removeAll { $0 == elsewhere }
            calls[index].candidates.insert(elsewhere, at: 0)
            calls[index].isUncertain = true  // who names a holder has heard of the object
        }
        askNext(index, at: now, into: &effects)
    }

    private mutating func askNext(_ index: Int, at now: Instant, into effects: inout [Effect]) {
        guard !calls[index].candidates.isEmpty else { return endRound(index, at: now, into: &effects) }
        let next = calls[index].candidates.removeFirst()
        calls[index].asked.append(next)
        calls[index].step = .fetching(next)
        calls[index].stepEnds = now + configuration.stepTimeout
        effects.append(.send(.fetch(number: calls[index].number, calls[index].id), to: next))
    }

    private mutating func endRound(_ index: Int, at now: Instant, into effects: inout [Effect]) {
        calls[index].misses = calls[index].isUncertain ? 0 : calls[index].misses + 1
        if calls[index].misses >= configuration.missRounds {
            end(index, .notFound(calls[index].id), into: &effects)
        } else {
            rest(index, at: now)
        }
    }

    // MARK: Time

    mutating func workOnCalls(at now: Instant, into effects: inout [Effect]) {
        for number in calls.map(\.number) {
            guard let index = index(number) else { continue }
            if now >= calls[index].ends {
                end(index, .timedOut(patience(calls[index])), into: &effects)
            } else if now >= calls[index].stepEnds {
                onStepEnd(index, at: now, into: &effects)
            }
        }
    }

    private mutating func onStepEnd(_ index: Int, at now: Instant, into effects: inout [Effect]) {
        switch calls[index].step {
        case .reading, .locating, .storing, .resting: locate(index, at: now, into: &effects)
        case .fetching:
            calls[index].isUncertain = true
            askNext(index, at: now, into: &effects)
        }
    }

    private func patience(_ call: Call) -> Refusal {
        let seconds = configuration.callTimeout.milliseconds / 1_000
        guard call.bytes != nil else {
            return Refusal(
                .timedOut, "no holder of object \(call.id) has answered within \(seconds) s",
                remedy: "ask again; `palmier overlay lookup` shows whether the ring answers")
        }
        return Refusal(
            .timedOut,
            "\(call.confirmed.count) of the \(configuration.quorum) durable copies that object \(call.id) needs were "
                + "confirmed within \(seconds) s",
            remedy: "put it again: the same bytes have the same id, and copies that exist count")
    }

    private func distinct(_ peers: [PeerID]) -> [PeerID] {
        var seen: [PeerID] = []
        for peer in peers where !seen.contains(peer) { seen.append(peer) }
        return seen
    }
}

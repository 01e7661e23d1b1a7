import Automata

/// Fills the table, and fills it with near peers (proximity neighbour selection).
extension Overlay {
    mutating func onPing(_ number: UInt32, from peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        let wanted = leaves.index(of: peer) == nil ? table.wanted(for: peer) : .unknown
        effects.append(.send(.pong(number: number, wanted: wanted, probePeriod: tuning.own), to: peer))
        noteSent(to: peer, at: now)
    }

    mutating func onPong(
        _ number: UInt32, wanted: RoundTrip, period: ProbePeriod, from peer: PeerID, at now: Instant,
        into effects: inout [Effect]
    ) {
        tuning.heard(period)
        guard let index = probes.firstIndex(where: { $0.peer == peer && $0.number == number }) else { return }
        let probe = probes.remove(at: index)
        let roundTrip = RoundTrip(nanoseconds: now.nanoseconds - probe.sent.nanoseconds)
        if probe.isFirst {
            if contact(of: peer) != nil { onMeasured(roundTrip, to: peer) } else { place(peer, roundTrip, at: now) }
            // Symmetric probing: the other side is told, if it can use it, and not before it could use us.
            if roundTrip < wanted, life != .joining { effects.append(.send(.measured(roundTrip), to: peer)) }
        }
        if probe.kind == .walk { onWalked(peer, roundTrip, at: now, into: &effects) }
    }

    /// A peer measured the distance to us, and we had said that it might be nearer than who stands at its place.
    mutating func onTold(_ roundTrip: RoundTrip, from peer: PeerID, at now: Instant) {
        guard roundTrip != .unknown else { return }
        if let contact = contact(of: peer) {
            if contact.roundTrip == .unknown { onMeasured(roundTrip, to: peer) }
        } else {
            place(peer, roundTrip, at: now)
        }
    }

    /// Puts a measured peer that lives into the table if it is nearer than who stands there.
    private mutating func place(_ peer: PeerID, _ roundTrip: RoundTrip, at now: Instant) {
        guard leaves.index(of: peer) == nil, roundTrip < table.wanted(for: peer) else { return }
        table.put(Contact(id: peer, heard: tick(now), roundTrip: roundTrip))
    }

    /// Measures candidates for places where nobody stands, at most some for each place.
    mutating func measure(
        candidates: [PeerID], perPlace: Int, at now: Instant, into effects: inout [Effect]
    ) {
        var taken: [Int: Int] = [:]  // by place; looked up only
        for peer in candidates where peer != id && table.hasRoom(for: peer) && !failed.contains(peer) {
            let row = id.sharedDigits(with: peer)
            let place = row * PrefixTable.columns + peer.digit(at: row)
            guard taken[place, default: 0] < perPlace, leaves.index(of: peer) == nil else { continue }
            taken[place, default: 0] += 1
            probe(peer, .distance, retries: 0, at: now, into: &effects)
        }
    }

    /// Lazy repair: who takes the message for an empty place may know someone for it.
    mutating func repairPlace(of key: Key, asking peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard now >= schedule.repair else { return }
        schedule.repair = now + .seconds(5)
        effects.append(.send(.ask(.place(of: key), number: 0), to: peer))
        noteSent(to: peer, at: now)
    }

    /// Asks one peer of each row for its row: it may know nearer ones.
    mutating func gossipTable(at now: Instant, into effects: inout [Effect]) {
        for row in 0..<table.rows {
            guard let entry = nearOne(of: table.row(row)) else { continue }
            effects.append(.send(.ask(.row(UInt8(row)), number: 0), to: entry.id))
        }
    }

    /// The nearest of three drawn: who is near knows near ones, and who is drawn is not always the same.
    private mutating func nearOne(of row: [Contact]) -> Contact? {
        var drawn: [Contact] = []
        for _ in 0..<3 { if let contact = random.pick(row) { drawn.append(contact) } }
        return drawn.min {
            ($0.roundTrip == .unknown ? .farthest : $0.roundTrip)
                < ($1.roundTrip == .unknown ? .farthest : $1.roundTrip)
        }
    }

    mutating func onAsk(
        _ question: ContactQuestion, number: UInt32, from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        var answer: [Contact]
        switch question {
        case .leaves:
            answer = leaves.contacts
            random.shuffle(&answer)
            answer = Array(answer.prefix(2 * configuration.walkWidth))
        case .nearest:
            answer = (leaves.contacts + table.entries).filter { $0.roundTrip != .unknown }
            answer.sort { ($0.roundTrip, $0.id) < ($1.roundTrip, $1.id) }
            answer = Array(answer.prefix(configuration.walkWidth))
        case .row(let row):
            answer = table.row(Int(row))
        case .place(let key):
            let shared = peer.sharedDigits(with: key)
            answer = (leaves.contacts + table.entries).filter { $0.id.sharedDigits(with: key) > shared }
            answer = Array(answer.prefix(4))
        }
        let told = answer.lazy.filter { $0.id != peer && !$0.isSuspected }
            .map { Nearby(peer: $0.id, roundTrip: $0.roundTrip) }
        effects.append(.send(.told(Array(told), number: number), to: peer))
        noteSent(to: peer, at: now)
    }

    mutating func onTold(
        _ contacts: [Nearby], number: UInt32, from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        guard contacts.count <= 64 else {
            counters.refused += 1
            return
        }
        if isWalkAnswer(number, from: peer) {
            onWalkAnswer(contacts, at: now, into: &effects)
            return
        }
        measure(candidates: contacts.map { $0.peer }, perPlace: 1, at: now, into: &effects)
        // Of those at filled places the most promising. Of a triangle the third side is seldom far from the longer of the
        // two known ones: what is near a near peer is near.
        guard let near = contact(of: peer)?.roundTrip, near != .unknown else { return }
        var promising: [(gain: Int64, peer: PeerID)] = []
        for nearby in contacts where nearby.peer != id && !failed.contains(nearby.peer) {
            guard nearby.roundTrip != .unknown, leaves.index(of: nearby.peer) == nil,
                let index = table.index(toward: nearby.peer), table[index].id != nearby.peer
            else { continue }
            let expected = Int64(max(nearby.roundTrip.microseconds, near.microseconds))
            // As much as it takes to be put there (`PrefixTable.wanted`).
            let standing = Int64(table[index].roundTrip.microseconds)
            if expected < standing - standing / 10 { promising.append((standing - expected, nearby.peer)) }
        }
        promising.sort { $0.gain != $1.gain ? $0.gain > $1.gain : $0.peer < $1.peer }
        for candidate in promising.prefix(configuration.gossipMeasurements) {
            probe(candidate.peer, .distance, retries: 0, at: now, into: &effects)
        }
    }
}

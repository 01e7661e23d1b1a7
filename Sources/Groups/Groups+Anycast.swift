import Automata
public import Overlay

/// A visit that was handed to another peer, until that peer says that it has it.
struct HandedOn: Sendable {
    /// More are not kept: the oldest is left to its origin's time-out.
    static let countMax = 64

    var visit: Visit
    let to: PeerID
    let hop: UInt32
    var isSentTwice = false
    var deadline: Instant
}

/// The search for a member that accepts: depth first, carried in the message.
extension Groups {
    /// What a search carries whose way to its group this message is; nil for any other message.
    public static func searched(by routed: Routed) -> [UInt8]? {
        guard routed.application == .groups, case .anycast(_, let payload)? = RoutedPayload(routed.payload) else {
            return nil
        }
        return payload
    }

    // MARK: Where it begins

    /// An anycast passes on its way to the root.
    ///
    /// - Returns: false when it is to go on.
    mutating func keepAnycast(
        _ header: RoutedPayload.AnycastHeader, _ payload: [UInt8], _ routed: Routed, at now: Instant,
        into effects: inout [Effect]
    ) -> Bool {
        guard index(of: routed.key) != nil else { return false }
        search(header, payload, in: routed.key, for: routed.origin, at: now, into: &effects)
        return true
    }

    mutating func onAnycastDelivered(
        _ header: RoutedPayload.AnycastHeader, _ payload: [UInt8], _ routed: Routed, at now: Instant,
        into effects: inout [Effect]
    ) {
        search(header, payload, in: routed.key, for: routed.origin, at: now, into: &effects)
    }

    mutating func search(
        _ header: RoutedPayload.AnycastHeader, _ payload: [UInt8], in key: Key, for origin: PeerID, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard payload.count <= configuration.payloadBytesMax else {
            counters.refused &+= 1
            return
        }
        let visit = Visit(
            group: key, origin: origin, number: header.number, attempt: header.attempt, atLeast: header.atLeast,
            payload: payload)
        take(visit, at: now, into: &effects)
    }

    // MARK: At one peer

    mutating func onVisit(
        _ visit: Visit, hop: UInt32, from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        guard visit.pending.count <= Visit.listMax, visit.visited.count <= Visit.listMax,
            visit.payload.count <= configuration.payloadBytesMax
        else {
            counters.refused &+= 1
            return
        }
        effects.append(.send(.visitTaken(hop: hop), to: peer))
        // Sent again, because the acknowledgement was lost or late.
        guard Self.isNew(mark(peer, UInt64(hop)), in: &recentVisits) else { return }
        take(visit, at: now, into: &effects)
    }

    /// Remembers the mark; false when it came before.
    private static func isNew(_ mark: UInt64, in recent: inout [UInt64]) -> Bool {
        guard !recent.contains(mark) else { return false }
        if recent.count >= Group.recentMax { recent.removeFirst() }
        recent.append(mark)
        return true
    }

    private mutating func take(_ visit: Visit, at now: Instant, into effects: inout [Effect]) {
        var visit = visit
        if !visit.visited.contains(id) {
            visit.visited.append(id)
            if let index = index(of: visit.group), let value = groups[index].value, visit.wants(value) {
                let name = mark(visit.origin, visit.number &+ UInt64(visit.attempt) << 56)
                guard !Self.isNew(name, in: &recentOffers) else {
                    effects.append(.offered(visit))
                    return
                }
                // The overlay may carry a message twice when an acknowledgement is late: this is the search's twin, and
                // what it does not find the other may.
                visit.isCutShort = true
            }
        }
        goOn(visit, at: now, into: &effects)
    }

    mutating func onAnswered(
        _ visit: Visit, accepts: Bool, answer: [UInt8], at now: Instant, into effects: inout [Effect]
    ) {
        guard accepts else {
            goOn(visit, at: now, into: &effects)
            return
        }
        guard answer.count <= configuration.payloadBytesMax else {
            effects.append(.refused(group: visit.group, tooLarge(answer)))
            goOn(visit, at: now, into: &effects)
            return
        }
        end(visit, .accepted(by: id, answer: answer), at: now, into: &effects)
    }

    /// From here to whom the tree knows, those below first.
    private mutating func goOn(_ visit: Visit, at now: Instant, into effects: inout [Effect]) {
        var visit = visit
        widen(&visit)
        while let next = visit.pending.popLast() {
            guard !visit.visited.contains(next) else { continue }
            let seen = UInt16(clamping: visit.visited.count)
            let most = visit.atLeast == 0 ? configuration.idleVisitsMax : configuration.visitsMax
            guard visit.visited.count < min(most, Visit.listMax) else {
                end(visit, .nobody(visited: seen, .limit), at: now, into: &effects)
                return
            }
            handOn(visit, to: next, at: now, into: &effects)
            return
        }
        let reach: VisitEnd.Reach = visit.isCutShort ? .broken : .whole
        end(visit, .nobody(visited: UInt16(clamping: visit.visited.count), reach), at: now, into: &effects)
    }

    private mutating func widen(_ visit: inout Visit) {
        guard let index = index(of: visit.group) else { return }
        let group = groups[index]
        func isNew(_ peer: PeerID) -> Bool { !visit.visited.contains(peer) && !visit.pending.contains(peer) }
        switch group.place {
        case .joining: visit.isCutShort = true  // The rest of the tree cannot be reached from here.
        case .root: break
        case .child(let parent):
            if isNew(parent), !configuration.sabotage.contains(.skipParent) { visit.pending.insert(parent, at: 0) }
        }
        var below = group.children.filter { visit.wants($0.summary) && isNew($0.peer) }.map(\.peer)
        random.shuffle(&below)
        visit.pending += below
        if visit.pending.count > Visit.listMax {
            visit.isCutShort = true
            // The last ones are the next ones: those are kept.
            visit.pending.removeFirst(visit.pending.count - Visit.listMax)
        }
    }

    private mutating func end(_ visit: Visit, _ end: VisitEnd, at now: Instant, into effects: inout [Effect]) {
        if visit.origin == id {
            onVisitEnded(visit.number, attempt: visit.attempt, end, at: now, into: &effects)
        } else {
            effects.append(
                .send(.visitEnded(number: visit.number, attempt: visit.attempt, end), to: visit.origin))
        }
    }

    // MARK: From one peer to the next

    private mutating func handOn(_ visit: Visit, to peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        if handedOn.count >= HandedOn.countMax { handedOn.removeFirst() }
        nextNumber &+= 1
        let hop = UInt32(truncatingIfNeeded: nextNumber)
        handedOn.append(HandedOn(visit: visit, to: peer, hop: hop, deadline: now + configuration.visitTimeout))
        effects.append(.send(.visit(visit, hop: hop), to: peer))
        wake(at: now + configuration.visitTimeout, into: &effects)
    }

    mutating func resendVisits(at now: Instant, into effects: inout [Effect]) {
        for index in handedOn.indices where handedOn[index].deadline <= now && !handedOn[index].isSentTwice {
            handedOn[index].isSentTwice = true
            handedOn[index].deadline = now + configuration.visitTimeout
            effects.append(
                .send(.visit(handedOn[index].visit, hop: handedOn[index].hop), to: handedOn[index].to))
        }
        passOver(at: now, into: &effects) { $0.deadline <= now }
    }

    /// Visits go on without those who do not take them.
    mutating func passOver(
        at now: Instant, into effects: inout [Effect], where isLost: (HandedOn) -> Bool
    ) {
        let lost = handedOn.filter(isLost)
        guard !lost.isEmpty else { return }
        handedOn.removeAll(where: isLost)
        for one in lost {
            counters.visitsLost &+= 1
            var visit = one.visit
            visit.isCutShort = true
            visit.visited.append(one.to)
            if let index = index(of: visit.group), groups[index].indexOfChild(one.to) != nil {
                // Others need not wait for it; should it live after all, it comes back at once.
                effects.append(.send(.dropped(group: visit.group), to: one.to))
                onChildLeft(visit.group, one.to, at: now, into: &effects)
            }
            goOn(visit, at: now, into: &effects)
        }
    }
}

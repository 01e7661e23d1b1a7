import Automata
import Overlay

/// What a ring finds about itself from outside, knowing every peer.
extension Ring {
    /// Lookups that were issued some time ago, whose origin still waits.
    func unanswered(after patience: Duration = .seconds(60)) -> Int {
        outstanding.values.count { nodes[$0.from].life == $0.life && now - $0.issued > patience }
    }

    /// Peers whose leaf set differs from what the sorted list of live ids says.
    func wrongLeafSets() -> [Int] {
        let live = liveNodes().sorted { nodes[$0].id < nodes[$1].id }
        let half = min(configuration.leafSetSize / 2, live.count - 1)
        return live.indices.compactMap { position in
            let index = live[position]
            let larger = (1...max(1, half)).prefix(half).map { nodes[live[(position + $0) % live.count]].id }
            let smaller = (1...max(1, half)).prefix(half).map {
                nodes[live[(position - $0 + live.count * 2) % live.count]].id
            }
            let found = nodes[index].overlay.leafSet
            return found.larger == larger && found.smaller == smaller && nodes[index].overlay.isActive ? nil : index
        }
    }

    /// Who should get the key: the closest live active peer that is not stalled.
    func root(of key: Key, side: UInt8) -> PeerID? {
        guard !active.isEmpty else { return nil }
        let place = active.firstPlace { $0 >= key }
        // Some beyond, for stalled ones and the other side of a partition.
        var best: PeerID?
        func look(_ position: Int) -> Bool {
            let id = active[(position + 4 * active.count) % active.count]
            guard let number = numbering[id] else { return false }
            let node = nodes[Int(number)]
            guard node.stalledUntil <= now, !isParted || node.side == side else { return false }
            if best.map({ id.isCloser(to: key, than: $0) }) ?? true { best = id }
            return true
        }
        var step = 0
        var found = 0
        while step < active.count, found < 2 {
            if look(place + step) { found += 1 }
            step += 1
        }
        step = 1
        found = 0
        while step <= active.count, found < 2 {
            if look(place - step) { found += 1 }
            step += 1
        }
        return best
    }

    mutating func check(_ routed: Routed, at index: Int) {
        var number: UInt64 = 0
        for (position, byte) in routed.payload.enumerated() { number |= UInt64(byte) << (8 * UInt64(position)) }
        findings.deliveries += 1
        if checksRoots {
            let right = root(of: routed.key, side: nodes[index].side)
            if right != nodes[index].id {
                findings.wrongCount += 1
                if findings.wrong.count < 5 {
                    findings.wrong.append(
                        "at \(now): key \(routed.key) delivered at \(nodes[index].id) "
                            + "(\(describe(index, right))), root is \(right?.description ?? "nobody") "
                            + (right.flatMap { numbering[$0] }.map { "(\(describe(Int($0), nodes[index].id)))" } ?? ""))
                }
            }
        }
        guard let lookup = outstanding.removeValue(forKey: number) else {
            findings.twice += 1
            return
        }
        findings.hops += Int(routed.hops)
        if let trace = routed.trace { findings.traces.append(trace) }
        let took = Double((now - lookup.issued).nanoseconds)
        findings.delay += took
        if measuresStretch, lookup.from != index {
            findings.stretch += took / Double(delay(lookup.from, index))
            findings.stretched += 1
        }
    }

    private func describe(_ index: Int, _ other: PeerID?) -> String {
        let node = nodes[index]
        let knows = other.map { (node.overlay.leafSet.larger + node.overlay.leafSet.smaller).contains($0) } ?? false
        return
            "life \(node.life), active since \(node.activeSince?.description ?? "never"), knows the other: \(knows), "
            + "stalled until \(node.stalledUntil), \(node.overlay.status.counters.stalls) stalls"
    }

    static func kind(_ message: OverlayMessage) -> String {
        switch message {
        case .routed(let routed, _): routed.application == .join ? "join" : "routed"
        case .acknowledged: "acknowledged"
        case .undeliverable: "undeliverable"
        case .heartbeat: "heartbeat"
        case .ping: "ping"
        case .pong: "pong"
        case .measured: "measured"
        case .leaves: "leaves"
        case .failed: "failed"
        case .leaving: "leaving"
        case .joined: "joined"
        case .ask: "ask"
        case .told: "told"
        }
    }
}

extension [PeerID] {
    /// The first index whose element satisfies the predicate; the array is sorted by it.
    func firstPlace(where isAfter: (PeerID) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isAfter(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

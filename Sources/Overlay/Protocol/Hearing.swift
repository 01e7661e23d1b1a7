import Automata

/// What every message says, whatever it says: its sender lives.
extension Overlay {
    func tick(_ now: Instant) -> Tick {
        Tick(value: UInt32(clamping: (now.nanoseconds &- birth.nanoseconds) >> 26))
    }

    /// Notes that the peer lives; someone new gets an empty place in the table.
    ///
    /// - Parameter isInRing: not known of one that may only be joining: it cannot hand on anything yet, and two newcomers
    ///   side by side would be led to each other for ever.
    @inline(__always)
    mutating func hear(_ peer: PeerID, isInRing: Bool, at now: Instant) {
        let tick = tick(now)
        if let index = table.index(toward: peer) {
            if table[index].id == peer {
                table[index].heard = tick
                table[index].isSuspected = false
                return
            }
            guard let leaf = leaves.index(of: peer) else { return }
            leaves[leaf].heard = tick
            leaves[leaf].isSuspected = false
        } else if let index = leaves.index(of: peer) {
            leaves[index].heard = tick
            leaves[index].isSuspected = false
        } else if isInRing, life == .active {
            table.put(Contact(id: peer, heard: tick))
        }
    }

    func contact(of peer: PeerID) -> Contact? {
        if let index = table.index(of: peer) { return table[index] }
        if let index = leaves.index(of: peer) { return leaves[index] }
        return nil
    }

    /// A round trip to a contact was measured.
    mutating func onMeasured(_ roundTrip: RoundTrip, to peer: PeerID) {
        if let index = table.index(of: peer) {
            table[index].measured(roundTrip)
        } else if let index = leaves.index(of: peer) {
            leaves[index].measured(roundTrip)
        }
    }

    /// What goes to the left neighbour spares it a heartbeat.
    @inline(__always)
    mutating func noteSent(to peer: PeerID, at now: Instant) {
        if leaves.left == peer { leftSent = tick(now) }
    }
}

extension Duration {
    /// For estimates only.
    var seconds: Double { Double(nanoseconds) / 1e9 }
}

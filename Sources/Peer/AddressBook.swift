import Automata

/// Where other peers listen, by what they say of themselves and what others say of them.
///
/// Overlay messages name peers by id alone; whoever sends one adds what its book says of them, and whoever receives it
/// writes that down. A wrong entry costs a failed connection, since who answers there is checked against the id; so that
/// nobody can cut a peer off by naming a wrong place, a peer's own word outweighs hearsay until it cannot be reached
/// there.
///
/// Invariant: all with whom the peer's parts have to do are kept, and of others those named last, at most `othersMax` after a
/// `tidy` and twice as many before. Those are needed soon or never: whose search comes by here is answered in seconds.
struct AddressBook: Sendable {
    static let othersMax = 64

    /// Sixteen bytes, some hundred of them a peer.
    private struct Entry {
        /// Without endpoints for whom only the connection is known.
        var contact: PeerContact
        /// Counts what was written down: the least of all is the entry that was not named for longest.
        var used: UInt32
        /// The id's first bits: what a search compares before it follows a reference.
        let mark: UInt16
        /// A peer's own word.
        var isProven = false
        /// On the connection that is there it was told where this peer is.
        var isIntroduced = false

        init(_ contact: PeerContact, used: UInt32) {
            self.contact = contact
            self.used = used
            mark = Self.mark(of: contact.peer)
        }

        var peer: PeerID { contact.peer }

        static func mark(of peer: PeerID) -> UInt16 { UInt16(truncatingIfNeeded: peer.high >> 48) }
    }

    /// By id.
    private var entries: [Entry] = []
    private var uses: UInt32 = 0
    /// How many entries make a crowd.
    private var countMax: UInt16 = 64

    private func place(of peer: PeerID) -> Int {
        let mark = Entry.mark(of: peer)
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            let isBefore =
                entries[middle].mark == mark ? entries[middle].peer < peer : entries[middle].mark < mark
            if isBefore { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func index(of peer: PeerID) -> Int? {
        let place = place(of: peer)
        return place < entries.count && entries[place].peer == peer ? place : nil
    }

    /// The place of the contact's peer; the contact is written there if the peer is new.
    private mutating func enter(_ contact: PeerContact) -> (place: Int, isNew: Bool) {
        let place = place(of: contact.peer)
        uses &+= 1
        if place < entries.count, entries[place].peer == contact.peer {
            entries[place].used = uses
            return (place, false)
        }
        // By sixteens: doubling would waste a kilobyte of every simulated peer.
        if entries.capacity == entries.count { entries.reserveCapacity(entries.count + 16) }
        entries.insert(Entry(contact, used: uses), at: place)
        return (place, true)
    }

    subscript(peer: PeerID) -> [Endpoint] { index(of: peer).map { entries[$0].contact.endpoints } ?? [] }

    /// Writes down where a peer is said to be.
    ///
    /// - Parameter proven: it says so itself, on a connection of its own.
    /// - Returns: whether the host has to be told.
    mutating func learn(_ contact: PeerContact, proven: Bool) -> Bool {
        guard !contact.isNowhere else { return false }
        let (index, isNew) = enter(contact)
        if isNew || proven { entries[index].isProven = proven }
        if isNew { return true }
        guard proven || !entries[index].isProven, entries[index].contact != contact else { return false }
        entries[index].contact = contact
        return true
    }

    /// It does not answer there: from now on others may know better.
    mutating func doubt(_ peer: PeerID) {
        if let index = index(of: peer) { entries[index].isProven = false }
    }

    /// What the book says of the peer; nil: nothing.
    func contact(of peer: PeerID) -> PeerContact? {
        guard let index = index(of: peer), !entries[index].contact.isNowhere else { return nil }
        return entries[index].contact
    }

    /// The same of several; those that it does not know are left out.
    func contacts(of peers: [PeerID]) -> [PeerContact] { peers.compactMap { contact(of: $0) } }

    // MARK: Introductions

    /// Whether the peer is still to be told where this one is; it is now.
    mutating func introduce(to peer: PeerID) -> Bool {
        let index = index(of: peer) ?? enter(PeerContact(peer: peer, endpoints: [])).place
        defer { entries[index].isIntroduced = true }
        return !entries[index].isIntroduced
    }

    /// What was said on an earlier connection may not have arrived.
    mutating func newConnection(with peer: PeerID) {
        if let index = index(of: peer) { entries[index].isIntroduced = false }
    }

    // MARK: Room

    var isCrowded: Bool { entries.count >= Int(countMax) }

    /// Forgets those who are not needed and were not named lately.
    ///
    /// - Parameter needed: in any order.
    mutating func tidy(keeping needed: [PeerID]) {
        let now = uses
        let needed = needed.sorted()
        var next = needed.startIndex
        var isOther = [Bool](repeating: false, count: entries.count)
        // By age, so that the count may begin anew.
        var ages: [UInt32] = []
        for index in entries.indices {
            let peer = entries[index].peer
            while next < needed.endIndex, needed[next] < peer { next += 1 }
            guard next == needed.endIndex || needed[next] != peer else { continue }
            isOther[index] = true
            ages.append(now &- entries[index].used)
        }
        if ages.count > Self.othersMax {
            ages.sort()
            let oldest = ages[Self.othersMax]
            var kept: [Entry] = []
            kept.reserveCapacity(entries.count - ages.count + 2 * Self.othersMax)
            // No two have the same age: each was written down at a count of its own.
            for index in entries.indices where !isOther[index] || now &- entries[index].used < oldest {
                kept.append(entries[index])
            }
            entries = kept
        }
        countMax = UInt16(clamping: entries.count + Self.othersMax)
    }
}

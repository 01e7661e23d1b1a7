import Automata
import OrderedCollections

/// Where other peers listen, by what they say of themselves and what others say of them.
///
/// Overlay messages name peers by id alone; whoever sends one adds what its book says of them, and whoever receives it
/// writes that down. A wrong entry costs a failed connection, since who answers there is checked against the id; so that
/// nobody can cut a peer off by naming a wrong place, a peer's own word outweighs hearsay until it cannot be reached
/// there.
///
/// Invariant: at most `countMax` entries; those not used for longest are forgotten first.
struct AddressBook: Sendable {
    static let countMax = 2_048
    /// As many as an advertisement has.
    static let endpointsMax = 8

    private struct Entry {
        var endpoints: [Endpoint]
        /// Counts what was written down: the least of all is the entry that was not named for longest. To keep the entries
        /// themselves in that order would move half of the book at every word.
        var used: UInt32
        var isProven: Bool
    }

    private var entries: OrderedDictionary<PeerID, Entry> = [:]
    private var uses: UInt32 = 0

    subscript(peer: PeerID) -> [Endpoint] { entries[peer]?.endpoints ?? [] }

    /// Writes down where a peer is said to be.
    ///
    /// - Parameter proven: it says so itself, on a connection of its own.
    /// - Returns: whether the host has to be told.
    mutating func learn(_ contact: PeerContact, proven: Bool) -> Bool {
        guard !contact.endpoints.isEmpty else { return false }
        uses &+= 1
        let place = entries.index(forKey: contact.peer)
        if let place {
            entries.values[place].used = uses
            if entries.values[place].isProven, !proven { return false }
        }
        let old = place.map { entries.values[$0].endpoints }
        let endpoints = Array(contact.endpoints.prefix(Self.endpointsMax))
        entries[contact.peer] = Entry(endpoints: endpoints, used: uses, isProven: proven)
        if entries.count > Self.countMax { forgetOldest() }
        return old != endpoints
    }

    private mutating func forgetOldest() {
        let now = uses
        // By age, so that the count may begin anew.
        guard
            let oldest = entries.values.indices.max(by: {
                now &- entries.values[$0].used < now &- entries.values[$1].used
            })
        else { return }
        entries.remove(at: oldest)
    }

    /// It does not answer there: from now on others may know better.
    mutating func doubt(_ peer: PeerID) {
        entries[peer]?.isProven = false
    }

    /// What the book says of these peers; those that it does not know are left out.
    func contacts(of peers: [PeerID]) -> [PeerContact] {
        guard !entries.isEmpty else { return [] }
        return peers.compactMap { peer in
            entries[peer].map { PeerContact(peer: peer, endpoints: $0.endpoints) }
        }
    }
}

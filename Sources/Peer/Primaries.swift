public import Automata
public import Replication

/// Who leads which ledger, as far as this peer has heard: by its own replicas, by what masters say of themselves, and by
/// the messages of primaries.
///
/// Invariant: the view that is known of a ledger never goes back. So whoever leads an older view is not listened to: a former
/// primary cannot undo what its successor ordered.
struct Primaries: Sendable {
    struct Lead: Hashable, Sendable {
        var view: View
        var peer: PeerID
        /// How many members the ledger has; nil: nobody said so.
        var members: Int?
        /// What the ledger is called; nil: nobody said so.
        var name: String?
    }

    private var leads: [PeerID: Lead] = [:]  // looked up; put in order where it is walked
    /// Who says that it leads which ledger in a view that is over.
    private var claims: [PeerID: [PeerID: View]] = [:]  // looked up; put in order where it is walked

    subscript(ledger: PeerID) -> Lead? { leads[ledger] }

    /// Ledgers that somebody was heard to lead, by id.
    var ledgers: [PeerID] { leads.keys.sorted() }

    /// - Returns: whether that is news.
    mutating func note(_ ledger: PeerID, _ view: View, _ peer: PeerID, members: Int?, name: String? = nil) -> Bool {
        let known = leads[ledger]
        if let known, known.view >= view {
            guard known.view == view, known.peer == peer else { return false }
            if let members { leads[ledger]?.members = members }
            if let name { leads[ledger]?.name = name }
            return false
        }
        leads[ledger] = Lead(view: view, peer: peer, members: members ?? known?.members, name: name ?? known?.name)
        return true
    }

    /// What a master says that it leads, all of it.
    mutating func claimed(_ claimed: [(ledger: PeerID, view: View)], by peer: PeerID) {
        for ledger in claims.keys.sorted() {
            claims[ledger]?[peer] = nil
            if claims[ledger]?.isEmpty == true { claims[ledger] = nil }
        }
        for claim in claimed where !admits(claim.ledger, claim.view, peer) {
            claims[claim.ledger, default: [:]][peer] = claim.view
        }
    }

    /// Former primaries of the ledger that say they lead it, by id.
    func outdated(_ ledger: PeerID) -> [(peer: PeerID, view: View)] {
        (claims[ledger] ?? [:]).map { (peer: $0.key, view: $0.value) }.filter { !admits(ledger, $0.view, $0.peer) }
            .sorted { $0.peer < $1.peer }
    }

    /// Whether who speaks for the ledger in this view may: no later view is known, and no other primary of this one.
    func admits(_ ledger: PeerID, _ view: View, _ peer: PeerID) -> Bool {
        guard let known = leads[ledger] else { return true }
        return known.view < view || (known.view == view && known.peer == peer)
    }
}

/// For which ledger a message is: between its primary and a machine, which knows ledgers by their ids and primaries by their
/// views.
public struct LedgerStamp: Hashable, Sendable {
    /// nil: the one that the master at either end has founded.
    public var ledger: PeerID?
    /// Of the primary that speaks; of a machine, the newest that it knows.
    public var view: View

    public init(ledger: PeerID? = nil, view: View = .zero) {
        self.ledger = ledger
        self.view = view
    }
}

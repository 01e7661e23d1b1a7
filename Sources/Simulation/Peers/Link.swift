import Automata

/// One link: a multicast domain, on which DNS-SD by multicast (RFC 6762, 6763) shows its members to each other.
///
/// Modelled for each host are its responder (`Service`) and its querier (`Browser`); every packet reaches every other
/// member at once, or is lost for some. A service is one record here, with the TTL of what is tied to a host's address:
/// a service without that cannot be reached. Names are made of ids, so that probing finds no conflict and only takes its
/// time.
enum LinkRules {
    /// RFC 6762, 8.1: up to 250 ms at random, then three probes 250 ms apart, each with as long to be answered.
    static let probeDelay: ClosedRange<Int64> = 0...250_000_000
    static let probing: Int64 = 750_000_000
    /// 8.3: announced twice, a second apart.
    static let announcementGap: Int64 = 1_000_000_000
    /// 5.2: the first query.
    static let firstQuery: ClosedRange<Int64> = 20_000_000...120_000_000
    /// 5.2: then after a second, and each time after twice as long, at most an hour.
    static let queryGap: Int64 = 1_000_000_000
    static let queryGapMax: Int64 = 3_600_000_000_000
    /// 6: an answer that others may give, too.
    static let answerDelay: ClosedRange<Int64> = 20_000_000...120_000_000
    /// 6: a record is multicast at most once a second.
    static let rateLimit: Int64 = 1_000_000_000
    /// 10: of records that are tied to a host's name or address.
    static let timeToLive: Int64 = 120_000_000_000
    /// 5.2: asked for again at 80, 85, 90, 95 % of its life, each up to 2 % later; then it is gone.
    static let refreshes: [Int64] = [80, 85, 90, 95]
    static let refreshSlack: ClosedRange<Int64> = 0...2
    /// 10.1: what said goodbye is kept for one more second.
    static let goodbye: Int64 = 1_000_000_000
    /// Others than masters that a machine watches (`DiscoveryConfiguration.peersMax`).
    static let watchedByMachines = 32
}

/// What is sent on a link.
enum Packet {
    case announcement(Advertisement, of: UInt32)
    case goodbye(PeerID)
    /// Who is there, besides those listed (7.1: known answers)? Masters have a sub-type of their own (RFC 6763, 7.1).
    case query(from: UInt32, BrowseScope, known: [PeerID])
    /// Is this one still there?
    case refresh(from: UInt32, PeerID)
}

/// A host's responder: what it says of its one service.
struct Service {
    var record: Advertisement
    /// When announcements are due, the next one first.
    var announcements: [Int64]
    /// Probed, and announced once.
    var isAnnounced = false
    var lastSent = Int64.min / 2
    var answerDue = Int64.max

    init(_ record: Advertisement, announcements: [Int64]) {
        self.record = record
        self.announcements = announcements
    }

    var due: Int64 { min(answerDue, announcements.first ?? .max) }
}

/// A host's querier: the services it knows of, as long as they live in its cache.
struct Browser {
    struct Cached {
        var host: UInt32
        var peer: PeerID
        var incarnation: Incarnation
        var sequence: UInt64
        var ended: Bool
        var heard: Int64
        var expires: Int64
        var refreshDue: Int64
        var refresh = 0
        var isMaster = false
    }

    var scope = BrowseScope.masters
    var cache: [Cached] = []
    var queryDue = Int64.max
    var queryGap = LinkRules.queryGap

    var due: Int64 { cache.reduce(queryDue) { min($0, $1.expires, $1.refreshDue) } }

    /// What need not be answered: records with more than half of their life left (7.1).
    func known(at now: Int64) -> [PeerID] {
        cache.filter { $0.expires - now >= LinkRules.timeToLive / 2 }.map(\.peer)
    }

    func index(of peer: PeerID) -> Int? { cache.firstIndex { $0.peer == peer } }

    /// Whether one more may be watched.
    func hasRoom(for record: Advertisement, most: Int) -> Bool {
        record.isMaster || cache.count < most || index(of: record.peer) != nil
            || cache.count(where: { !$0.isMaster }) < most
    }

    /// A record was heard: its life begins anew.
    ///
    /// - Returns: whether it says something new.
    mutating func hear(_ record: Advertisement, of host: UInt32, at now: Int64, slack: Int64) -> Bool {
        let index = index(of: record.peer)
        var item =
            index.map { cache[$0] }
            ?? Cached(
                host: host, peer: record.peer, incarnation: Incarnation(0), sequence: 0, ended: false, heard: now,
                expires: 0, refreshDue: 0)
        let isNew =
            index == nil || (record.incarnation, record.sequence) > (item.incarnation, item.sequence)
        if isNew {
            (item.incarnation, item.sequence, item.ended) = (record.incarnation, record.sequence, record.ended)
        }
        item.isMaster = record.isMaster
        item.heard = now
        item.expires = now + LinkRules.timeToLive
        item.refresh = 0
        item.refreshDue = now + LinkRules.timeToLive / 100 * (LinkRules.refreshes[0] + slack)
        if let index { cache[index] = item } else { cache.append(item) }
        return isNew
    }

    /// The next question for a record that grows old; none after the last.
    mutating func refreshed(_ index: Int, slack: Int64) {
        cache[index].refresh += 1
        let step = cache[index].refresh
        cache[index].refreshDue =
            step < LinkRules.refreshes.count
            ? cache[index].heard + LinkRules.timeToLive / 100 * (LinkRules.refreshes[step] + slack) : .max
    }
}

import Automata

/// Where a service instance was seen.
struct SightingKey: Hashable {
    /// The system's interface index.
    var interface: Int32
    /// 0: over IPv4, 1: over IPv6 (`AvahiProtocol`).
    var addressFamily: Int32
    var label: String
}

/// What a back end resolved for one instance on one (interface, IP version).
struct Sighting: Hashable {
    /// A literal address, `fe80::1%eth0` when it is link-local.
    var host: String
    /// From the SRV record; 0 when the peer listens nowhere.
    var port: UInt16
    var text: [[UInt8]]
}

/// Who is on the link: turns sightings into events.
///
/// A value without clock or I/O. Takes what back ends saw; gives events, in order. Invariants: at most `peersMax`
/// peers that are no masters, `Lookups.mastersMax` that are, and `sightingsPerPeerMax` sightings each; every peer has at least one sighting; a text that is refused
/// changes nothing; of one peer's texts the newest (incarnation, sequence) counts, wherever it was seen, and of two with
/// the same number the one with the ended flag.
struct PeerTable {
    /// A peer has one sighting per interface and IP version: 16 is eight interfaces.
    static let sightingsPerPeerMax = 16
    /// As many endpoints as an advertisement may have.
    static let endpointsMax = 8

    enum Outcome: Hashable {
        case event(DiscoveryEvent)
        /// Our own service was heard, by way of the link.
        case heardSelf(Advertisement)
        /// Nothing changed; why, for the log.
        case refused(String)
    }

    private struct Peer {
        var advertisement: Advertisement
        var sightings: [SightingKey: Seen] = [:]
        /// What the runtime was told last; nil before the first time and after `vanished`.
        var told: Advertisement?
    }

    private struct Seen {
        var host: String
        var port: UInt16
        var fading = false
    }

    let own: PeerID
    let peersMax: Int
    private var peers: [PeerID: Peer] = [:]

    init(own: PeerID, peersMax: Int) {
        self.own = own
        self.peersMax = peersMax
    }

    var count: Int { peers.count }

    /// Whether a master is there.
    var knowsMaster: Bool { peers.values.contains { $0.told?.isMaster == true } }

    /// An instance was resolved, or something of it changed.
    mutating func resolved(_ key: SightingKey, _ sighting: Sighting) -> [Outcome] {
        take(key, sighting.text, Seen(host: sighting.host, port: sighting.port))
    }

    /// A text was heard of an instance. Of a peer seen nowhere yet it waits for `resolved`; of any other it counts also
    /// where the peer has no address: the last text of one that ends may come over one IP version alone.
    mutating func textHeard(_ key: SightingKey, _ text: [[UInt8]]) -> [Outcome] {
        guard let named = InstanceLabel.peer(of: key.label) else { return [] }
        guard named == own || peers[named] != nil else { return [] }
        var seen = peers[named]?.sightings[key]
        seen?.fading = false
        return take(key, text, seen)
    }

    private mutating func take(_ key: SightingKey, _ text: [[UInt8]], _ seen: Seen?) -> [Outcome] {
        guard let named = InstanceLabel.peer(of: key.label) else { return [.refused("its label names no peer")] }
        let news: Advertisement
        do {
            news = try AdvertisementText.decode(text)
        } catch {
            return [.refused(error.message)]
        }
        guard news.peer == named else {
            return [.refused("its text speaks for \(news.peer), its label for \(named)")]
        }
        guard named != own else { return [.heardSelf(news)] }
        guard var peer = peers[named] ?? admit(news) else {
            return news.ended ? [] : [.refused("\(peers.count) peers are known, and no more are kept")]
        }
        guard seen == nil || peer.sightings[key] != nil || peer.sightings.count < Self.sightingsPerPeerMax else {
            return [.refused("it is seen in more than \(Self.sightingsPerPeerMax) places")]
        }
        if supersedes(news, peer.advertisement) { peer.advertisement = news }
        if let seen { peer.sightings[key] = seen }
        defer { peers[named] = peer }
        return tell(&peer)
    }

    /// An instance is no longer announced in one place.
    mutating func removed(_ key: SightingKey) -> [Outcome] {
        guard let named = InstanceLabel.peer(of: key.label), var peer = peers[named],
            peer.sightings.removeValue(forKey: key) != nil
        else { return [] }
        return settle(&peer, named)
    }

    /// The back end is gone: what it saw is kept, but must be seen again.
    mutating func fade() {
        for named in peers.keys {
            guard let keys = peers[named]?.sightings.keys else { continue }
            for key in keys { peers[named]?.sightings[key]?.fading = true }
        }
    }

    /// The new back end had its chance: what it did not see again is gone.
    mutating func dropFaded() -> [Outcome] {
        peers.keys.sorted().flatMap { named -> [Outcome] in
            guard var peer = peers[named] else { return [] }
            let remaining = peer.sightings.filter { !$0.value.fading }
            guard remaining.count < peer.sightings.count else { return [] }
            peer.sightings = remaining
            return settle(&peer, named)
        }
    }

    /// The ended flag is set on the last version, whose number the peer's owner chose, so it also counts at equal number.
    private func supersedes(_ news: Advertisement, _ old: Advertisement) -> Bool {
        news.isNewer(than: old) || (!old.isNewer(than: news) && news.ended)
    }

    /// A peer not seen before; nil when there is no room, or when it is about to leave anyway.
    private func admit(_ news: Advertisement) -> Peer? {
        let most = news.isMaster ? Lookups.mastersMax : peersMax
        // Few are looked at where there is room for all.
        let hasRoom =
            peers.count < min(most, Lookups.mastersMax)
            || peers.values.count { $0.advertisement.isMaster == news.isMaster } < most
        return hasRoom && !news.ended ? Peer(advertisement: news) : nil
    }

    /// Stores a peer that lost sightings, or forgets it with its last.
    private mutating func settle(_ peer: inout Peer, _ named: PeerID) -> [Outcome] {
        guard peer.sightings.isEmpty else {
            let outcomes = tell(&peer)
            peers[named] = peer
            return outcomes
        }
        peers[named] = nil
        return peer.told == nil ? [] : [.event(.vanished(named, ended: peer.advertisement.ended))]
    }

    /// Tells the runtime what it does not know yet.
    private func tell(_ peer: inout Peer) -> [Outcome] {
        if peer.advertisement.ended {
            guard peer.told != nil else { return [] }
            peer.told = nil
            return [.event(.vanished(peer.advertisement.peer, ended: true))]
        }
        var advertisement = peer.advertisement
        advertisement.endpoints = endpoints(of: peer)
        guard advertisement != peer.told else { return [] }
        peer.told = advertisement
        return [.event(.found(advertisement))]
    }

    /// Addresses that also a third machine may use come first, IPv4 before IPv6; loopback, which only a process of this
    /// host can have seen, comes last.
    private func endpoints(of peer: Peer) -> [Endpoint] {
        let all = Set(peer.sightings.values.filter { $0.port > 0 }.map { Endpoint(host: $0.host, port: $0.port) })
        let ranked = all.sorted { (rank($0), $0) < (rank($1), $1) }
        return Array(ranked.prefix(Self.endpointsMax))
    }

    private func rank(_ endpoint: Endpoint) -> Int {
        if endpoint.host.hasPrefix("127.") || endpoint.host == "::1" { return 3 }
        if endpoint.host.contains("%") { return 2 }
        return endpoint.host.contains(":") ? 1 : 0
    }
}

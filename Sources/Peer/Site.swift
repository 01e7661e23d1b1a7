import Automata

/// Where a master stands, as far as it says so: what replicas of one ledger should not have in common.
///
/// A machine is known by its first address, a LAN by its subnet. Two far LANs may use the same private addresses; so masters
/// whose owners name different regions share neither.
struct Site: Hashable, Sendable {
    var peer: PeerID
    /// Its first address; empty: not known.
    var host: String
    /// The subnet of that; empty: not known.
    var network: String
    /// A word of its owner; empty: none.
    var region: String

    init(_ advertisement: Advertisement) {
        peer = advertisement.peer
        host = advertisement.endpoints.first?.host ?? ""
        network = advertisement.network
        region = advertisement.region
    }

    /// The least that both have in common; nil: nothing that is known.
    func common(with other: Site) -> Common? {
        if !region.isEmpty, !other.region.isEmpty, region != other.region { return nil }
        if !host.isEmpty, host == other.host { return .machine }
        if !network.isEmpty, network == other.network { return .network }
        return !region.isEmpty && region == other.region ? .region : nil
    }

    enum Common: String, Hashable, Sendable {
        case machine, network, region
    }
}

/// How much a set of sites has in common, counted in pairs: less is safer. Machines count before LANs, LANs before regions.
struct Crowding: Hashable, Comparable, Sendable {
    var machines = 0
    var networks = 0
    var regions = 0

    static let none = Crowding()

    /// What a site has in common with each of the others.
    init(of site: Site, among others: [Site]) {
        for other in others where other.peer != site.peer { add(site.common(with: other)) }
    }

    /// What all have in common with each other.
    init(_ sites: [Site]) {
        for (index, site) in sites.enumerated() {
            for other in sites[..<index] { add(site.common(with: other)) }
        }
    }

    private init() {}

    private mutating func add(_ common: Site.Common?) {
        switch common {
        case .machine: (machines, networks, regions) = (machines + 1, networks + 1, regions + 1)
        case .network: (networks, regions) = (networks + 1, regions + 1)
        case .region: regions += 1
        case nil: return
        }
    }

    static func < (left: Crowding, right: Crowding) -> Bool {
        (left.machines, left.networks, left.regions) < (right.machines, right.networks, right.regions)
    }
}

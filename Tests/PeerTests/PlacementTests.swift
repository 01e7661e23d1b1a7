import Automata
import Ledger
import Neighbours
import Replication
import Testing

@testable import Peer

@Suite("where replicas stand")
struct PlacementTests {
    let own = PeerID(0x01)
    private let rules = ReplicaPlacement.Configuration()

    private func site(_ peer: UInt8, _ host: String, _ network: String = "", _ region: String = "") -> Site {
        Site(
            Advertisement(
                peer: PeerID(peer), incarnation: Incarnation(1), name: "m", fabric: "lab",
                endpoints: host.isEmpty ? [] : [Endpoint(host: host, port: 7_423)], apiPort: 7_424, region: region,
                network: network))
    }

    private func best(_ count: Int, _ candidates: [Site], beside others: [Site]) -> [PeerID] {
        let sites = Dictionary(uniqueKeysWithValues: (candidates + others).map { ($0.peer, $0) })
        return ReplicaPlacement.best(count, of: candidates.map(\.peer), beside: others.map(\.peer), sites, rules)
    }

    @Test(
        "another machine is better than another LAN, another LAN better than another region; else the nearest to the key"
    )
    func order() {
        let primary = site(0x01, "10.0.0.1", "10.0.0.0/24", "eu")
        let sameMachine = site(0x02, "10.0.0.1", "10.0.0.0/24", "eu")
        let sameLan = site(0x03, "10.0.0.3", "10.0.0.0/24", "eu")
        let sameRegion = site(0x04, "10.1.0.4", "10.1.0.0/24", "eu")
        let far = site(0x05, "10.2.0.5", "10.2.0.0/24", "us")
        let all = [sameMachine, sameLan, sameRegion, far]
        for (index, expected) in [far, sameRegion, sameLan, sameMachine].enumerated() {
            let left = all.filter { $0.peer.bytes[0] <= UInt8(5 - index) }
            #expect(best(1, left, beside: [primary]) == [expected.peer])
        }
        let twin = site(0x06, "10.3.0.6", "10.3.0.0/24", "us")
        #expect(best(1, [far, twin], beside: [primary]) == [far.peer])
        #expect(best(1, [twin, far], beside: [primary]) == [twin.peer])
    }

    @Test("each is chosen beside those that were chosen before it, and no more than there are")
    func greedy() {
        let primary = site(0x01, "10.0.0.1", "LAN 1")
        let near = site(0x02, "10.0.0.2", "LAN 1")
        let farA = site(0x03, "10.1.0.3", "LAN 2")
        let farB = site(0x04, "10.1.0.3", "LAN 2")  // the same machine as the one before
        #expect(best(2, [farA, farB, near], beside: [primary]) == [farA.peer, near.peer])
        #expect(best(5, [farA, farB, near], beside: [primary]).count == 3)
        #expect(best(2, [], beside: [primary]).isEmpty)
    }

    @Test("the same private address in two regions is not the same machine; what is not known is not common")
    func privateAddresses() {
        #expect(
            site(1, "192.168.1.5", "192.168.1.0/24", "eu").common(with: site(2, "192.168.1.5", "192.168.1.0/24", "us"))
                == nil)
        #expect(
            site(1, "192.168.1.5", "192.168.1.0/24").common(with: site(2, "192.168.1.5", "192.168.1.0/24")) == .machine)
        #expect(site(1, "").common(with: site(2, "")) == nil)
        #expect(site(1, "10.0.0.1", "LAN 1").common(with: site(2, "10.0.0.2", "LAN 1")) == .network)
        #expect(site(1, "10.0.0.1", "LAN 1", "eu").common(with: site(2, "10.0.1.2", "LAN 2", "eu")) == .region)
    }

    @Test("a standing replica is moved only where the members then have less in common, and never the primary")
    func moves() {
        let primary = site(0x01, "a", "LAN 1")
        let near = site(0x02, "b", "LAN 1")
        let nearer = site(0x03, "c", "LAN 1")
        let far = site(0x04, "d", "LAN 2")
        let farther = site(0x05, "e", "LAN 3")
        let members = [primary, near, nearer].map { Member(peer: $0.peer, store: StoreID($0.peer.high)) }
        func place(_ peer: Site, _ members: [Member]) -> Int? {
            let sites = [primary, near, nearer, far, farther]
            return ReplicaPlacement.place(
                for: peer.peer, among: members, own: members[0],
                Dictionary(uniqueKeysWithValues: sites.map { ($0.peer, $0) }))
        }
        #expect(place(far, members) == 1)
        let sites = [primary, near, nearer, far, farther]
        let places = Dictionary(uniqueKeysWithValues: sites.map { ($0.peer, $0) })
        func better(_ candidates: [Site]) -> PeerID? {
            ReplicaPlacement.better(of: candidates.map(\.peer), than: members, own: members[0], places, rules)
        }
        #expect(better([far, farther]) == far.peer && better([]) == nil && better([near]) == nil)
        let apart = [primary, far, nearer].map { Member(peer: $0.peer, store: StoreID($0.peer.high)) }
        #expect(place(near, apart) == nil)
        #expect(place(farther, apart) == 2)
    }

    // MARK: What an owner allows

    private let m1 = PeerID(0x10)
    private let m2 = PeerID(0x20)
    private let m3 = PeerID(0x30)
    private let m4 = PeerID(0x40)

    private func members(_ village: Village) -> [PeerID] {
        village[m1]?.ledgers.first { $0.id == m1 }?.replica.membership.members.map(\.peer).sorted() ?? []
    }

    private func village(_ masters: [PeerID]) -> Village {
        var village = Village(masters: masters) { configuration in
            configuration.placement.wanted = 2
            configuration.placement.spaceMax = .mebibytes(10)
        }
        village.pass(.seconds(10))
        return village
    }

    @Test("a replica that outgrows its owner's cap is replaced first, and goes then; it is not asked again at once")
    func cap() throws {
        var village = village([m1, m2, m3, m4])
        let before = members(village)
        #expect(before.count == 3)
        let full = try #require(before.first { $0 != m1 })
        village.give(.weighed(m1, .mebibytes(11)), to: full)
        village.pass(.seconds(10))
        let after = members(village)
        #expect(after.count == 3 && !after.contains(full), "\(after)")
        // It goes when the new members have taken something without it.
        _ = village.call(ask(), at: m1)
        village.pass(.seconds(60))
        #expect(village[full]?.ledgers.contains { $0.id == m1 } == true, "nobody has let it go")
        village.give(.weighed(m1, .mebibytes(12)), to: full)
        village.pass(.seconds(1))
        #expect(village[full]?.ledgers.contains { $0.id == m1 } == false)
        #expect(members(village) == after)
    }

    @Test("where nobody can take its place it stays, and its primary says why; k is not given up for a cap")
    func noPlace() throws {
        var village = village([m1, m2, m3])
        let before = members(village)
        village.give(.weighed(m1, .mebibytes(11)), to: m2)
        village.pass(.seconds(10))
        #expect(members(village) == before)
        let status = try #require(village[m1]?.ledgerStatuses(at: village.now).first { $0.ledger == m1 })
        #expect(
            status.notes.contains { $0.contains("n20 gives its replica up") && $0.contains("11 MiB") },
            "\(status.notes)")
        #expect(status.health == .ok)
    }

    @Test("a master that is full refuses, and says why; a master's own ledger counts for nothing")
    func full() throws {
        var village = village([m1, m2])
        village.give(.weighed(m2, .mebibytes(900)), to: m2)
        #expect(village[m2]?.fullness == nil)
        village.give(.weighed(m1, .mebibytes(10)), to: m2)
        #expect(village[m2]?.fullness?.contains("its owner lets them have 10 MiB") == true)
        #expect(village[m2]?.neighbours.own.takesReplicas == false)
        village.give(.received(.holder(m1, .refused("no room")), from: m2), to: m1)
        let status = try #require(village[m1]?.ledgerStatuses(at: village.now).first { $0.ledger == m1 })
        #expect(status.reasons.contains { $0.contains("no room") }, "\(status.reasons)")
    }

    @Test("nobody but the primary listens to a holder, and a member does not refuse what it holds")
    func strangers() {
        var village = village([m1, m2, m3])
        let before = members(village)
        village.give(.received(.holder(m1, .refused("no")), from: m2), to: m1)
        village.give(.received(.holder(m1, .yields("no")), from: m3), to: m2)
        village.pass(.seconds(30))
        #expect(members(village) == before)
    }
}

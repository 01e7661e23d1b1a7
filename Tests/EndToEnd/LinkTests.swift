import Foundation
import Lab
import Testing

extension Scenarios {
    /// Five hosts on one link, by every kind of address and by both back ends of discovery.
    @Suite(
        "On a LAN of 5 hosts",
        .enabled("a LAN of network namespaces can be made here") { await Obstacle.lan.isAbsent() })
    struct LinkTests {
        @Test(
            "all find each other with the discovery that is in the program; a request is used from another host",
            .timeLimit(.minutes(3)), arguments: [Addressing.ipv4, .ipv6, .both])
        func embedded(_ addressing: Addressing) async throws {
            try await Trial.with("embedded-\(addressing.rawValue)") { trial in
                try await Lan.with(hosts: 5, addressing: addressing) { lan in
                    let members = try await settle(trial, lan, flags: ["--isolation", "none"])
                    try await requestAndUse(trial, lan, through: members[1])
                }
            }
        }

        @Test(
            "with an avahi-daemon on each host the members use it, and an unmodified avahi-browse sees them",
            .timeLimit(.minutes(3)), .enabled("the system's Avahi is here") { await Obstacle.daemons.isAbsent() })
        func daemons() async throws {
            try await Trial.with("daemons") { trial in
                try await Lan.with(hosts: 5, addressing: .both, daemons: true) { lan in
                    // Partitions with users of their own, as root's agents have them when nothing is said.
                    let members = try await settle(trial, lan, flags: ["--log-level", "notice"])
                    for member in members {
                        #expect(member.log.contains("daemon"), "which back end works: \(member.log)")
                    }
                    try await browse(lan, members)
                    try await requestAndUse(trial, lan, through: members[1])
                }
            }
        }

        /// Two masters and three agents, one a host, all of which see each other.
        private func settle(_ trial: Trial, _ lan: Lan, flags: [String]) async throws -> [Member] {
            let clock = ContinuousClock()
            let start = clock.now
            let places = lan.hosts.map { Place.host($0) }
            let first = try await trial.firstMaster(at: places[0], flags: flags)
            let second = try trial.member("m2", isMaster: true, at: places[1], flags)
            let agents = try (3...5).map { try trial.member("a\($0)", at: places[$0 - 1], flags) }
            try await trial.fleet([second] + agents)
            tell("5 hosts, \(lan.addressing.rawValue): all see all after \(seconds(clock.now - start))")
            return [first, second] + agents
        }

        /// The instance is reached at its published address from every host.
        private func requestAndUse(_ trial: Trial, _ lan: Lan, through master: Member) async throws {
            let instance = try await master.requestCache("cache", ["--node", "a3"])
            #expect(instance.where?.node == "a3")
            let host = try #require(instance.connection.host)
            #expect([lan.hosts[2].ipv4, lan.hosts[2].ipv6].contains(host), "its address is h3's: \(host)")
            for place in lan.hosts { try await Memcached(instance, from: .host(place)).remember(place.name, as: "who") }
            try await master.palmier(["instance", "destroy", "cache", "--yes", "--wait", "destroyed"])
                .ended(with: .done)
        }

        /// `avahi-browse` on a host lists every member, with address, port and text; and each sub-type its own.
        private func browse(_ lan: Lan, _ members: [Member]) async throws {
            let nodes = try await members[0].nodes()
            let watcher = lan.hosts[4]
            try await Polling.until("avahi-browse resolves all", within: .seconds(30), every: .milliseconds(500)) {
                let lines = try await resolved("_palmier._tcp", on: watcher)
                return nodes.allSatisfy { node in lines.contains { $0.contains(node.peer) } }
            }
            for line in try await resolved("_palmier._tcp", on: watcher) {
                // `=;interface;protocol;name;type;domain;host;address;port;text`
                let fields = line.split(separator: ";", omittingEmptySubsequences: false)
                #expect(fields.count >= 10 && fields[1] == "eth0" && UInt16(fields[8]) != nil, "\(line)")
            }
            let masters = Set(nodes.filter(\.isMaster).map(\.peer))
            try await Polling.until("sub-types list their own", within: .seconds(30), every: .milliseconds(500)) {
                let listed = try await resolved("_master._sub._palmier._tcp", on: watcher)
                let idle = try await resolved("_idle._sub._palmier._tcp", on: watcher)
                return Set(nodes.map(\.peer).filter { peer in listed.contains { $0.contains(peer) } }) == masters
                    && nodes.allSatisfy { node in idle.contains { $0.contains(node.peer) } }
            }
            try await Polling.until("each ledger is listed", within: .seconds(30), every: .milliseconds(500)) {
                let ledgers = try await resolved("_palmier-ledger._tcp", on: watcher)
                return masters.allSatisfy { master in
                    ledgers.contains {
                        $0.contains("\"id=\(master)\"") && $0.contains("\"serving=1\"") && $0.contains("\"by=")
                    }
                }
            }
        }

        private func resolved(_ type: String, on host: LabHost) async throws -> [String] {
            try await host.run(["avahi-browse", "-rpt", type]).check().output.split(separator: "\n")
                .filter { $0.hasPrefix("=") }.map(String.init)
        }
    }
}

import Foundation
import Lab
import Testing

extension Scenarios {
    /// Several links, between which DNS-SD does not pass: hosts of different LANs.
    @Suite(
        "A wide area",
        .enabled("a LAN of network namespaces can be made here") { await Obstacle.lan.isAbsent() })
    struct WideAreaTests {
        private static let flags = ["--isolation", "none"]

        @Test(
            "two links become one ring through a name in DNS, through whom discovery finds, and through who is remembered",
            .timeLimit(.minutes(4)), .enabled("dnsmasq is here") { await Obstacle.nameServer.isAbsent() })
        func names() async throws {
            try await Trial.with("wide-area") { trial in
                try await Lan.with(hosts: 5, addressing: .ipv4) { lan in
                    try await lan.separate(Array(lan.hosts[..<2]), Array(lan.hosts[2...]))
                    let places = lan.hosts.map { Place.host($0) }
                    let m1 = try await trial.firstMaster(at: places[0], flags: Self.flags)
                    let a2 = try trial.member("a2", at: places[1], Self.flags)
                    try await trial.fleet([a2])
                    _ = try await lan.hosts[0].spawn([
                        "dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--user=root", "--pid-file=",
                        "--bind-interfaces", "--listen-address=\(lan.hosts[0].address)", "--local=/test/",
                        "--address=/first.palm.test/\(lan.hosts[0].address)",
                        "--srv-host=_palmier._tcp.palm.test,first.palm.test,7423,10,0",
                    ])
                    for host in lan.hosts { try host.useNameServer(lan.hosts[0].address) }

                    // A name, without a port.
                    let a3 = try trial.member("a3", at: places[2], Self.flags)
                    try await a3.join(["--join", "palm.test"])
                    tell(
                        "joined by name: one ring after \(seconds(try await RingWatch(members: [m1, a2, a3]).isWhole(within: .seconds(60))))"
                    )
                    // An address at first; then only those on its link lead it back, when what it remembers is gone.
                    let a4 = try trial.member("a4", at: places[3], Self.flags)
                    try await a4.join(["--join", lan.hosts[0].address])
                    let four = RingWatch(members: [m1, a2, a3, a4])
                    _ = try await four.isWhole(within: .seconds(60))
                    try await a4.kill()
                    for file in ["", "-wal", "-shm"] {
                        try? FileManager.default.removeItem(atPath: "\(a4.state)/palmier.sqlite\(file)")
                    }
                    try await a4.join()
                    _ = try await four.isWhole(within: .seconds(60))
                    // And once more through those that are remembered, when its link is silent.
                    try await a3.kill()
                    try await a4.kill()
                    try await a4.join()
                    _ = try await RingWatch(members: [m1, a2, a4]).isWhole(within: .seconds(60))
                }
            }
        }

        @Test(
            "an address where nobody is, and a name that is none, are reported once and tried again; the link goes on",
            .timeLimit(.minutes(3)))
        func unreachable() async throws {
            try await Trial.with("wide-unreachable") { trial in
                try await Lan.with(hosts: 3, addressing: .ipv4) { lan in
                    let places = lan.hosts.map { Place.host($0) }
                    let m1 = try await trial.firstMaster(at: places[0], flags: Self.flags)
                    let later = "\(lan.hosts[2].address):7500"
                    let a2 = try trial.member("a2", at: places[1], Self.flags)
                    try await a2.join(["--join", later, "--join", "nowhere.invalid"])
                    let ring = RingWatch(members: [m1, a2])
                    _ = try await ring.isWhole(within: .seconds(30))
                    try await a2.says("connection refused", within: .seconds(20))
                    try await a2.says("nowhere.invalid", within: .seconds(40))
                    try await Task.sleep(for: .seconds(8))
                    #expect(a2.log.count("join.unreachable") == 2, "each once: \(a2.log)")
                    let doctor = try await a2.palmier(["overlay", "status"])
                    #expect(doctor.output.contains("active in a ring of 2 peers"), "\(doctor)")
                    // A peer that comes there after all is met, and that is said.
                    let a3 = try trial.member("a3", at: places[2], Self.flags)
                    try await a3.join(["--listen", later])
                    try await a2.says("join.reached", within: .seconds(90))
                    _ = try await RingWatch(members: [m1, a2, a3]).isWhole(within: .seconds(60))
                }
            }
        }

        @Test(
            "two fabrics stay two, on a link and when one is pointed at the other; both sides say why",
            .timeLimit(.minutes(3)))
        func strangers() async throws {
            try await Trial.with("wide-strangers") { trial in
                try await Lan.with(hosts: 3, addressing: .ipv4) { lan in
                    let places = lan.hosts.map { Place.host($0) }
                    let m1 = try await trial.firstMaster(at: places[0], flags: Self.flags)
                    let a2 = try trial.member("a2", at: places[1], Self.flags)
                    try await trial.fleet([a2])
                    let other = "\(trial.fabric)-b"
                    let stranger = try trial.member("s1", isMaster: true, at: places[2], ofFabric: other, Self.flags)
                    try await trial.palmier(
                        ["fabric", "create", other, "--state", stranger.state, "--master-name", "s1"], at: places[2]
                    ).ended(with: .done)
                    try await stranger.join(["--join", lan.hosts[0].address])
                    // The dialler reads the other certificate, and refuses it; the listener is told no more than that.
                    try await stranger.says("is of the fabric \"\(trial.fabric)\", this is \"\(other)\"")
                    try await m1.says("of the fabric \"\(trial.fabric)\": the other side is of another one")
                    try await Task.sleep(for: .seconds(5))
                    for member in [stranger, m1] {
                        #expect(member.log.count("transport.rejected") == 1, "once: \(member.log)")
                    }
                    _ = try await RingWatch(members: [m1, a2]).isWhole(within: .seconds(30))
                    _ = try await RingWatch(members: [stranger]).isWhole(within: .seconds(30))
                }
            }
        }

        /// `palmier bench lan --figures ring_formed` measures 50; unoptimized processes are too slow for that here.
        @Test("20 peers on 5 hosts are one ring, and again after `kill -9` of 5 of them", .timeLimit(.minutes(4)))
        func many() async throws {
            try await Trial.with("many") { trial in
                try await Lan.with(hosts: 5, addressing: .ipv4) { lan in
                    let places = lan.hosts.map { Place.host($0) }
                    let first = try await trial.firstMaster(at: places[0], flags: Self.flags)
                    let agents = try (1..<20).map { number in
                        try trial.member("a\(number)", at: places[number % 5], Self.flags + ["--partitions", "1"])
                    }
                    for agent in agents { try await agent.start() }
                    for agent in agents { try await agent.serves(within: .seconds(90)) }
                    let formed = try await RingWatch(members: [first] + agents).isWhole(within: .seconds(60))
                    tell("20 processes are one ring \(seconds(formed)) after the last one serves")
                    for agent in agents[..<5] { try await agent.kill() }
                    let healed = try await RingWatch(members: [first] + agents[5...]).isWhole(within: .seconds(60))
                    tell("kill -9 of 5: the ring is whole after \(seconds(healed))")
                }
            }
        }
    }
}

extension String {
    fileprivate func count(_ part: String) -> Int { components(separatedBy: part).count - 1 }
}

import Foundation
import Lab
import Testing

extension Scenarios {
    /// Links and users that allow less than usual.
    @Suite(
        "Where less is allowed",
        .enabled("a LAN of network namespaces can be made here") { await Obstacle.lan.isAbsent() })
    struct NarrowTests {
        @Test(
            "where multicast is blocked the agent says so, joins by --join, and comes back without it",
            .timeLimit(.minutes(3)))
        func noMulticast() async throws {
            try await Trial.with("no-multicast") { trial in
                try await Lan.with(hosts: 2) { lan in
                    let flags = ["--isolation", "none"]
                    let m1 = try await trial.firstMaster(at: .host(lan.hosts[0]), flags: flags)
                    let deaf = lan.hosts[1]
                    let rules = try trial.write(
                        """
                        table inet deaf {
                            chain in { type filter hook input priority 0; udp dport 5353 drop; }
                            chain out { type filter hook output priority 0; udp dport 5353 drop; }
                        }

                        """, to: "deaf.nft")
                    try await deaf.run(["nft", "-f", rules]).check()
                    let a2 = try trial.member("a2", at: .host(deaf), flags)
                    let clock = ContinuousClock()
                    let start = clock.now
                    try await a2.start()
                    try await a2.says("no multicast", within: .seconds(20))
                    tell("blocked multicast is said after \(seconds(clock.now - start))")
                    #expect(a2.log.contains("--join HOST:PORT"), "the remedy: \(a2.log)")
                    try await a2.kill()

                    try await a2.join(["--join", "\(m1.place.address):7423"])
                    try await m1.seesLive([m1, a2])
                    try await a2.kill()
                    try await m1.sees("a2", as: "failed", within: .seconds(20))
                    // Through the peers that it remembers on disk.
                    try await a2.join()
                    try await m1.seesLive([m1, a2])
                    let instance = try await m1.requestCache("cache", ["--node", "a2"])
                    try await Memcached(instance, from: m1.place).remember("palm", as: "tree")
                }
            }
        }

        @Test(
            "an agent of an ordinary user runs its instance inside bubblewrap", .timeLimit(.minutes(3)),
            .enabled("user namespaces are allowed to ordinary users") { await bubblewrap.isAbsent() })
        func ordinaryUser() async throws {
            try await Trial.with("ordinary-user") { trial in
                try await Lan.with(hosts: 2) { lan in
                    let m1 = try await trial.firstMaster(at: .host(lan.hosts[0]), flags: ["--isolation", "none"])
                    let a2 = try trial.member("a2", at: .host(lan.hosts[1]), user: "nobody")
                    try FileManager.default.createDirectory(atPath: a2.state, withIntermediateDirectories: true)
                    try await a2.place.run(["chown", "nobody:nogroup", a2.state]).check()
                    try await a2.join()
                    try await m1.seesLive([m1, a2])
                    let instance = try await m1.requestCache("cache", ["--node", "a2"])
                    let cache = try Memcached(instance, from: m1.place)
                    try await cache.remember("palm", as: "tree")
                    // The whole chain, from the agent to the program, is the user's.
                    let owners = try await a2.place.run(["ps", "-e", "-o", "user=,args="]).check().output
                        .split(separator: "\n").filter {
                            $0.contains(a2.state) || $0.contains("memcached -u nobody -l \(cache.host)")
                        }
                    #expect(owners.contains { $0.contains("bwrap") }, "\(owners)")
                    #expect(owners.allSatisfy { $0.hasPrefix("nobody ") || $0.contains("setpriv") }, "\(owners)")
                    // It survives its agent here, too.
                    try await a2.kill()
                    try await cache.expect("palm", as: "tree")
                    try await a2.join()
                    try await m1.seesLive([m1, a2])
                    try await cache.expect("palm", as: "tree")
                    try await m1.palmier(["instance", "destroy", "cache", "--yes", "--wait", "destroyed"])
                        .ended(with: .done)
                }
            }
        }
    }
}

/// To bubblewrap for `nobody`: the kernel, or a container around us, may forbid user namespaces.
private let bubblewrap = Obstacle("scenarios of an ordinary user") {
    do {
        try await Place.machine.run([
            "setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "bwrap", "--unshare-user",
            "--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true",
        ]).check()
        return nil
    } catch {
        return "an ordinary user cannot run bubblewrap here: \(error)"
    }
}

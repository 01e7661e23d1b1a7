import Foundation
import Lab
import Testing

extension Scenarios {
    /// Kills, cables and walls, on a LAN of five hosts: `m1` (which holds the root's key), `m2`, `m3`, `a4`, `a5`.
    @Suite(
        "Faults on a LAN", .enabled("a LAN of network namespaces can be made here") { await Obstacle.lan.isAbsent() })
    struct FaultTests {
        /// A bound, not a wish: what is measured is printed.
        private static let noticed = Duration.seconds(30)
        /// A claim's lease is 45 s; the rest is for a machine that is busy.
        private static let replaced = Duration.seconds(120)

        @Test(
            "kill -9 of a master, of an agent: every master knows; what runs goes on, and is found again",
            .timeLimit(.minutes(4)))
        func kills() async throws {
            try await onLan("kills") { all, lan in
                let (m1, m2, m3, a4) = (all[0], all[1], all[2], all[3])
                let kept = try await m2.requestCache("kept", ["--node", "a5"])
                let cache = try Memcached(kept, from: .host(lan.hosts[0]))
                try await cache.remember("palm", as: "tree")
                try await m2.kill()
                try await know([m1, m3], that: "m2", is: "failed")
                try await cache.expect("palm", as: "tree")
                try await m2.join()
                for master in [m1, m2, m3] { try await master.seesLive(all) }
                let again = try await m1.instance("kept")
                #expect(again.state == "running" && again.attempt == 1 && again.home == "m2", "\(again)")
                try await restarts(of: a4, in: all, lan)
                try await cache.expect("palm", as: "tree")
            }
        }

        /// An agent is killed, and stopped in order; its instance never notices.
        private func restarts(of agent: Member, in all: [Member], _ lan: Lan) async throws {
            let masters = all.filter(\.isMaster)
            let instance = try await masters[0].requestCache("steady", ["--node", agent.name])
            let cache = try Memcached(instance, from: .host(lan.hosts[4]))
            try await cache.remember("cocos", as: "nut")
            let pid = try await cache.pid()
            for isKilled in [true, false] {
                if isKilled { try await agent.kill() } else { try await agent.stop() }
                try await know(masters, that: agent.name, is: isKilled ? "failed" : "left")
                try await cache.expect("cocos", as: "nut")
                try await agent.join()
                for master in masters { try await master.seesLive(all) }
                try await Polling.until("steady runs, as its ledger says", within: .seconds(60)) {
                    try await masters[1].instance("steady").state == "running"
                }
                let again = try await masters[1].instance("steady")
                #expect(again.attempt == 1, "a restart is no new attempt: \(again)")
                #expect(try await cache.pid() == pid, "the same process")
                try await cache.expect("cocos", as: "nut")
            }
        }

        @Test(
            "a host dies, another is cut off: after the lease both instances run elsewhere, the exclusive one never twice",
            .timeLimit(.minutes(5)))
        func lostHosts() async throws {
            try await onLan("lost-hosts") { all, lan in
                let (m1, a5) = (all[0], all[4])
                let (h4, h5) = (lan.hosts[3], lan.hosts[4])
                let roaming = try await m1.requestCache("roaming", ["--node", "a5"])
                let sole = try await m1.requestCache("sole", ["--node", "a4", "--exclusive"])
                #expect(sole.exclusive)
                // Both may run anywhere from now on; where they are, they stay.
                for name in ["roaming", "sole"] {
                    try await m1.palmier(["request", name, "--node", "", "--wait"]).ended(with: .done)
                    #expect(try await m1.instance(name).attempt == 1)
                }
                let there = try Memcached(sole, from: .host(h4))
                try await there.remember("only", as: "one")

                let clock = ContinuousClock()
                let start = clock.now
                try await lan.partition([h4], lan.hosts.filter { $0.number != h4.number })
                try await h5.killAll()
                try await know(all.filter(\.isMaster), that: "a5", is: "failed")

                let moved = try await neverTwice(there, asking: m1)
                tell("the exclusive instance runs elsewhere after \(seconds(clock.now - start))")
                #expect(moved.where?.node != "a4" && moved.where?.node != "a5")
                try await Polling.until("roaming runs elsewhere", within: Self.replaced, every: .milliseconds(500)) {
                    let now = try await m1.instance("roaming")
                    return now.state == "running" && now.attempt == 2 && now.where?.node != "a5"
                }
                tell("the dead host's instance runs elsewhere after \(seconds(clock.now - start))")
                #expect(roaming.where?.node == "a5")
                for name in ["roaming", "sole"] {
                    try await Memcached(m1.instance(name), from: .host(lan.hosts[1])).remember("anew", as: name)
                }

                try await lan.heal()
                try await h5.bringUp()
                try await a5.join()
                for master in all where master.isMaster { try await master.seesLive(all) }
                try await Polling.until("what was lost is cleared away on a4 and a5", within: .seconds(90)) {
                    try await m1.nodes().filter { ["a4", "a5"].contains($0.name) }.allSatisfy { $0.free == $0.capacity }
                }
                #expect(try await !there.answers(), "the old one is gone for good")
            }
        }

        /// Waits until the exclusive instance runs elsewhere; fails when two of it answer at the same time.
        private func neverTwice(_ old: Memcached, asking master: Member) async throws -> InstanceDocument {
            var endOfOld: ContinuousClock.Instant?
            return try await Polling.value("sole runs elsewhere", within: Self.replaced, every: .milliseconds(250)) {
                let instance = try await master.instance("sole")
                var isNewAlive = false
                if instance.attempt > 1, instance.state == "running" {
                    isNewAlive = try await Memcached(instance, from: .host(hostOf(master))).answers()
                }
                // The old one after the new one: if it answers now, both have lived at the same time.
                let isOldAlive = try await old.answers()
                #expect(!(isNewAlive && isOldAlive), "two of an exclusive instance answer")
                if !isOldAlive, endOfOld == nil { endOfOld = .now }
                if isNewAlive, let endOfOld {
                    tell("the old one was gone \(seconds(.now - endOfOld)) before the new one was seen")
                }
                return isNewAlive ? instance : nil
            }
        }

        private func hostOf(_ member: Member) throws -> LabHost {
            guard case .host(let host) = member.place else { throw Unexpected("\(member.name) is on no LAN") }
            return host
        }

        @Test(
            "a wall between {m1, a4} and {m2, m3, a5}: the side with a majority serves every ledger, the other says why it cannot; when it falls, all is one",
            .timeLimit(.minutes(4)))
        func partition() async throws {
            try await onLan("partition") { all, lan in
                let (m1, m2, m3) = (all[0], all[1], all[2])
                let (west, east) = ([all[0], all[3]], [all[1], all[2], all[4]])
                try await Member.settle([m1, m2, m3])
                let before = try await m1.requestCache("before", ["--node", "a5"])
                let clock = ContinuousClock()
                let start = clock.now
                try await lan.partition([lan.hosts[0], lan.hosts[3]], [lan.hosts[1], lan.hosts[2], lan.hosts[4]])
                try await m1.seesLive(west)
                for master in [m2, m3] { try await master.seesLive(east) }
                tell("both sides know after \(seconds(clock.now - start))")
                let east1 = try await m2.requestCache("east")
                try await Memcached(east1, from: m2.place).remember("east", as: "side")
                #expect(try await m2.instance("east").home == "m2")
                // What m1 took is led on this side now.
                try await Polling.until("m3 shows what m1 took", within: .seconds(20)) {
                    let answer = try await m3.palmier(["instance", "show", "before", "-o", "json"])
                    return try answer.code == 0 && answer.document(InstanceDocument.self).state == "running"
                }
                // With one replica of three nothing can be promised.
                let refused = try await m1.palmier(
                    [
                        "request", "west", "--release", Program.example("memcached"), "--param", "memory=16", "-o",
                        "json",
                    ])
                try refused.ended(with: .unreachable)
                let problem = try refused.document(ProblemDocument.self)
                #expect(problem.detail.contains("no replica can take its place"), "\(problem)")
                try await Memcached(before, from: .host(lan.hosts[4])).remember("on", as: "goes")
                try await lan.heal()
                let healed = clock.now
                for master in [m1, m2, m3] { try await master.seesLive(all) }
                tell("healed: all are live for all after \(seconds(clock.now - healed))")
                try await Polling.until("m1 takes requests again", within: .seconds(30)) {
                    try await m1.palmier(
                        [
                            "request", "west", "--release", Program.example("memcached"), "--param", "memory=16",
                            "--wait",
                        ]
                    ).code == 0
                }
                for master in [m1, m2, m3] {
                    try await Polling.until("\(master.name) lists all three, running", within: .seconds(60)) {
                        let list = try await master.instances()
                        return list.missing.isEmpty
                            && list.instances.map(\.reference).sorted() == ["before", "east", "west"]
                            && list.instances.allSatisfy { $0.state == "running" }
                    }
                }
            }
        }

        // MARK: The LAN

        private func onLan(_ title: String, _ scenario: ([Member], Lan) async throws -> Void) async throws {
            try await Trial.with(title) { trial in
                try await Lan.with(hosts: 5) { lan in
                    let places = lan.hosts.map { Place.host($0) }
                    let flags = ["--isolation", "none"]
                    let first = try await trial.firstMaster(at: places[0], flags: flags)
                    let masters = try (2...3).map {
                        try trial.member("m\($0)", isMaster: true, at: places[$0 - 1], flags)
                    }
                    let agents = try (4...5).map { try trial.member("a\($0)", at: places[$0 - 1], flags) }
                    try await trial.fleet(masters + agents)
                    try await scenario([first] + masters + agents, lan)
                }
            }
        }

        /// Waits until every one of the masters says so, and tells how long it took.
        private func know(_ masters: [Member], that name: String, is state: String) async throws {
            let clock = ContinuousClock()
            let start = clock.now
            for master in masters { try await master.sees(name, as: state, within: Self.noticed) }
            tell("every master says that \(name) is \(state) after \(seconds(clock.now - start))")
        }
    }
}

import Foundation
import Lab
import Testing

extension Scenarios {
    /// What a ledger survives: three masters `m1` (which holds the root's key), `m2`, `m3`, and an agent `a4`, one a host.
    @Suite(
        "Ledgers on a LAN", .enabled("a LAN of network namespaces can be made here") { await Obstacle.lan.isAbsent() })
    struct LedgerTests {
        /// Until another master leads, or one that is back follows: a bound, not a wish; what is measured is printed.
        private static let taken = Duration.seconds(30)

        @Test(
            "kill -9 of the master that took a request: the others serve and change it, and it follows when it is back",
            .timeLimit(.minutes(5)))
        func kill() async throws {
            try await onLan("ledger-kill") { masters, lan in
                let (m1, m2, m3) = (masters[0], masters[1], masters[2])
                try await Member.settle(masters)
                let kept = try await m2.requestCache("kept", ["--node", "a4"])
                #expect(kept.home == "m2")
                let cache = try Memcached(kept, from: .host(lan.hosts[0]))
                try await cache.remember("palm", as: "tree")

                let acknowledged = try await kill(m2, after: 3)
                try await survivors(m1, m3, acknowledged)
                try await degraded(m1)
                try await cache.expect("palm", as: "tree")

                let changed = try await m3.palmier(
                    ["request", "kept", "--param", "memory=24", "--wait", "--timeout", "60s", "-o", "json"]
                ).ended(with: .done).document(InstanceDocument.self)
                #expect(changed.home == "m2" && changed.state == "running", "\(changed)")
                try await m1.palmier(["instance", "destroy", "kept", "--yes", "--wait", "destroyed"])
                    .ended(with: .done)

                try await m2.join()
                try await Member.settle(masters, within: Self.taken)
                for master in masters {
                    let list = try await master.instances()
                    #expect(list.missing.isEmpty && list.unreachable.isEmpty, "\(list)")
                    #expect(Set(list.instances.map(\.reference)).isSuperset(of: acknowledged), "\(master.name)")
                    #expect(!list.instances.contains { $0.reference == "kept" }, "\(master.name): it was destroyed")
                }
                // What is asked afterwards is taken by all three again.
                try await m2.palmier(["request", "later"] + Self.nowhere).ended(with: .accepted)
                try await Member.settle(masters, within: Self.taken)
            }
        }

        /// A request that no machine meets: acknowledged as soon as the ledger has it.
        private static let nowhere = [
            "--release", Program.example("memcached"), "--param", "memory=16", "--node", "a9", "--detach",
        ]

        /// What was asked for, and acknowledged.
        private actor Wishes {
            private(set) var names: [String] = []

            func wish(through master: Member) async throws {
                for number in 1...200 {
                    let name = "wish-\(number)"
                    let answer = try await master.palmier(["request", name] + LedgerTests.nowhere)
                    // What was not acknowledged may be there or not.
                    guard answer.code == ExitCode.accepted.rawValue else { return }
                    names.append(name)
                }
            }
        }

        /// Asks for one thing after the other, and kills the master when some have been acknowledged, in the middle of the
        /// next.
        ///
        /// - Returns: the names that were acknowledged.
        private func kill(_ master: Member, after count: Int) async throws -> [String] {
            let acknowledged = Wishes()
            async let wishing: Void = acknowledged.wish(through: master)
            try await Polling.until("\(count) requests are acknowledged", within: .seconds(60)) {
                await acknowledged.names.count >= count
            }
            try await master.kill()
            try await wishing
            let names = await acknowledged.names
            tell("\(names.count) requests were acknowledged before \(master.name) was killed")
            #expect(names.count >= count)
            return names
        }

        /// Both serve what the dead one had taken.
        private func survivors(_ m1: Member, _ m3: Member, _ acknowledged: [String]) async throws {
            let clock = ContinuousClock()
            let start = clock.now
            for master in [m1, m3] {
                let kept = try await Polling.value("\(master.name) shows kept", within: Self.taken) {
                    let answer = try await master.palmier(["instance", "show", "kept", "-o", "json"])
                    return answer.code == 0 ? try answer.document(InstanceDocument.self) : nil
                }
                #expect(kept.state == "running" && kept.attempt == 1 && kept.home == "m2", "\(kept)")
                let list = try await master.instances()
                #expect(list.missing.isEmpty && list.unreachable.isEmpty, "\(list)")
                let missing = Set(acknowledged).subtracting(list.instances.map(\.reference))
                #expect(missing.isEmpty, "\(master.name) misses what was acknowledged")
            }
            tell("the others serve what the dead master had taken after \(seconds(clock.now - start))")
        }

        /// The ledger goes on, and says what it lacks, why, and what to do; so do the surfaces that tell of health.
        private func degraded(_ master: Member) async throws {
            let ledger = try await Polling.value("\(master.name) says that m2 is degraded", within: Self.taken) {
                let answer = try await master.palmier(["ledger", "status", "m2", "-o", "json"])
                let ledger = try answer.document(LedgerDocument.self)
                return answer.code == ExitCode.accepted.rawValue && ledger.standing == 1 ? ledger : nil
            }
            #expect(ledger.schema == "palmier.ledger/1" && ledger.health == "degraded" && ledger.wanted == 2)
            #expect(["m1", "m3"].contains(ledger.primary), "\(ledger)")
            #expect(ledger.reasons.contains { $0.contains("m2") }, "\(ledger)")
            #expect(ledger.remedy.contains("start m2 again"), "\(ledger)")
            #expect(ledger.members.contains { $0.name == "m2" && $0.state == "failed" }, "\(ledger)")
            let text = try await master.palmier(["ledger", "status"]).ended(with: .accepted)
            #expect(text.output.contains("degraded") && text.output.contains("1 of 2"), "\(text)")
            try await Polling.until("\(master.name) lists \(ledger.primary) as leading m2", within: Self.taken) {
                try await master.palmier(["master", "list", "-o", "json"]).document(MastersDocument.self).masters
                    .contains { $0.name == ledger.primary && $0.leads.contains("m2") }
            }
            let status = try await master.palmier(["status", "-o", "json"]).document(StatusDocument.self)
            #expect(status.attention.contains { $0.subject == "ledger m2" && $0.reason.contains("start m2 again") })
            let doctor = try await master.palmier(["doctor"])
            #expect(doctor.output.contains("to do (ledger): start m2 again"), "\(doctor)")
        }

        private func onLan(_ title: String, _ scenario: ([Member], Lan) async throws -> Void) async throws {
            try await Trial.with(title) { trial in
                try await Lan.with(hosts: 4) { lan in
                    let places = lan.hosts.map { Place.host($0) }
                    let flags = ["--isolation", "none"]
                    let first = try await trial.firstMaster(at: places[0], flags: flags)
                    let masters = try (2...3).map {
                        try trial.member("m\($0)", isMaster: true, at: places[$0 - 1], flags)
                    }
                    let agent = try trial.member("a4", at: places[3], flags)
                    try await trial.fleet(masters + [agent])
                    try await scenario([first] + masters, lan)
                }
            }
        }
    }

    /// On loopback, with one master.
    @Suite("A ledger of a master alone")
    struct LoneLedgerTests {
        @Test("its master says that it has no replica, why, and what to do; a script sees it", .timeLimit(.minutes(2)))
        func alone() async throws {
            try await Trial.with("ledger-alone") { trial in
                let master = try await trial.firstMaster(flags: ["--isolation", "none"])
                let text = try await master.palmier(["ledger", "status", "m1"]).ended(with: .accepted)
                #expect(text.output.contains("m1: degraded, led by m1, with 0 of 2 replicas"), "\(text)")
                #expect(text.output.contains("to do: start 2 more masters"), "\(text)")
                try await master.palmier(["ledger", "status", "m2", "-o", "json"]).ended(with: .notFound)
                try await master.stop()
                try await master.start(["--replicas", "0"])
                try await master.serves()
                try await Polling.until("its ledger is ok", within: .seconds(30)) {
                    try await master.palmier(["ledger", "status"]).code == 0
                }
            }
        }

        @Test("a wrong number of replicas ends with 64, and says what was expected", .timeLimit(.minutes(1)))
        func wrong() async throws {
            try await Trial.with("ledger-wrong") { trial in
                for (flags, expected) in [
                    (["--replicas", "7"], "replicas: expected a whole number from 0 to 6, found \"7\""),
                    (["--replicas", "2", "--minimum-replicas", "3"], "minimum-replicas: expected at most as many"),
                    (["--ledger", "my lab"], "ledger: expected a name such as \"lab\""),
                    (["--replace-after", "soon"], "replace-after: expected a time from 1s to 30d"),
                    (["--hold-replicas", "-1"], "hold-replicas"),
                ] {
                    let answer = try await trial.palmier(["master", "--state", "\(trial.folder)/none"] + flags)
                        .ended(with: .usage)
                    #expect(answer.error.contains(expected), "\(answer)")
                }
            }
        }
    }
}

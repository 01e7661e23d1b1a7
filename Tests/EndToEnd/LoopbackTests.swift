import Foundation
import Lab
import Testing

extension Scenarios {
    /// The demonstration of the README, with assertions.
    @Suite("On loopback")
    struct LoopbackTests {
        @Test(
            "3 masters, 5 agents: request, use, kill that master, go on, request through another, restart",
            .timeLimit(.minutes(4)))
        func demonstration() async throws {
            try await Trial.with("demonstration") { trial in
                let clock = ContinuousClock()
                let start = clock.now
                let m1 = try await trial.firstMaster()
                let m2 = try trial.member("m2", isMaster: true)
                let m3 = try trial.member("m3", isMaster: true)
                let agents = try (1...5).map { try trial.member("a\($0)") }
                try await trial.fleet([m2, m3] + agents)
                tell("3 masters and 5 agents after \(seconds(clock.now - start))")
                try await Member.settle([m1, m2, m3])

                let asked = clock.now
                // Not on m2, which is about to die with all that its machine runs.
                let first = try await m2.requestCache("cache", ["--node", "a1"])
                tell("request to running, with the release's installation: \(seconds(clock.now - asked))")
                #expect(first.state == "running" && first.attempt == 1 && first.home == "m2")
                let cache = try Memcached(first, from: .machine)
                try await cache.remember("palm", as: "tree")

                try await m2.kill()
                try await cache.expect("palm", as: "tree")

                let second = try await m3.requestCache("cache2")
                #expect(second.state == "running" && second.home == "m3")
                try await Memcached(second, from: .machine).remember("cocos", as: "nut")

                try await othersServeIt(m2, m3)
                try await cache.expect("palm", as: "tree")

                try await m2.join()
                for master in [m1, m2, m3] {
                    try await Polling.until("\(master.name) lists both", within: .seconds(60)) {
                        let list = try await master.instances()
                        return list.missing.isEmpty && list.instances.map(\.reference).sorted() == ["cache", "cache2"]
                            && list.instances.allSatisfy { $0.state == "running" && $0.attempt == 1 }
                    }
                }
                try await cache.expect("palm", as: "tree")
                try await destroy("cache", through: m1)
                #expect(try await !cache.answers())
            }
        }

        /// Another master leads the dead one's ledger, and says what it holds.
        private func othersServeIt(_ dead: Member, _ other: Member) async throws {
            try await Polling.until("\(other.name) serves what \(dead.name) took", within: .seconds(20)) {
                let answer = try await other.palmier(["instance", "show", "cache", "-o", "json"])
                guard answer.code == 0 else { return false }
                let instance = try answer.document(InstanceDocument.self)
                return instance.state == "running" && instance.attempt == 1 && instance.home == dead.name
            }
            let list = try await other.instances()
            #expect(list.missing.isEmpty && list.unreachable.isEmpty, "\(list)")
            let shown = try await other.palmier(["status"]).output
            #expect(shown.contains("ledger \(dead.name)"), "that it lacks a replica: \(shown)")
        }

        private func destroy(_ name: String, through master: Member) async throws {
            try await master.palmier(["instance", "destroy", name, "--yes", "--wait", "destroyed", "--timeout", "60s"])
                .ended(with: .done)
            let gone = try await master.palmier(["instance", "show", name])
            #expect(gone.code == ExitCode.notFound.rawValue, "\(gone)")
        }
    }
}

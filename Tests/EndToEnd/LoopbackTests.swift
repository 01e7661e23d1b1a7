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

                let asked = clock.now
                let first = try await m2.requestCache("cache")
                tell("request to running, with the release's installation: \(seconds(clock.now - asked))")
                #expect(first.state == "running" && first.attempt == 1 && first.home == "m2")
                let cache = try Memcached(first, from: .machine)
                try await cache.remember("palm", as: "tree")

                try await m2.kill()
                try await cache.expect("palm", as: "tree")

                let second = try await m3.requestCache("cache2")
                #expect(second.state == "running" && second.home == "m3")
                try await Memcached(second, from: .machine).remember("cocos", as: "nut")

                try await othersSayWhoHoldsIt(m2, m3)
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

        /// Another master answers clearly when the one that holds the request is dead.
        private func othersSayWhoHoldsIt(_ dead: Member, _ other: Member) async throws {
            let answer = try await other.palmier(["instance", "show", "cache", "-o", "json"])
            try answer.ended(with: .unreachable)
            let problem = try answer.document(ProblemDocument.self)
            #expect(problem.schema == "palmier.problem/1" && problem.code == "unreachable")
            #expect(problem.detail.contains(dead.name), "who holds it: \(problem.detail)")
            #expect((problem.detail + problem.remedy).contains("goes on"), "that it goes on: \(problem)")
            try await Polling.until("\(other.name) names what \(dead.name) holds", within: .seconds(30)) {
                let list = try await other.instances()
                return list.missing == [dead.name] && list.unreachable.map(\.reference) == ["cache"]
                    && list.unreachable[0].home == dead.name
            }
            for command in [["instance", "list"], ["status"]] {
                let shown = try await other.palmier(command).output
                #expect(shown.contains("held by master \(dead.name)") && shown.contains("cache"), "\(shown)")
            }
            let table = try await other.palmier(["instance", "show", "cache"])
            #expect(table.code == ExitCode.unreachable.rawValue)
            #expect(table.output.isEmpty && table.error.contains(dead.name), "\(table)")
        }

        private func destroy(_ name: String, through master: Member) async throws {
            try await master.palmier(["instance", "destroy", name, "--yes", "--wait", "destroyed", "--timeout", "60s"])
                .ended(with: .done)
            let gone = try await master.palmier(["instance", "show", name])
            #expect(gone.code == ExitCode.notFound.rawValue, "\(gone)")
        }
    }
}

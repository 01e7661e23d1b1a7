import Foundation
import Lab
import Testing

extension Scenarios {
    /// Machines whose owners want them back.
    @Suite("Drains")
    struct DrainTests {
        /// A master that runs nothing, and two machines.
        private func fleet(_ trial: Trial) async throws -> (master: Member, one: Member, two: Member) {
            let isolation = ["--isolation", "none"]
            let m1 = try await trial.firstMaster(flags: isolation + ["--replicas", "0", "--partitions", "0"])
            let n1 = try trial.member("n1", isolation + ["--partitions", "2"])
            let n2 = try trial.member("n2", isolation + ["--partitions", "2"])
            try await trial.fleet([n1, n2])
            return (m1, n1, n2)
        }

        @Test(
            "a drain moves what runs with no gap: the old one is gone after the new one answers; an exclusive one stops first",
            .timeLimit(.minutes(4)))
        func moves() async throws {
            try await Trial.with("drain") { trial in
                let (m1, n1, n2) = try await fleet(trial)
                _ = try await m1.requestCache("web", ["--node", "n1"])
                try await m1.palmier(["request", "web", "--node", "", "--wait"]).ended(with: .done)
                _ = try await m1.requestCache("only", ["--exclusive", "--node", "n1"])
                try await m1.palmier(["request", "only", "--node", "", "--wait"]).ended(with: .done)
                let before = try await m1.instance("web")
                #expect(before.where?.node == "n1" && before.promise == "at least one")
                let (old, exclusive) = (
                    try Memcached(before, from: m1.place), try Memcached(try await m1.instance("only"), from: m1.place)
                )

                // Asked all the time meanwhile: at each look the old one answers, or the new one does.
                let watch = Task {
                    var gaps: [String] = []
                    while !Task.isCancelled {
                        if try await !old.answers() {
                            let now = try await m1.instance("web")
                            let isThere = try await Memcached(now, from: m1.place).answers()
                            if !isThere || now.where?.node != "n2" { gaps.append("\(now)") }
                            break
                        }
                        try await Task.sleep(for: .milliseconds(50))
                    }
                    return gaps
                }
                let drained = try await m1.palmier(["node", "drain", "n1", "--wait", "--timeout", "90s"])
                    .ended(with: .done)
                #expect(drained.output.contains("n1 is drained"), "\(drained)")
                #expect(drained.error.contains("web is still on n1"), "\(drained)")
                try await Polling.until("the old one is gone", within: .seconds(10)) { try await !old.answers() }
                #expect(try await watch.value == [])
                let after = try await m1.instance("web")
                #expect(after.where?.node == "n2" && after.attempt == 2 && after.state == "running")
                #expect(try await Memcached(after, from: m1.place).answers())
                try await Polling.until("the exclusive one runs on n2 alone", within: .seconds(30)) {
                    let now = try await m1.instance("only")
                    return now.state == "running" && now.where?.node == "n2"
                }
                #expect(try await !exclusive.answers())
                try await m1.sees("n1", as: "drained", within: .seconds(10))

                // Nothing is left for what is on n2: the drain waits, and says for what.
                let waits = try await m1.palmier(["node", "drain", "n2", "--wait", "--timeout", "4s"])
                    .ended(with: .accepted)
                #expect(waits.output.contains("web") && waits.output.contains("n2 drains"), "\(waits)")
                #expect(try await m1.instance("web").state == "running")
                // Its own owner, at the machine itself.
                try await n2.palmier(["node", "undrain"]).ended(with: .done)
                try await m1.sees("n2", as: "worker", within: .seconds(10))
                _ = n1
            }
        }

        @Test(
            "a drain outlives kill -9 of the agent, which goes on with it; flags of a later start win over what was said while it ran",
            .timeLimit(.minutes(4)))
        func survives() async throws {
            try await Trial.with("drain-restart") { trial in
                let (m1, n1, n2) = try await fleet(trial)
                _ = try await m1.requestCache("web", ["--node", "n1"])
                try await m1.palmier(
                    ["node", "offer", "n1", "--price", "core-hour=0.01", "--max-memory", "8GiB", "--region", "eu"]
                ).ended(with: .done)
                // Nobody else may have it, so that the drain waits.
                let waits = try await m1.palmier(["node", "drain", "n1", "--wait", "--timeout", "3s"])
                    .ended(with: .accepted)
                #expect(waits.output.contains("another machine than n1") || waits.output.contains("web"), "\(waits)")
                try await n1.kill()
                try await n1.join(["--max-memory", "4GiB"])
                #expect(n1.log.contains("drained it"), "\(n1.log)")
                #expect(n1.log.contains("offer.startWins"), "\(n1.log)")
                try await m1.sees("n1", as: "draining", within: .seconds(20))
                // What was last heard of it may be from before its death, which is noticed in a moment.
                let offer = try await Polling.value("n1 shows its offer", within: .seconds(20)) {
                    try? await m1.palmier(["node", "offer", "n1", "-o", "json"]).ended(with: .done)
                        .document(NodeOfferDocument.self)
                }
                #expect(offer.maxMemoryBytes == 4 << 30 && offer.coreHour == "0.01" && offer.region == "eu", "\(offer)")
                #expect(offer.kept == ["coreHour", "region"])
                try await m1.palmier(["request", "web", "--node", "", "--wait"]).ended(with: .done)
                try await m1.palmier(["node", "drain", "n1", "--wait", "--timeout", "90s"]).ended(with: .done)
                #expect(try await m1.instance("web").where?.node == "n2")
                try await n1.kill()
                try await n1.join()
                try await m1.sees("n1", as: "drained", within: .seconds(20))
                try await Polling.until("n1 takes the word", within: .seconds(20)) {
                    (try? await m1.palmier(["node", "undrain", "n1"]).ended(with: .done)) != nil
                }
                try await m1.sees("n1", as: "idle", within: .seconds(10))
                for (flags, word) in [
                    (["--hours", "19-7"], "--hours"), (["--max-cpus", "none"], "--max-cpus"),
                    (["--price", "cor-hour=1"], "core-hour"), (["--reset", "--hours", "always"], "--reset"),
                ] {
                    let answer = try await m1.palmier(["node", "offer", "n1"] + flags).ended(with: .usage)
                    #expect(answer.error.contains(word), "\(answer)")
                }
                try await m1.palmier(["node", "drain", "nobody"]).ended(with: .notFound)
                _ = n2
            }
        }
    }
}

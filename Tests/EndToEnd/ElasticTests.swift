import Foundation
import Lab
import Testing

extension Scenarios {
    /// Groups of instances, rules that change their number, and places that are prepared ahead.
    @Suite("Elasticity")
    struct ElasticTests {
        /// What scripts read of a group.
        private struct Document: Decodable, Sendable {
            struct Group: Decodable, Sendable {
                struct Member: Decodable, Sendable {
                    let reference: String
                    let state: String
                    let `where`: InstanceDocument.Place?
                }

                struct Decision: Decodable, Sendable {
                    let kind: String
                    let text: String
                }

                struct Warmth: Decodable, Sendable {
                    let served: Int
                    let missed: Int
                }

                let count: Int
                let ready: Int
                let members: [Member]
                let decisions: [Decision]
                let warm: Warmth?
            }

            let state: String
            let reason: String
            let group: Group?
            let tookOver: String?
        }

        /// A master that runs nothing, and two machines.
        private func fleet(_ trial: Trial) async throws -> Member {
            let isolation = ["--isolation", "none"]
            let m1 = try await trial.firstMaster(flags: isolation + ["--replicas", "0", "--partitions", "0"])
            let machines = try ["n1", "n2"].map { try trial.member($0, isolation + ["--partitions", "4"]) }
            try await trial.fleet(machines)
            return m1
        }

        private func show(_ name: String, _ m1: Member) async throws -> Document {
            let answer = try await m1.palmier(["instance", "show", name, "-o", "json"])
            return try answer.document(Document.self)
        }

        @Test(
            "a count makes members, one number adds and removes them, spread keeps them apart, a destroyed group leaves nothing",
            .timeLimit(.minutes(3)))
        func counted() async throws {
            try await Trial.with("groups") { trial in
                let m1 = try await fleet(trial)
                let asked = ["request", "web", "--release", Program.example("noop"), "--count", "1", "--wait"]
                try await m1.palmier(asked).ended(with: .done)
                #expect(try await show("web", m1).group?.members.map(\.reference) == ["web.1"])
                let scaled = try await m1.palmier(["scale", "web", "3", "--wait"]).ended(with: .done)
                #expect(scaled.output.contains("web.3 is running on "), "\(scaled)")
                let three = try #require(try await show("web", m1).group)
                #expect(three.count == 3 && three.ready == 3 && three.members.count == 3, "\(three)")
                let list = try await m1.palmier(["instance", "list"]).ended(with: .done)
                #expect(list.output.hasPrefix("3 running") && list.output.contains("3 of 3"), "\(list)")
                try await m1.palmier(["request", "web", "--param", "value=new", "--wait"]).ended(with: .done)
                #expect(try await m1.palmier(["instance", "show", "web.3"]).ended(with: .done).output.contains("new"))
                try await m1.palmier(["scale", "web", "1", "--wait"]).ended(with: .done)
                #expect(try await show("web", m1).group?.members.map(\.reference) == ["web.1"])
                #expect(
                    try await m1.palmier(["scale", "web", "--history"]).ended(with: .done).output
                        .contains("scaled from 3 to 1: asked for"))

                // Two machines: of three that are kept apart one waits, and says why.
                try await m1.palmier(["request", "web", "--count", "3", "--spread", "host", "--detach"]).ended(
                    with: .accepted)
                try await Polling.until("one of three waits", within: .seconds(20)) {
                    let web = try await show("web", m1)
                    return web.group?.ready == 2 && web.state == "waiting"
                }
                let why = try await m1.palmier(["why", "web"]).ended(with: .done)
                #expect(
                    why.output.contains("web is a group: 3 are wanted") && why.output.contains("another host"), "\(why)"
                )

                for (words, found) in [
                    (["request", "web.1", "--param", "value=x"], "is a member of web"),
                    (["request", "web", "--count", "2000"], "--count"),
                    (["request", "web", "--spread", "hosts"], "did you mean \"host\"?"),
                    (["scale", "web", "--rule", "maxx=3, metric=cpu, target=60%"], "did you mean \"max\"?"),
                ] {
                    let answer = try await m1.palmier(words).ended(with: .usage)
                    #expect(answer.error.contains(found), "\(answer)")
                }
                try await m1.palmier(["scale", "none", "3"]).ended(with: .notFound)
                try await m1.palmier(["instance", "destroy", "web", "--yes", "--wait", "destroyed"]).ended(with: .done)
                #expect(try await m1.instances().instances.isEmpty)
            }
        }

        @Test(
            "a number that instances publish adds members and takes them away, each time with the reason",
            .timeLimit(.minutes(4)))
        func scaled() async throws {
            try await Trial.with("scaling") { trial in
                let m1 = try await fleet(trial)
                let rule = "max=3, metric=value, target=10, down-after=0s"
                try await m1.palmier([
                    "request", "web", "--release", Program.example("noop"), "--scale", rule, "--param", "value=25",
                    "--wait",
                ]).ended(with: .done)
                try await Polling.until("web has three members", within: .seconds(90)) {
                    try await show("web", m1).group?.ready == 3
                }
                let up = try #require(try await show("web", m1).group)
                #expect(up.decisions.contains { $0.text == "scaled from 1 to 3: value 25 is above 10" }, "\(up)")
                let refused = try await m1.palmier(["scale", "web", "5"]).ended(with: .usage)
                #expect(refused.error.contains("follows its rule"), "\(refused)")
                try await m1.palmier([
                    "request", "web", "--release", Program.example("noop"), "--param", "value=2", "--detach",
                ]).ended(with: .accepted)
                try await Polling.until("web has one member", within: .seconds(90)) {
                    let web = try await show("web", m1).group
                    return web?.count == 1 && web?.members.count == 1
                }
                let down = try #require(try await show("web", m1).group)
                #expect(
                    down.decisions.contains { $0.kind == "down" && $0.text.contains("value 2 is below 10") }, "\(down)")
            }
        }

        /// A release whose installation takes its time.
        private static func slow(_ version: String) -> String {
            """
            name: slow
            version: "\(version)"
            source:
              build: "sleep 4; mkdir bin; printf '#!/bin/sh\\\\nexec sleep 100000\\\\n' > bin/slow; chmod 755 bin/slow"
            types:
              slow:
                command: [slow]
            """
        }

        @Test(
            "a request whose place is prepared begins at once, another one when its release is installed",
            .timeLimit(.minutes(4)))
        func warm() async throws {
            try await Trial.with("warm") { trial in
                let m1 = try await fleet(trial)
                func begin(_ name: String, _ release: String) async throws -> Duration {
                    let start = ContinuousClock.now
                    try await m1.palmier(["request", name, "--release", release, "--wait"]).ended(with: .done)
                    return ContinuousClock.now - start
                }
                let cold = try await begin("cold", try trial.write(Self.slow("1"), to: "one.yaml"))
                let release = try trial.write(Self.slow("2"), to: "two.yaml")
                try await m1.palmier(["warm", release, "--count", "1", "--wait"]).ended(with: .done)
                let ready = try await begin("ready", release)
                print("began cold in \(cold), in a prepared place in \(ready)")
                #expect(cold >= .seconds(4) && ready < .seconds(3), "cold \(cold), prepared \(ready)")
                #expect(try await show("ready", m1).tookOver == "warm-slow.1")
                try await Polling.until("another place is prepared", within: .seconds(30)) {
                    try await show("warm-slow", m1).group?.ready == 1
                }
                #expect(try await show("warm-slow", m1).group?.warm?.served == 1)
                let list = try await m1.palmier(["warm", "list"]).ended(with: .done)
                #expect(list.output.contains("warm-slow") && list.output.contains("1 of 1"), "\(list)")
                try await m1.palmier(["warm", "end", "warm-slow", "--wait", "destroyed"]).ended(with: .done)
                #expect(Set(try await m1.instances().instances.map(\.reference)) == ["cold", "ready"])
                try await m1.palmier(["warm", "end", "ready"]).ended(with: .notFound)
            }
        }
    }
}

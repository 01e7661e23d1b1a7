import Foundation
import Lab
import Testing

extension Scenarios {
    /// What projects have of machines.
    @Suite("Shares")
    struct ShareTests {
        @Test(
            "a request beyond its project's quota waits, says why, and runs when the quota grows",
            .timeLimit(.minutes(2)))
        func quota() async throws {
            try await Trial.with("quota") { trial in
                let m1 = try await trial.firstMaster(flags: ["--isolation", "none", "--replicas", "0"])
                try await keepBooks(m1, projects: ["web"])
                try await m1.palmier(["project", "quota", "web", "--partitions", "1", "--memory", "1GiB"]).ended(
                    with: .done)
                _ = try await m1.requestCache("first", ["--project", "web"])
                let late = try await m1.palmier(request("second", of: "web") + ["--wait", "--timeout", "3s"])
                #expect(late.code == 2, "\(late)")
                let waiting = try await m1.instance("second")
                #expect(waiting.state == "waiting" && waiting.reason.contains("quota"), "\(waiting)")

                let why = try await m1.palmier(["why", "second", "-o", "json"]).ended(with: .done)
                let refusal = try why.document(Why.self).ledger
                #expect(refusal?.code == "quota" && refusal?.by == "ledger", "\(why)")
                #expect(refusal?.wanted == "2 partitions" && refusal?.found == "1", "\(why)")
                let shown = try await m1.palmier(["project", "quota", "web"]).ended(with: .done)
                #expect(shown.output.contains("1 of 1 partitions"), "\(shown)")
                let unknown = try await m1.palmier(["project", "quota", "wob", "--partitions", "1"]).ended(
                    with: .notFound)
                #expect(unknown.error.contains("no project wob"), "\(unknown)")

                try await m1.palmier(["project", "quota", "web", "--partitions", "2"]).ended(with: .done)
                try await Polling.until("the second one runs", within: .seconds(30)) {
                    try await m1.instance("second").state == "running"
                }
            }
        }

        @Test(
            "a project that comes late gets its first instance within two leases, and half of a full machine; no more is taken",
            .timeLimit(.minutes(6)))
        func halves() async throws {
            try await Trial.with("shares") { trial in
                let m1 = try await trial.firstMaster(
                    flags: ["--isolation", "none", "--replicas", "0", "--partitions", "6"])
                try await keepBooks(m1, projects: ["greedy", "late"])
                for number in 1...9 { try await m1.palmier(request("g\(number)", of: "greedy")) }
                try await Polling.until("the greedy project has the machine", within: .seconds(60)) {
                    try await running(m1)["g"] == 6
                }
                let began = ContinuousClock().now
                for number in 1...5 { try await m1.palmier(request("l\(number)", of: "late")) }
                try await Polling.until("the late project's first instance runs", within: .seconds(90)) {
                    try await running(m1)["l", default: 0] > 0
                }
                #expect(ContinuousClock().now - began < .seconds(90))
                try await Polling.until("each has half", within: .seconds(120)) {
                    try await running(m1) == ["g": 3, "l": 3]
                }
                let moved = try await m1.instances().instances.filter { $0.attempt > 1 && $0.state == "waiting" }
                #expect(moved.count == 3 && moved.allSatisfy { $0.reference.hasPrefix("g") }, "\(moved)")
                // Three waiting periods later it is as it was.
                try await Task.sleep(for: .seconds(20))
                #expect(try await running(m1) == ["g": 3, "l": 3])
            }
        }

        private struct Why: Decodable {
            struct Refusal: Decodable {
                let code: String
                let by: String
                let wanted: String
                let found: String
            }

            let ledger: Refusal?
        }

        private func keepBooks(_ master: Member, projects: [String]) async throws {
            for line in [
                "account add lab --kind organisation --title Laboratory",
                "account add ada --kind person --title Ada", "node supplier m1 lab",
            ] + projects.map({ "project set \($0) --account ada --ceiling 0EUR" }) {
                try await master.palmier(line.split(separator: " ").map(String.init)).ended(with: .done)
            }
        }

        private func request(_ name: String, of project: String) -> [String] {
            [
                "request", name, "--release", Program.example("memcached"), "--param", "memory=16", "--project",
                project,
            ]
        }

        /// How many instances run, by the first letter of their names.
        private func running(_ master: Member) async throws -> [String: Int] {
            try await master.instances().instances.filter { $0.state == "running" }
                .reduce(into: [:]) { $0[String($1.reference.prefix(1)), default: 0] += 1 }
        }
    }
}

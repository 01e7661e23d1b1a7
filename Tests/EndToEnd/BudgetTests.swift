import Foundation
import Lab
import Testing

extension Scenarios {
    /// Requests that a project pays for.
    @Suite("Budgets")
    struct BudgetTests {
        @Test(
            "a project pays for what runs, hour by hour; a request above what is left is refused with the sum",
            .timeLimit(.minutes(2)))
        func paid() async throws {
            try await Trial.with("budget") { trial in
                let m1 = try await trial.firstMaster(flags: ["--isolation", "none", "--replicas", "0"])
                for line in [
                    "account add lab --kind organisation --title Laboratory",
                    "account add ada --kind person --title Ada",
                    "resource define partition --unit second --title Partition", "node supplier m1 lab",
                    "price set partition 0.001EUR", "project set web --account ada --ceiling 5EUR",
                ] {
                    try await m1.palmier(line.split(separator: " ").map(String.init)).ended(with: .done)
                }
                _ = try await m1.requestCache("first", ["--project", "web"])
                #expect(try await project(m1) == ["0.00", "3.60", "1.40"])

                let refused = try await m1.palmier(request("second", of: "web")).ended(with: .refused)
                #expect(
                    refused.error.contains("needs 3.60 EUR") && refused.error.contains("1.40 left of 5.00"),
                    "\(refused)")
                let unknown = try await m1.palmier(request("second", of: "wob")).ended(with: .notFound)
                #expect(unknown.error.contains("the project wob is not in"), "\(unknown)")
                let moved = try await m1.palmier(["request", "first", "--project", ""]).ended(with: .usage)
                #expect(moved.error.contains("belongs to the project web"), "\(moved)")

                try await m1.palmier(["instance", "destroy", "first", "--yes", "--wait", "destroyed"]).ended(
                    with: .done)
                let sums = try await project(m1).compactMap { Double($0) }
                #expect(sums.count == 3 && sums[0] > 0 && sums[0] < 1.4 && sums[1] == 0, "\(sums)")
                _ = try await m1.requestCache("second", ["--project", "web"])
                let shown = try await m1.palmier(["instance", "show", "second"]).ended(with: .done)
                let lines = shown.output.split(separator: "\n").map { $0.split(separator: " ") }
                #expect(lines.contains(["project", "web"]), "\(shown)")
            }
        }

        private func request(_ name: String, of project: String) -> [String] {
            ["request", name, "--release", Program.example("memcached"), "--param", "memory=16", "--project", project]
        }

        /// What the project has spent, what is held, what is left.
        private func project(_ master: Member) async throws -> [String] {
            struct Document: Decodable {
                let spent: String
                let held: String
                let left: String
            }
            let answer = try await master.palmier(["project", "show", "web", "-o", "json"]).ended(with: .done)
            let document = try answer.document(Document.self)
            return [document.spent, document.held, document.left]
        }
    }
}

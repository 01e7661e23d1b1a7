import Foundation
import Lab
import Testing

extension Scenarios {
    /// Books that are written from outside, and outlive the master that they were written through.
    @Suite("Accounts")
    struct AccountsTests {
        @Test(
            "accounts, project and price set through one master are read through another, and written after its death",
            .timeLimit(.minutes(4)))
        func failover() async throws {
            try await Trial.with("accounts") { trial in
                let m1 = try await trial.firstMaster(flags: ["--isolation", "none"])
                let others = try ["m2", "m3"].map { try trial.member($0, isMaster: true, ["--isolation", "none"]) }
                try await trial.fleet(others)
                try await Member.settle([m1] + others)
                let m2 = others[0]
                try await begin(m1)
                try await readElsewhere(m2)

                try await m1.kill()
                let clock = ContinuousClock()
                let start = clock.now
                try await m2.palmier(
                    ["account", "correct", "v1", "ada=5", "lab=-5", "--currency", "EUR", "--reason", "Gift"] + Self.inM1
                ).ended(with: .done)
                tell("an act is recorded \(seconds(clock.now - start)) after its ledger's primary was killed")
                // The same again, by whoever has not heard the answer.
                try await others[1].palmier(
                    ["account", "correct", "v1", "ada=5", "lab=-5", "--currency", "EUR", "--reason", "Gift"] + Self.inM1
                ).ended(with: .done)
                for master in others {
                    let ada = try await Polling.value("\(master.name) shows what ada owes", within: .seconds(20)) {
                        let ada = try await Self.account("ada", through: master)
                        return ada.standings.isEmpty ? nil : ada
                    }
                    #expect(ada.standings.map(\.owes) == ["5.00"], "\(ada)")
                }

                try await m1.join()
                try await Polling.until("m1 shows what was recorded without it", within: .seconds(30)) {
                    let answer = try await m1.palmier(["account", "show", "ada", "-o", "json"])
                    guard answer.code == 0 else { return false }
                    return try answer.document(AccountDocument.self).standings.map(\.owes) == ["5.00"]
                }
            }
        }

        private static let inM1 = ["--ledger", "m1"]

        private static func account(_ name: String, through master: Member) async throws -> AccountDocument {
            try await master.palmier(["account", "show", name, "-o", "json"] + inM1).ended(with: .done).document()
        }

        private func begin(_ m1: Member) async throws {
            for line in [
                "account add lab --kind organisation --title Laboratory --city Lille --country FR",
                "account add ada --kind person --title Ada", "resource define cpu-hour --unit hour --title CPU",
                "node supplier m1 lab", "project set web --account ada --ceiling 100EUR", "price set cpu-hour 0.01EUR",
            ] {
                let answer = try await m1.palmier(line.split(separator: " ").map(String.init)).ended(with: .done)
                #expect(answer.output.hasPrefix("recorded in the ledger m1 as entry "), "\(answer)")
            }
        }

        private func readElsewhere(_ m2: Member) async throws {
            try await Polling.until("m2 shows the price", within: .seconds(20)) {
                let text = try await m2.palmier(["price", "show"] + Self.inM1).output
                return text.contains("cpu-hour") && text.contains("0.01 EUR")
            }
            let text = try await m2.palmier(["account", "show"] + Self.inM1).ended(with: .done).output
            #expect(text.hasPrefix("2 accounts in the ledger m1") && text.contains("told by m2 (replica)"), "\(text)")
            let lab = try await Self.account("lab", through: m2)
            #expect(lab.schema == "palmier.account/1" && lab.kind == "organisation" && lab.source.primary == "m1")
            let names = try await m2.palmier(["project", "show", "-o", "name"] + Self.inM1).ended(with: .done)
            #expect(names.output == "web\n", "\(names)")
            let suppliers = try await m2.palmier(["node", "supplier"] + Self.inM1).ended(with: .done)
            #expect(suppliers.output.contains("m1    lab"), "\(suppliers)")
            // Its own ledger has none of it.
            let own = try await m2.palmier(["account", "show"]).ended(with: .done)
            #expect(own.output.hasPrefix("0 accounts in the ledger m2"), "\(own)")
        }

        @Test(
            "wrong input is refused with the rule's name, what was found and the exit code, and stores nothing",
            .timeLimit(.minutes(2)))
        func refused() async throws {
            try await Trial.with("accounts-refused") { trial in
                let m1 = try await trial.firstMaster(flags: ["--isolation", "none", "--replicas", "0"])
                try await begin(m1)
                let before = try await books(m1)
                for (arguments, rule, code) in Self.wrong {
                    for dryRun in [[], ["--dry-run"]] {
                        let answer = try await m1.palmier(arguments + dryRun + ["-o", "json"])
                        #expect(answer.code == code.rawValue, "\(answer)")
                        let problem = try answer.document(RuleDocument.self)
                        #expect(problem.rule == rule && !problem.detail.isEmpty && !problem.remedy.isEmpty, "\(answer)")
                    }
                    let text = try await m1.palmier(arguments)
                    #expect(text.error.contains("(rule: \(rule))") && text.output.isEmpty, "\(text)")
                }
                for (arguments, found) in Self.malformed {
                    let answer = try await m1.palmier(arguments).ended(with: .usage)
                    #expect(answer.error.contains(found), "\(answer)")
                }
                #expect(try await books(m1) == before)
                try await m1.palmier(["account", "show", "eda"]).ended(with: .notFound)
                try await m1.palmier(["account", "show", "--ledger", "m9"]).ended(with: .notFound)
                // A dry run that would be taken records nothing either.
                let trial = try await m1.palmier(["project", "set", "web", "--ceiling", "5EUR", "--dry-run"])
                    .ended(with: .done)
                #expect(trial.output == "would be recorded in the ledger m1: project web\n", "\(trial)")
                #expect(try await books(m1) == before)
            }
        }

        /// Everything that the books say, without the hour.
        private func books(_ master: Member) async throws -> [String] {
            var texts: [String] = []
            for noun in ["account", "project", "price", "resource"] {
                let text = try await master.palmier([noun, "show", "-o", "json"]).ended(with: .done).output
                texts.append(text.split(separator: "\n").filter { !$0.contains("\"at\"") }.joined(separator: "\n"))
            }
            return texts
        }

        private static let wrong: [([String], String, ExitCode)] = [
            (["price", "set", "cpu-hour", " -0.01 EUR"], "negative-price", .usage),
            (["price", "set", "gpu-hour", "1 EUR"], "unknown-resource", .notFound),
            (["price", "set", "cpu-hour", "1 EUR", "--from", "2020-01-01"], "stale-price", .failed),
            (["price", "set", "cpu-hour", "1 EUR", "--customer", "eve"], "unknown-account", .notFound),
            (["project", "set", "x", "--account", "eve", "--ceiling", "1 EUR"], "unknown-account", .notFound),
            (["project", "set", "web", "--ceiling", "1 USD"], "duplicate", .failed),
            (["project", "set", "web", "--ceiling", " -1 EUR"], "negative-amount", .usage),
            (["account", "add", "ada", "--kind", "person", "--title", "Another"], "duplicate", .failed),
            (["account", "add", "two words", "--kind", "person", "--title", "A"], "malformed", .usage),
            (["account", "close", "lab", "--yes"], "still-open", .refused),
            (["account", "pay", "lab-000001", "1 EUR", "--reference", "b"], "unknown-invoice", .notFound),
            (
                ["account", "correct", "v", "ada=5", "lab=-4.99", "--currency", "EUR", "--reason", "r"], "unbalanced",
                .usage
            ),
            (["resource", "define", "cpu-hour", "--unit", "day", "--title", "CPU"], "duplicate", .failed),
            (["account", "bill", "lab", "--through", "2026-01-15"], "not-a-boundary", .usage),
            (["account", "bill", "eve"], "unknown-account", .notFound),
        ]

        private static let malformed: [([String], String)] = [
            (["price", "set", "cpu-hour", "1"], "PRICE: expected an amount and a currency"),
            (["price", "set", "cpu-hour", "1.2.3 EUR"], "price: expected a decimal"),
            (["price", "set", "cpu-hour", "0.0000001 EUR"], "at most six digits"),
            (["project", "set", "web", "--ceiling", "1 euro"], "--ceiling: expected an amount and a currency"),
            (["project", "set", "new", "--ceiling", "1 EUR"], "the project new is new"),
            (["account", "bill", "lab", "--through", "soon"], "through: expected a date"),
        ]
    }
}

/// What scripts read of an account; written down apart from the program's own types.
struct AccountDocument: Decodable, Sendable {
    struct Standing: Decodable, Sendable {
        let currency: String
        let owes: String
        let owed: String
    }

    struct Source: Decodable, Sendable {
        let ledger: String
        let primary: String
        let master: String
    }

    let schema: String
    let name: String
    let kind: String
    let standings: [Standing]
    let source: Source
}

/// A problem that a rule of the books makes.
struct RuleDocument: Decodable, Sendable {
    let rule: String
    let detail: String
    let remedy: String
}

import Foundation
import GRDB
import Lab
import Testing

extension Scenarios {
    /// What a ledger says, recomputed by whoever asks: three masters on loopback.
    @Suite("Books of ledgers")
    struct BooksTests {
        private static let taken = Duration.seconds(30)

        @Test(
            "verify: three replicas of three ledgers agree; an entry altered on a disk is found and named, and mended",
            .timeLimit(.minutes(5)))
        func verify() async throws {
            try await withMasters("books-verify") { masters in
                let (m1, m2, m3) = (masters[0], masters[1], masters[2])
                for number in 1...3 { try await wish("wish-\(number)", through: m2) }
                try await allHold(m1, requests: 3)
                // Every replica has it all now; any of them tells the same.
                let ledger = try await one("m2", through: m3, ending: .done)
                #expect(ledger.replicas.map(\.name).sorted() == ["m1", "m2", "m3"])
                #expect(Set(ledger.replicas.map(\.state)) == ["agrees"] && ledger.digest.count == 64)
                let text = try await m1.palmier(["ledger", "verify", "m2"]).ended(with: .done)
                #expect(text.output.contains("m2: ok, 3 of 3 replicas agree"), "\(text)")

                for master in masters { try await master.stop() }
                let op = try alter(id: ledger.id, on: m3)
                try await m3.join()
                // Alone, it has nobody who could mend it.
                let damaged = try await one("m2", through: m3, ending: .failed)
                #expect(damaged.state == "problem" && damaged.books.entry == op - 1, "\(damaged)")
                // It has met neither of them since its start: it may know one by its fingerprint only, and of one that it left.
                let isAway = /was not asked: it (does not answer|has left)/
                #expect(damaged.missing.count { $0.contains(isAway) } == 2, "\(damaged)")
                let finding = try #require(damaged.findings.first)
                #expect(damaged.findings.count == 1 && finding.kind == "damaged", "\(damaged)")
                #expect(finding.replica == "m3" && finding.entry == op && finding.remedy.contains("ledger verify m2"))
                let told = try await m3.palmier(["ledger", "verify", "m2"]).ended(with: .failed)
                #expect(told.output.contains("problem: m3 cannot read entry \(op)"), "\(told)")
                #expect(told.output.contains(isAway), "\(told)")

                try await m1.join()
                try await m2.join()
                try await Member.settle(masters, within: Self.taken)
                try await Polling.until("the altered entry is mended", within: Self.taken) {
                    try await m3.palmier(["ledger", "verify"]).code == 0
                }
                try await allHold(m3, requests: 3)
            }
        }

        @Test(
            "verify, balance, export and invoices: what they say of a new ledger, and of bad input",
            .timeLimit(.minutes(2)))
        func alone() async throws {
            try await Trial.with("books-alone") { trial in
                let master = try await trial.firstMaster(flags: ["--isolation", "none", "--replicas", "0"])
                let verified = try await master.palmier(["ledger", "verify", "-o", "json"]).ended(with: .done)
                    .document(VerificationsDocument.self)
                #expect(verified.schema == "palmier.ledger-verifications/1" && verified.ledgers.map(\.state) == ["ok"])
                let balances = try await master.palmier(["ledger", "balance", "-o", "json"]).ended(with: .done)
                #expect(balances.output.contains("palmier.balances/1"), "\(balances)")
                let none = try await master.palmier(["ledger", "balance", "nobody"]).ended(with: .notFound)
                #expect(none.error.contains("no account \"nobody\""), "\(none)")
                let wrong = try await master.palmier(["ledger", "balance", "--at", "soon"]).ended(with: .usage)
                #expect(wrong.error.contains("--at: expected a day or an instant in UTC, found \"soon\""), "\(wrong)")
                let turned = ["ledger", "export", "--format", "csv", "--from", "2026-02-01", "--to", "2026-01-01"]
                try await master.palmier(turned).ended(with: .usage)
                try await master.palmier(["ledger", "verify", "m9"]).ended(with: .notFound)
                try await master.palmier(["ledger", "balance", "--ledger", "m9"]).ended(with: .notFound)
                try await master.palmier(["ledger", "invoices", "m1-000001"]).ended(with: .notFound)
                let csv = try await master.palmier(["ledger", "export", "--format", "csv"]).ended(with: .done)
                #expect(csv.output.hasPrefix("number,at,kind,stage,source,destination"), "\(csv)")
                let json = try await master.palmier(["ledger", "export", "--format", "json"]).ended(with: .done)
                #expect(try json.document(MovementsDocument.self).schema == "palmier.movements/1")
                try await hledgerAccepts(
                    try await master.palmier(["ledger", "export", "--format", "hledger"]).ended(with: .done).output,
                    trial.folder)
            }
        }

        @Test("what was recorded is owed, due, exported and verified, on every replica", .timeLimit(.minutes(3)))
        func recorded() async throws {
            try await withMasters("books-recorded") { masters in
                let (m1, m3) = (masters[0], masters[2])
                for (account, kind) in [("ada", "person"), ("lab", "organisation")] {
                    let words = [
                        "account", "add", account, "--kind", kind, "--title", "The \(account)", "--ledger", "m2",
                    ]
                    try await m1.palmier(words).ended(with: .done)
                }
                let gift = [
                    "account", "correct", "v1", "ada=5.25", "lab=-5.25", "--currency", "EUR", "--reason", "a, b",
                ]
                try await m3.palmier(gift + ["--ledger", "m2"]).ended(with: .done)
                // The primary says how far the ledger is: what was acknowledged is in it, whoever is asked.
                let balances = try await m1.palmier(["ledger", "balance", "ada", "--ledger", "m2", "-o", "json"])
                    .ended(with: .done).document(BalancesDocument.self)
                #expect(balances.accounts.map(\.account) == ["ada"], "\(balances)")
                #expect(balances.accounts.first?.balances.map(\.total) == ["5.25"], "\(balances)")
                let past = ["ledger", "balance", "--ledger", "m2", "--at", "2020-01-01", "-o", "json"]
                #expect(
                    try await m1.palmier(past).ended(with: .done).document(BalancesDocument.self).accounts.isEmpty)
                let ledger = try await one("m2", through: m1, ending: .done)
                #expect(ledger.books.movements > 0 && ledger.replicas.allSatisfy { $0.state == "agrees" }, "\(ledger)")
                let export = ["ledger", "export", "--ledger", "m2", "--format"]
                let csv = try await m3.palmier(export + ["csv"]).ended(with: .done)
                #expect(
                    csv.output.contains("correction,corrected,lab,ada") && csv.output.contains("\"a, b\""), "\(csv)")
                let none = try await m3.palmier(export + ["csv", "--to", "2020-01-01"]).ended(with: .done)
                #expect(none.output.split(separator: "\n").count == 1, "\(none)")
                let journal = try await m3.palmier(export + ["hledger"]).ended(with: .done).output
                #expect(journal.contains("corrected:ada  5.25 EUR"), "\(journal)")
                try await hledgerAccepts(journal, m3.folder)
            }
        }

        // MARK: Parts

        private func withMasters(_ title: String, _ scenario: ([Member]) async throws -> Void) async throws {
            try await Trial.with(title) { trial in
                let flags = ["--isolation", "none"]
                let first = try await trial.firstMaster(flags: flags)
                let others = try ["m2", "m3"].map { try trial.member($0, isMaster: true, flags) }
                try await trial.fleet(others)
                let masters = [first] + others
                try await Member.settle(masters, within: Self.taken)
                try await scenario(masters)
            }
        }

        /// A request that no machine meets: an entry, and nothing else.
        private func wish(_ name: String, through master: Member) async throws {
            try await master.palmier(
                [
                    "request", name, "--release", Program.example("memcached"), "--param", "memory=16", "--node", "a9",
                    "--detach",
                ]
            ).ended(with: .accepted)
        }

        /// All three ledgers hold, with all replicas, asked through this master.
        private func allHold(_ master: Member, requests: Int) async throws {
            let answer = try await master.palmier(["ledger", "verify", "-o", "json"]).ended(with: .done)
            let document = try answer.document(VerificationsDocument.self)
            #expect(
                document.ledgers.map(\.name).sorted() == ["m1", "m2", "m3"] && document.missing.isEmpty, "\(answer)")
            for ledger in document.ledgers {
                #expect(ledger.state == "ok" && ledger.findings.isEmpty && ledger.missing.isEmpty, "\(ledger)")
                #expect(ledger.replicas.count == 3 && ledger.replicas.allSatisfy { $0.state == "agrees" }, "\(ledger)")
                #expect(ledger.entry > 0 && ledger.books.entry >= ledger.entry, "\(ledger)")
            }
            #expect(document.ledgers.map(\.books.requests).reduce(0, +) == requests, "\(answer)")
        }

        private func one(_ name: String, through master: Member, ending: ExitCode) async throws -> VerificationDocument
        {
            try await master.palmier(["ledger", "verify", name, "-o", "json"]).ended(with: ending).document()
        }

        /// Writes something else to the oldest operation of a stopped master's replica, as a disk or a person would who
        /// knows of no checksum.
        private func alter(id: String, on master: Member) throws -> Int {
            let folder = "\(master.state)/ledgers/\(id)"
            let file = try #require(
                try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".db") }.max())
            let queue = try DatabaseQueue(path: "\(folder)/\(file)")
            let op = try queue.write { database in
                let op = try #require(try Int.fetchOne(database, sql: "SELECT min(op) FROM entry WHERE kind = 1"))
                try database.execute(sql: "UPDATE entry SET body = x'00' WHERE op = ?", arguments: [op])
                return op
            }
            try queue.close()
            return op
        }

        private func hledgerAccepts(_ journal: String, _ folder: String) async throws {
            guard
                let hledger = ["/usr/bin/hledger", "/usr/local/bin/hledger"].first(where: {
                    FileManager.default.isExecutableFile(atPath: $0)
                })
            else { return tell("SKIPPED: hledger is not installed: apt-get install hledger") }
            let file = "\(folder)/books.journal"
            try journal.write(toFile: file, atomically: true, encoding: .utf8)
            try Answer(
                await Place.machine.run(
                    [hledger, "check", "--strict", "-f", file], environment: ["LANG": "C.UTF-8"], within: .seconds(60))
            ).ended(with: .done)
        }
    }
}

import Foundation
import Lab
import Testing

/// When a majority of a ledger's replicas is gone for good: on loopback.
@Suite("A ledger whose majority is gone")
struct LedgerRestoreTests {
    private static let taken = Duration.seconds(30)

    /// A request that no machine meets: acknowledged as soon as the ledger has it.
    private static let nowhere = [
        "--release", Program.example("memcached"), "--param", "memory=16", "--node", "a9", "--detach",
    ]

    @Test(
        "two of three masters lose their disks: the third's state is restored, has every request, takes more, and has replicas again",
        .timeLimit(.minutes(5)))
    func restore() async throws {
        try await Trial.with("ledger-restore") { trial in
            let flags = ["--isolation", "none"]
            let m1 = try await trial.firstMaster(flags: flags + ["--ledger", "lab"])
            let (m2, m3) = (
                try trial.member("m2", isMaster: true, flags), try trial.member("m3", isMaster: true, flags)
            )
            try await trial.fleet([m2, m3])
            try await settled([m1, m2, m3], ["lab", "m2", "m3"])
            for master in [m1, m2, m3] {
                try await master.palmier(["request", "by-\(master.name)"] + Self.nowhere).ended(with: .accepted)
            }
            try await m1.lacksNothing(of: ["by-m1", "by-m2", "by-m3"], within: Self.taken)
            try await alive(trial, m1)
            for master in [m2, m3] {
                try await master.kill()
                try FileManager.default.removeItem(atPath: master.state)
            }
            let down = try await Polling.value("m1 says that its ledger is unavailable", within: Self.taken) {
                let answer = try await m1.palmier(["ledger", "status", "lab", "-o", "json"])
                let ledger = try answer.document(LedgerDocument.self)
                return answer.code == ExitCode.failed.rawValue && ledger.health == "unavailable" ? ledger : nil
            }
            #expect(down.remedy.contains("palmier ledger restore LEDGER --from"), "\(down)")
            try await refusals(trial, m1)
            try await m1.stop()
            try await dryRun(trial, m1)
            let done = try await trial.palmier(
                [
                    "ledger", "restore", "lab", "m2", "m3", "--from", m1.state, "--state", m1.state, "--yes", "-o",
                    "json",
                ]
            ).ended(with: .done)
            let ledgers = try done.document(RestoresDocument.self).ledgers
            #expect(ledgers.map(\.name) == ["lab", "m2", "m3"] && ledgers.allSatisfy { $0.result != nil }, "\(done)")
            for ledger in ledgers {
                let report = try String(contentsOfFile: ledger.result?.report ?? "", encoding: .utf8)
                #expect(report.contains(ledger.name) && report.contains(".restored-"), "\(report)")
                #expect(FileManager.default.fileExists(atPath: ledger.result?.aside ?? ""), "\(ledger)")
            }
            try await m1.join()
            try await m1.lacksNothing(of: ["by-m1", "by-m2", "by-m3"], within: Self.taken)
            try await Polling.until("m1 takes requests", within: Self.taken) {
                try await m1.palmier(["request", "afterwards"] + Self.nowhere).code == ExitCode.accepted.rawValue
            }
            try await m1.palmier(["instance", "destroy", "by-m2", "--yes", "--wait", "destroyed"]).ended(with: .done)
            let newcomers = try ["m4", "m5"].map { try trial.member($0, isMaster: true, flags) }
            for newcomer in newcomers { try await newcomer.join() }
            try await m1.keeps(["lab", "m2", "m3"], within: .seconds(60))
            let list = try await newcomers[0].instances().instances.map(\.reference)
            #expect(Set(list).isSuperset(of: ["by-m1", "by-m3", "afterwards"]) && !list.contains("by-m2"), "\(list)")
        }
    }

    /// While the others serve the ledger, there is nothing to restore.
    private func alive(_ trial: Trial, _ master: Member) async throws {
        try await master.stop()
        let answer = try await trial.palmier(
            ["ledger", "restore", "lab", "--from", master.state, "--state", master.state, "--yes"]
        ).ended(with: .refused)
        #expect(answer.error.contains("leads lab now"), "\(answer)")
        try await master.join()
        try await master.keeps(["lab", "m2", "m3"], within: Self.taken)
    }

    /// What is not to be done while the master runs, or at all.
    private func refusals(_ trial: Trial, _ master: Member) async throws {
        let restore = ["ledger", "restore", "lab", "--from", master.state, "--state", master.state, "--yes"]
        let running = try await trial.palmier(restore).ended(with: .failed)
        #expect(running.error.contains("pid") && running.error.contains("stop that master first"), "\(running)")
        let none = try await trial.palmier(
            ["ledger", "restore", "lab", "--from", trial.folder, "--state", trial.folder]
        ).ended(with: .notFound)
        #expect(none.error.contains("not the state of a member"), "\(none)")
    }

    private func dryRun(_ trial: Trial, _ master: Member) async throws {
        let base = ["ledger", "restore", "--from", master.state, "--state", master.state]
        let several = try await trial.palmier(base + ["--yes"]).ended(with: .usage)
        #expect(several.error.contains("there are 3 ledgers in it: "), "\(several)")
        let unknown = try await trial.palmier(base + ["field", "--dry-run"]).ended(with: .notFound)
        #expect(unknown.error.contains("lab ("), "\(unknown)")
        let shown = try await trial.palmier(base + ["lab", "--dry-run"]).ended(with: .done)
        #expect(shown.error.contains("may be lost: entries that only the other members had"), "\(shown)")
        #expect(shown.error.contains("m1 (here)") && shown.error.contains("1 of 3 members is here"), "\(shown)")
        #expect(shown.error.contains("no other master answers"), "\(shown)")
        let asked = try await trial.palmier(base + ["lab"]).ended(with: .usage)
        #expect(asked.error.contains("nobody can be asked"), "\(asked)")
        let left = try FileManager.default.contentsOfDirectory(atPath: "\(master.state)/ledgers")
        #expect(left.count == 3 && !left.contains("restoring"), "nothing is left behind: \(left)")
    }

    /// Waits until each master says that these ledgers have both their replicas.
    private func settled(_ masters: [Member], _ names: [String]) async throws {
        for master in masters { try await master.keeps(names, within: Self.taken) }
    }

    @Test("a name that is given to a ledger is kept by it, and can be changed", .timeLimit(.minutes(2)))
    func named() async throws {
        try await Trial.with("ledger-named") { trial in
            let master = try await trial.firstMaster(flags: ["--isolation", "none"])
            try await master.palmier(["ledger", "status", "m1"]).ended(with: .accepted)
            try await master.stop()
            try await master.join(["--ledger", "lab", "--replicas", "0", "--replace-after", "5m"])
            #expect(master.log.contains("the ledger \"m1\" is called \"lab\" from now on"), "\(master.log)")
            try await Polling.until("lab is ok", within: Self.taken) {
                try await master.palmier(["ledger", "status", "lab"]).code == 0
            }
            // Nothing is said, and nothing changes.
            try await master.stop()
            try await master.join()
            let text = try await master.palmier(["ledger", "status", "lab"]).ended(with: .done)
            #expect(text.output.contains("lab: ok, led by m1, with 0 of 0 replicas"), "\(text)")
            #expect(text.output.contains("replaced after 5m"), "\(text)")
            try await master.palmier(["ledger", "status", "m1"]).ended(with: .notFound)
            let names = try await master.palmier(["complete-names", "ledgers"]).ended(with: .done)
            #expect(names.output == "lab\n", "\(names)")
            try await master.stop()
            try await master.start(["--minimum-replicas", "1"])
            try await master.says("the ledger says are 0")
        }
    }
}

private struct RestoresDocument: Decodable {
    struct Ledger: Decodable {
        struct Result: Decodable {
            let view: String
            let report: String
            let aside: String
        }

        let name: String
        let result: Result?
    }

    let ledgers: [Ledger]
}

extension Member {
    /// Waits until this master says that these are the ledgers it keeps, and that each has both its replicas.
    fileprivate func keeps(_ names: [String], within limit: Duration) async throws {
        var last = ""
        do {
            try await Polling.until("\(name) says 2 of 2", within: limit, every: .milliseconds(250)) {
                let answer = try await palmier(["ledger", "status", "-o", "json"])
                last = answer.description
                let ledgers = try answer.document(LedgersDocument.self).ledgers.filter { names.contains($0.name) }
                return ledgers.map(\.name).sorted() == names
                    && ledgers.allSatisfy { $0.health == "ok" && $0.standing == 2 && $0.wanted == 2 }
            }
        } catch let error as LabError {
            throw Unexpected("\(error); it said \(last)")
        }
    }

    /// Waits until this master lists all of these requests, and has asked all ledgers.
    func lacksNothing(of references: [String], within limit: Duration) async throws {
        try await Polling.until("\(name) lists \(references)", within: limit) {
            let list = try await instances()
            return list.missing.isEmpty && Set(list.instances.map(\.reference)).isSuperset(of: references)
        }
    }
}

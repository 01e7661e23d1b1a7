import Foundation
import GRDB
import Lab
import Testing

extension Scenarios {
    /// Masters that need not read their ledgers from the first entry: three of them, on loopback.
    @Suite("Checkpoints of ledgers")
    struct CheckpointTests {
        private static let taken = Duration.seconds(30)
        private static let interval: UInt64 = 6

        @Test(
            "masters killed together come back from checkpoints with all that was acknowledged; a damaged one is passed over",
            .timeLimit(.minutes(5)))
        func restart() async throws {
            try await Trial.with("checkpoints") { trial in
                let flags = [
                    "--isolation", "none", "--checkpoint-every", "\(Self.interval)", "--log-level", "info",
                ]
                let m1 = try await trial.firstMaster(flags: flags)
                let others = try ["m2", "m3"].map { try trial.member($0, isMaster: true, flags) }
                try await trial.fleet(others)
                let masters = [m1] + others
                try await Member.settle(masters, within: Self.taken)
                let wishes = (1...10).map { "wish-\($0)" }
                for wish in wishes { try await self.wish(wish, through: m1) }
                let before = try await verified(m1, through: m1)
                let last = before.books.entry / Int(Self.interval) * Int(Self.interval)
                #expect(last >= 2 * Int(Self.interval), "\(before)")
                for master in masters { try await master.says("ledger=\(before.id)", event: "ledger.checkpoint", last) }

                for master in masters { try await master.kill() }
                for master in masters { try await master.join() }
                for master in masters {
                    let start = try #require(Start(of: before.id, in: master.log), "\(master.log)")
                    #expect(start.checkpoint >= Self.interval && start.applied < 2 * Self.interval, "\(start)")
                    #expect(start.entry == start.checkpoint + start.applied, "\(start)")
                }
                try await Member.settle(masters, within: Self.taken)
                try await holds(wishes, before, masters)

                // Damage of a checkpoint is no damage of the ledger.
                let m3 = masters[2]
                try await m3.stop()
                try spoilCheckpoints(of: before.id, on: m3)
                try await m3.join()
                #expect(m3.log.contains("ledger.checkpointPassedOver") && m3.log.contains("it is damaged"), "\(m3.log)")
                let whole = try #require(Start(of: before.id, in: m3.log), "\(m3.log)")
                #expect(whole.checkpoint == 0 && whole.applied >= UInt64(before.books.entry), "\(whole)")
                // So much had to be read that it makes one at once: the next start is short again.
                try await m3.says("ledger=\(before.id)", event: "ledger.checkpoint", Int(whole.entry))
                try await Member.settle(masters, within: Self.taken)
                try await holds(wishes, before, masters)
                try await restored(m1, without: [masters[1], m3], wishes, trial)
            }
        }

        /// What one replica has of a ledger with checkpoints beside its entries is enough to go on.
        private func restored(
            _ master: Member, without others: [Member], _ wishes: [String], _ trial: Trial
        ) async throws {
            for other in others {
                try await other.kill()
                try FileManager.default.removeItem(atPath: other.state)
            }
            try await master.stop()
            try await trial.palmier(
                ["ledger", "restore", "m1", "m2", "m3", "--from", master.state, "--state", master.state, "--yes"]
            ).ended(with: .done)
            try await master.join()
            try await master.lacksNothing(of: wishes, within: Self.taken)
            let ledger = try await verified(master, through: master)
            #expect(ledger.findings.isEmpty && ledger.replicas.map(\.state) == ["agrees"], "\(ledger)")
        }

        /// Everything that was acknowledged is shown by each master, and every replica has it from the first entry on.
        private func holds(_ wishes: [String], _ before: VerificationDocument, _ masters: [Member]) async throws {
            for master in masters { try await master.lacksNothing(of: wishes, within: Self.taken) }
            let after = try await verified(masters[0], through: masters[1])
            #expect(after.replicas.count == 3 && after.replicas.allSatisfy { $0.state == "agrees" }, "\(after)")
            #expect(after.books.entry >= before.books.entry && after.books.requests == before.books.requests)
        }

        private func verified(_ ledger: Member, through master: Member) async throws -> VerificationDocument {
            try await master.palmier(["ledger", "verify", ledger.name, "-o", "json"]).ended(with: .done).document()
        }

        /// A request that no machine meets: acknowledged as soon as the ledger has it.
        private func wish(_ name: String, through master: Member) async throws {
            try await master.palmier(
                [
                    "request", name, "--release", Program.example("memcached"), "--param", "memory=16", "--node", "a9",
                    "--detach",
                ]
            ).ended(with: .accepted)
        }

        private func spoilCheckpoints(of ledger: String, on master: Member) throws {
            let folder = "\(master.state)/ledgers/\(ledger)"
            let file = try #require(
                try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".db") }.max())
            let queue = try DatabaseQueue(path: "\(folder)/\(file)")
            try queue.write { try $0.execute(sql: "UPDATE piece SET bytes = zeroblob(length(bytes))") }
            try queue.close()
        }
    }
}

/// How a master says that it opened a ledger's log.
private struct Start {
    var checkpoint: UInt64
    var applied: UInt64
    var entry: UInt64

    init?(of ledger: String, in log: String) {
        let line = log.split(separator: "\n").last { $0.contains("ledger.opened") && $0.contains("ledger=\(ledger)") }
        guard let line else { return nil }
        func number(_ name: String) -> UInt64? {
            line.split(separator: " ").first { $0.hasPrefix(name + "=") }.flatMap {
                UInt64($0.dropFirst(name.count + 1))
            }
        }
        guard let checkpoint = number("checkpoint"), let applied = number("applied"), let entry = number("entry") else {
            return nil
        }
        (self.checkpoint, self.applied, self.entry) = (checkpoint, applied, entry)
    }
}

extension Member {
    /// Waits until this life has logged an event of a ledger, of this entry or of a later one.
    fileprivate func says(_ ledger: String, event: String, _ entry: Int) async throws {
        try await Polling.until("\(name) says \(event) of entry \(entry)", within: .seconds(30)) {
            log.split(separator: "\n").contains { line in
                line.contains(event) && line.contains(ledger)
                    && line.split(separator: " ").contains {
                        $0.hasPrefix("entry=") && (Int($0.dropFirst(6)) ?? 0) >= entry
                    }
            }
        }
    }
}

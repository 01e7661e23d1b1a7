import Automata
import Foundation
import Ledger
import Peer
import Replication
import Storage
import Wire

/// What a master without replicas has stored, in a table of `palmier.sqlite`, becomes the beginning of a replicated log.
///
/// The log is made beside its place by the replica's own code, and put there when it is whole; the table stays as it was.
/// Facts and their order are kept, and when each happened, as a log says it: in whole milliseconds, and never before the entry
/// in front.
struct LedgerImport {
    let store: Store
    let own: PeerID

    /// - Parameter directory: where the log shall be; nothing is there yet.
    /// - Throws: `corrupt`, `futureVersion` for what the table holds, and others of the disk: nothing was changed.
    func run(into directory: String) async throws(StorageError) {
        let part = directory + ".part"
        try remove(part)
        do throws(StorageError) {
            try await fill(part)
            try ReplicaStore.move(part, to: directory)
        } catch {
            try? remove(part)  // the next import does it
            throw error
        }
    }

    private func fill(_ part: String) async throws(StorageError) {
        let genesis = HeldLedger.genesis(of: own)
        let log = try await ReplicaStore.create(in: part, group: HeldLedger.group(of: own), genesis: genesis)
        do throws(StorageError) {
            var founder = Founder(Member(peer: own, store: try await log.id()), genesis: genesis)
            _ = try await log.write(founder.writes(of: .started, at: .zero))
            var last = Entry?.none
            while true {
                let entries = try await store.oldEntries(after: last?.index ?? .zero, limit: 1_000)
                guard !entries.isEmpty else { break }
                var writes: [JournalWrite] = []
                for entry in entries { writes += try founder.writes(of: entry, in: store.path) }
                _ = try await log.write(writes)
                last = entries.last
            }
            // How far the log is committed is written by the way, and behind the last entry for its own sake.
            _ = try await log.write(founder.writes(of: .timerFired(.beat), at: last?.at ?? .zero))
        } catch {
            try? await log.close()  // it is thrown away
            throw error
        }
        try await log.close()
    }

    private func remove(_ path: String) throws(StorageError) {
        guard FileManager.default.fileExists(atPath: path) else { return }
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            throw StorageError(
                .failed, "cannot remove \(path), left by an import that did not end: \(error.localizedDescription)",
                remedy: "remove it by hand")
        }
    }
}

/// The replica that makes the log. It hears at once that its disk has written: until the log is in its place, nobody is told
/// anything that could be lost.
private struct Founder {
    private var replica: Replica

    init(_ own: Member, genesis: Digest) {
        replica = Replica(founding: own, genesis: genesis, random: SeededRandom(seed: 1))
    }

    /// What goes to the disk until the replica is at rest.
    mutating func writes(of input: Replica.Input, at now: Instant) -> [JournalWrite] {
        var (input, all) = (input, [JournalWrite]())
        while true {
            let writes = replica.effects(of: input, at: now).compactMap(\.journalWrite)
            guard let last = writes.last else { return all }
            all += writes
            input = .written(through: last.number)
        }
    }

    /// One entry at a time, so that each gets its own instant.
    mutating func writes(of entry: Entry, in path: String) throws(StorageError) -> [JournalWrite] {
        let next = replica.committed.next
        let writes = writes(of: .propose(FactCoding.wire.encode(entry.fact)), at: entry.at)
        guard replica.committed == next else {
            throw StorageError(
                .failed, "entry \(entry.index) of the ledger in \(path) is not taken into a replicated log",
                remedy: "nothing was changed; this is a defect, please report it")
        }
        return writes
    }
}

extension Replica.Effect {
    fileprivate var journalWrite: JournalWrite? { if case .write(let write) = self { write } else { nil } }
}

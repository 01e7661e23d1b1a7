import Automata
import Ledger
import Peer
import Replication
import Storage
import Wire

/// Whether every acknowledged write is there, on the disks of a majority, in the place that was told (I3).
struct LedgerAudit {
    let fabric: LedgerFabric

    /// Reads the logs of masters that do not run.
    ///
    /// - Returns: how many acknowledged writes were found.
    /// - Throws: what is missing.
    func run() async throws -> Int {
        let acknowledged = await fabric.client.acknowledged()
        var copies = acknowledged.mapValues { [UInt8](repeating: 0, count: $0.count) }
        for index in fabric.masters.indices {
            try await read(index) { entry in
                guard let id = entry.request, let places = acknowledged[id.session] else { return }
                let number = Int(id.number) - 1
                guard places.indices.contains(number) else { return }  // written, and nobody was told
                guard places[number] == entry.op.value else {
                    throw LedgerBenchError(
                        "I3: \(id) was acknowledged at \(places[number]) and is at \(entry.op) of "
                            + fabric.masters[index].name)
                }
                copies[id.session]?[number] += 1
            }
        }
        let majority = LedgerFabric.size / 2 + 1
        for (session, counts) in copies {
            if let lost = counts.firstIndex(where: { $0 < majority }) {
                throw LedgerBenchError(
                    "I3: \(session)#\(lost + 1), acknowledged at \(acknowledged[session]?[lost] ?? 0), is on "
                        + "\(counts[lost]) of \(LedgerFabric.size) disks")
            }
        }
        return acknowledged.values.reduce(0) { $0 + $1.count }
    }

    private func read(_ index: Int, _ take: (LogEntry) throws -> Void) async throws {
        let store = try await ReplicaStore.open(
            in: fabric.directory(index), group: HeldLedger.group(of: fabric.ledger),
            genesis: HeldLedger.genesis(of: fabric.ledger))
        var after = OpNumber.zero
        while true {
            let reading = try await store.read(after: after, through: OpNumber(.max), bytesMax: 4 << 20)
            if let place = reading.damaged {
                throw LedgerBenchError("entry \(place) of \(fabric.masters[index].name) cannot be read")
            }
            guard let last = reading.entries.last else { break }
            for entry in reading.entries { try take(entry) }
            after = last.op
        }
        try await store.close()
    }
}

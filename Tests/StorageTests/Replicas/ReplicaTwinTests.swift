import Automata
import Foundation
import Replication
import Testing

@testable import Storage

/// The same storage in memory: what each place holds, and what is damaged of it.
private struct Model {
    var places: [LogEntry] = []  // from 1
    var damaged: Set<UInt64> = []
    var first: UInt64 = 1
    var checkpoints: [UInt64] = []  // the newest first
    var view = firstView
    var commit: UInt64 = 0

    var last: UInt64 { UInt64(places.count) }
    func digest(_ op: UInt64) -> Digest { op == 0 ? genesis : places[Int(op) - 1].digest }

    /// What a start has to give back.
    var restored: (applied: [UInt64], tail: [LogSlot]) {
        let head = checkpoints.first ?? 0
        var (applied, tail) = (head > 0 ? [head] : [], [LogSlot]())
        for op in head + 1..<max(head, last) + 1 {
            let slot = damaged.contains(op) ? LogSlot(damaged: digest(op)) : LogSlot(places[Int(op) - 1])
            if tail.isEmpty, op <= commit, slot.entry != nil { applied.append(op) } else { tail.append(slot) }
        }
        return (applied, tail)
    }
}

@Suite("The store and a simple model agree over drawn sequences")
struct ReplicaTwinTests {
    @Test("writes, cuts, damage, mending, checkpoints, pruning, scrubbing and restarts", arguments: UInt64(1)...8)
    func twin(seed: UInt64) async throws {
        let log = try LogDirectory()
        var random = SeededRandom.stream(seed: seed, "replica store")
        var model = Model()
        var store = try await log.create()
        _ = try await store.write([write()])
        for round in 0..<120 {
            let comment = Comment("seed \(seed), round \(round)")
            switch random.below(10) {
            case 0...3:
                _ = try await store.write((0...random.below(3)).map { _ in append(&model, &random) })
            case 4 where model.commit < model.last:
                _ = try await store.write([replaceTail(&model, &random)])
            case 5 where model.last >= model.first:
                // Damage comes while nobody looks.
                try await store.close()
                let op = model.first + UInt64(random.below(Int(model.last - model.first + 1)))
                let sql = ["DELETE FROM entry WHERE op =", "UPDATE entry SET at = at - 1, body = x'01' WHERE op ="]
                try log.run("\(sql[random.below(2)]) \(op)")
                model.damaged.insert(op)
                store = try await log.open()
            case 6:
                let found = try await store.scrubbed(placesMax: 1 + random.below(30))
                #expect(found == model.damaged.sorted(), comment)
                let mended = found.map { model.places[Int($0) - 1] }
                #expect(
                    try await store.write([write(mended: mended, view: model.view, commit: model.commit)]).isEmpty,
                    comment)
                model.damaged = []
            case 7 where model.commit >= model.first:
                let entry = model.places[Int(model.commit) - 1]
                try await store.save(head(entry), [UInt8(truncatingIfNeeded: model.commit)])
                model.checkpoints = Array(([model.commit] + model.checkpoints.filter { $0 != model.commit }).prefix(2))
                if random.below(2) == 0, let oldest = model.checkpoints.last {
                    let first = try await store.prune(through: OpNumber(model.commit))
                    #expect(first.value == max(model.first, oldest + 1), comment)
                    model.first = first.value
                    model.damaged = model.damaged.filter { $0 >= model.first }
                }
            case 8:
                try await store.close()
                // Where all entries are kept, the newest checkpoint may be no good.
                if model.first == 1, random.below(2) == 0, let newest = model.checkpoints.first {
                    try log.run("UPDATE checkpoint SET total = total + 1 WHERE op = \(newest)")
                    model.checkpoints.removeFirst()
                }
                store = try await log.open()
            default:
                let (after, through) = (
                    UInt64(random.below(Int(model.last) + 2)), UInt64(random.below(Int(model.last) + 9))
                )
                let reading = try await store.read(
                    after: OpNumber(after), through: OpNumber(through), bytesMax: 1 << 20)
                let wanted =
                    after + 1 < model.first || after >= through
                    ? []
                    : model.places.dropFirst(Int(after))
                        .prefix(Int(through - after)).prefix { !model.damaged.contains($0.op.value) }
                #expect(reading.entries == Array(wanted), comment)
            }
            let (state, replica) = try await store.restored()
            #expect(state.ops == model.restored.applied, comment)
            #expect(replica.tail == model.restored.tail, comment)
            #expect(replica.firstKept == OpNumber(model.first), comment)
            #expect(
                replica.state == HardState(view: model.view, lastNormal: model.view, commit: OpNumber(model.commit)),
                comment)
        }
        try await store.close()
    }

    private func append(_ model: inout Model, _ random: inout SeededRandom) -> JournalWrite {
        let entries = chain(
            model.last + 1, UInt64(random.below(12)), after: model.digest(model.last), view: model.view)
        model.places += entries
        // A replica executes only what it can read.
        let readable = model.damaged.filter { $0 > model.commit }.min().map { $0 - 1 } ?? model.last
        model.commit += UInt64(random.below(Int(readable - model.commit) + 1))
        return write(entries, view: model.view, commit: model.commit)
    }

    private func replaceTail(_ model: inout Model, _ random: inout SeededRandom) -> JournalWrite {
        let cut = model.commit + UInt64(random.below(Int(model.last - model.commit)))
        model.view = model.view.next
        let entries = chain(cut + 1, UInt64(random.below(9)), after: model.digest(cut), view: model.view)
        model.places = Array(model.places.prefix(Int(cut))) + entries
        model.damaged = model.damaged.filter { $0 <= cut }
        return write(entries, cut: cut, view: model.view, commit: model.commit)
    }
}

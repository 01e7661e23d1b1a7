import Automata
import Foundation
import Replication
import Storage

// usage: StorageBench DIRECTORY ENTRIES
let root = CommandLine.arguments[1]
let genesis = Digest(of: [1, 2, 3])

func cpu() -> Double {
    var usage = rusage()
    getrusage(RUSAGE_SELF.rawValue, &usage)
    return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + Double(
        usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
}

func chain(_ first: UInt64, _ count: Int, _ previous: Digest, body: Int) -> [LogEntry] {
    var (entries, previous) = ([LogEntry](), previous)
    entries.reserveCapacity(count)
    for op in first..<first + UInt64(count) {
        let entry = LogEntry(
            after: previous, op: OpNumber(op), view: View(epoch: 1, number: 3),
            at: Instant(milliseconds: 1_790_000_000_000 + Int64(op)),
            request: RequestID(
                session: SessionID(high: op &* 0x9e37_79b9_7f4a_7c15, low: op &* 0xbf58_476d_1ce4_e5b9), number: op),
            body: .operation((0..<body).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ Int(op)) }))
        entries.append(entry)
        previous = entry.digest
    }
    return entries
}

func size(_ directory: String) throws -> (Int, Int) {
    var (db, all) = (0, 0)
    for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
        let bytes = try FileManager.default.attributesOfItem(atPath: directory + "/" + name)[.size] as? Int ?? 0
        all += bytes
        if name.hasSuffix(".db") { db += bytes }
    }
    return (db, all)
}

func round(batch: Int, count: Int, body: Int) async throws {
    let directory = root + "/b\(batch)-\(body)"
    let store = try await ReplicaStore.create(in: directory, group: GroupID(high: 1, low: 1), genesis: genesis)
    let entries = chain(1, count, genesis, body: body)
    let clock = ContinuousClock()
    let (began, used) = (clock.now, cpu())
    var at = 0
    var number: UInt64 = 0
    while at < count {
        let end = min(at + batch, count)
        number += 1
        _ = try await store.write([
            JournalWrite(
                number: WriteNumber(number), entries: Array(entries[at..<end]),
                state: HardState(
                    view: View(epoch: 1, number: 3), lastNormal: View(epoch: 1, number: 3), commit: OpNumber(UInt64(at))
                ))
        ])
        at = end
    }
    let wall = (clock.now - began) / .seconds(1)
    let spent = cpu() - used
    let running = try size(directory)
    try await store.close()
    let closed = try size(directory)
    print(
        "batch \(batch) body \(body): \(Int(Double(count) / wall)) rows/s, \(Int(spent * 1e6 / Double(number))) us CPU/batch,",
        "\(Int(wall * 1e6 / Double(number))) us/batch; bytes/entry: db \(closed.0 / count), all while running \(running.1 / count)"
    )
}

func bulk(_ count: Int) async throws {
    let directory = root + "/bulk"
    let clock = ContinuousClock()
    let store = try await ReplicaStore.create(in: directory, group: GroupID(high: 1, low: 1), genesis: genesis)
    var (previous, at, number) = (genesis, UInt64(1), UInt64(0))
    var writing = Duration.zero
    while at <= count {
        let entries = chain(at, 4_096, previous, body: 300)
        previous = entries.last?.digest ?? previous
        at += 4_096
        number += 1
        let began = clock.now
        _ = try await store.write([
            JournalWrite(
                number: WriteNumber(number), entries: entries,
                state: HardState(view: .zero, lastNormal: .zero, commit: OpNumber(at - 1)))
        ])
        writing += clock.now - began
    }
    print("bulk: \(at - 1) entries by 4096 in \(writing)")
    var after = OpNumber.zero
    var began = clock.now
    while after.value < at - 1 {
        let reading = try await store.read(after: after, through: OpNumber(at), bytesMax: 1 << 20)
        guard let last = reading.entries.last else { break }
        after = last.op
    }
    print("read all by 1 MiB: \(clock.now - began)")
    began = clock.now
    var steps = 0
    while try await !store.scrub(placesMax: 256).isPassDone { steps += 1 }
    print("scrub all by 256: \(clock.now - began), \(steps) steps")
    try await store.close()
    began = clock.now
    let again = try await ReplicaStore.open(in: directory, group: GroupID(high: 1, low: 1), genesis: genesis)
    let (sum, replica) = try await again.restore(
        0, sessionsMax: 10_000, load: { _, _, _ in }, apply: { sum, _ in sum += 1 })
    print("open and replay \(sum) entries: \(clock.now - began), tail \(replica.tail.count)")
    began = clock.now
    try await again.save(replica.head, [UInt8](repeating: 7, count: 50 << 20))
    print("checkpoint of 50 MiB: \(clock.now - began)")
    try await again.close()
}

for batch in [1, 64, 256] { try await round(batch: batch, count: batch == 1 ? 2_000 : 60_000, body: 300) }
try await round(batch: 64, count: 60_000, body: 200)
try await bulk(Int(CommandLine.arguments[2]) ?? 1_000_000)

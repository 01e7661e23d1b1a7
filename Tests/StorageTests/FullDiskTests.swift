import Automata
import Foundation
import Testing

@testable import Storage

@Suite("A full disk loses nothing, and writing goes on when there is space")
struct FullDiskTests {
    @Test("a database that may not grow refuses a batch whole, and takes it when it may")
    func pages() async throws {
        let state = try StateDirectory()
        var store = try await state.open(pagesMax: 60)
        let (batch, before) = try await fill(store)
        try store.close()
        store = try await state.open()
        #expect(try await store.load().partitions.count == before)
        try await store.write(batch)
        #expect(try await store.load().partitions.count == before + 2)
    }

    @Test("an object that does not fit is refused whole; the one that was there stays")
    func object() async throws {
        let state = try StateDirectory()
        var store = try await state.open(pagesMax: 60)
        let (small, large) = ([UInt8](repeating: 1, count: 60), [UInt8](repeating: 2, count: 300_000))
        try await store.writeObject(PeerID(1), small)
        #expect(try await code { try await store.writeObject(PeerID(1), large) } == .diskFull)
        #expect(try await code { try await store.writeObject(PeerID(2), large) } == .diskFull)
        #expect(try await store.object(PeerID(1)) == small)
        #expect(try await store.object(PeerID(2)) == nil)
        try store.close()
        store = try await state.open()
        try await store.writeObject(PeerID(2), large)
        #expect(try await store.object(PeerID(2)) == large)
    }

    @Test(
        "the same batch is written again after a real disk was full", .enabled(if: getuid() == 0, "needs root to mount")
    )
    func disk() async throws {
        let state = try StateDirectory()
        let mount = state.path + "/disk"
        try FileManager.default.createDirectory(atPath: mount, withIntermediateDirectories: true)
        try #require(try run("/usr/bin/mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", mount) == 0)
        do {
            try await fillAndFree(mount)
        } catch {
            Issue.record("\(error)")
        }
        #expect(try run("/usr/bin/umount", mount) == 0)
    }

    private func fillAndFree(_ mount: String) async throws {
        let ballast = mount + "/ballast"
        try Data(count: 512 << 10).write(to: URL(fileURLWithPath: ballast))
        let store = try await Store.open(path: mount + "/palmier.sqlite")
        let (batch, before) = try await fill(store)
        // Reads, and the same answer again, while there is no space.
        #expect(try await store.load().partitions.count == before)
        #expect(try await code { try await store.write(batch) } == .diskFull)
        let object = [UInt8](repeating: 1, count: 60_000)
        #expect(try await code { try await store.writeObject(PeerID(1), object) } == .diskFull)
        try FileManager.default.removeItem(atPath: ballast)
        try await store.write(batch)
        #expect(try await store.load().partitions.count == before + 2)
        try store.close()
    }

    /// Writes until nothing more fits.
    ///
    /// - Returns: the batch of two records that did not fit, and how many did.
    private func fill(_ store: Store) async throws -> (WriteBatch, Int) {
        let text = String(repeating: "x", count: 20_000)
        for partition in stride(from: 0, to: 2_000, by: 2) {
            let batch = WriteBatch(partitions: [record(partition, 1, text: text), record(partition + 1, 1, text: text)])
            guard let code = try await code({ try await store.write(batch) }) else { continue }
            #expect(code == .diskFull)
            return (batch, partition)
        }
        throw StorageError(.failed, "the disk was never full", remedy: "make it smaller")
    }

    private func run(_ program: String, _ arguments: String...) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}

import Automata
import Foundation
import Ledger
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
        #expect(try await store.load().books.index == before)
        try await store.write(batch)
        #expect(try await store.load().books.index == before.next.next)
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
        #expect(try await store.load().books.index == before)
        #expect(try await code { try await store.write(batch) } == .diskFull)
        try FileManager.default.removeItem(atPath: ballast)
        try await store.write(batch)
        #expect(try await store.load().books.index == before.next.next)
        try store.close()
    }

    /// Writes until nothing more fits.
    ///
    /// - Returns: the batch of two entries that did not fit, and the last entry that did.
    private func fill(_ store: Store) async throws -> (WriteBatch, LedgerIndex) {
        for index in stride(from: UInt64(1), to: 2_000, by: 2) {
            let batch = WriteBatch(entries: requested(index...index + 1, text: String(repeating: "x", count: 20_000)))
            guard let code = try await code({ try await store.write(batch) }) else { continue }
            #expect(code == .diskFull)
            return (batch, LedgerIndex(index - 1))
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

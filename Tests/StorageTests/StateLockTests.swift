import Foundation
import Testing

@testable import Storage

@Suite("One process a state directory")
struct StateLockTests {
    @Test("a second taker learns who has the lock, and gets it when the first gives it back")
    func taken() throws {
        let state = try StateDirectory()
        var lock: StateLock? = try StateLock.acquire(directory: state.path)
        let error = #expect(throws: StorageError.self) { try StateLock.acquire(directory: state.path) }
        #expect(error?.code == .locked)
        #expect(error?.message.contains("pid \(getpid()) ") == true)
        withExtendedLifetime(lock) {}
        lock = nil
        _ = try StateLock.acquire(directory: state.path)
    }

    @Test("another process's lock is seen, and its death, however sudden, gives it back")
    func otherProcess() async throws {
        let state = try StateDirectory()
        let path = state.path
        let child = Process()
        child.executableURL = URL(fileURLWithPath: "/usr/bin/flock")
        child.arguments = ["--no-fork", path + "/lock", "sleep", "60"]
        try child.run()
        defer { if child.isRunning { kill(child.processIdentifier, SIGKILL) } }
        try await until("the other process has the lock") {
            do {
                _ = try StateLock.acquire(directory: path)
                return false
            } catch {
                return (error as? StorageError)?.code == .locked
            }
        }
        kill(child.processIdentifier, SIGKILL)
        try await until("the lock is free") {
            do {
                _ = try StateLock.acquire(directory: path)
                return true
            } catch {
                return false
            }
        }
        child.waitUntilExit()
    }

    @Test("a directory that is not there is named")
    func noDirectory() {
        let error = #expect(throws: StorageError.self) { try StateLock.acquire(directory: "/nonexistent") }
        #expect(error?.message.contains("/nonexistent/lock") == true)
    }

    private func until(_ what: String, _ condition: () throws -> Bool) async throws {
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(20)
        while try !condition() {
            guard clock.now < deadline else {
                Issue.record("not within 20 s: \(what)")
                return
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}

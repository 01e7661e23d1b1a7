import Synchronization
import Testing

@testable import Discovery

@Suite("Avahi's thread", .timeLimit(.minutes(1)))
struct AvahiLoopTests {
    @Test("a job that was accepted runs, also behind the one that ends the thread; later ones are refused")
    func lastJobs() async throws {
        let loop = try AvahiLoop()
        try loop.start()
        let refused = await withCheckedContinuation { done in
            loop.enqueue {
                loop.finish()
                // The thread still runs this job, so that the next is accepted, and comes after the end was asked for.
                let accepted = loop.enqueue { done.resume(returning: false) }
                if !accepted { done.resume(returning: true) }
            }
        }
        #expect(!refused)
        for _ in 0..<1_000 where loop.enqueue({}) { try await Task.sleep(for: .milliseconds(1)) }
        #expect(!loop.enqueue {})
    }
}

import Foundation
import Lab
import Testing

extension Scenarios {
    /// Machines that do not agree on what time it is.
    @Suite("Clocks", .enabled("libfaketime is here") { await Obstacle.fakeTime.isAbsent() })
    struct ClockTests {
        @Test(
            "a machine whose clock is two days off is kept out, says why, and is let in when it is right",
            .timeLimit(.minutes(2)))
        func twoDays() async throws {
            try await Trial.with("clock") { trial in
                let m1 = try await trial.firstMaster(flags: ["--isolation", "none"])
                let peers = try #require(try await m1.nodes().first?.endpoints.first)
                let users = try #require(
                    try await m1.palmier(["master", "list", "-o", "json"]).document(MastersDocument.self).masters
                        .first?.api.first)
                // Without discovery: libfaketime has Avahi's timers wait for the wrong instants.
                let flags = ["--discovery", "none", "--join", users, "--join", peers, "--isolation", "none"]
                let ahead = try trial.member("ahead", flags)
                try await ahead.start(environment: Self.fakeTime("+2d"))
                try await ahead.says("clock is 2 days behind this one")
                try await m1.says("ahead of this one")
                #expect(ahead.log.contains("date -u") && m1.log.contains("date -u"), "the remedy: \(ahead.log)")

                let behind = try trial.member("behind", flags)
                try await behind.start(environment: Self.fakeTime("-2d"))
                try await behind.says("not valid by this machine's clock")
                #expect(behind.log.contains("date -u"), "the remedy: \(behind.log)")
                #expect(try await m1.nodes().map(\.name) == ["m1"])

                for member in [ahead, behind] {
                    try await member.kill()
                    try await member.join()
                }
                try await m1.seesLive([m1, ahead, behind])
            }
        }

        private static func fakeTime(_ offset: String) -> [String: String] {
            // What waits must wait as long as it says: the monotonic clock stays true.
            ["LD_PRELOAD": FakeTime.library ?? "", "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"]
        }
    }
}

/// The library that shows a process another wall clock.
private enum FakeTime {
    static let library = ["x86_64", "aarch64"].map { "/usr/lib/\($0)-linux-gnu/faketime/libfaketimeMT.so.1" }
        .first { FileManager.default.fileExists(atPath: $0) }
}

extension Obstacle {
    fileprivate static let fakeTime = Obstacle("scenarios with clocks that are off") {
        FakeTime.library == nil ? "libfaketime is missing; as root: apt-get install libfaketime" : nil
    }
}

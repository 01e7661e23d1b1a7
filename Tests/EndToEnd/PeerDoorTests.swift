import Foundation
import Lab
import Testing

extension Scenarios {
    /// What a member's own certificate opens, and how it is kept good.
    @Suite("Between peers")
    struct PeerDoorTests {
        /// Frames that no sound member sends, each whole in itself.
        private static let garbage: [[UInt8]] = [
            PeerDoor.frame((0..<1_000).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ 255) }),  // no message at all
            PeerDoor.frame([0x82, 0x7D, 0x00]),  // field 2,000: a kind of no version
            PeerDoor.frame([0x0A, 0x7F, 0x01]),  // cut short
        ]

        @Test(
            "garbage on a member's connection is refused frame by frame, a frame too large ends it; no state changes",
            .timeLimit(.minutes(2)))
        func garbage() async throws {
            try await Trial.with("garbage-frames") { trial in
                let m1 = try await trial.firstMaster(flags: ["--isolation", "none"])
                let a1 = try trial.member("a1", ["--isolation", "none"])
                let liar = try trial.member("liar", ["--isolation", "none"])
                try await trial.fleet([a1, liar])
                let cache = try Memcached(try await m1.requestCache("cache", ["--node", "a1"]), from: .machine)
                try await cache.remember("palm", as: "tree")
                // Its certificate is what is needed of it.
                try await liar.stop()
                let before = try await m1.instance("cache")
                let ledger = try await ledger(of: m1)

                for member in [m1, a1] {
                    let address = try #require(
                        try await m1.nodes().first { $0.name == member.name }?.endpoints.first)
                    let tooLarge = PeerDoor.lengthBytes(.max) + [1, 2, 3]
                    try await PeerDoor(address: address, trial: trial)
                        .say(Self.garbage.flatMap { $0 } + tooLarge, as: "\(liar.state)/identity")
                    try await member.says("more than is allowed", within: .seconds(20))
                    let refused = member.log.split(separator: "\n").count { $0.contains("wire.refused") }
                    #expect(refused == Self.garbage.count, "each frame by itself: \(member.log)")
                    #expect(member.current?.isRunning == true)
                }

                #expect(try await self.ledger(of: m1) == ledger)
                let after = try await m1.instance("cache")
                #expect(after.state == "running" && after.attempt == before.attempt)
                #expect(after.where?.partition == before.where?.partition)
                try await cache.expect("palm", as: "tree")
                try await m1.seesLive([m1, a1])
                #expect(try await m1.requestCache("second", ["--node", "a1"]).state == "running")
            }
        }

        private func ledger(of master: Member) async throws -> Int {
            struct Status: Decodable { let ledger: Int }
            return try await master.palmier(["status", "-o", "json"]).ended(with: .done).document(Status.self).ledger
        }

        @Test(
            "certificates with a short life are renewed again and again by the running processes, and shown at their doors",
            .timeLimit(.minutes(3)))
        func renewal() async throws {
            try await Trial.with("renewal") { trial in
                let m1 = try await trial.firstMaster(flags: ["--isolation", "none", "--certificate-life", "1m"])
                let a1 = try trial.member("a1", ["--isolation", "none"])
                try await trial.fleet([a1])
                let cache = try Memcached(try await m1.requestCache("cache", ["--node", "a1"]), from: .machine)
                try await cache.remember("palm", as: "tree")
                let members = [m1, a1]
                let pids = members.map { $0.current?.pid }
                var doors: [String] = []
                for member in members {
                    doors.append(
                        try #require(try await m1.nodes().first { $0.name == member.name }?.endpoints.first))
                }
                for round in 1...2 {
                    for (member, door) in zip(members, doors) {
                        let shown = try await PeerDoor.certificate(at: door)
                        try await Polling.until(
                            "\(member.name) shows a new certificate (\(round))", within: .seconds(40)
                        ) {
                            let now = try await PeerDoor.certificate(at: door)
                            return try now != shown && chain(of: member).contains(now)
                        }
                    }
                }
                #expect(members.map { $0.current?.pid } == pids, "without a restart")
                try await cache.expect("palm", as: "tree")

                // The renewed ones are good for new connections, in both directions.
                try await m1.stop()
                try await m1.join()
                try await m1.seesLive(members)
                #expect(a1.current?.pid == pids[1])
                #expect(try await m1.requestCache("second", ["--node", "a1"]).state == "running")
                try await cache.expect("palm", as: "tree")
            }
        }

        private func chain(of member: Member) throws -> String {
            try String(contentsOfFile: "\(member.state)/identity/chain.pem", encoding: .utf8)
        }
    }
}

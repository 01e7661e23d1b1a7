import Foundation
import Lab
import Testing

extension Scenarios {
    /// The ring and its objects, asked of a master and of machines that are none.
    @Suite("The ring")
    struct RingTests {
        @Test(
            "3 peers are one ring, agree on every root, and keep an object that outlives who put it",
            .timeLimit(.minutes(4)))
        func ring() async throws {
            try await Trial.with("ring") { trial in
                let clock = ContinuousClock()
                let start = clock.now
                let m1 = try await trial.firstMaster(flags: ["--isolation", "none"])
                let (a1, a2) = (try trial.member("a1", Self.flags), try trial.member("a2", Self.flags))
                try await trial.fleet([a1, a2])
                let all = [m1, a1, a2]
                for member in all { try await Self.inOneRing(member, with: all) }
                tell("3 peers are one ring after \(seconds(clock.now - start))")
                try await agreeOnRoots(all)
                try await showToPeople(m1, all)

                let path = try trial.write("palm tree\n", to: "palm.txt")
                let put = try await a1.palmier(["object", "put", path]).ended(with: .done)
                let key = put.output.trimmingCharacters(in: .whitespacesAndNewlines)
                #expect(key.count == 32 && put.error.contains("palmier object get \(key)"), "\(put)")
                #expect(try await a2.palmier(["object", "get", key]).ended(with: .done).output == "palm tree\n")
                let again: ObjectDocument = try await m1.palmier(["object", "put", path, "-o", "json"])
                    .ended(with: .done).document()
                #expect(again.schema == "palmier.object/1" && again.key == key && again.size == 10 && again.copies >= 2)

                try await a1.kill()
                for member in [m1, a2] {
                    let read = try await member.palmier(["object", "get", key, "-o", "json"])
                    let contents: ObjectContentsDocument = try read.ended(with: .done).document()
                    #expect(contents.encoding == "utf8" && contents.text == "palm tree\n", "\(member.name)")
                }
                let copy = "\(trial.folder)/copy"
                try await m1.palmier(["object", "get", key, "--output", copy]).ended(with: .done)
                #expect(FileManager.default.contents(atPath: copy) == Data("palm tree\n".utf8))

                let killed = clock.now
                for member in [m1, a2] { try await Self.inOneRing(member, with: [m1, a2]) }
                tell("the ring has closed \(seconds(clock.now - killed)) after the reads")
                try await agreeOnRoots([m1, a2])
                try await a1.join()
                for member in all { try await Self.inOneRing(member, with: all) }
                #expect(try await a1.palmier(["object", "get", key]).ended(with: .done).output == "palm tree\n")
            }
        }

        @Test("what is asked wrongly of the ring is named, with its exit code and a remedy", .timeLimit(.minutes(2)))
        func wrong() async throws {
            try await Trial.with("ring-wrong") { trial in
                let m1 = try await trial.firstMaster(flags: ["--isolation", "none"])
                let a1 = try trial.member("a1", Self.flags)
                try await trial.fleet([a1])
                for member in [m1, a1] { try await Self.inOneRing(member, with: [m1, a1]) }
                let large = "\(trial.folder)/large"
                try Data(repeating: 7, count: 65_537).write(to: URL(fileURLWithPath: large))
                let unknown = String(repeating: "0", count: 31) + "1"
                let wrong: [([String], ExitCode, [String])] = [
                    (["overlay", "lookup", "greeting"], .usage, ["32 hexadecimal digits", "greeting", "--name"]),
                    (["overlay", "trace", "0123"], .usage, ["32 hexadecimal digits", "4 digits"]),
                    (["object", "get", "greeting"], .usage, ["32 hexadecimal digits", "greeting"]),
                    (["object", "get", unknown], .notFound, [unknown, "SHA-256"]),
                    (["object", "get", unknown, "--output", "wide"], .usage, ["--output names a file", "-o wide"]),
                    (["object", "put", large], .usage, ["at most 65536 bytes", "65537", "in pieces"]),
                    (["object", "put", large + "r"], .notFound, [large + "r", "no such file"]),
                ]
                for (arguments, code, words) in wrong {
                    for member in [m1, a1] {
                        let answer = try await member.palmier(arguments).ended(with: code)
                        for word in words { #expect(answer.error.contains(word), "\"\(word)\" is missing: \(answer)") }
                        #expect(answer.output.isEmpty, "errors are no results: \(answer)")
                    }
                }
                let problem = try await a1.palmier(["object", "get", unknown, "-o", "json"]).ended(with: .notFound)
                #expect(try problem.document(ProblemDocument.self).code == "notFound")
                try await a1.kill()
                let gone = try await a1.palmier(["overlay", "status"]).ended(with: .unreachable)
                #expect(gone.error.contains(a1.state) && gone.error.contains("palmier agent"), "\(gone)")
                // The one user's profile knows the master, which answers for a machine whose peer is dead; and it is said.
                let master = try await trial.palmier(["overlay", "status", "--state", a1.state]).ended(with: .done)
                #expect(master.output.hasPrefix("m1: ") && master.error.contains("no peer answers on this machine"))
            }
        }

        @Test(
            "an agent without a profile answers about the ring, and nothing else is asked of it",
            .timeLimit(.minutes(2)))
        func agent() async throws {
            try await Trial.with("ring-agent") { trial in
                _ = try await trial.firstMaster(flags: ["--isolation", "none"])
                let a1 = try trial.member("a1", Self.flags)
                try await trial.fleet([a1])
                let home = ["HOME": "\(trial.folder)/nobody", "PALMIER_STATE": a1.state]
                let status = try await trial.palmier(["overlay", "status"], environment: home).ended(with: .done)
                #expect(status.output.hasPrefix("a1: "), "\(status)")
                let piped = try await Place.machine.run(
                    ["bash", "-c", #"printf palm | "$0" object put -"#, Program.path],
                    environment: trial.environment.merging(home) { $1 })
                let key = try Answer(piped).ended(with: .done).output.trimmingCharacters(in: .whitespacesAndNewlines)
                let read = try await trial.palmier(["object", "get", key], environment: home).ended(with: .done)
                #expect(read.output == "palm", "no byte more: \(read)")
                try await trial.palmier(["status"], environment: home).ended(with: .unreachable)
                let socket = ["status", "--master", "\(a1.state)/peer.sock"]
                let none = try await trial.palmier(socket, environment: home).ended(with: .notFound)
                #expect(none.error.contains("no master"), "\(none)")
            }
        }

        @Test(
            "machines that no discovery finds, invited by a token each, are one ring with their master; a restart too",
            .timeLimit(.minutes(3)))
        func invited() async throws {
            try await Trial.with("ring-invited") { trial in
                let apart = Self.flags + ["--discovery", "none"]
                let m1 = try await trial.firstMaster(admission: "token", flags: apart)
                var all = [m1]
                for name in ["a1", "a2"] {
                    let invitation = try await m1.palmier(["node", "invite", "-o", "json"]).ended(with: .done)
                    let token = try invitation.document(InvitationDocument.self).token
                    let member = try trial.member(name, apart)
                    try await member.join(["--token", token])
                    all.append(member)
                }
                for member in all { try await Self.inOneRing(member, with: all, areNamed: false) }
                let path = try trial.write("palm tree\n", to: "palm.txt")
                let key = try await all[1].palmier(["object", "put", path, "-o", "name"]).ended(with: .done).output
                    .trimmingCharacters(in: .whitespacesAndNewlines)
                try await all[2].stop()
                try await all[2].join()
                try await Self.inOneRing(all[2], with: all, areNamed: false)
                #expect(try await all[2].palmier(["object", "get", key]).ended(with: .done).output == "palm tree\n")
            }
        }

        private static let flags = ["--isolation", "none"]

        /// Waits until the member sees a ring of exactly these, on both sides of itself.
        ///
        /// - Parameter areNamed: a master knows all names, as on one link; a machine, which looks for masters alone, may not.
        private static func inOneRing(
            _ member: Member, with all: [Member], areNamed: Bool = true
        ) async throws {
            var last = ""
            do {
                try await Polling.until("\(member.name) is in a ring of \(all.count)", within: .seconds(90)) {
                    let answer = try await member.palmier(["overlay", "status", "-o", "json"])
                    last = answer.text
                    guard answer.code == ExitCode.done.rawValue else { return false }  // its socket is not there yet
                    let status: OverlayDocument = try answer.document()
                    let others = all.map(\.name).filter { $0 != member.name }.sorted()
                    return status.schema == "palmier.overlay/1" && status.state == "active" && status.isHealthy
                        && status.peers == all.count && status.isCounted && status.peer.name == member.name
                        && [status.left, status.right].allSatisfy { side in
                            let named = side.map(\.name).filter { !$0.isEmpty }.sorted()
                            let isRight =
                                member.name.hasPrefix("m") ? named == others : named.allSatisfy(others.contains)
                            return side.count == others.count && (!areNamed || isRight)
                                && side.allSatisfy { !$0.address.isEmpty }
                        }
                }
            } catch let error as LabError {
                throw Unexpected("\(error); it says \(last)")
            }
        }

        /// Every peer names the same root of each key, and a way that begins with itself and ends there.
        private func agreeOnRoots(_ all: [Member]) async throws {
            var roots: Set<String> = []
            var members: Set<String> = []
            for word in ["greeting", "palm", "cocos", "date", "sago"] {
                var named: Set<String> = []
                for member in all {
                    let found: RouteDocument = try await member.palmier(
                        ["overlay", "lookup", "--name", word, "-o", "json"]
                    ).ended(with: .done).document()
                    #expect(found.schema == "palmier.route/1" && found.path == nil)
                    named.insert(found.root.peer)
                    let trace: RouteDocument = try await member.palmier(["overlay", "trace", found.key, "-o", "json"])
                        .ended(with: .done).document()
                    let path = try #require(trace.path)
                    members.formUnion(path.prefix(1).map(\.peer))
                    #expect(path.first?.name == member.name && path.first?.state == "self", "\(path)")
                    #expect(path.last?.peer == found.root.peer && trace.root.peer == found.root.peer, "\(path)")
                    #expect(path.count == trace.hops + 1 && trace.hops <= 1, "all are neighbours: \(path)")
                }
                #expect(named.count == 1, "roots of \(word): \(named)")
                roots.formUnion(named)
            }
            #expect(members.count == all.count && roots.isSubset(of: members))
        }

        /// Each peer by its name, each hop on a line.
        private func showToPeople(_ member: Member, _ all: [Member]) async throws {
            let status = try await member.palmier(["overlay", "status"]).ended(with: .done).output
            #expect(status.hasPrefix("\(member.name): active in a ring of \(all.count) peers\n"), "\(status)")
            for other in all { #expect(status.contains("\n\(other.name) "), "\(status)") }
            for other in all where other.name != member.name {
                let own: OverlayDocument = try await other.palmier(["overlay", "status", "-o", "json"]).document()
                let trace = try await member.palmier(["overlay", "trace", own.peer.peer]).ended(with: .done).output
                let lines = trace.split(separator: "\n")
                #expect(lines.count == 4 && lines[0].contains("ends at \(other.name), 1 hop away"), "\(trace)")
                #expect(
                    lines[2].hasPrefix("0    \(member.name)") && lines[3].hasPrefix("1    \(other.name)"), "\(trace)")
                #expect(lines[3].contains("32 digits"), "\(trace)")
            }
        }
    }
}

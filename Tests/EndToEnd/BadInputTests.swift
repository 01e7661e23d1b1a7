import Foundation
import Lab
import Testing

extension Scenarios {
    /// What people type wrongly, and what the world does wrongly: an exit code, the thing's name, and what to do; and
    /// nothing that was there is lost.
    @Suite("Bad input")
    struct BadInputTests {
        /// One line that cannot be obeyed.
        struct Wrong: Sendable, CustomTestStringConvertible {
            let arguments: [String]
            let code: ExitCode
            /// What must be named: what was found, and the remedy.
            let words: [String]

            init(_ arguments: String, _ code: ExitCode, _ words: String...) {
                self.arguments = arguments.split(separator: " ").map(String.init)
                self.code = code
                self.words = words
            }

            var testDescription: String { arguments.joined(separator: " ") }
        }

        private static let typed = [
            Wrong("requst cache", .usage, "requst", "--help"),
            Wrong("request cache --releas x", .usage, "--releas", "Did you mean '--release'"),
            Wrong("request", .usage, "<name>"),
            Wrong("node list --master nonsense", .usage, "nonsense", "HOST:PORT"),
            Wrong("node list --master FOLDER/none", .unreachable, "FOLDER/none", "palmier master"),
            Wrong("node list -o xml", .usage, "xml", "json"),
            Wrong("request LONG --release FOLDER/none.yaml --master FOLDER", .usage, "NAME", "128"),
            Wrong("request cache --type LONG --master FOLDER", .usage, "--type", "128"),
            Wrong("instance logs cache --tail=-1 --master FOLDER", .usage, "--tail", "0"),
            Wrong("request cache --release FOLDER/none.yaml --master FOLDER", .notFound, "FOLDER/none.yaml", "path"),
            Wrong("request cache --release FOLDER/list.yaml --master FOLDER", .usage, "FOLDER/list.yaml"),
            Wrong("request cache --release FOLDER/typo.yaml --master FOLDER", .usage, "sourse", "source"),
            Wrong("agent --state FOLDER/s --partitions many", .usage, "partitions", "many", "1 to 100", "--partitions"),
            Wrong("agent --state FOLDER/s --memory lots", .usage, "memory", "lots", "512MiB"),
            Wrong("agent --state FOLDER/s --discovery maybe", .usage, "discovery", "maybe", "embedded"),
            Wrong("agent --state FOLDER/s --join no/where", .usage, "join", "no/where", "HOST:PORT"),
            Wrong("agent --state FOLDER/s --token palmier-aaaa", .usage, "token", "copy it whole"),
            Wrong("agent --state FOLDER/unknown", .usage, "unknown/config.yaml:1", "partitons", "\"partitions\""),
            Wrong("agent --state FOLDER/wrong", .usage, "partitions", "many", "wrong/config.yaml"),
            Wrong("agent --state FOLDER/list", .usage, "list/config.yaml:1", "partitions", "one value"),
            Wrong("agent --state FOLDER/s --config FOLDER/none.yaml", .usage, "FOLDER/none.yaml", "--config"),
        ]

        @Test("what is typed wrongly is named, with a remedy, and nothing is started", .timeLimit(.minutes(2)))
        func typing() async throws {
            try await Trial.with("typing") { trial in
                _ = try trial.write("partitons: 4\n", to: "unknown/config.yaml")
                _ = try trial.write("partitions: many\n", to: "wrong/config.yaml")
                _ = try trial.write("partitions: [1, 2]\n", to: "list/config.yaml")
                _ = try trial.write("- a\n- b\n", to: "list.yaml")
                _ = try trial.write(
                    Self.release("typo", build: "true").replacing("source:", with: "sourse:"), to: "typo.yaml")
                for wrong in Self.typed {
                    let arguments = wrong.arguments.map {
                        $0.replacing("FOLDER", with: trial.folder).replacing(
                            "LONG", with: String(repeating: "x", count: 129))
                    }
                    let answer = try await trial.palmier(arguments)
                    #expect(answer.code == wrong.code.rawValue, "\(answer)")
                    for word in wrong.words.map({ $0.replacing("FOLDER", with: trial.folder) }) {
                        #expect(answer.error.contains(word), "\"\(word)\" is missing: \(answer)")
                    }
                    #expect(answer.output.isEmpty, "errors are no results: \(answer)")
                }
                #expect(!FileManager.default.fileExists(atPath: "\(trial.folder)/s"), "no state was made")
            }
        }

        @Test("what a master refuses is named by its field; what runs goes on", .timeLimit(.minutes(3)))
        func requests() async throws {
            try await Trial.with("requests") { trial in
                let m1 = try await trial.firstMaster(flags: ["--isolation", "none"])
                let cache = try Memcached(try await m1.requestCache("cache"), from: .machine)
                try await cache.remember("palm", as: "tree")

                let release = ["--release", Program.example("memcached")]
                for (parameter, field) in [("memory=abc", "memory"), ("memory=0", "memory"), ("memroy=64", "memroy")] {
                    let answer = try await m1.palmier(["request", "cache"] + release + ["--param", parameter])
                    try answer.ended(with: .usage)
                    #expect(answer.error.contains("parameters.\(field)"), "the field's path: \(answer)")
                }
                // Without the release at hand the master says it.
                let document = try await m1.palmier(["request", "cache", "--param", "memory=abc", "-o", "json"])
                    .ended(with: .usage).document(ProblemDocument.self)
                #expect(document.code == "invalid" && document.field == "parameters.memory", "\(document)")
                try await m1.palmier(["instance", "show", "nothing"]).ended(with: .notFound)
                let again = try await trial.palmier(
                    ["fabric", "create", "another", "--state", m1.state])
                try again.ended(with: .failed)
                #expect(again.error.contains("exists") && again.error.contains("--state"), "\(again)")

                let path = try trial.write(
                    Self.release("broken", build: "echo first word; echo the last word; exit 7"), to: "broken.yaml")
                let failed = try await m1.palmier([
                    "request", "broken", "--release", path, "--wait", "--timeout", "60s",
                ])
                try failed.ended(with: .failed)
                let reason = try await m1.instance("broken").reason
                #expect(reason.contains("the last word") && reason.contains("7"), "the log's end: \(reason)")
                let log = try #require(
                    reason.split(whereSeparator: { " \n,;:()".contains($0) }).first { $0.hasSuffix(".log") },
                    "\(reason)")
                #expect(FileManager.default.fileExists(atPath: String(log)), "where the rest is: \(reason)")
                try await cache.expect("palm", as: "tree")
                #expect(try await m1.instance("cache").state == "running")
            }
        }

        @Test("a port in use and a state directory in use are named; who was there goes on", .timeLimit(.minutes(2)))
        func inUse() async throws {
            try await Trial.with("in-use") { trial in
                let m1 = try await trial.firstMaster(flags: ["--isolation", "none"])
                let door = try #require(try await m1.nodes().first?.endpoints.first)
                let twin = try await trial.palmier([
                    "master", "--state", m1.state, "--listen", "127.0.0.1:0", "--interfaces", "lo",
                ])
                try twin.ended(with: .failed)
                #expect(twin.error.contains(m1.state), "\(twin)")
                let a1 = try trial.member("a1")
                try await a1.join()
                try await a1.stop()
                let blocked = try await trial.palmier([
                    "agent", "--state", a1.state, "--interfaces", "lo", "--listen", door,
                ])
                try blocked.ended(with: .failed)
                #expect(blocked.error.contains(door) && blocked.error.contains("--listen"), "\(blocked)")
                let second = try await trial.palmier([
                    "fabric", "create", trial.fabric + "-x", "--state", "\(trial.folder)/x",
                ])
                try second.ended(with: .done)
                let api = try await apiPort(of: m1)
                let doorless = try await trial.palmier([
                    "master", "--state", "\(trial.folder)/x", "--interfaces", "lo", "--listen", "127.0.0.1:0",
                    "--api-listen", api,
                ])
                try doorless.ended(with: .failed)
                #expect(doorless.error.contains(api) && doorless.error.contains("--api-listen"), "\(doorless)")
                try await a1.join()
                try await m1.seesLive([m1, a1])
            }
        }

        private func apiPort(of master: Member) async throws -> String {
            try #require(
                try await master.palmier(["master", "list", "-o", "json"]).document(MastersDocument.self).masters.first?
                    .api.first)
        }

        @Test("garbage sent to each of a master's doors changes nothing", .timeLimit(.minutes(2)))
        func garbage() async throws {
            try await Trial.with("garbage") { trial in
                let m1 = try await trial.firstMaster(flags: ["--isolation", "none"])
                let before = try await m1.palmier(["node", "list", "-o", "name"]).output
                let peers = try #require(try await m1.nodes().first?.endpoints.first)
                let users = try await apiPort(of: m1)
                for door in [peers, users] {
                    let parts = door.split(separator: ":").map(String.init)
                    for words in [
                        "head -c 100000 /dev/urandom", #"printf 'GET / HTTP/1.1\r\n\r\n'"#,
                        #"printf '\26\3\1\377\377'"#,
                    ] {
                        // The door closes when it has heard enough: a broken pipe is the expected end.
                        _ = try await Place.machine.run([
                            "timeout", "5", "bash", "-c", #"exec 3<>"/dev/tcp/$0/$1" && \#(words) >&3"#, parts[0],
                            parts[1],
                        ])
                    }
                }
                let socket = ["curl", "-s", "--max-time", "10", "--unix-socket", "\(m1.state)/api.sock"]
                for (body, field) in [
                    ("{", "JSON"), (#"{"reference": 5}"#, "reference"), (#"{"referense": "a"}"#, "referense"),
                ] {
                    let said = try await Place.machine.run(
                        socket + ["-X", "POST", "--data", body, "http://palmier/v1/requests"]
                    ).check().output
                    let problem = try JSONDecoder().decode(ProblemDocument.self, from: Data(said.utf8))
                    #expect(problem.code == "invalid" && problem.detail.contains(field), "\(said)")
                }
                #expect(try await m1.palmier(["node", "list", "-o", "name"]).output == before)
                #expect(try await m1.instances().instances.isEmpty)
                #expect(m1.current?.isRunning == true)
                try await Memcached(try await m1.requestCache("cache"), from: .machine).remember("palm", as: "tree")
            }
        }

        @Test(
            "a master whose disk is full says so and loses nothing; when there is room again it goes on",
            .timeLimit(.minutes(4)), .enabled(if: geteuid() == 0, "mounting a small disk needs root"))
        func fullDisk() async throws {
            try await Trial.with("full-disk") { trial in
                let m1 = try await trial.firstMaster(flags: ["--isolation", "none", "--partitions", "4"])
                let m2 = try trial.member("m2", isMaster: true, ["--isolation", "none"])
                try FileManager.default.createDirectory(atPath: m2.state, withIntermediateDirectories: true)
                try await Place.machine.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=711", "tmpfs", m2.state])
                    .check()
                do {
                    try await m2.join()
                    for master in [m1, m2] { try await master.seesLive([m1, m2]) }
                    let before = try await m2.requestCache("before", ["--node", "m1"])
                    let cache = try Memcached(before, from: .machine)
                    try await cache.remember("palm", as: "tree")

                    _ = try await Place.machine.run(["dd", "if=/dev/zero", "of=\(m2.state)/filler", "bs=4k"])
                    let refused = try await m2.palmier(
                        ["request", "during", "--release", Program.example("noop"), "--node", "m1", "--detach"])
                    try refused.ended(with: .failed)
                    #expect(refused.error.contains("full") && refused.error.contains("free some space"), "\(refused)")
                    try await Polling.until("doctor names the disk", within: .seconds(60)) {
                        let doctor = try await m2.palmier(["doctor"])
                        return doctor.text.contains("disk") && doctor.text.contains("full")
                    }
                    try await cache.expect("palm", as: "tree")

                    try FileManager.default.removeItem(atPath: "\(m2.state)/filler")
                    try await Polling.until("doctor names the disk no more", within: .seconds(60)) {
                        try await !m2.palmier(["doctor"]).text.contains("is full")
                    }
                    // The ledger tries its disk once in a heartbeat: that it has room again may not be known at once.
                    let after = try await Polling.value("what is asked is taken again", within: .seconds(20)) {
                        let answer = try await m2.palmier(
                            [
                                "request", "after", "--release", Program.example("noop"), "--node", "m1", "--wait",
                                "-o", "json",
                            ])
                        return answer.code == 0 ? answer : nil
                    }
                    #expect(try after.document(InstanceDocument.self).state == "running")
                    #expect(try await m2.instance("before").state == "running")
                    try await cache.expect("palm", as: "tree")
                    try await m2.kill()
                    try await m2.join()
                    #expect(
                        try await m2.instances().instances.map(\.reference).contains("before"), "what was told is kept")
                    try await unmount(m2)
                } catch {
                    try await unmount(m2)
                    throw error
                }
            }
        }

        private func unmount(_ member: Member) async throws {
            try await member.kill()
            // Lazily: supervisord, which the trial ends later, has its place in there.
            try await Place.machine.run(["umount", "--lazy", member.state]).check()
        }

        /// A release that is built by a script.
        private static func release(_ name: String, build: String) -> String {
            """
            name: \(name)
            version: "1"
            source:
              build: |
                \(build)
            types:
              main:
                command: [sleep, "1000"]

            """
        }
    }
}

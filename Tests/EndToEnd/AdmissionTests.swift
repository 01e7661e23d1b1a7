import Foundation
import Lab
import Testing

extension Scenarios {
    /// Who is let in, by each policy, and what a stranger can do.
    @Suite("Admission")
    struct AdmissionTests {
        @Test(
            "ask: who waits says how it is approved, every master shows it, any admits it, and it joins by itself",
            .timeLimit(.minutes(3)))
        func ask() async throws {
            try await Trial.with("ask") { trial in
                let m1 = try await trial.firstMaster(admission: "ask")
                let m2 = try trial.member("m2", isMaster: true)
                try await m2.start()
                try await m2.says("waiting: approve with `palmier node admit")
                #expect(try await pending(m1).map(\.kind) == ["master"])
                try await m1.palmier(["node", "admit", "m2"]).ended(with: .done)
                try await m2.serves()
                for master in [m1, m2] { try await master.seesLive([m1, m2]) }

                let a1 = try trial.member("a1")
                try await a1.start()
                try await a1.says("waiting: approve with `palmier node admit")
                let fingerprint = try #require(try await waiting("a1", at: m1)).fingerprint
                #expect(a1.log.contains(fingerprint), "the same fingerprint on both screens")
                let first = a1.current?.pid
                #expect(try await waiting("a1", at: m2)?.fingerprint == fingerprint)
                try await m2.palmier(["node", "admit", fingerprint]).ended(with: .done)
                try await a1.serves()
                #expect(a1.current?.pid == first)
                for master in [m1, m2] { try await master.seesLive([m1, m2, a1]) }

                let a2 = try trial.member("a2")
                try await a2.start()
                try await a2.says("waiting: approve with `palmier node admit")
                for master in [m1, m2] { #expect(try await waiting("a2", at: master) != nil) }
                for master in [m1, m2] {
                    try await master.palmier(["node", "reject", "a2"]).ended(with: .done)
                }
                #expect(try await a2.current?.wait(within: .seconds(30)) == .exited(ExitCode.refused.rawValue))
                #expect(a2.log.contains("was rejected"), "\(a2.log)")
            }
        }

        @Test(
            "a master is admitted by a root that is kept off-line: the request is carried there, the admission back",
            .timeLimit(.minutes(2)))
        func offline() async throws {
            try await Trial.with("offline") { trial in
                let m1 = try trial.member("m1", isMaster: true)
                try await trial.palmier([
                    "fabric", "create", trial.fabric, "--admission", "link", "--state", m1.state, "--master-name", "m1",
                ]).ended(with: .done)
                let disk = "\(trial.folder)/disk"
                try FileManager.default.moveItem(atPath: "\(m1.state)/root", toPath: disk)
                try await m1.join()

                let m2 = try trial.member("m2", isMaster: true)
                try await m2.start()
                #expect(try await m2.current?.wait(within: .seconds(60)) == .exited(ExitCode.refused.rawValue))
                #expect(
                    m2.log.contains("palmier fabric request") && m2.log.contains("palmier fabric sign"), "\(m2.log)")

                let asked = try await trial.palmier(["fabric", "request", "--state", m2.state, "--name", "m2"])
                    .ended(with: .done)
                let request = try trial.write(asked.output, to: "m2.request")
                let missing = try await trial.palmier(["fabric", "sign", request, "--state", m1.state])
                try missing.ended(with: .notFound)
                #expect(missing.error.contains("--root DIR"), "\(missing)")
                let signed = try await trial.palmier(["fabric", "sign", request, "--root", disk]).ended(with: .done)
                let fingerprint = try #require(asked.error.firstMatch(of: /[0-9a-f]{4}(-[0-9a-f]{4}){3}/)).output.0
                #expect(signed.error.contains(fingerprint), "the same on both screens: \(asked) \(signed)")
                let admission = try trial.write(signed.output, to: "m2.admission")
                try await trial.palmier(["fabric", "accept", admission, "--state", m2.state]).ended(with: .done)

                try await m2.join()
                for master in [m1, m2] { try await master.seesLive([m1, m2]) }
                let a1 = try trial.member("a1")
                try await a1.join()
                #expect(try await m2.requestCache("cache").state == "running")
            }
        }

        private func pending(_ master: Member) async throws -> [AdmissionsDocument.Admission] {
            try await master.palmier(["node", "list", "--pending", "-o", "json"]).ended(with: .done)
                .document(AdmissionsDocument.self).admissions
        }

        /// Waits for somebody to be shown as waiting; nil when that does not happen.
        private func waiting(_ name: String, at master: Member) async throws -> AdmissionsDocument.Admission? {
            do {
                return try await Polling.value("\(name) waits at \(master.name)", within: .seconds(20)) {
                    try await pending(master).first { $0.name == name }
                }
            } catch let error as LabError where error.code == .timedOut {
                return nil
            }
        }

        @Test(
            "token: none, a damaged one, one of another fabric, a used one are refused; a good one lets in once",
            .timeLimit(.minutes(3)))
        func token() async throws {
            try await Trial.with("token") { trial in
                let m1 = try await trial.firstMaster(admission: "token")
                let good = try await invite(m1)
                let none = try await turnedAway("n0", of: trial, with: .refused)
                #expect(none.contains("--token"), "the remedy: \(none)")
                let last = try #require(good.last)
                let damaged = String(good.dropLast()) + (last == "a" ? "b" : "a")
                let damage = try await turnedAway("n1", of: trial, with: .usage, ["--token", damaged])
                #expect(damage.contains("join token"), "\(damage)")

                let stranger = try await otherFabric(in: trial)
                let theirs = try await invite(stranger)
                let foreign = try await turnedAway("n2", of: trial, with: .refused, ["--token", theirs])
                #expect(foreign.contains(trial.fabric), "\(foreign)")

                let a1 = try trial.member("a1", ["--token", good])
                try await a1.join()
                let used = try await turnedAway("n3", of: trial, with: .refused, ["--token", good])
                #expect(used.contains("used already"), "\(used)")
                // A restart with the flag that is still there is no second use.
                try await a1.kill()
                try await a1.join()
                let next = try await invite(m1)
                let a2 = try trial.member("a2", ["--token", next])
                try await a2.join()
                try await m1.seesLive([m1, a1, a2])
            }
        }

        private func invite(_ master: Member) async throws -> String {
            try await master.palmier(["node", "invite", "-o", "json"]).ended(with: .done)
                .document(InvitationDocument.self).token
        }

        /// Starts a newcomer that must end by itself, and returns what it said.
        private func turnedAway(
            _ name: String, of trial: Trial, with code: ExitCode, _ flags: [String] = []
        ) async throws -> String {
            let newcomer = try trial.member(name, flags)
            try await newcomer.start()
            let exit = try await newcomer.current?.wait(within: .seconds(30))
            #expect(exit == .exited(code.rawValue), "\(name): \(newcomer.log)")
            return newcomer.log
        }

        /// A master of a fabric of its own, on the same link.
        private func otherFabric(in trial: Trial) async throws -> Member {
            let other = try trial.member("x1", isMaster: true, ofFabric: trial.fabric + "-x")
            try await trial.palmier([
                "fabric", "create", trial.fabric + "-x", "--admission", "link", "--state", other.state, "--master-name",
                "x1",
            ]).ended(with: .done)
            try await other.join()
            return other
        }

        @Test(
            "two fabrics on one link do not mix; a machine of the other changes nothing, and both sides say why",
            .timeLimit(.minutes(3)))
        func strangers() async throws {
            try await Trial.with("strangers") { trial in
                let m1 = try await trial.firstMaster()
                let x1 = try await otherFabric(in: trial)
                let a1 = try trial.member("a1")
                let door = try #require(try await m1.nodes().first?.endpoints.first)
                let y1 = try trial.member("y1", ofFabric: trial.fabric + "-x", ["--join", door])
                try await a1.join()
                try await y1.join()
                try await m1.seesLive([m1, a1])
                try await x1.seesLive([x1, y1])
                // The stranger dials our master with a certificate of its own fabric's.
                try await y1.says("join.unreachable")
                try await m1.says("transport.rejected")
                // TLS 1.3: who dials sees the other's certificate first, and says whose it is.
                #expect(y1.log.contains("certificate is of the fabric \"\(trial.fabric)\""), "\(y1.log)")
                #expect(y1.log.contains("--fabric"), "the remedy: \(y1.log)")
                #expect(try await m1.nodes().map(\.name).sorted() == ["a1", "m1"])
                #expect(try await x1.nodes().map(\.name).sorted() == ["x1", "y1"])

                // Who says no name where two answer is asked to.
                let doors = [try await api(of: m1), try await api(of: x1)]
                let undecided = try await trial.palmier([
                    "agent", "--state", "\(trial.folder)/u", "--name", "u", "--interfaces", "lo", "--discovery",
                    "embedded", "--listen", "127.0.0.1:0", "--join", doors[0], "--join", doors[1],
                ])
                try undecided.ended(with: .refused)
                #expect(undecided.error.contains("more than one fabric answers"), "\(undecided)")
                #expect(undecided.error.contains("--fabric"), "\(undecided)")
            }
        }

        private func api(of master: Member) async throws -> String {
            let list = try await master.palmier(["master", "list", "-o", "json"]).document(MastersDocument.self)
            return try #require(list.masters.first?.api.first)
        }
    }
}

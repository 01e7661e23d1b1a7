import Foundation
import Lab
import Testing

extension Scenarios {
    /// Places that are kept for a project.
    @Suite("Reservations")
    struct ReservationTests {
        @Test(
            "a reservation holds a machine over kill -9 of its agent and of the master: who names it runs there, who does not waits",
            .timeLimit(.minutes(5)))
        func holds() async throws {
            try await Trial.with("reservation") { trial in
                let isolation = ["--isolation", "none"]
                let m1 = try await trial.firstMaster(flags: isolation + ["--replicas", "0", "--partitions", "0"])
                let n1 = try trial.member("n1", isolation + ["--partitions", "1"])
                try await trial.fleet([n1])
                try await keepBooks(m1)
                try await m1.palmier(["node", "supplier", "n1", "lab"]).ended(with: .done)
                _ = try await m1.requestCache("plain")

                let added = try await m1.palmier(
                    Self.add("demo", from: "30s", until: "1h") + ["--wait", "-o", "json"]
                ).ended(with: .done).document(ReservationDocument.self)
                #expect(added.booked == 1 && added.places.first?.node == "n1" && added.state == "ahead", "\(added)")
                // Asked for, and not begun: it waits, and the machine's tenant stays.
                try await m1.palmier(
                    request("vip") + ["--project", "web", "--reservation", "demo", "--detach"]
                ).ended(with: .accepted)
                #expect(try await m1.instance("vip").reason.contains("demo begins at"))
                #expect(try await m1.instance("plain").state == "running")

                try await n1.kill()
                try await m1.kill()
                try await m1.start()
                try await m1.serves()
                try await n1.join()

                try await Polling.until("it runs where the place is kept", within: .seconds(90)) {
                    let vip = try await m1.instance("vip")
                    return vip.state == "running" && vip.where?.node == "n1"
                }
                let plain = try await m1.instance("plain")
                #expect(plain.state == "waiting" && plain.attempt > 1, "\(plain)")
                let shown = try await m1.palmier(["project", "reservation", "show", "demo"]).ended(with: .done)
                #expect(
                    shown.output.contains("1 of 1 place booked, 1 used") && shown.output.contains("/vip"), "\(shown)")

                // Nobody uses the place: it is kept all the same, and says so.
                try await m1.palmier(["instance", "destroy", "vip", "--yes", "--wait", "destroyed"]).ended(with: .done)
                try await Polling.until("the machine says that it keeps the place", within: .seconds(40)) {
                    let why = try await m1.palmier(["why", "plain", "-o", "json"]).document(Why.self)
                    return why.machines.rules.map(\.code).contains("reserved")
                }
                #expect(try await m1.instance("plain").state == "waiting")
                try await m1.palmier(["project", "reservation", "cancel", "demo"]).ended(with: .done)
                try await Polling.until("it is everybody's again", within: .seconds(40)) {
                    try await m1.instance("plain").state == "running"
                }
            }
        }

        @Test("what cannot be reserved, or taken, is refused with a reason", .timeLimit(.minutes(3)))
        func refused() async throws {
            try await Trial.with("reservation-input") { trial in
                let m1 = try await trial.firstMaster(flags: ["--isolation", "none", "--replicas", "0"])
                try await keepBooks(m1)
                for (from, until, more, code, words) in [
                    ("2h", "1h", [], ExitCode.usage, "not behind"),
                    ("2020-01-01T09:00", "2020-01-02T09:00", [], .usage, "period-over"),
                    ("soon", "1h", [], .usage, "--from"),
                    ("1h", "400d", [], .usage, "--until"),
                    ("1h", "2h", ["--count", "0"], .usage, "--count"),
                    ("1h", "2h", ["--count", "257"], .usage, "--count"),
                    ("1h", "2h", ["--project", "none"], .notFound, "unknown-project"),
                    ("1h", "2h", ["--require", "cpo >= 4"], .usage, "cpu"),
                ] as [(String, String, [String], ExitCode, String)] {
                    var arguments = Self.add("x", from: from, until: until)
                    for (flag, value) in zip(more, more.dropFirst()) where flag.hasPrefix("--") {
                        if let index = arguments.firstIndex(of: flag) {
                            arguments[index + 1] = value
                        } else {
                            arguments += [flag, value]
                        }
                    }
                    let answer = try await m1.palmier(arguments).ended(with: code)
                    #expect("\(answer)".contains(words), "\(arguments): \(answer)")
                }
                try await m1.palmier(["project", "reservation", "show", "none"]).ended(with: .notFound)
                try await m1.palmier(["project", "reservation", "cancel", "none"]).ended(with: .notFound)
                try await m1.palmier(request("a") + ["--project", "web", "--reservation", "none"]).ended(
                    with: .notFound)
                // What no machine can keep is looked for, and each machine says why not.
                let large = try await m1.palmier(
                    Self.add("large", from: "1h", until: "2h")
                        + ["--require", "cpu >= 4096", "--wait", "--timeout", "3s"]
                ).ended(with: .accepted)
                #expect(large.output.contains("0 of 1 place booked") && large.output.contains("never"), "\(large)")
                let list = try await m1.palmier(["project", "reservation", "list", "-o", "name"]).ended(with: .done)
                #expect(list.output == "large\n")
            }
        }

        private struct ReservationDocument: Decodable {
            struct Place: Decodable {
                let state: String
                let node: String?
            }

            let state: String
            let booked: Int
            let places: [Place]
        }

        private struct Why: Decodable {
            struct Machines: Decodable {
                struct Rule: Decodable { let code: String }
                let rules: [Rule]
            }

            let machines: Machines
        }

        private static func add(_ name: String, from: String, until: String) -> [String] {
            [
                "project", "reservation", "add", name, "--project", "web", "--from", from, "--until", until, "--count",
                "1",
            ]
        }

        private func keepBooks(_ master: Member) async throws {
            for line in [
                "account add lab --kind organisation --title Laboratory", "account add ada --kind person --title Ada",
                "project set web --account ada --ceiling 0EUR",
            ] {
                try await master.palmier(line.split(separator: " ").map(String.init)).ended(with: .done)
            }
        }

        private func request(_ name: String) -> [String] {
            ["request", name, "--release", Program.example("memcached"), "--param", "memory=16"]
        }
    }
}

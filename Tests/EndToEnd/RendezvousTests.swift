import Foundation
import Lab
import Testing

extension Scenarios {
    /// Which machine a request gets, and why not another one.
    @Suite("Rendezvous")
    struct RendezvousTests {
        /// A master that is small, a machine that is large and cheap, one that is large and dear.
        private func fleet(_ trial: Trial) async throws -> (master: Member, cheap: Member, dear: Member) {
            let isolation = ["--isolation", "none"]
            let m1 = try await trial.firstMaster(
                flags: isolation + ["--replicas", "0", "--memory", "200MiB", "--partitions", "1"])
            let n1 = try trial.member("n1", isolation + ["--memory", "4GiB", "--price", "10000"])
            let n2 = try trial.member("n2", isolation + ["--memory", "2GiB", "--price", "30000", "--partitions", "1"])
            try await trial.fleet([n1, n2])
            return (m1, n1, n2)
        }

        private static func cache(_ name: String, _ more: String...) -> [String] {
            ["request", name, "--release", Program.example("memcached"), "--param", "memory=16"] + more
        }

        @Test(
            "what nobody can mean is refused at once; what no machine can do is unsatisfiable with the closest, never failed",
            .timeLimit(.minutes(3)))
        func refused() async throws {
            try await Trial.with("unsatisfiable") { trial in
                let (m1, _, _) = try await fleet(trial)
                for (flag, text, words) in [
                    ("--require", "cpu >= 4, cpu < 2", ["cpu >= 4", "cpu < 2"]),
                    ("--require", "memroy >= 8GiB", ["--require", "byte 0", "did you mean \"memory\""]),
                    ("--require", "memory >= 8GX", ["byte 11", "GX"]), ("--prefer", "cheepest", ["\"cheapest\""]),
                    ("--max-price", "much", ["--max-price", "0.02"]), ("--apart-from", "web@lam", ["\"web@lan\""]),
                    ("--apart-from", "db", ["itself"]),
                ] {
                    for act in [Self.cache("db"), ["plan"] + Self.cache("db")] {
                        let answer = try await m1.palmier(act + [flag, text]).ended(with: .usage)
                        for word in words { #expect(answer.error.contains(word), "\(word): \(answer)") }
                    }
                }
                let contradiction = try await m1.palmier(
                    Self.cache("db", "--memory", "8GiB", "--require", "memory < 4GiB", "-o", "json")
                ).ended(with: .usage).document(ProblemDocument.self)
                #expect(contradiction.code == "unsatisfiable" && contradiction.field == "requirements.condition")
                #expect(try await m1.instances().instances.isEmpty, "nothing was recorded")

                try await m1.palmier(Self.cache("big", "--require", "memory >= 64GiB", "--detach")).ended(
                    with: .accepted)
                try await Polling.until("big is unsatisfiable", within: .seconds(10)) {
                    try await m1.instance("big").state == "unsatisfiable"
                }
                let why = try await self.why("big", m1)
                #expect(why.machines.known == 3 && why.machines.never == 3 && why.machines.closest != nil)
                #expect(why.waitsFor.contains("can ever take it"), "\(why)")
                try await m1.palmier(["why", "none"]).ended(with: .notFound)
                try await m1.palmier(["node", "why", "none"]).ended(with: .notFound)
            }
        }

        @Test(
            "a plan names the machine, the price and the command that does it; its index is good once; apart is apart",
            .timeLimit(.minutes(4)))
        func planned() async throws {
            try await Trial.with("plan") { trial in
                let (m1, n1, n2) = try await fleet(trial)
                let asked = ["--require", "memory >= 1GiB", "--prefer", "price", "--max-price", "0.02"]
                let plan = try await m1.palmier(
                    ["plan"] + Self.cache("db") + asked + ["--detailed-exitcode", "-o", "json"]
                ).ended(with: .accepted).document(PlanDocument.self)
                #expect(
                    plan.schema == "palmier.plan/1" && plan.act == "create" && plan.index == 0 && plan.hourly == "0.01")
                let machines = try #require(plan.machines)
                #expect(machines.fits == 1 && machines.candidates.first?.node == "n1" && machines.known == 3, "\(plan)")
                #expect(try await m1.instances().instances.isEmpty, "a plan changes nothing")

                let command = try #require(plan.command)
                #expect(command.hasPrefix("palmier request db ") && command.hasSuffix(" --check-index 0"), "\(command)")
                let script = "\(Program.path)\(command.dropFirst("palmier".count))"
                try Answer(
                    await Place.machine.run(
                        ["sh", "-c", script + " --wait"], environment: trial.environment, within: .seconds(60))
                ).ended(with: .done)
                #expect(try await m1.instance("db").where?.node == "n1")
                let again = try Answer(
                    await Place.machine.run(["sh", "-c", script], environment: trial.environment, within: .seconds(60))
                ).ended(with: .failed)
                #expect(again.error.contains("is at index 1, and 0 was given"), "\(again)")
                try await m1.palmier(["plan"] + Self.cache("db") + asked + ["--detailed-exitcode"]).ended(with: .done)

                // Together on the cheap one, then nobody is left who is apart from both.
                _ = try await m1.requestCache("store", ["--together-with", "db"])
                #expect(try await m1.instance("store").where?.node == "n1")
                _ = try await m1.requestCache("web", ["--require", "memory >= 1GiB", "--apart-from", "db"])
                #expect(try await m1.instance("web").where?.node == "n2")
                let third = Self.cache(
                    "third", "--require", "memory >= 1GiB", "--apart-from", "db", "--apart-from", "web", "--detach")
                try await m1.palmier(third).ended(with: .accepted)
                let why = try await Polling.value("third waits with its reason", within: .seconds(10)) {
                    try await m1.instance("third").reason.isEmpty ? nil : try await self.why("third", m1)
                }
                #expect(try await m1.instance("third").state == "waiting")
                #expect(
                    why.machines.notNow == 2 && why.machines.never == 1 && why.waitsFor.hasPrefix("It waits for"),
                    "\(why)")
                let shown = try await m1.palmier(["why", "third"]).ended(with: .done)
                #expect(shown.output.contains("3 machines known: 2 cannot now, 1 never can"), "\(shown)")

                // An empty text takes away what was said; what is not mentioned stays.
                try await m1.palmier(["request", "third", "--apart-from", "", "--prefer", "-price", "--detach"]).ended(
                    with: .accepted)
                let details = try await m1.palmier(["instance", "show", "third"])
                #expect(
                    !details.output.contains("apart from") && details.output.contains("memory >= 1GiB"), "\(details)")
                #expect(details.output.contains("-price"), "\(details)")
                try await m1.palmier(["instance", "destroy", "web", "--yes", "--wait", "destroyed"]).ended(with: .done)
                try await Polling.until("third has the place of web", within: .seconds(30)) {
                    try await m1.instance("third").where?.node == "n2"
                }
                try await mirror(m1, n1, n2)
            }
        }

        /// What machines were asked for: through a master, and of an agent itself.
        private func mirror(_ m1: Member, _ n1: Member, _ n2: Member) async throws {
            let n2Claims = try await m1.palmier(["node", "why", "n2", "-o", "json"]).ended(with: .done)
                .document(NodeClaimsDocument.self)
            #expect(n2Claims.node == "n2" && n2Claims.claims.first?.reference == "third", "\(n2Claims)")
            #expect(n2Claims.claims.contains { $0.reference == "web" && $0.outcome == "placed" && $0.ledger == "m1" })
            let own = try await n1.palmier(["node", "why", "-o", "json"]).ended(with: .done)
                .document(NodeClaimsDocument.self)
            #expect(
                own.node == "n1" && own.hidden == 0 && Set(own.claims.map(\.reference)).isSuperset(of: ["db", "store"]))
            let table = try await m1.palmier(["node", "why", "n1"]).ended(with: .done)
            #expect(table.output.contains("AGE") && table.output.contains("OUTCOME"), "\(table)")
            try await n2.kill()
            try await m1.sees("n2", as: "failed", within: .seconds(30))
            let gone = try await m1.palmier(["node", "why", "n2"]).ended(with: .unreachable)
            #expect(gone.error.contains("n2 does not answer"), "\(gone)")
        }

        private func why(_ name: String, _ master: Member) async throws -> WhyDocument {
            try await master.palmier(["why", name, "-o", "json"]).ended(with: .done).document()
        }
    }
}

import Foundation
import Lab
import Testing

extension Scenarios {
    /// Two links between which DNS-SD does not pass, and which only a machine's address joins: `m1`, `m2` and the agent `a3`
    /// on the first one, `m4`, `m5` on the second one, with another subnet.
    @Suite(
        "Ledgers over a wide area",
        .enabled("a LAN of network namespaces can be made here") { await Obstacle.lan.isAbsent() })
    struct WideLedgerTests {
        /// A bound, not a wish; what is measured is printed.
        private static let taken = Duration.seconds(60)
        private static let flags = ["--isolation", "none"]

        @Test(
            "a ledger is found by its name and by its id from a master that no master has met; a name that is none is refused",
            .timeLimit(.minutes(4)))
        func found() async throws {
            try await onLans("wide-found", others: 1, ["--replicas", "0"]) { first, second, _ in
                let (m1, m4) = (first[0], second[0])
                let list = try await m4.palmier(["master", "list", "-o", "json"]).document(MastersDocument.self)
                #expect(list.masters.map(\.name) == ["m4"], "the masters have met before they should: \(list)")
                let clock = ContinuousClock()
                let start = clock.now
                // Primaries publish when the ring has settled.
                try await Polling.until("m4 writes to the ledger of m1", within: Self.taken) {
                    try await m4.palmier([
                        "account", "add", "ada", "--kind", "person", "--title", "Ada", "--ledger", "lab",
                    ]).code == 0
                }
                tell("a ledger of another link was found and written to after \(seconds(clock.now - start))")
                let shown = try await m1.palmier(["account", "show"]).ended(with: .done)
                #expect(shown.output.contains("ada"), "\(shown)")
                let none = try await m4.palmier(["account", "show", "--ledger", "shop"]).ended(with: .notFound)
                #expect(none.error.contains("no ledger is called \"shop\""), "\(none)")
                let status = try await m4.palmier(["ledger", "status", "lab"]).ended(with: .done)
                #expect(status.output.contains("lab: ok, led by m1"), "\(status)")
                let own = try await m1.palmier(["ledger", "status", "lab"]).ended(with: .done)
                #expect(own.output.contains("kept by"), "\(own)")
            }
        }

        @Test(
            "replicas stand on both links; kill -9 of the primary, and each master of both links finds its heir",
            .timeLimit(.minutes(5)))
        func apart() async throws {
            try await onLans("wide-apart", others: 2, ["--replace-after", "10s"]) { first, second, lan in
                let (m1, m2) = (first[0], first[1])
                let status = try await Polling.value("the ledger lab stands on both links", within: .seconds(120)) {
                    let answer = try await m1.palmier(["ledger", "status", "lab", "-o", "json"])
                    let ledger = try answer.document(LedgerDocument.self)
                    let names = Set(ledger.members.map(\.name))
                    return answer.code == 0 && ledger.standing == 2 && !names.isDisjoint(with: ["m4", "m5"])
                        ? ledger : nil
                }
                let far = try #require(status.members.first { ["m4", "m5"].contains($0.name) })
                #expect(far.site?.contains("10.77.0.0/23") == true, "\(far)")
                try await m1.palmier(["account", "add", "ada", "--kind", "person", "--title", "Ada"]).ended(with: .done)
                try await m1.kill()
                let clock = ContinuousClock()
                let start = clock.now
                for (number, master) in ([m2] + second).enumerated() {
                    try await Polling.until("\(master.name) writes to the ledger lab", within: Self.taken) {
                        try await master.palmier([
                            "account", "add", "p\(number)", "--kind", "person", "--title", "P", "--ledger", "lab",
                        ]).code == 0
                    }
                }
                tell("all masters of both links write to the dead master's ledger after \(seconds(clock.now - start))")
                let heir = try await m2.palmier(["ledger", "status", "lab", "-o", "json"]).document(LedgerDocument.self)
                #expect(["m2", "m4", "m5"].contains(heir.primary), "\(heir)")
            }
        }

        @Test(
            "an owner's no is obeyed and told; a replica that outgrows its owner's cap is replaced first, and goes",
            .timeLimit(.minutes(5)))
        func refusal() async throws {
            try await Trial.with("replica-cap") { trial in
                try await Lan.with(hosts: 4, addressing: .ipv4) { lan in
                    let places = lan.hosts.map { Place.host($0) }
                    let m1 = try await trial.firstMaster(
                        at: places[0], flags: Self.flags + ["--replicas", "1", "--minimum-replicas", "1"])
                    let m2 = try trial.member(
                        "m2", isMaster: true, at: places[1], Self.flags + ["--hold-replicas", "no"])
                    try await trial.fleet([m2])
                    let alone = try await m1.palmier(["ledger", "status", "m1"]).ended(with: .accepted)
                    #expect(alone.output.contains("m2 takes no replicas"), "\(alone)")
                    // Less than an empty log takes: the replica is there, and too large at once.
                    let m3 = try trial.member(
                        "m3", isMaster: true, at: places[2], Self.flags + ["--replica-space", "16KiB"])
                    try await trial.fleet([m3])
                    try await Polling.until(
                        "m3 gives the replica of m1 up, and holds it until then", within: .seconds(60)
                    ) {
                        let status = try await m1.palmier(["ledger", "status", "m1"])
                        return status.code == 0 && status.output.contains("m3 gives its replica up")
                            && status.output.contains("16384 B")
                    }
                    let m4 = try trial.member("m4", isMaster: true, at: places[3], Self.flags)
                    try await trial.fleet([m4])
                    let moved = try await Polling.value("m4 holds the replica of m1", within: .seconds(120)) {
                        let ledger = try await m1.palmier(["ledger", "status", "m1", "-o", "json"])
                            .document(LedgerDocument.self)
                        return ledger.standing == 1 && ledger.members.map(\.name).sorted() == ["m1", "m4"]
                            ? ledger : nil
                    }
                    #expect(moved.health == "ok", "\(moved)")
                    try await m1.palmier(["account", "add", "ada", "--kind", "person", "--title", "A"]).ended(
                        with: .done)
                    try await Polling.until("m3 has nothing of m1 on its disk", within: .seconds(60)) {
                        !FileManager.default.fileExists(atPath: "\(m3.state)/ledgers/\(moved.id)")
                    }
                }
            }
        }

        private func onLans(
            _ title: String, others: Int, _ rules: [String], _ scenario: ([Member], [Member], Lan) async throws -> Void
        ) async throws {
            try await Trial.with(title) { trial in
                try await Lan.with(hosts: 5, addressing: .ipv4) { lan in
                    try await lan.separate(Array(lan.hosts[..<3]), Array(lan.hosts[3...]))
                    for host in lan.hosts[3...] {
                        let address = host.address
                        try await host.run([
                            "sh", "-c", "ip addr del \(address)/24 dev eth0 && ip addr add \(address)/23 dev eth0",
                        ]).check()
                    }
                    let places = lan.hosts.map { Place.host($0) }
                    let flags = Self.flags + rules
                    let m1 = try await trial.firstMaster(at: places[0], flags: flags + ["--ledger", "lab"])
                    let a3 = try trial.member("a3", at: places[2], Self.flags)
                    var here = [m1]
                    if others > 1 { here.append(try trial.member("m2", isMaster: true, at: places[1], flags)) }
                    try await trial.fleet(Array(here.dropFirst()) + [a3])
                    var there: [Member] = []
                    for number in 0..<others {
                        let master = try trial.member("m\(4 + number)", isMaster: true, at: places[3 + number], flags)
                        try await admit(master, by: m1, trial)
                        // A machine's address: no master hears of this one by it.
                        try await master.join(number == 0 ? ["--join", "\(lan.hosts[2].address):7423"] : [])
                        there.append(master)
                    }
                    _ = try await RingWatch(members: here + [a3] + there).isWhole(within: .seconds(60))
                    try await scenario(here, there, lan)
                }
            }
        }

        /// By files, as where no master can be asked.
        private func admit(_ master: Member, by first: Member, _ trial: Trial) async throws {
            let asked = try await trial.palmier(
                ["fabric", "request", "--fabric", trial.fabric, "--state", master.state, "--name", master.name])
                .ended(with: .done)
            let request = try trial.write(asked.output, to: "\(master.name).request")
            let signed = try await trial.palmier(["fabric", "sign", request, "--state", first.state]).ended(with: .done)
            let admission = try trial.write(signed.output, to: "\(master.name).admission")
            try await trial.palmier(["fabric", "accept", admission, "--state", master.state]).ended(with: .done)
        }
    }
}

import Automata
import Foundation
import Lab
import Testing

extension Scenarios {
    /// Round after round a real fault strikes whoever leads a ledger, while clients write to it.
    ///
    /// `PALMIER_ROUNDS` says how many rounds (3), `PALMIER_SEED` which (drawn, and printed): the seed draws the order of
    /// the faults, how long each lasts, and what clients write; when things happen is up to the machine.
    @Suite(
        "Ledgers under faults and load",
        .enabled("a LAN of network namespaces can be made here") { await Obstacle.lan.isAbsent() })
    struct LedgerRoundsTests {
        /// The one that is struck is always the primary of this master's ledger.
        private static let ledger = "m1"
        /// Half of the clients write to that ledger, and through each master some do.
        private static let clients = [
            ("m1", "m1"), ("m1", "m1"), ("m1", "m2"), ("m1", "m3"), ("m2", "m2"), ("m2", "m3"), ("m3", "m3"),
            ("m3", "m1"),
        ].map { Writers.Client(ledger: $0.0, master: $0.1) }
        /// Bounds, not wishes; what is measured is printed.
        private static let taken = Duration.seconds(30)
        private static let settled = Duration.seconds(45)
        /// Of each master. Full within a moment, and never by the rounds themselves.
        private static let diskMebibytes = 128

        @Test(
            "whoever leads is killed, cut off, out of disk: what was acknowledged is there, through every master",
            .timeLimit(.minutes(3 + Rounds.wanted)))
        func rounds() async throws {
            var rounds = Rounds()
            tell("\(Rounds.wanted) rounds; again with PALMIER_ROUNDS=\(Rounds.wanted) PALMIER_SEED=\(rounds.seed)")
            try await onLan { world in
                let writers = Writers(sockets: world.sockets, clients: Self.clients, seed: rounds.seed)
                try await world.settle(within: Self.settled)
                var rows: [Row] = []
                for number in 1...Rounds.wanted {
                    let row = try await round(number, rounds.next(), world, writers)
                    tell(row.text)
                    rows.append(row)
                }
                summarize(rows, await writers.history.counts)
            }
        }

        // MARK: One round

        private struct Row: Sendable {
            let text: String
            let pause: Duration
        }

        private func round(_ number: Int, _ plan: Rounds.Plan, _ world: World, _ writers: Writers) async throws -> Row {
            let history = writers.history
            let before = await history.counts
            let victim = try await world.primary(of: Self.ledger)
            let outcome = try await writers.during(round: number) { try await fault(plan, victim, world, history) }
            try await serves(world, writers)
            for (why, count) in await history.takeReasons().sorted(by: { $0.key < $1.key }) {
                tell("    \(count) times: \(why)")
            }
            try await everythingIsThere(history, world, after: number)
            let after = await history.counts
            return Row(
                text: "round \(number): \(plan.fault.rawValue) of \(victim), led by \(outcome.heir) after "
                    + "\(seconds(outcome.succession)); next acknowledged write after \(seconds(outcome.pause)); 2 of 2 again "
                    + "\(seconds(outcome.recovery)) after it was healed; \(after.acknowledged - before.acknowledged) "
                    + "writes acknowledged, \(after.unanswered - before.unanswered) without an answer",
                pause: outcome.pause)
        }

        private struct Outcome: Sendable {
            let heir: String
            /// From the fault until the others say that somebody else leads.
            let succession: Duration
            /// From the last acknowledged write before another one led to the next: the longest time between two, from the
            /// fault until another one leads. A full disk takes writes for a while.
            let pause: Duration
            /// From the end of the fault until all is well.
            let recovery: Duration
        }

        private func fault(
            _ plan: Rounds.Plan, _ victim: String, _ world: World, _ history: WriteHistory
        ) async throws -> Outcome {
            let clock = ContinuousClock()
            // The fault takes each client's name at most, and only the ledger's own master makes new ones.
            try await Polling.until("there are names enough to change", within: Self.taken) {
                await history.openCount(in: Self.ledger) >= 2 * Self.clients.count
            }
            try await flows(history, "before the fault")
            let failures = try world.diskFailures(of: victim)
            let start = clock.now
            try await world.strike(victim, plan.fault)
            let heir = try await heir(of: victim, plan.fault, world)
            let succession = clock.now - start
            if plan.fault == .full {
                let more = try world.diskFailures(of: victim) - failures
                #expect(more > 0, "\(victim) leads no more, and its disk took everything")
            }
            try await flows(history, "led by \(heir)", count: 1)
            let pause = await history.longestPause(in: Self.ledger, since: start)
            try await flows(history, "led by \(heir)")
            try await Task.sleep(for: plan.rest)
            try await world.heal(victim, plan.fault)
            let healed = clock.now
            try await world.settle(within: Self.settled)
            let recovery = clock.now - healed
            return Outcome(
                heir: heir, succession: succession, pause: pause, recovery: recovery)
        }

        /// Waits until writes are acknowledged, a few one after the other.
        private func flows(_ history: WriteHistory, _ when: String, count: Int = 5) async throws {
            for _ in 1...count {
                let start = ContinuousClock.now
                try await Polling.until("a write is acknowledged, \(when)", within: Self.taken, every: .milliseconds(5))
                {
                    await history.hasAcknowledged(in: Self.ledger, after: start)
                }
            }
        }

        /// Who leads when the fault has done its work.
        private func heir(of victim: String, _ fault: Rounds.Fault, _ world: World) async throws -> String {
            try await Polling.value("another master leads than \(victim)", within: Self.taken, every: .milliseconds(20))
            {
                // Programs free room, too.
                if fault == .full { try world.disks[victim]?.fill() }
                let heir = try await world.primary(of: Self.ledger, besides: victim)
                return heir == victim || heir.isEmpty ? nil : heir
            }
        }

        /// A new name is acknowledged through each master.
        private func serves(_ world: World, _ writers: Writers) async throws {
            for socket in world.sockets {
                try await Polling.until("\(socket.name) takes a write", within: Self.taken) {
                    let write = await writers.history.invent(in: socket.name)
                    await writers.perform(write, by: [socket])
                    return await writers.history.records[write.name]?.acknowledged != nil
                }
            }
        }

        private func everythingIsThere(_ history: WriteHistory, _ world: World, after round: Int) async throws {
            for socket in world.sockets {
                let faults = await history.faults(in: try await socket.everything())
                guard faults.isEmpty else {
                    throw Unexpected(
                        "after round \(round), through \(socket.name), \(faults.count) faults:\n"
                            + faults.prefix(20).joined(separator: "\n"))
                }
                try await Polling.until("\(socket.name) knows every request's ledger", within: Self.taken) {
                    await history.strange(in: try await socket.everything()).isEmpty
                }
            }
        }

        private func summarize(_ rows: [Row], _ counts: (acknowledged: Int, unanswered: Int)) {
            let pauses = rows.map(\.pause).sorted()
            tell(
                "\(rows.count) rounds: \(counts.acknowledged) writes acknowledged, all there; \(counts.unanswered) without "
                    + "an answer; the next acknowledged write after \(seconds(pauses[pauses.count / 2])) in the median, "
                    + "\(seconds(pauses[pauses.count - 1])) at most")
        }

        // MARK: The LAN

        private func onLan(_ scenario: (World) async throws -> Void) async throws {
            try await Lan.with(hosts: 3) { lan in
                try await Trial.with("ledger-rounds") { trial in
                    var disks: [String: LabDisk] = [:]
                    for name in ["m1", "m2", "m3"] {
                        disks[name] = try await lan.mountDisk(
                            at: "\(trial.folder)/\(name)", mebibytes: Self.diskMebibytes)
                    }
                    let flags = ["--isolation", "none"]
                    let first = try await trial.firstMaster(at: .host(lan.hosts[0]), flags: flags)
                    let others = try (2...3).map {
                        try trial.member("m\($0)", isMaster: true, at: .host(lan.hosts[$0 - 1]), flags)
                    }
                    try await trial.fleet(others)
                    try await MasterSocket.withClient { [disks] client in
                        let masters = [first] + others
                        try await scenario(
                            World(
                                lan: lan, masters: masters, disks: disks,
                                sockets: masters.map { MasterSocket($0, client) }))
                    }
                }
            }
        }
    }
}

/// What is drawn from the seed.
private struct Rounds {
    enum Fault: String, CaseIterable {
        case kill = "kill -9"
        case cut = "cutting off"
        case full = "full disk"
    }

    struct Plan: Sendable {
        let fault: Fault
        /// How long it lasts after others have taken over.
        let rest: Duration
    }

    /// At least one.
    static let wanted = max(1, number("PALMIER_ROUNDS").map(Int.init(clamping:)) ?? 3)

    let seed: UInt64
    private var random: SeededRandom
    private var deck: [Fault] = []

    init() {
        seed = Self.number("PALMIER_SEED") ?? UInt64.random(in: 0..<1_000_000)
        random = .stream(seed: seed, "rounds")
    }

    /// Of three rounds each has another fault.
    mutating func next() -> Plan {
        if deck.isEmpty {
            deck = Fault.allCases
            random.shuffle(&deck)
        }
        return Plan(fault: deck.removeLast(), rest: random.duration(in: .milliseconds(200)...(.seconds(3))))
    }

    private static func number(_ variable: String) -> UInt64? {
        ProcessInfo.processInfo.environment[variable].flatMap { UInt64($0) }
    }
}

/// Three masters, each on a host and a disk of its own.
private struct World: Sendable {
    let lan: Lan
    let masters: [Member]
    let disks: [String: LabDisk]
    let sockets: [MasterSocket]

    /// Who leads the ledger, as those say who can be asked; empty when nobody does.
    ///
    /// - Parameter silent: is not asked, since it may be cut off and not know.
    func primary(of ledger: String, besides silent: String? = nil) async throws -> String {
        for socket in sockets where socket.name != silent {
            let ledgers = try await socket.ledgers()
            if let found = ledgers.first(where: { $0.name == ledger }), !found.primary.isEmpty { return found.primary }
        }
        return ""
    }

    func strike(_ name: String, _ fault: Rounds.Fault) async throws {
        switch fault {
        case .kill: try await member(name).kill()
        case .cut: try await lan.cutOff(host(name))
        case .full: try disk(name).fill()
        }
    }

    func heal(_ name: String, _ fault: Rounds.Fault) async throws {
        switch fault {
        case .kill: try await member(name).join()
        case .cut: try await lan.heal()
        case .full: try disk(name).free()
        }
    }

    /// Waits until each master is ready, and says that each ledger has both its replicas.
    func settle(within limit: Duration) async throws {
        for socket in sockets {
            var last = ""
            do {
                try await Polling.until("\(socket.name) is ready, and says 2 of 2", within: limit) {
                    do {
                        let ledgers = try await socket.ledgers()
                        last = "\(ledgers)"
                        return await socket.isReady() && ledgers.map(\.name).sorted() == ["m1", "m2", "m3"]
                            && ledgers.allSatisfy(\.isWhole)
                    } catch let error as Unexpected {
                        last = error.description
                        return false
                    }
                }
            } catch let error as LabError {
                throw Unexpected("\(error); it says \(last)")
            }
        }
    }

    /// How often this life of a master has said that a log could not be written.
    func diskFailures(of name: String) throws -> Int {
        try member(name).log.components(separatedBy: "ledger.writeFailed").count - 1
    }

    private func member(_ name: String) throws -> Member {
        guard let member = masters.first(where: { $0.name == name }) else { throw Unexpected("there is no \(name)") }
        return member
    }

    private func host(_ name: String) throws -> LabHost {
        guard case .host(let host) = try member(name).place else { throw Unexpected("\(name) is on no LAN") }
        return host
    }

    private func disk(_ name: String) throws -> LabDisk {
        guard let disk = disks[name] else { throw Unexpected("\(name) has no disk of its own") }
        return disk
    }
}

extension LedgerDocument {
    /// Both replicas are there, and lack next to nothing.
    fileprivate var isWhole: Bool {
        health == "ok" && standing == 2 && members.count == 3
            && members.allSatisfy { ["primary", "replica"].contains($0.state) }
    }
}

import Automata
import Peer

/// How a peer of the simulated world begins, with what is on its disk, and ends.
extension PeerPopulation {
    /// What the machines of a LAN say of where they stand.
    static func region(of lan: UInt16) -> String { "r\(lan + 1)" }

    mutating func start(_ peer: UInt32, disk: Bool, in core: inout World) {
        let host = Int(peer)
        // A ledger without replicas has one copy: its disk is not among those that are lost.
        if !disk, hosts[host].lives > 0, !hosts[host].isMaster || settings.replicas > 1 { loseDisk(of: peer, core) }
        hosts[host].isUp = true
        hosts[host].lives += 1
        say("start \(name(peer))", &core)
        spoilCheckpoints(of: peer)
        var restored = hosts[host].disk.restored
        if sabotage == .amnesia { restored.partitions = [] }
        if sabotage == .drainForgotten { restored.word = OwnerWord() }
        let id = core.id(of: peer)
        if sabotage == .lostLedger { hosts[host].disk.loseLedger(id) }
        if hosts[host].isMaster { restored.ledgers = ledgers(of: id, at: peer, &core) }
        var own = Advertisement(
            peer: id, incarnation: Incarnation(hosts[host].lives), name: name(peer), fabric: "lab",
            endpoints: settings.addresses ? [Self.endpoint(peer)] : [], apiPort: hosts[host].isMaster ? 7424 : nil,
            region: hosts[host].isMaster ? "" : Self.region(of: UInt16(hosts[host].lan)),
            network: hosts[host].isMaster ? "LAN \(hosts[host].lan + 1)" : "")
        if let placers, !hosts[host].isMaster {
            own.facts = placers.facts(of: peer, machines: UInt32(count))
            (own.cores, own.gpus) = (own.facts.cores, own.facts.gpus)
        }
        if let hours = owners.hours(of: peer) { own.facts.terms.hours = hours }
        var life = SeededRandom.stream(seed: seed ^ id.high ^ id.low, "life \(hosts[host].lives)")
        hosts[host].peer = Peer(
            blueprint: blueprint, own: own,
            capacity: placers != nil && hosts[host].isMaster ? 0 : settings.partitions, memory: .mebibytes(8_192),
            restored: restored, seed: life.next())
        watch.started(peer, at: core.now)
        if let (before, index) = tenancy.onStart(peer, length: hosts[host].disk.logs[id]?.entries.count ?? 0) {
            watch.checker.report(
                "I3", "\(name(peer)) had \(before) committed entries and starts with \(index)", [peer], &core)
        }
        if hasLinks { links[Int(hosts[host].lan)].enter(peer) }
        feed(.started, to: peer, &core)
        checkDrain(of: peer, &core)
        let firstJoiner = settings.joinsByMachines ? UInt32(settings.masters) : 0
        if settings.lans > 1, hosts[host].place >= firstJoiner,
            hosts[host].place < firstJoiner + UInt32(settings.joiners),
            hosts[host].lan > 0 || hosts[host].lives > 1
        {
            joinElsewhere(peer, pause: 1_000_000_000, &core)
        }
    }

    /// What is on a master's disk; its own ledger begins with its first life.
    private mutating func ledgers(
        of id: PeerID, at peer: UInt32, _ core: inout World
    ) -> [(id: PeerID, state: LedgerState)] {
        let host = Int(peer)
        if hosts[host].disk.logs[id] == nil { hosts[host].disk.logs[id] = LogDisk(store: store(of: id, at: peer)) }
        defer { hosts[host].hasFounded = true }
        return hosts[host].disk.logs.keys.sorted().compactMap { ledger in
            guard let log = hosts[host].disk.logs[ledger] else { return nil }
            // Who has founded its ledger and lost it waits until the others let it follow.
            if ledger == id, log.entries.isEmpty, !hosts[host].hasFounded { return (ledger, .founded(log.store)) }
            let state = log.restored(ledger, blueprint.coding)
            if !log.checkpoints.isEmpty {
                let passedOver = log.checkpoints.prefix(while: \.isDamaged).count
                if passedOver > 0 { reached["checkpoint passed over", default: 0] += 1 }
                if passedOver < log.checkpoints.count { reached["started from a checkpoint", default: 0] += 1 }
                if let difference = log.difference(ledger, blueprint.coding) {
                    let summary = "\(name(peer)), the ledger \(ledger.fingerprint): \(difference)"
                    watch.checker.report("I3", summary, [peer], &core)
                }
            }
            return (ledger, sabotage == .forgottenAccounts ? state.withoutAccounts : state)
        }
    }

    static func endpoint(_ peer: UInt32) -> Endpoint {
        Endpoint(host: "10.\(peer >> 16 & 255).\(peer >> 8 & 255).\(peer & 255)", port: 7423)
    }

    /// One of four starts finds a ledger's newest checkpoint damaged: nothing may depend on it.
    private mutating func spoilCheckpoints(of peer: UInt32) {
        guard !isHealed else { return }
        for ledger in hosts[Int(peer)].disk.logs.keys.sorted() where checkpointDraw.below(4) == 0 {
            hosts[Int(peer)].disk.logs[ledger]?.spoilCheckpoint()
        }
    }

    private mutating func loseDisk(of peer: UInt32, _ core: borrowing World) {
        endInstances(of: peer)
        hosts[Int(peer)].instances = [:]
        hosts[Int(peer)].leases = [:]
        hosts[Int(peer)].disk = Disk()
        owners.machines[peer]?.isAnswered = false
    }

    mutating func stop(_ peer: UInt32, in core: inout World) {
        watch.measures.leaves += 1
        hosts[Int(peer)].isLeaving = true
        feed(.stopping, to: peer, &core)
    }

    mutating func vanish(_ peer: UInt32, withMachine: Bool, in core: inout World) {
        say("\(withMachine ? "loss of" : "end of") \(name(peer))", &core)
        if withMachine {
            hosts[Int(peer)].isUp = false
            endInstances(of: peer)
        }
        noteSearches(of: peer, &core)
        watch.ended(peer, core)
        groupUsers.ended(peer)
        crashDisk(of: peer)
        withdraw(peer, withMachine: withMachine, &core)
        disconnectAll(peer, tells: !withMachine && !hosts[Int(peer)].isLeaving, &core)
        hosts[Int(peer)].endProcess()
    }

    mutating func stall(_ peer: UInt32, ends: Bool, in core: inout World) {
        watch.stalled(peer, ends: ends, core)
    }

    mutating func setFull(_ isFull: Bool, diskOf peer: UInt32) { hosts[Int(peer)].isDiskFull = isFull }

    mutating func healed(in core: inout World) {
        say("heal", &core)
        isHealed = true
        writeFailures = 0
    }
}

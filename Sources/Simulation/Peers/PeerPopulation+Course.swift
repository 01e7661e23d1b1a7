import Automata
import Ledger
import Neighbours
import Overlay
import Peer

/// What happens at which time of a run, and what must hold at its end.
extension PeerPopulation {
    mutating func begin(_ core: inout World) {
        // Each LAN begins with a ring of its own, a link without masters with several: what is routed before they have met
        // cannot be right.
        if settings.lans > 1 || settings.masters == 0 { core.excusedUntil = watch.workload.begins }
        if !watch.workload.isEmpty { core.note(at: watch.workload.begins, Note.lookup.rawValue) }
        for (user, at) in users.times.enumerated() { run(.user(user), at: at, &core) }
        for (index, at) in (placers?.times(from: watch.workload.begins) ?? []).enumerated() {
            run(.placer(index, step: 0), at: at, &core)
        }
        if settings.paidPerMille > 0 {
            for master in 0..<UInt32(count) where hosts[Int(master)].isMaster {
                run(.bookkeeper(master), at: 1_000_000_000, &core)
            }
        }
        for (drain, planned) in owners.drains.enumerated() {
            run(.owner(drain, isDrained: true), at: planned.at, &core)
        }
        if shares != nil { beginShares(at: watch.workload.begins, &core) }
        if reservations != nil { beginReservations(&core) }
        if objectUsers.settings != nil { core.note(at: watch.workload.begins, Note.useObjects.rawValue) }
        if groupUsers.settings != nil { core.note(at: watch.workload.begins, Note.useGroups.rawValue) }
        guard isRingChecked else { return }
        if isSeeking { run(.seekLedgers, at: over - LedgerSeekers.lead, &core) }
        if groupUsers.settings != nil { run(.groupTrial(0), at: over - Self.groupTrialTime, &core) }
        if objectUsers.settings != nil { run(.readAll, at: over - 60_000_000_000, &core) }
    }

    mutating func checkAtEnd(_ core: inout World) {
        if let first = unserved().first { watch.checker.report("I4", first, [], &core) }
        if let found = misplaced() { watch.checker.report("relations", found, [], &core) }
        if let found = miscounted() { watch.checker.report("E1", found, [], &core) }
        if settings.requests > 0, let (found, host) = idlyHeld(core) {
            watch.checker.report("I4", found, [host], &core)
        }
        if settings.paidPerMille > 0, let (found, host) = unbalanced() {
            watch.checker.report("I5", found, [host], &core)
        }
        checkShares(&core, isFaultless: isFaultless)
        checkReservations(&core)
        if hasLinks { countStrangers() }
        guard isRingChecked else { return }
        if isSeeking { checkSeekers(&core) }
        for peer in watch.running.items.sorted() where !core.isOver {
            guard let overlay = hosts[Int(peer)].peer?.overlay else { continue }
            watch.checkLeaves(of: peer, overlay, leafSetSize: blueprint.configuration.overlay.leafSetSize, &core)
        }
    }

    /// How many machines of its link a master does not know, and how many packets to all were sent.
    private mutating func countStrangers() {
        reached["multicast", default: 0] += multicasts
        for master in 0..<count where hosts[master].isMaster {
            guard let neighbours = hosts[master].look({ $0.neighbours }) else { continue }
            for host in links[Int(hosts[master].lan)] where Int(host) != master {
                guard let id = hosts[Int(host)].look({ $0.id }), neighbours[id]?.isLive != true else { continue }
                reached["stranger to a master of its link", default: 0] += 1
            }
        }
    }
}

import Automata
import Claims
import Ledger
import Peer
import Rendezvous

/// What masters and machines say to each other about claims, held against what is so, and peers that die in the middle of it.
extension PeerPopulation {
    /// - Returns: false when the message never leaves, since its sender dies before.
    mutating func isSaid(_ message: PeerMessage, by host: UInt32, to peer: PeerID, _ core: inout World) -> Bool {
        if case .overlay = message { return true }
        switch message {
        case .claim(let message, let stamp): check(message, stamp, by: host, to: peer, &core)
        case .rendezvous(.found(let key, let attempt, let candidates), let ledger, _):
            for candidate in candidates { checkGrant(candidate.claim, key, attempt, of: ledger, &core) }
        default: break
        }
        return steps.isEmpty || isSurvived(message, by: host, to: peer, &core)
    }

    private mutating func check(
        _ message: ClaimMessage, _ stamp: LedgerStamp, by host: UInt32, to peer: PeerID, _ core: inout World
    ) {
        switch message {
        case .order(let order, _):
            let ledger = stamp.ledger ?? core.id(of: host)
            let books = hosts[Int(host)].look { peer in peer.ledgers.first { $0.id == ledger }?.books } ?? nil
            guard books?.request(placedBy: order.claim)?.key != order.request else { return }
            let what = "\(name(host)) orders \(order.claim) for \(order.request), which is no placement in its books"
            watch.checker.report("placed", what, [host], &core)
        case .granted(let key, let attempt, let claim, _):
            checkGrant(claim, key, attempt, of: stamp.ledger ?? peer, &core)
        case .released(let claim):
            guard let instance = hosts[Int(host)].instances[claim.partition], instance.order.claim == claim else {
                return
            }
            let what = "\(name(host)) says that \(claim) is released, and \(instance.order.request) is still there"
            watch.checker.report("I2", what, [host], &core)
        case .claim, .release, .renewed, .lapsed, .acknowledged, .refused, .ordered, .orderRefused, .renew, .report,
            .leaving, .outranked, .measured:
            return
        }
    }

    private mutating func checkGrant(
        _ claim: ClaimReference, _ key: RequestKey, _ attempt: Attempt, of ledger: PeerID, _ core: inout World
    ) {
        let grantee = TenancyChecker.Grantee(request: key, attempt: attempt, ledger: ledger)
        guard let before = tenancy.granted(claim, to: grantee) else { return }
        let what =
            "\(claim) was granted to \(before.request), attempt \(before.attempt), and to \(key), attempt \(attempt)"
        watch.checker.report("I2", what, core.number(of: claim.machine).map { [$0] } ?? [], &core)
    }

    // MARK: At the end

    /// I4: nothing is held for nobody, and what should run does.
    func idlyHeld(_ core: borrowing World) -> (what: String, host: UInt32)? {
        for host in watch.running.items.sorted() {
            guard let machine = hosts[Int(host)].peer?.claims else { continue }
            let now = core.localNow(host)
            if let promise = machine.promises.first(where: { $0.expires < now }) {
                return ("\(name(host)) keeps \(promise.claim) for an order that was due at \(promise.expires)", host)
            }
            for tenant in machine.tenants where !tenant.vacating {
                let claim = tenant.order.claim
                let isPlaced = hosts(of: tenant.home).contains { $0.books.request(placedBy: claim) != nil }
                if !isPlaced { return ("\(name(host)) holds \(claim), which is in no ledger", host) }
            }
        }
        return nil
    }

    /// Replicas of a ledger whose primary is there.
    private func hosts(of ledger: PeerID) -> [HeldLedger] {
        watch.running.items.compactMap { host in
            hosts[Int(host)].peer?.ledgers.first { $0.id == ledger && $0.isLeading }
        }
    }

    // MARK: Deaths at a step

    private mutating func isSurvived(
        _ message: PeerMessage, by host: UInt32, to peer: PeerID, _ core: inout World
    ) -> Bool {
        guard !isHealed, core.now >= watch.workload.begins, let step = step(of: message, by: host),
            let index = steps.firstIndex(where: { $0.step == step && $0.side != .spent })
        else { return true }
        guard steps[index].wait == 0 else {
            steps[index].wait -= 1
            return true
        }
        let death = steps[index]
        steps[index].side = .spent
        let victim = death.side == .receiver ? core.number(of: peer) ?? host : host
        guard core.isUp(victim) else { return true }
        reached["died at \(step.rawValue)", default: 0] += 1
        core.schedule(.churn, at: core.now, target: victim, detail: Director<PeerPopulation>.Churn.traceDown.rawValue)
        core.schedule(
            .churn, at: core.now + death.away, target: victim, detail: Director<PeerPopulation>.Churn.comesBack.rawValue
        )
        return death.side != .senderBefore
    }

    private func step(of message: PeerMessage, by host: UInt32) -> StepDeath.Step? {
        switch message {
        case .claim(.claim, _): .claim
        case .claim(.granted, _): .granted
        case .claim(.order, _): .order
        case .claim(.ordered, _): .ordered
        case .claim(.release, _): .release
        case .claim(.released, _): .released
        case .claim(.renew, _): .renew
        case .claim(.renewed, _): .renewed
        case .claim(.report, _): .report
        case .rendezvous: .found
        case .group: hosts[Int(host)].peer?.rendezvous.searchCount ?? 0 > 0 ? .search : nil
        default: nil
        }
    }
}

/// Somebody dies when a message of a kind is sent for the so manieth time.
struct StepDeath: Sendable {
    enum Step: String, CaseIterable, Sendable {
        case claim, granted, order, ordered, release, released, renew, renewed, report, found, search
    }

    enum Side: CaseIterable, Sendable {
        /// It is sent all the same.
        case sender
        case senderBefore
        case receiver
        /// It has happened.
        case spent
    }

    var step: Step
    var side: Side
    /// How many of these messages go before it.
    var wait: Int
    /// Nanoseconds.
    var away: Int64

    /// What a seed draws.
    static func drawn(_ settings: FabricSettings, away: ClosedRange<Duration>, seed: UInt64) -> [StepDeath] {
        var draw = Draw(seed: seed, "deaths at steps")
        let deaths = settings.searchDeaths.upperBound > 0 ? draw.within(settings.searchDeaths) : 0
        let searches = (0..<deaths).map { _ in
            StepDeath(
                step: .search, side: .senderBefore, wait: draw.below(12),
                away: draw.within(away.lowerBound.nanoseconds...away.upperBound.nanoseconds))
        }
        guard settings.stepDeaths.upperBound > 0 else { return searches }
        return searches
            + (0..<draw.within(settings.stepDeaths)).map { _ in
                StepDeath(
                    step: Step.allCases[draw.below(Step.allCases.count)], side: Side.allCases[draw.below(3)],
                    wait: draw.below(30),
                    away: draw.within(away.lowerBound.nanoseconds...away.upperBound.nanoseconds))
            }
    }
}

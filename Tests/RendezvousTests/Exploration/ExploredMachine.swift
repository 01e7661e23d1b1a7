import Automata
import Rendezvous

@testable import Claims

/// A machine of the exploration: the keeper that ships, its disk, what runs, and the guards that end it.
struct ExploredMachine {
    struct Instance: Hashable {
        var claim: ClaimReference
        var request: RequestKey
        var revision: Revision
        var isExclusive: Bool
        var isRunning: Bool
    }

    struct Grantee: Hashable {
        var request: RequestKey
        var attempt: Attempt
    }

    let index: Int
    var keeper: ClaimKeeper
    var disk: [Int: PartitionRecord] = [:]
    var instances: [Int: Instance] = [:]
    /// When the guards end exclusive instances.
    var guards: [ClaimReference: Instant] = [:]
    /// For whom it ever granted what; the machine itself does not know.
    var granted: [ClaimReference: Grantee] = [:]

    init(_ index: Int, _ scope: ClaimScope) {
        self.index = index
        keeper = ClaimKeeper(configuration: scope.claims, own: Self.offer(index, scope))
    }

    static func id(_ index: Int) -> PeerID { PeerID(high: UInt64(0xA0 + index) << 56, low: 0) }

    static func offer(_ index: Int, _ scope: ClaimScope) -> Offer {
        var own = Offer(
            machine: id(index), name: "m\(index)", free: scope.partitions, memory: .mebibytes(8_192), accepting: true)
        own.capacity = scope.partitions
        own.facts.memory = .mebibytes(8_192)
        return own
    }

    /// Exclusive requests that run here.
    var running: [RequestKey] {
        instances.values.filter { $0.isExclusive && $0.isRunning }.map(\.request).sorted()
    }

    // MARK: Steps

    mutating func perform(_ act: ClaimAct, at now: Instant, _ scope: ClaimScope, into step: inout ClaimStep) {
        switch act {
        case .tick:
            for (number, instance) in instances {
                if let end = guards[instance.claim], now >= end { instances[number]?.isRunning = false }
            }
            guards = guards.filter { $0.value > now }
            for number in 0..<scope.partitions {
                feed(.timerFired(.tentative(PartitionNumber(number))), at: now, into: &step)
                feed(.timerFired(.lease(PartitionNumber(number))), at: now, into: &step)
            }
        case .renew: feed(.timerFired(.renew), at: now, into: &step)
        case .emptied(let number):
            guard case .vacating(let tenant) = keeper.partitions[number].tenancy else { return }
            instances[number] = nil
            let status = InstanceStatus(state: .destroyed)
            feed(.reported(tenant.order.claim, status), at: now, into: &step)
        case .restart:
            let records = disk.sorted { $0.key < $1.key }.map(\.value)
            keeper = ClaimKeeper(configuration: scope.claims, own: Self.offer(index, scope), records: records)
            feed(.started, at: now, into: &step)
        case .commit, .succeed, .leaseOver, .change, .destroy, .bind: return
        }
    }

    mutating func hear(_ message: ClaimMessage, at now: Instant, into step: inout ClaimStep) {
        feed(.received(message, from: ExploredLedger.id), at: now, into: &step)
    }

    /// A search of a rendezvous comes here.
    mutating func visit(
        _ allocation: Allocation, by rendezvous: Int, _ search: Rendezvous.SearchID, at now: Instant,
        into step: inout ClaimStep
    ) {
        for effect in keeper.effects(of: .visited(allocation.asked, of: allocation.ledger, near: .unknown), at: now) {
            if case .candidate(let claim, let place, let rank) = effect {
                let candidate = Candidate(claim: claim, place: place, rank: rank)
                note(claim, allocation.asked.request, allocation.asked.attempt, into: &step)
                step.letters.append(.candidate(rendezvous, search, candidate))
            } else {
                perform(effect, at: now, into: &step)
            }
        }
    }

    private mutating func feed(_ input: ClaimKeeper.Input, at now: Instant, into step: inout ClaimStep) {
        for effect in keeper.effects(of: input, at: now) { perform(effect, at: now, into: &step) }
    }

    private mutating func perform(_ effect: ClaimKeeper.Effect, at now: Instant, into step: inout ClaimStep) {
        switch effect {
        case .persist(let record): disk[record.partition.value] = record
        case .send(let message, _):
            switch message {
            case .granted(let request, let attempt, let claim, _): note(claim, request, attempt, into: &step)
            case .released(let claim) where instances[claim.partition.value]?.claim == claim:
                step.fault = "I2: \(claim) is said to be released, and its instance is there"
            case .report: return  // what an instance says of itself decides nothing
            default: break
            }
            step.letters.append(.toLedger(message, from: index))
        case .apply(let order): apply(order, at: now, into: &step)
        case .leaseEnds(let claim, let end): guards[claim] = end
        case .vacate, .candidate, .declined, .yields, .set, .seek, .offerChanged: return
        }
    }

    private mutating func note(
        _ claim: ClaimReference, _ request: RequestKey, _ attempt: Attempt, into step: inout ClaimStep
    ) {
        step.grants.append(claim)
        let grantee = Grantee(request: request, attempt: attempt)
        if let before = granted.updateValue(grantee, forKey: claim), before != grantee {
            step.fault = "I2: \(claim) is granted to \(before.request) \(before.attempt) and to \(request) \(attempt)"
        }
    }

    private mutating func apply(_ order: InstanceOrder, at now: Instant, into step: inout ClaimStep) {
        let number = order.claim.partition.value
        let old = instances[number]
        if let old, old.claim != order.claim || old.request != order.request {
            step.fault = "I2: partition \(number) has \(old.request) under \(old.claim), and gets \(order.request)"
            return
        }
        if let old, order.revision < old.revision {
            step.fault = "NEWEST: \(order.request) goes back from revision \(old.revision) to \(order.revision)"
        }
        let isAllowed = !order.specification.exclusive || now < guards[order.claim] ?? .zero
        instances[number] = Instance(
            claim: order.claim, request: order.request, revision: order.revision,
            isExclusive: order.specification.exclusive,
            isRunning: order.specification.desired == .running && isAllowed)
        step.orders.append((order.claim, order.request))
    }
}

/// All of a machine that its later steps depend on.
struct ExploredMachineKey: Hashable {
    struct Tenancy: Hashable {
        var fencing: FencingNumber
        var request: RequestKey?
        var attempt: Attempt?
        /// When a grant expires, or a lease ends.
        var until: Instant?
        var granted: Instant?
        var order: InstanceOrder?
        /// Confirmed, vacating, suspended.
        var flags: [Bool] = []
    }

    var index: Int
    var partitions: [Tenancy]
    var disk: [Int: PartitionRecord]
    var instances: [Int: ExploredMachine.Instance]
    var guards: [ClaimReference: Instant]
    var granted: [ClaimReference: ExploredMachine.Grantee]

    init(_ machine: ExploredMachine) {
        index = machine.index
        (disk, instances, guards) = (machine.disk, machine.instances, machine.guards)
        granted = machine.granted
        partitions = machine.keeper.partitions.map { partition in
            var key = Tenancy(fencing: partition.fencing)
            switch partition.tenancy {
            case .free: break
            case .tentative(let grant):
                (key.request, key.attempt, key.until) = (grant.request, grant.attempt, grant.expires)
                key.granted = grant.granted
            case .confirmed(let tenant), .vacating(let tenant):
                (key.request, key.attempt, key.until) = (tenant.order.request, tenant.attempt, tenant.leaseEnds)
                key.order = tenant.order
                key.flags = [partition.tenancy.confirmed != nil, tenant.suspended]
            }
            return key
        }
    }
}

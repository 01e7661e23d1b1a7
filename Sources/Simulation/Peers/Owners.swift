import Automata
import Claims
import Ledger
import Peer
import Replication

/// The owners of the simulated machines: some drain theirs for a while, through any master, each order repeated until the
/// machine has answered; and some have hours, which end and begin again.
///
/// - **drained**: a machine that has answered that it is drained takes nobody, also after each restart, until its owner orders
///   otherwise.
/// - **no gap**: when a machine is ordered to empty a partition whose ordinary instance runs, because the request has moved, then
///   what it has moved to has run.
struct Owners: Sendable {
    struct Machine: Sendable {
        /// What its owner wants.
        var isDrained = false
        /// The machine has answered that it is so.
        var isAnswered = false
        var call: CallID?
    }

    /// Calls of owners have ids from here on.
    static let firstCall: UInt64 = 1 << 42
    /// How long a machine with hours is for its owner alone.
    static let closedFor = 2
    /// Instead of five minutes, which are longer than faults strike.
    static let notice: Duration = .seconds(30)

    private var draw: Draw
    /// Which machine is drained when, and for how long.
    private(set) var drains: [(machine: UInt32, at: Int64, lasts: Int64)] = []
    private var hours: [UInt32: OwnerHours] = [:]  // looked up only
    var machines: [UInt32: Machine] = [:]  // looked up only
    private var nextCall: UInt64 = 0
    private var calls: [CallID: UInt32] = [:]  // looked up only
    /// Claims whose instances have run; looked up only.
    var hasRun: Set<ClaimReference> = []

    init(_ settings: FabricSettings, machines: [UInt32], begins: Int64, ends: Int64, seed: UInt64) {
        draw = Draw(seed: seed, "owners")
        guard settings.drains.upperBound > 0 || settings.hoursPerMille > 0 else { return }
        for _ in 0..<draw.within(settings.drains) where !machines.isEmpty {
            let machine = machines[draw.below(machines.count)]
            let lasts = settings.drainedFor
            drains.append(
                (
                    machine, draw.within(begins...ends),
                    draw.within(lasts.lowerBound.nanoseconds...lasts.upperBound.nanoseconds)
                ))
        }
        for machine in machines where draw.chance(Double(settings.hoursPerMille) / 1_000) {
            let minute = Int(draw.within(begins...ends) / 60_000_000_000)
            hours[machine] = OwnerHours(from: minute + Self.closedFor, until: minute)
        }
    }

    /// When the machine is for others; nil: always.
    func hours(of machine: UInt32) -> OwnerHours? { hours[machine] }

    mutating func ask(for machine: UInt32, among masters: [UInt32]) -> (master: UInt32, id: CallID)? {
        guard !masters.isEmpty else { return nil }
        let id = CallID(Self.firstCall + nextCall)
        nextCall += 1
        calls[id] = machine
        machines[machine]?.call = id
        return (masters[draw.below(masters.count)], id)
    }

    func machine(of id: CallID) -> UInt32? { calls[id] }
}

extension PeerPopulation {
    static let ownerRetry: Int64 = 6_000_000_000

    /// An owner changes his mind.
    mutating func ownerOrders(_ drain: Int, isDrained: Bool, _ core: inout World) {
        let (machine, _, lasts) = owners.drains[drain]
        owners.machines[machine, default: Owners.Machine()].isDrained = isDrained
        owners.machines[machine]?.isAnswered = false
        say("owner of \(name(machine)) wants it \(isDrained ? "drained" : "open")", &core)
        if isDrained { run(.owner(drain, isDrained: false), at: core.now + lasts, &core) }
        ownerAsks(machine, &core)
    }

    /// Until the machine has answered.
    mutating func ownerAsks(_ machine: UInt32, _ core: inout World) {
        guard let wish = owners.machines[machine], !wish.isAnswered else { return }
        run(.ownerAgain(machine), at: core.now + Self.ownerRetry, &core)
        let masters = watch.running.items.filter { hosts[Int($0)].isMaster }.sorted()
        guard let (master, id) = owners.ask(for: machine, among: masters) else { return }
        let order: OwnerOrder = wish.isDrained ? .drain : .undrain
        give(.call(id, .owner(core.id(of: machine), order)), to: master, &core)
    }

    mutating func ownerAnswered(_ id: CallID, _ result: CallResult, _ core: inout World) {
        guard let machine = owners.machine(of: id), let wish = owners.machines[machine], wish.call == id,
            case .owner(let report) = result, report.word.isDrained == wish.isDrained
        else { return }
        owners.machines[machine]?.isAnswered = true
        reached["machine \(wish.isDrained ? "drained" : "undrained")", default: 0] += 1
        say("\(name(machine)) is \(report.state)", &core)
    }

    /// **drained**: right after a start.
    mutating func checkDrain(of machine: UInt32, _ core: inout World) {
        guard let wish = owners.machines[machine], wish.isAnswered, wish.isDrained else { return }
        reached["started drained", default: 0] += 1
        guard hosts[Int(machine)].look({ $0.claims.offer.accepting }) == true else { return }
        watch.checker.report(
            "drained", "\(name(machine)) has answered that it is drained, and takes tenants after a restart", [machine],
            &core)
    }

    /// **no gap**: when a running instance is ordered to go.
    mutating func checkGap(_ claim: ClaimReference, of instance: RunningInstance, on host: UInt32, _ core: inout World)
    {
        guard instance.isRunning, !instance.order.specification.exclusive, settings.hasOwners else { return }
        let key = instance.order.request
        guard let (fact, next) = lastMove(of: key), case .moved = fact else { return }
        guard next.claim != claim, next.isToRun else { return }
        reached["moved while it ran", default: 0] += 1
        guard !owners.hasRun.contains(next.claim) else { return }
        watch.checker.report(
            "no gap", "\(key) runs at \(claim) and is ordered to go, before \(next.claim) has run", [host], &core)
    }

    /// What a ledger's log says last of where the request is; nil: nothing that a leading replica knows.
    private mutating func lastMove(
        of key: RequestKey
    ) -> (fact: Fact, next: (claim: ClaimReference, isToRun: Bool))? {
        for host in watch.running.items.sorted() {
            for ledger in hosts[Int(host)].peer?.ledgers ?? [] {
                guard let request = ledger.desk?.requests.books[key], let claim = request.placement,
                    let log = hosts[Int(host)].disk.logs[ledger.id]
                else { continue }
                for entry in log.entries.reversed() {
                    guard let fact = Entry(entry, blueprint.coding)?.fact, fact.requestKey == key else { continue }
                    switch fact {
                    case .placed, .moved, .lost: return (fact, (claim, request.specification.desired == .running))
                    default: continue
                    }
                }
            }
        }
        return nil
    }
}

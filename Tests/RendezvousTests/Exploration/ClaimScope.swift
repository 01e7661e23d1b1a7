import Automata
import Claims
import Ledger
import Rendezvous
import Testing

/// How much of the world is explored, and which known bug it has.
struct ClaimScope: Sendable, CustomTestStringConvertible {
    var name = ""
    var machines = 2
    /// Of each machine.
    var partitions = 1
    /// 0: the ledger's primary asks machines itself, as it does those of its link.
    var rendezvous = 0
    var requestCount = 1
    /// The first so many are exclusive.
    var exclusives = 1
    var attemptMax: UInt32 = 2
    var fencingMax: UInt64 = 2
    /// How often time moves on, by half a lease.
    var ticks = 3
    var renewals = 1
    var restarts = 0
    var successions = 0
    var changes = 0
    var destructions = 0
    var statesMax = 400_000
    var isSeenWhole = true
    var sabotage: ClaimKeeper.Sabotage = []
    var ledgerSabotage: RequestKeeper.Sabotage = []

    var testDescription: String { name }

    static let tick: Duration = .seconds(10)

    /// Times as multiples of a tick, so that few instants matter: whoever waits, waits to the bound.
    var claims: ClaimKeeper.Configuration {
        var configuration = ClaimKeeper.Configuration()
        configuration.tentative = Self.tick
        (configuration.stopMargin, configuration.driftMargin) = (.zero, .zero)
        configuration.sabotage = sabotage
        return configuration
    }

    var requests: RequestKeeper.Configuration {
        var configuration = RequestKeeper.Configuration()
        configuration.lease = Self.tick * 2
        configuration.sabotage = ledgerSabotage
        return configuration
    }

    var nodes: Int { machines + 1 + rendezvous }
    var ledger: Int { machines }

    func number(of machine: PeerID) -> Int {
        (0..<machines).first { ExploredMachine.id($0) == machine } ?? 0
    }

    func instant(_ tick: UInt8) -> Instant { Instant(milliseconds: 100_000) + Self.tick * Int(tick) }

    /// What may happen besides the arrival of messages, and to whom.
    var acts: [(node: Int, act: ClaimAct)] {
        var acts: [(Int, ClaimAct)] = []
        for machine in 0..<machines {
            acts += [(machine, .renew), (machine, .restart)]
            acts += (0..<partitions).map { (machine, .emptied($0)) }
        }
        acts += [(ledger, .commit), (ledger, .succeed)]
        for request in 0..<requestCount {
            acts += [(ledger, .leaseOver(request)), (ledger, .change(request)), (ledger, .destroy(request))]
        }
        for place in 0..<rendezvous { acts += [(ledger + 1 + place, .bind), (ledger + 1 + place, .restart)] }
        return acts
    }

    var budget: ClaimBudget {
        ClaimBudget(
            ticks: UInt8(ticks), renewals: UInt8(renewals), restarts: UInt8(restarts), successions: UInt8(successions),
            changes: UInt8(changes), destructions: UInt8(destructions))
    }
}

/// What may still happen.
struct ClaimBudget: Hashable {
    var ticks: UInt8
    var renewals: UInt8
    var restarts: UInt8
    var successions: UInt8
    var changes: UInt8
    var destructions: UInt8

    /// nil: too often already.
    func paying(for act: ClaimAct) -> ClaimBudget? {
        var left = self
        func pay(_ count: inout UInt8) -> Bool {
            guard count > 0 else { return false }
            count -= 1
            return true
        }
        let isPaid =
            switch act {
            case .tick: pay(&left.ticks)
            case .renew: pay(&left.renewals)
            case .restart: pay(&left.restarts)
            case .succeed: pay(&left.successions)
            case .change: pay(&left.changes)
            case .destroy: pay(&left.destructions)
            case .emptied, .commit, .leaseOver, .bind: true
            }
        return isPaid ? left : nil
    }
}

enum ClaimAct: Hashable {
    /// Time moves on, for everybody.
    case tick
    /// A machine asks to prolong its leases.
    case renew
    /// A partition that is being emptied is.
    case emptied(Int)
    /// A process ends and begins anew, with what is on its disk.
    case restart
    /// The next proposal is in the log.
    case commit
    /// The ledger's primary dies, and another one leads.
    case succeed
    /// A lease is over as the ledger counts it, and it notices.
    case leaseOver(Int)
    case change(Int)
    case destroy(Int)
    /// A rendezvous waits no longer.
    case bind
}

/// A message on its way: may come late, often, or never.
enum ClaimLetter: Hashable {
    case toMachine(ClaimMessage, Int)
    case toLedger(ClaimMessage, from: Int)
    case allocate(Allocation, Int)
    case visit(Int, by: Int, Rendezvous.SearchID, Allocation)
    case candidate(Int, Rendezvous.SearchID, Candidate)
    case found(RequestKey, Attempt, [Candidate])

    func receiver(_ scope: ClaimScope) -> Int {
        switch self {
        case .toMachine(_, let machine), .visit(let machine, _, _, _): machine
        case .toLedger, .found: scope.ledger
        case .allocate(_, let place), .candidate(let place, _, _): scope.ledger + 1 + place
        }
    }
}

/// What came of one step of one node.
struct ClaimStep {
    var letters: [ClaimLetter] = []
    var grants: [ClaimReference] = []
    /// What a machine was made to run.
    var orders: [(claim: ClaimReference, request: RequestKey)] = []
    var fault: String?
}

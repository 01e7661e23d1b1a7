import Automata
import Claims
import Rendezvous

@testable import Ledger

/// The ledger of the exploration: the keeper of requests that ships, over the books of its log; a proposal is committed at any
/// time, or lost with the primary that made it. Other masters agree at once (`Directory` has an exploration of its own).
struct ExploredLedger {
    static let id = PeerID(high: 0x11 << 56, low: 0)

    var keeper: RequestKeeper
    var proposals: [Fact] = []
    /// Every claim that was ever a placement in the books.
    var placed: Set<ClaimReference> = []
    /// When a lease is over as the ledger counts it.
    var leases: [RequestKey: Instant] = [:]
    private var asked: [RequestKey: ClaimRequest] = [:]

    init(_ scope: ClaimScope, at now: Instant, into step: inout ClaimStep) {
        var books = Books()
        for number in 0..<scope.requestCount {
            let specification = Specification(
                release: ReleaseDocument(url: "file:a.yaml", text: "name: a"), exclusive: number < scope.exclusives)
            books.apply(
                Entry(index: books.index.next, at: .zero, fact: .requested(Self.key(number), specification)))
        }
        keeper = RequestKeeper(configuration: scope.requests, books: books)
        feed(.started, at: now, scope, into: &step)
    }

    static func key(_ number: Int) -> RequestKey { RequestKey(customer: Customer("ada"), reference: "r\(number)") }

    // MARK: Steps

    mutating func perform(_ act: ClaimAct, at now: Instant, _ scope: ClaimScope, into step: inout ClaimStep) {
        switch act {
        case .commit:
            guard !proposals.isEmpty else { return }
            commit(proposals.removeFirst(), at: now, scope, into: &step)
        case .succeed:
            // Another one leads, with what is in the log.
            keeper = RequestKeeper(configuration: scope.requests, books: keeper.books)
            (proposals, leases, asked) = ([], [:], [:])
            feed(.started, at: now, scope, into: &step)
        case .leaseOver(let number):
            let key = Self.key(number)
            guard let due = leases[key], now >= due else { return }
            leases[key] = nil
            feed(.timerFired(.lease(key)), at: now, scope, into: &step)
        case .change(let number), .destroy(let number):
            let key = Self.key(number)
            guard let request = keeper.books.request(key), request.specification.desired != .destroyed else { return }
            var specification = request.specification
            if case .destroy = act {
                specification.desired = .destroyed
            } else {
                specification.parameters = #"{"n":\#(request.revision.value)}"#
            }
            commit(.changed(key, specification, request.revision.next), at: now, scope, into: &step)
        case .tick, .renew, .emptied, .restart, .bind: return
        }
    }

    mutating func hear(
        _ message: ClaimMessage, from machine: Int, at now: Instant, _ scope: ClaimScope, into step: inout ClaimStep
    ) {
        switch message {
        case .granted(let key, let attempt, let claim, let place):
            feed(.found(key, attempt, claim, place), at: now, scope, into: &step)
        case .ordered(let claim, let revision): feed(.ordered(claim, revision), at: now, scope, into: &step)
        case .orderRefused(let claim, let why):
            feed(.orderRefused(claim, reason: why.rawValue), at: now, scope, into: &step)
        case .released(let claim): feed(.released(claim), at: now, scope, into: &step)
        case .renew(let claims, let echo):
            feed(.renewal(claims, echo: echo, from: ExploredMachine.id(machine)), at: now, scope, into: &step)
        default: return  // to a machine, or of what decides nothing here
        }
    }

    /// As `Peer` does: the best one is taken, the others are released where they are not it.
    mutating func hear(
        _ key: RequestKey, _ attempt: Attempt, _ candidates: [Candidate], at now: Instant, _ scope: ClaimScope,
        into step: inout ClaimStep
    ) {
        for candidate in candidates {
            if candidate == candidates.first, asked[key]?.attempt == attempt {
                feed(.found(key, attempt, candidate.claim, candidate.place), at: now, scope, into: &step)
            } else if !keeper.keeps(candidate.claim, for: key) {
                step.letters.append(.toMachine(.release(candidate.claim), scope.number(of: candidate.claim.machine)))
            }
        }
    }

    private mutating func commit(_ fact: Fact, at now: Instant, _ scope: ClaimScope, into step: inout ClaimStep) {
        let entry = Entry(index: keeper.books.index.next, at: .zero, fact: fact)
        feed(.committed(entry), at: now, scope, into: &step)
    }

    private mutating func feed(
        _ input: RequestKeeper.Input, at now: Instant, _ scope: ClaimScope, into step: inout ClaimStep
    ) {
        let effects = keeper.effects(of: input, at: now)
        for request in keeper.books.all { if let claim = request.placement { placed.insert(claim) } }
        for effect in effects {
            switch effect {
            case .propose(let fact): if !proposals.contains(fact) { proposals.append(fact) }
            case .announce(let key, _): feed(.announced(key), at: now, scope, into: &step)
            case .allocate(let key, let attempt, let requirements, _, _):
                let asking = ClaimRequest(request: key, attempt: attempt, requirements: requirements)
                asked[key] = asking
                if scope.rendezvous == 0 {
                    for machine in 0..<scope.machines { step.letters.append(.toMachine(.claim(asking), machine)) }
                } else {
                    let allocation = Allocation(asked: asking, ledger: Self.id, origin: Self.id, near: .unknown)
                    for place in 0..<scope.rendezvous { step.letters.append(.allocate(allocation, place)) }
                }
            case .order(let order, let lease):
                step.letters.append(.toMachine(.order(order, lease: lease), scope.number(of: order.claim.machine)))
            case .release(let claim):
                step.letters.append(.toMachine(.release(claim), scope.number(of: claim.machine)))
            case .renewed(let claims, let lease, let echo, let machine, _):
                let message = ClaimMessage.renewed(claims, lease: lease, echo: echo)
                step.letters.append(.toMachine(message, scope.number(of: machine)))
            case .lapsed(let claims, let machine):
                step.letters.append(.toMachine(.lapsed(claims), scope.number(of: machine)))
            case .set(.lease(let key), let due): leases[key] = due
            case .withdraw(let key): leases[key] = nil
            case .set, .acknowledge, .answer: break
            }
        }
    }
}

extension Books {
    /// Every open request, oldest first.
    var all: [Request] { held.compactMap { request($0) } }
}

/// All of a ledger that its later steps depend on: neither how often it searched, nor when what was committed.
struct ExploredLedgerKey: Hashable {
    struct Line: Hashable {
        var key: RequestKey
        var specification: Specification
        var revision: Revision
        var attempt: Attempt
        var placement: ClaimReference?
        var placing: ClaimReference?
        var flags: [Bool]
        var ordered: Revision?
        var leaseEnds: Instant?
    }

    var lines: [Line]
    var proposals: [Fact]
    var placed: Set<ClaimReference>
    var leases: [RequestKey: Instant]

    init(_ ledger: ExploredLedger) {
        (proposals, placed, leases) = (ledger.proposals, ledger.placed, ledger.leases)
        lines = ledger.keeper.books.all.map { request in
            let item = ledger.keeper.work[request.key] ?? Work()
            return Line(
                key: request.key, specification: request.specification, revision: request.revision,
                attempt: request.attempt, placement: request.placement, placing: item.placing,
                flags: [item.announced, item.losing, item.ending], ordered: item.ordered, leaseEnds: item.leaseEnds)
        }
    }
}

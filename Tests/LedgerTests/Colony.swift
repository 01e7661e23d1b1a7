import Automata

@testable import Ledger

/// A ledger whose machines do at once what they are ordered, so that groups can be looked at as a whole. Its log commits what
/// is proposed; its clock moves when it is told to.
struct Colony {
    var keeper: RequestKeeper
    var now: Instant
    /// How many instances each machine takes.
    var machines: [PeerID: Int]
    /// What a machine says of a new revision of a request; nil: nothing.
    var answers: (Request) -> InstanceStatus? = { request in
        let state: InstanceState = request.specification.desired == .running ? .running : .stopped
        return InstanceStatus(state: state, revision: request.revision)
    }
    private(set) var log: [Fact] = []
    /// Orders in the order in which they were given.
    private(set) var orders: [InstanceOrder] = []
    private(set) var answered: [RequestAnswer] = []
    private var timers: [RequestKeeper.Timer: Instant] = [:]
    private var claims: [ClaimReference: RequestKey] = [:]
    private var nextFencing: UInt64 = 1
    private var nextCall: UInt64 = 1
    private var sequence: UInt64 = 1
    /// Proposals that wait for their turn.
    private var committing: UInt64 = 0

    init(machines: Int = 8, rooms: Int = 4, at now: Instant = seconds(1_000)) {
        keeper = RequestKeeper()
        self.now = now
        self.machines = [:]
        for index in 0..<machines { self.machines[PeerID(UInt8(0x10 + index))] = rooms }
    }

    var books: Books { keeper.books }

    /// States of a group's members by name: `web.1 running`.
    func members(_ group: String = "web") -> [String] {
        books.members(of: key(group)).map { "\($0.key.reference) \($0.status.state)" }
    }

    func view(_ reference: String = "web") -> Request? { keeper.view(of: key(reference)) }

    @discardableResult
    mutating func ask(_ reference: String = "web", _ specification: Specification) -> RequestAnswer? {
        let id = CallID(nextCall)
        nextCall += 1
        answered = []
        feed(.call(id, .ask(key(reference), specification, basedOn: nil, wait: nil)))
        return answered.last
    }

    mutating func feed(_ input: RequestKeeper.Input) {
        var inputs = [input]
        // A world of a few instances comes to rest within these steps, or never.
        for _ in 0..<20_000 where !inputs.isEmpty {
            let next = inputs.removeFirst()
            if case .committed = next { committing -= 1 }
            let effects = keeper.effects(of: next, at: now)
            for effect in effects { inputs += answer(effect) }
        }
        precondition(inputs.isEmpty, "the colony never rests")
        runDue()
    }

    mutating func advance(_ duration: Duration) {
        let end = now + duration
        for _ in 0..<20_000 {
            guard let next = timers.values.min(), next <= end else { break }
            now = max(now, next)
            runDue()
        }
        now = end
    }

    /// Another replica leads: what was not committed is forgotten.
    mutating func changeView() {
        keeper = RequestKeeper(books: books)
        timers = [:]
        feed(.started)
    }

    private mutating func runDue() {
        for _ in 0..<20_000 {
            let due = timers.filter { $0.value <= now }.min { ($0.value, "\($0.key)") < ($1.value, "\($1.key)") }
            guard let timer = due?.key else { return }
            timers[timer] = nil
            feed(.timerFired(timer))
        }
    }

    private mutating func answer(_ effect: RequestKeeper.Effect) -> [RequestKeeper.Input] {
        switch effect {
        case .propose(let fact):
            log.append(fact)
            committing += 1
            return [.committed(Entry(index: LedgerIndex(books.index.value + committing), at: now, fact: fact))]
        case .announce(let key, _): return [.announced(key)]
        case .allocate(let key, let attempt, _, let standings, _):
            let found = machines.keys.sorted().first { machine in
                machines[machine, default: 0] > claims.keys.count { $0.machine == machine }
                    && standings.allSatisfy { $0.holds(on: machine, at: Place(name: "\(machine)")) }
            }
            guard let found else {
                return [.notFound(key, attempt, NoMachine(reason: "every machine is full", isHopeless: false))]
            }
            let claim = ClaimReference(
                machine: found, partition: PartitionNumber(0), fencing: FencingNumber(nextFencing))
            nextFencing += 1
            claims[claim] = key
            return [.found(key, attempt, claim, Place(name: "\(found)"))]
        case .order(let order, _):
            orders.append(order)
            guard let request = books.request(placedBy: order.claim) else { return [] }
            sequence += 1
            let report = answers(request).map { RequestKeeper.Input.report(order.claim, sequence: sequence, $0) }
            return [.ordered(order.claim, order.revision)] + (report.map { [$0] } ?? [])
        case .release(let claim):
            claims[claim] = nil
            return [.released(claim)]
        case .set(let timer, let due):
            timers[timer] = due
            return []
        case .answer(_, let answer):
            answered.append(answer)
            return []
        case .withdraw, .renewed, .lapsed, .acknowledge: return []
        }
    }
}

func group(_ count: Int, _ change: (inout Specification) -> Void = { _ in }) -> Specification {
    var group = specification()
    group.group = GroupTerms(count: count)
    change(&group)
    return group
}

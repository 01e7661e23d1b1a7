import Accounting
import Automata
import Ledger
import Peer
import Replication

/// Who keeps the accounts of the simulated world: records, in each master's ledger, what a partition costs, and a project
/// that pays for requests. Each act is repeated until it is recorded; the project is the last one.
struct Bookkeepers: Sendable {
    static let project = "site"
    /// Calls of bookkeepers have ids from here on, those of users are smaller.
    static let firstCall: UInt64 = 1 << 40
    /// EUR a second.
    static let price = Price(millionths: 1_000)
    /// How many requests of a ledger may be placed at once; a run is over before the first hour is.
    static let placedMax: Int64 = 6

    private static let ada = AccountID("ada")
    private static let lab = AccountID("lab")

    /// Which act each master's bookkeeper wants recorded next.
    var next: [UInt32: Int] = [:]  // looked up only

    static func acts(machines: [PeerID]) -> [Act] {
        guard let euro = Currency("EUR") else { preconditionFailure("EUR is a currency") }
        let resource = Meter.partition.resource
        return [
            .accountOpened(Account(id: ada, kind: .person, title: "Ada")),
            .accountOpened(Account(id: lab, kind: .organisation, title: "Lab")),
            .resourceDefined(Resource(id: resource, title: "Partition", unit: .second)),
            .priceSet(PriceOrder(path: PricePath(resource: resource), price: price, currency: euro, from: .zero)),
        ] + machines.map { .machineListed($0, supplier: lab) } + [
            .projectSet(ProjectOrder(id: ProjectID(project), customer: ada, currency: euro, ceiling: ceiling))
        ]
    }

    static var ceiling: Money { money(milliseconds: placedMax * Books.holdPeriod.milliseconds) }

    static func money(milliseconds: Int64) -> Money {
        Money(trillionths: Int128(milliseconds) * Int128(price.millionths) * 1_000)
    }
}

/// What the project must have spent, told from the log's facts in another way than the books tell it: time on machines.
struct SpendingModel {
    private struct Open {
        var attempt = Attempt.first
        var isPaid: Bool
        var newest = Attempt.first
        var placement: (claim: ClaimReference, since: Int64)?
        var successor: (attempt: Attempt, claim: ClaimReference, since: Int64)?
    }

    private var open: [RequestKey: Open] = [:]  // looked up only
    private var placements: Set<ClaimReference> = []  // looked up only
    private var isDefined = false
    private(set) var spent: Int64 = 0
    private(set) var placed: Int64 = 0
    /// Placements that the project could not pay when they were committed.
    private(set) var refused = 0

    private var ceiling: Int64 { Bookkeepers.placedMax * Books.holdPeriod.milliseconds }

    mutating func apply(_ fact: Fact, at instant: Instant) {
        switch fact {
        case .requested(let key, let specification):
            if open[key] == nil { open[key] = Open(isPaid: specification.project != nil) }
        case .placed(let key, let attempt, let claim, _):
            guard let request = open[key], request.attempt == attempt, request.placement == nil,
                !placements.contains(claim)
            else { return }
            guard reserve(request) else { return }
            placements.insert(claim)
            open[key]?.placement = (claim, instant.milliseconds)
        case .succeeding(let key, let attempt, let claim, _):
            guard let request = open[key], request.newest.next == attempt, let placement = request.placement,
                request.successor == nil, placement.claim.machine != claim.machine, !placements.contains(claim),
                reserve(request)
            else { return }
            placements.insert(claim)
            open[key]?.newest = attempt
            open[key]?.successor = (attempt, claim, instant.milliseconds)
        case .moved(let key, let attempt):
            if open[key]?.successor?.attempt == attempt { promote(key, at: instant) }
        case .dropped(let key, let attempt, _):
            if open[key]?.successor?.attempt == attempt { drop(key, at: instant) }
        case .lost(let key, let attempt, _):
            guard let request = open[key], request.attempt == attempt else { return }
            guard request.successor == nil else { return promote(key, at: instant) }
            leave(key, at: instant)
            open[key]?.attempt = request.newest.next
            open[key]?.newest = request.newest.next
        case .ended(let key):
            drop(key, at: instant)
            leave(key, at: instant)
            open[key] = nil
        case .accounting(.projectSet): isDefined = true
        case .adopted(let key, let attempt, let from):
            // Groups whose places are taken over are nobody's to pay in these worlds.
            guard open[key]?.attempt == attempt, open[key]?.placement == nil, let given = open[from]?.placement else {
                return
            }
            open[from] = nil
            open[key]?.placement = given
        case .changed, .reported, .extended, .gaveWay, .scaled, .chose, .booked, .unbooked, .noted, .forgotten,
            .admitted,
            .invited, .redeemed,
            .accounting,
            .described:
            return
        }
    }

    /// Whether the ceiling leaves room for one more hour.
    private mutating func reserve(_ request: Open) -> Bool {
        guard request.isPaid else { return true }
        guard isDefined, spent + (placed + 1) * Books.holdPeriod.milliseconds <= ceiling else {
            refused += 1
            return false
        }
        placed += 1
        return true
    }

    /// Both have been used until now, and one goes on.
    private mutating func promote(_ key: RequestKey, at instant: Instant) {
        guard let request = open[key], let successor = request.successor else { return }
        drop(key, at: instant)
        leave(key, at: instant)
        placements.insert(successor.claim)
        open[key]?.attempt = successor.attempt
        open[key]?.placement = (successor.claim, instant.milliseconds)
        if request.isPaid { placed += 1 }
    }

    private mutating func drop(_ key: RequestKey, at instant: Instant) {
        guard let request = open[key], let successor = request.successor else { return }
        placements.remove(successor.claim)
        open[key]?.successor = nil
        guard request.isPaid else { return }
        placed -= 1
        spent += instant.milliseconds - successor.since
    }

    private mutating func leave(_ key: RequestKey, at instant: Instant) {
        guard let request = open[key], let placement = request.placement else { return }
        placements.remove(placement.claim)
        open[key]?.placement = nil
        guard request.isPaid else { return }
        placed -= 1
        spent += instant.milliseconds - placement.since
    }
}

extension PeerPopulation {
    mutating func keepBooks(of master: UInt32, _ core: inout World) {
        let step = bookkeepers.next[master] ?? 0
        let acts = Bookkeepers.acts(machines: (0..<UInt32(count)).map { core.id(of: $0) })
        guard step < acts.count else { return }
        run(.bookkeeper(master), at: core.now + 8_000_000_000, &core)
        guard watch.running.contains(master) else { return }
        let id = CallID(Bookkeepers.firstCall + UInt64(master) << 16 + UInt64(step))
        give(.call(id, .record(.accounting(acts[step]))), to: master, &core)
    }

    mutating func bookkeeperAnswered(_ id: CallID, _ result: CallResult, _ core: inout World) {
        let number = id.value - Bookkeepers.firstCall
        let (master, step) = (UInt32(number >> 16), Int(number & 0xffff))
        guard case .recorded = result, bookkeepers.next[master] ?? 0 == step else { return }
        bookkeepers.next[master] = step + 1
        keepBooks(of: master, &core)
    }

    /// I5: the books of each ledger balance, and its project has spent and reserved what the log says.
    mutating func unbalanced() -> (found: String, host: UInt32)? {
        for host in 0..<UInt32(count) {
            for ledger in hosts[Int(host)].peer?.ledgers ?? [] {
                guard let books = ledger.desk?.requests.books, let log = hosts[Int(host)].disk.logs[ledger.id] else {
                    continue
                }
                if let found = problem(with: books, log) {
                    return ("the ledger \(ledger.id.fingerprint): \(found)", host)
                }
            }
        }
        return nil
    }

    private mutating func problem(with books: Books, _ log: LogDisk) -> String? {
        if let found = books.accounts.audit().first { return "\(found)" }
        var model = SpendingModel()
        for entry in log.entries where entry.op.value <= books.index.value {
            if let entry = Entry(entry, blueprint.coding) { model.apply(entry.fact, at: entry.at) }
        }
        guard let project = books.accounts.projectStatus(ProjectID(Bookkeepers.project), at: .zero) else {
            return model.spent + model.placed == 0 ? nil : "the project is gone"
        }
        let spent = Bookkeepers.money(milliseconds: model.spent)
        let held = Bookkeepers.money(milliseconds: model.placed * Books.holdPeriod.milliseconds)
        if model.spent > 0 { reached["project has spent", default: 0] += 1 }
        if model.placed > 0 { reached["project holds", default: 0] += 1 }
        if model.refused > 0 { reached["project had too little", default: 0] += 1 }
        guard project.spent == spent, project.held == held else {
            return "the project has spent \(project.spent) and holds \(project.held); by the log \(spent) and \(held)"
        }
        return project.left >= .zero ? nil : "the project is \(project.left) beyond its ceiling"
    }
}

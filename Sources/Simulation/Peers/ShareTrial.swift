import Accounting
import Automata
import Ledger
import Peer
import Replication

/// Projects that ask for more than there is: one of everything, and for long; later another one, which has the same share; and
/// one with a quota. What each has is measured each second, and held against what was promised.
///
/// - **quota** at the end: in no prefix of a ledger's log does a project hold more than its quota, counted anew.
/// - **taken** while it runs: a placement gives way only when its project still has as much as the other one afterwards, and
///   none ends otherwise while its machine lives.
/// - **fair** at the end: the two have half each, within five hundredths; and without faults the second one's first instance
///   ran within two leases.
struct ShareTrial: Sendable {
    static let projects = ["greedy", "late", "bounded"]
    static let (greedy, late, bounded) = (0, 1, 2)
    /// Calls of the trial have ids from here on.
    static let firstCall: UInt64 = 1 << 44
    /// How many requests of a project are asked for at once.
    private static let batch = 50
    static let period: Int64 = 250_000_000
    static let leases: Int64 = 90_000_000_000

    let settings: ShareSettings
    /// Whether the two projects have a ledger each.
    let areApart: Bool
    /// What each project asks for.
    private let wanted: [Int]
    private var asked = [0, 0, 0]
    /// Requests that no master has acknowledged, oldest first.
    private var again: [[Int]] = [[], [], []]
    private var calls: [CallID: (project: Int, request: Int)] = [:]  // looked up only
    private var next: UInt64 = 0
    /// Which act each master's books want next.
    var step: [UInt32: Int] = [:]  // looked up only

    /// When the second project asked first, and when its first instance ran.
    var lateBegan: Int64?
    var lateRan: Int64?
    /// Since when the two have half each, within five hundredths.
    var fairSince: Int64?
    /// The share of the second project, in thousandths, when it was looked at last.
    var share = 0
    /// How many entries of each log have been held against the promises.
    var read: [PeerID: ShareModel] = [:]  // looked up only

    init(_ settings: ShareSettings, seed: UInt64) {
        self.settings = settings
        areApart = settings.ledgers == .two || settings.ledgers == .drawn && seed % 2 == 1
        wanted = [settings.greedy, settings.late, settings.quota * 3]
    }

    /// The master in whose ledger a project is, counted from 0.
    func home(of project: Int) -> UInt32 { areApart && project == Self.late ? 1 : 0 }

    /// The next requests of a project that are to be asked for.
    mutating func take(_ project: Int) -> [(id: CallID, key: RequestKey, specification: Specification)] {
        var requests = Array(again[project].prefix(Self.batch))
        again[project].removeFirst(requests.count)
        while requests.count < Self.batch, asked[project] < wanted[project] {
            requests.append(asked[project])
            asked[project] += 1
        }
        return requests.map { request in
            next += 1
            let id = CallID(Self.firstCall + next)
            calls[id] = (project, request)
            let name = Self.projects[project]
            var specification = Specification(
                release: ReleaseDocument(url: "file:true.yaml", text: "name: true"),
                requirements: Requirements(memory: .mebibytes(16)), exclusive: request % 4 == 0)
            specification.project = name
            return (id, RequestKey(customer: Customer("\(name)@lab"), reference: "s\(request)"), specification)
        }
    }

    mutating func answered(_ id: CallID, isTaken: Bool) {
        guard let call = calls.removeValue(forKey: id), !isTaken else { return }
        again[call.project].append(call.request)
    }

    /// Who has not been answered at all is asked for again.
    mutating func losePatience(_ id: CallID) { answered(id, isTaken: false) }

    func acts(machines: [PeerID]) -> [Act] {
        guard let euro = Currency("EUR") else { preconditionFailure("EUR is a currency") }
        let (ada, lab) = (AccountID("ada"), AccountID("lab"))
        return [
            .accountOpened(Account(id: ada, kind: .person, title: "Ada")),
            .accountOpened(Account(id: lab, kind: .organisation, title: "Lab")),
        ]
            + Self.projects.map {
                .projectSet(ProjectOrder(id: ProjectID($0), customer: ada, currency: euro, ceiling: .zero))
            }
            + [.quotaSet(ProjectID(Self.projects[Self.bounded]), Quota(partitions: settings.quota))]
            + machines.map { .machineListed($0, supplier: lab) }
    }
}

/// What each project of a ledger has, counted from the log's facts in another way than the books count it.
struct ShareModel: Sendable {
    private var projects: [RequestKey: String] = [:]  // looked up only
    private var attempts: [RequestKey: Attempt] = [:]  // looked up only
    private var placed: [RequestKey: ClaimReference] = [:]  // looked up only
    private var leaving: Set<RequestKey> = []  // looked up only
    private var held: [String: Int] = [:]  // looked up only
    private var claims: Set<ClaimReference> = []  // looked up only
    private(set) var entries = 0
    private(set) var gaveWay = 0

    func holds(_ project: String) -> Int { held[project] ?? 0 }

    /// An entry that says nothing of requests.
    mutating func skip() { entries += 1 }

    /// - Parameter isPlaced: whether the books took a placement: money, relations and the like may be in its way.
    /// - Returns: what is wrong with the entry, and which invariant it breaks.
    mutating func apply(
        _ fact: Fact, quota: Int, isPlaced: Bool
    ) -> (invariant: String, found: String)? {
        entries += 1
        switch fact {
        case .requested(let key, let specification):
            guard projects[key] == nil else { return nil }
            projects[key] = specification.project ?? ""
            attempts[key] = .first
        case .placed(let key, let attempt, let claim, _):
            guard let project = projects[key], attempts[key] == attempt, placed[key] == nil, !claims.contains(claim),
                isPlaced
            else { return nil }
            placed[key] = claim
            claims.insert(claim)
            held[project, default: 0] += 1
            if project == ShareTrial.projects[ShareTrial.bounded], holds(project) > quota {
                return ("quota", "\(project) holds \(holds(project)) partitions, its quota is \(quota)")
            }
        case .gaveWay(let key, let attempt, let other):
            guard let project = projects[key], attempts[key] == attempt, placed[key] != nil, !leaving.contains(key)
            else { return nil }
            let left = holds(project) - leaving.count { projects[$0] == project } - 1
            // One that the books have not taken ends nothing.
            guard left >= other.share.held + 1 else { return nil }
            gaveWay += 1
            leaving.insert(key)
        case .lost(let key, let attempt, let reason):
            guard let project = projects[key], attempts[key] == attempt else { return nil }
            attempts[key] = attempt.next
            let didGiveWay = leaving.remove(key) != nil
            guard let claim = placed.removeValue(forKey: key) else { return nil }
            claims.remove(claim)
            held[project, default: 0] -= 1
            if !didGiveWay, reason.contains("released the claim") || reason.contains("gave way") {
                return ("taken", "\(key) of \(project), which had \(holds(project) + 1), was put out: \(reason)")
            }
        case .ended(let key):
            if let claim = placed.removeValue(forKey: key), let project = projects[key] {
                claims.remove(claim)
                held[project, default: 0] -= 1
            }
            leaving.remove(key)
            projects[key] = nil
        // No machine drains here, so that nothing has a successor; and nothing is asked for in groups.
        case .succeeding, .moved, .dropped, .scaled, .adopted, .chose, .changed, .booked, .unbooked, .reported,
            .extended,
            .noted, .forgotten,
            .admitted, .invited, .redeemed, .accounting, .described:
            return nil
        }
        return nil
    }
}

extension PeerPopulation {
    /// Has the books of the projects' ledgers made, and the projects ask when it is their time.
    mutating func beginShares(at begins: Int64, _ core: inout World) {
        guard let trial = shares else { return }
        for master in Set([trial.home(of: ShareTrial.greedy), trial.home(of: ShareTrial.late)]).sorted() {
            run(.shareBooks(master), at: 1_000_000_000, &core)
        }
        run(.shareAsks(ShareTrial.greedy), at: begins, &core)
        run(.shareAsks(ShareTrial.bounded), at: begins, &core)
        run(.shareAsks(ShareTrial.late), at: begins + trial.settings.after.nanoseconds, &core)
        run(.shareLook, at: begins, &core)
    }

    mutating func keepShareBooks(of master: UInt32, _ core: inout World) {
        guard let trial = shares else { return }
        let step = trial.step[master] ?? 0
        let acts = trial.acts(machines: (0..<UInt32(count)).map { core.id(of: $0) })
        guard step < acts.count else { return }
        run(.shareBooks(master), at: core.now + 8_000_000_000, &core)
        guard watch.running.contains(master) else { return }
        let id = CallID(ShareTrial.firstCall * 2 + UInt64(master) << 16 + UInt64(step))
        give(.call(id, .record(.accounting(acts[step]))), to: master, &core)
    }

    mutating func shareAsks(_ project: Int, _ core: inout World) {
        guard let master = shares?.home(of: project) else { return }
        run(.shareAsks(project), at: core.now + ShareTrial.period, &core)
        guard watch.running.contains(master) else { return }
        guard let requests = shares?.take(project), !requests.isEmpty else { return }
        if project == ShareTrial.late, shares?.lateBegan == nil { shares?.lateBegan = core.now }
        for (id, key, specification) in requests {
            run(.sharePatience(id), at: core.now + 20_000_000_000, &core)
            give(.call(id, .request(.ask(key, specification, basedOn: nil, wait: nil))), to: master, &core)
        }
    }

    mutating func shareAnswered(_ id: CallID, _ result: CallResult, _ core: inout World) {
        guard id.value < ShareTrial.firstCall * 2 else {
            let number = id.value - ShareTrial.firstCall * 2
            let (master, step) = (UInt32(number >> 16), Int(number & 0xffff))
            guard case .recorded = result, shares?.step[master] ?? 0 == step else { return }
            shares?.step[master] = step + 1
            return keepShareBooks(of: master, &core)
        }
        switch result {
        case .request(.request): shares?.answered(id, isTaken: true)
        default: shares?.answered(id, isTaken: false)
        }
    }

    // MARK: What they have

    mutating func lookAtShares(_ core: inout World) {
        guard var trial = shares else { return }
        run(.shareLook, at: core.now + 1_000_000_000, &core)
        var running = [0, 0, 0]
        for host in 0..<count {
            for instance in hosts[host].instances.values where instance.isRunning {
                let project = instance.order.specification.project ?? ""
                if let index = ShareTrial.projects.firstIndex(of: project) { running[index] += 1 }
            }
        }
        let (greedy, late) = (running[ShareTrial.greedy], running[ShareTrial.late])
        if late > 0, trial.lateRan == nil {
            trial.lateRan = core.now
            say("the late project runs its first instance", &core)
        }
        trial.share = late * 1_000 / max(1, late + greedy)
        if !(450...550).contains(trial.share) {
            trial.fairSince = nil
        } else {
            trial.fairSince = trial.fairSince ?? core.now
        }
        shares = trial
        readShareLogs(&core)
    }

    /// Holds the new entries of each ledger that is led against what was promised.
    private mutating func readShareLogs(_ core: inout World) {
        for host in 0..<UInt32(count) where hosts[Int(host)].isMaster {
            let led = hosts[Int(host)].look { $0.ledgers.filter(\.isLeading).map(\.id) } ?? []
            for ledger in led { readShareLog(of: ledger, at: host, &core) }
        }
    }

    private mutating func readShareLog(of ledger: PeerID, at host: UInt32, _ core: inout World) {
        guard let log = hosts[Int(host)].disk.logs[ledger], let quota = shares?.settings.quota,
            let committed = hosts[Int(host)].look({ $0.ledgers.first { $0.id == ledger }?.books.index.value }) ?? nil
        else { return }
        var model = shares?.read[ledger] ?? ShareModel()
        let before = model.gaveWay
        for entry in log.entries.dropFirst(model.entries) where entry.op.value <= committed {
            guard let entry = Entry(entry, blueprint.coding) else {
                model.skip()
                continue
            }
            let isTaken = refusal(at: entry.index, of: ledger, by: host) == nil
            if let found = model.apply(entry.fact, quota: quota, isPlaced: isTaken) {
                let summary = "the ledger \(ledger.fingerprint), entry \(entry.index.value): \(found.found)"
                watch.checker.report(found.invariant, summary, [host], &core)
            }
            if case .gaveWay(_, _, let other) = entry.fact { checkTold(other, host, &core) }
        }
        if model.gaveWay > before { reached["gave way", default: 0] += model.gaveWay - before }
        shares?.read[ledger] = model
    }

    /// Which rule of the books an entry broke.
    private func refusal(at index: LedgerIndex, of ledger: PeerID, by host: UInt32) -> Rule? {
        hosts[Int(host)].look { peer in peer.ledgers.first { $0.id == ledger }?.books.refusal(at: index) } ?? nil
    }

    /// A claim tells what its project has, and what it is being given: not less than its books, but for what came since.
    private mutating func checkTold(_ other: Outranking, _ host: UInt32, _ core: inout World) {
        let held = hosts.withBooks(of: other.ledger, count: count) { $0.share(of: other.share.project).held } ?? 0
        guard held > other.share.held + ShareTrial.toldLateMax else { return }
        let summary =
            "a placement gave way to \(other.share.project), which was said to have \(other.share.held) and has \(held)"
        watch.checker.report("taken", summary, [host], &core)
    }

    // MARK: At the end

    mutating func checkShares(_ core: inout World, isFaultless: Bool) {
        guard let trial = shares else { return }
        readShareLogs(&core)
        if trial.settings.quota > 0, trial.read.values.contains(where: { $0.holds("bounded") == trial.settings.quota })
        {
            reached["quota used up", default: 0] += 1
        }
        guard (450...550).contains(trial.share) else {
            return watch.checker.report(
                "fair", "of what two projects with equal shares have, the later one has \(trial.share / 10) %", [],
                &core)
        }
        guard isFaultless, let began = trial.lateBegan else { return }
        guard let ran = trial.lateRan, ran - began <= ShareTrial.leases else {
            let took = trial.lateRan.map { "\(($0 - began) / 1_000_000_000) s" } ?? "the whole run, and it did not run"
            return watch.checker.report("fair", "the later project's first instance took \(took)", [], &core)
        }
    }

    /// What a run comes to.
    var shareFigures: [Figure] {
        guard let trial = shares, let began = trial.lateBegan else { return [] }
        var figures = [Figure("share of the later project", Double(trial.share) / 10, "%")]
        if let ran = trial.lateRan {
            figures.append(Figure("its first instance after", Double(ran - began) / 1e9, "s"))
        }
        if let fair = trial.fairSince {
            figures.append(Figure("half each, within 5 %, after", Double(max(0, fair - began)) / 1e9, "s"))
        }
        let gaveWay = trial.read.values.reduce(0) { $0 + $1.gaveWay }
        return figures + [Figure("placements that gave way", Double(gaveWay), "placements")]
    }
}

extension ShareTrial {
    /// Searches that were begun after the claim was sent that a placement gave way to, and have been placed since.
    static let toldLateMax = 12
}

extension UnsafeMutablePointer<SimulatedHost> {
    /// Looks at the books of a ledger where it is led.
    fileprivate func withBooks<Result>(of ledger: PeerID, count: Int, _ look: (Books) -> Result) -> Result? {
        for host in 0..<count where self[host].isMaster {
            let found = self[host].look { peer in
                peer.ledgers.first { $0.id == ledger && $0.isLeading }.map { look($0.books) }
            }
            if let found = found ?? nil { return found }
        }
        return nil
    }
}

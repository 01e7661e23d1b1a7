import Automata
import Claims
import Groups
import Ledger
import Overlay
import Peer
import Rendezvous
import Wire

/// People who ask for a machine, use it for a while, give it back and ask again (`PlacementSettings`).
///
/// Each request is held against an omniscient placer: when it is asked, somebody who sees every machine looks whether one
/// of them is free and meets it. Messages are counted for the request that they name.
struct Placers: Sendable {
    enum Phase { case idle, asking, living, ending }

    struct Placer: Sendable {
        var phase = Phase.idle
        /// Counts what it does, so that a timer that was overtaken does nothing.
        var step = 0
        var round = 0
        var key: RequestKey
        var specification: Specification
        /// Who was asked, and holds the request.
        var master: UInt32 = 0
        var askedAt: Int64 = 0
        var isPlaceable = false
        var isCounted = false
        var messages = PlacementMessages()
    }

    let settings: PlacementSettings
    let lans: Int
    /// Those who ask later are counted, until the end.
    let counted: Range<Int64>
    var random: SeededRandom
    var placers: [Placer] = []
    private(set) var measures = PlacementMeasures()
    private var owners: [RequestKey: Int] = [:]  // looked up only
    private var claims: [ClaimReference: Int] = [:]  // looked up only
    private var searches: [UInt64: Int] = [:]  // looked up only

    /// Calls name the placer from here on.
    static let firstCall: UInt64 = 1 << 50

    init(_ settings: PlacementSettings, partitions: Int, lans: Int, begins: Int64, ends: Int64, random: SeededRandom) {
        self.settings = settings
        self.lans = lans
        self.random = random
        counted = min(ends, begins + settings.fill.nanoseconds)..<ends
        let empty = Specification(release: ReleaseDocument(url: "", text: ""))
        placers = (0..<partitions * settings.loadPerMille / 1_000).map { number in
            Placer(key: RequestKey(customer: Customer("p\(number)@lab"), reference: "r0"), specification: empty)
        }
    }

    /// When each asks for the first time.
    mutating func times(from begins: Int64) -> [Int64] {
        placers.map { _ in begins + random.duration(in: .zero...settings.fill).nanoseconds }
    }

    /// What the placer wants next.
    mutating func draw(_ index: Int) {
        let placer = placers[index]
        owners[placer.key] = nil
        let key = RequestKey(customer: placer.key.customer, reference: "r\(placer.round + 1)")
        var requirements = Requirements(memory: .mebibytes(64))
        if settings.rare > 0, random.chance(perMille: settings.rarePerMille) {
            // Each its own, so that nobody waits for another one's.
            let own = max(1, settings.rare / max(1, placers.count))
            let number = (index + placers.count * random.below(own)) % settings.rare
            requirements.condition = #"gpu-model = "\#(Self.accelerator(number))""#
        } else if random.chance(perMille: settings.largePerMille) {
            requirements.condition = random.below(4) == 0 ? "cpu >= 64" : "cpu >= 16"
        } else if random.chance(perMille: settings.elsewherePerMille) {
            requirements.condition = "region = \(PeerPopulation.region(of: UInt16(random.below(lans))))"
        }
        placers[index].round += 1
        placers[index].key = key
        placers[index].messages = PlacementMessages()
        placers[index].specification = Specification(
            release: ReleaseDocument(url: "file:noop.yaml", text: "name: noop"), requirements: requirements)
        owners[key] = index
    }

    static func accelerator(_ number: Int) -> String { "model \(number + 1)" }

    /// What the machine at this place is: by the place, so that it is the same in each life.
    func facts(of place: UInt32, machines: UInt32) -> MachineFacts {
        var facts = MachineFacts()
        facts.cores =
            switch place % 10 {
            case 0..<7: 8
            case 7..<9: 16
            default: 64
            }
        // Spread over all LANs.
        if settings.rare > 0, place % max(1, machines / UInt32(settings.rare)) == 3 {
            facts.gpus = 1
            facts.gpuModel = Self.accelerator(Int(place / max(1, machines / UInt32(settings.rare))) % settings.rare)
        }
        return facts
    }

    mutating func lifetime() -> Int64 {
        let uniform = max(1e-9, Double(random.below(1 << 30)) / Double(1 << 30))
        return Int64(-Double(settings.life.nanoseconds) * Log.natural(uniform))
    }

    // MARK: What happened

    /// A ledger has placed the request.
    ///
    /// - Returns: whose it is, when that was still waiting.
    mutating func placed(_ key: RequestKey, at now: Int64) -> Int? {
        guard let index = owners[key], placers[index].phase == .asking else { return nil }
        placers[index].phase = .living
        placers[index].step += 1
        guard placers[index].isCounted else { return index }
        if placers[index].isPlaceable { measures.placed += 1 } else { measures.placedLater += 1 }
        if placers[index].isPlaceable { measures.delay.add(Int((now - placers[index].askedAt) / 1_000)) }
        return index
    }

    mutating func asked(_ index: Int, isPlaceable: Bool, at now: Int64) {
        let isCounted = counted.contains(now)
        placers[index].askedAt = now
        placers[index].isPlaceable = isPlaceable
        placers[index].isCounted = isCounted
        guard isCounted else { return }
        measures.asked += 1
        if isPlaceable { measures.placeable += 1 }
    }

    /// The request is given back: what is said of it from here on is not its placement's cost.
    mutating func ended(_ index: Int) {
        if placers[index].isCounted, placers[index].phase == .living {
            measures.add(placers[index].messages, isPlaceable: placers[index].isPlaceable)
        }
    }

    // MARK: Messages

    mutating func count(_ message: PeerMessage, at now: Int64) {
        guard let (index, kind, count) = concerned(by: message) else {
            if case .group = message, counted.contains(now) { measures.groupMessages += 1 }
            return
        }
        placers[index].messages[kind] += count
    }

    /// Whose request a message is about, and how many it counts for: with what acknowledges it.
    private mutating func concerned(by message: PeerMessage) -> (Int, PlacementMessages.Kind, Int)? {
        switch message {
        case .claim(let message, _):
            switch message {
            case .claim(let asked): return owners[asked.request].map { ($0, .claims, 1) }
            case .refused(let key, _, _): return owners[key].map { ($0, .claims, 1) }
            case .granted(let key, _, let claim, _):
                guard let index = owners[key] else { return nil }
                claims[claim] = index
                return (index, .claims, 1)
            case .order(let order, _): return owners[order.request].map { ($0, .claims, 1) }
            case .ordered(let claim, _), .orderRefused(let claim, _), .release(let claim), .released(let claim):
                return claims[claim].map { ($0, .claims, 1) }
            default: return nil  // of a tenancy, not of its beginning
            }
        case .overlay(.routed(let routed, _), _):
            let payload = routed.application == .rendezvous ? routed.payload : Groups.searched(by: routed)
            return payload.flatMap { owner(of: $0) }.map { ($0, .routes, 2) }
        case .group(.visit(let visit, _), _):
            guard let index = owner(of: visit.payload) else { return nil }
            searches[visit.number] = index
            return (index, .visits, 2)
        case .group(.visitEnded(let number, _, _), _):
            return searches.removeValue(forKey: number).map { ($0, .visits, 1) }
        case .rendezvous(.found(let key, _, let candidates), _, _):
            guard let index = owners[key] else { return nil }
            for candidate in candidates { claims[candidate.claim] = index }
            return (index, .routes, 1)
        case .rendezvous(.nobody(let key, _, _), _, _): return owners[key].map { ($0, .routes, 1) }
        default: return nil
        }
    }

    private func owner(of payload: [UInt8]) -> Int? {
        VisitCoding.wire.decodeAllocation(payload).flatMap { owners[$0.asked.request] }
    }
}

extension PeerPopulation {
    mutating func placerActs(_ index: Int, step: Int, _ core: inout World) {
        guard let placer = placers?.placers[index], placer.step == step else { return }
        placers?.placers[index].step += 1
        switch placer.phase {
        case .idle: ask(index, &core)
        case .asking, .living: giveBack(index, &core)
        case .ending: tellEnd(index, &core)
        }
    }

    private mutating func ask(_ index: Int, _ core: inout World) {
        let masters = watch.running.items.filter { hosts[Int($0)].isMaster }.sorted()
        guard let master = placers?.random.pick(masters) else { return act(index, after: 1_000_000_000, &core) }
        placers?.draw(index)
        guard let placer = placers?.placers[index] else { return }
        placers?.placers[index].phase = .asking
        placers?.placers[index].master = master
        let isPlaceable = mayBePlaced(placer.specification, &core)
        placers?.asked(index, isPlaceable: isPlaceable, at: core.now)
        act(index, after: placers?.settings.patience.nanoseconds ?? 0, &core)
        call(index, &core)
    }

    private mutating func giveBack(_ index: Int, _ core: inout World) {
        placers?.ended(index)
        placers?.placers[index].phase = .ending
        placers?.placers[index].specification.desired = .destroyed
        tellEnd(index, &core)
    }

    private mutating func tellEnd(_ index: Int, _ core: inout World) {
        act(index, after: 5_000_000_000, &core)
        call(index, &core)
    }

    private mutating func call(_ index: Int, _ core: inout World) {
        guard let placer = placers?.placers[index] else { return }
        let call = RequestCall.ask(placer.key, placer.specification, basedOn: nil, wait: nil)
        give(.call(CallID(Placers.firstCall + UInt64(index)), .request(call)), to: placer.master, &core)
    }

    private mutating func act(_ index: Int, after delay: Int64, _ core: inout World) {
        guard let step = placers?.placers[index].step else { return }
        run(.placer(index, step: step), at: core.now + delay, &core)
    }

    mutating func placerAnswered(_ id: CallID, _ result: CallResult, _ core: inout World) {
        let index = Int(id.value - Placers.firstCall)
        guard let placer = placers?.placers[index], placer.phase == .ending else { return }
        switch result {
        case .request(.request), .request(.gone):
            placers?.placers[index].phase = .idle
            placers?.placers[index].step += 1
            act(index, after: placers?.random.duration(in: .zero ... .seconds(1)).nanoseconds ?? 0, &core)
        default: return  // it says so again
        }
    }

    /// A ledger gives the order for what it has placed.
    mutating func notePlaced(_ key: RequestKey, _ core: inout World) {
        guard let index = placers?.placed(key, at: core.now) else { return }
        act(index, after: placers?.lifetime() ?? 0, &core)
    }

    /// Whether some machine is free right now that meets what is asked.
    private mutating func mayBePlaced(_ specification: Specification, _ core: inout World) -> Bool {
        guard let wanted = try? Wanted(specification.requirements) else { return false }
        let now = Instant(nanoseconds: core.now)
        let first = placers?.random.below(max(1, count)) ?? 0
        for step in 0..<count {
            let host = (first + step) % count
            guard hosts[host].isUp, let offer = hosts[host].look({ $0.claims.offer }), offer.free > 0 else { continue }
            if wanted.mismatches(with: offer, at: now).isEmpty { return true }
        }
        return false
    }
}

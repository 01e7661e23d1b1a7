import Automata

/// Where a peer is on its way into the ring.
struct Join: Sendable {
    enum Stage: Sendable {
        /// Told of nobody: waits a moment for a seed.
        case waiting
        /// A peer was asked for others: the walk to a near seed.
        case asking
        /// Those it named are being measured.
        case measuring
        /// The join is on its way to the root.
        case routing
    }

    var stage = Stage.routing
    var seeds: [PeerID]
    /// How many times a seed was tried.
    var attempts = 0
    /// The nearest peer so far, and its round trip.
    var nearest: PeerID
    var roundTrip = RoundTrip.unknown
    var steps = 0
    /// Joins an answer to what was asked.
    var number: UInt64 = 0
    var asked = Instant.zero
    var deadline = Instant.zero
    /// Since when nobody at all has answered.
    var begun: Instant
    var isAnswered = false
    /// Answers of peers that are themselves only joining, and the largest of their ids.
    var coldAnswers = 0
    var coldest: PeerID?
    /// Those whose last answer, or own join, said so.
    var cold: [PeerID] = []
    /// Told of nobody when it started.
    var isBeginner = false
}

/// What a routed join is for.
enum JoinManner: UInt8 {
    /// The root of the newcomer's id answers.
    case first
    /// So does the first active peer on the way that has the newcomer's place in its leaf set.
    case urgent
    /// Its sender is in a ring, and looks for another part of it.
    case merge

    init(payload: [UInt8]) { self = payload.first.flatMap(Self.init(rawValue:)) ?? .first }

    var payload: [UInt8] { self == .first ? [] : [rawValue] }
}

/// The way into the ring (Pastry 2001, 2.4; the walk to a near seed: Castro et al. 2002).
extension Overlay {
    mutating func onStarted(
        seeds: [PeerID], remembered: [PeerID], at now: Instant, into effects: inout [Effect]
    ) {
        guard life == .new else { return }
        birth = now
        tuning = ProbeTuning(start: Tick(value: 0), initial: configuration.tableProbeMax.seconds)
        acquaintances = Acquaintances(
            seeds: seeds.filter { $0 != id }, remembered: remembered.filter { $0 != id })
        life = .joining
        if acquaintances.all.isEmpty {
            awaitSeed(at: now, into: &effects)
        } else {
            begin(through: acquaintances.all, walking: true, at: now, into: &effects)
        }
        wake(by: now + configuration.tick, into: &effects)
    }

    /// Told of nobody: discovery may need a moment to find the others, and a ring begun meanwhile would have to be merged.
    private mutating func awaitSeed(at now: Instant, into effects: inout [Effect]) {
        var waiting = Join(seeds: [], nearest: id, begun: now)
        waiting.stage = .waiting
        waiting.isBeginner = true
        waiting.deadline = now + configuration.seedPatience
        join = waiting
        wake(by: waiting.deadline, into: &effects)
    }

    mutating func onSeed(_ peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard peer != id, life != .new else { return }
        acquaintances.addSeed(peer)
        if join?.stage == .waiting {
            begin(through: [peer], walking: true, at: now, into: &effects)
        } else if join != nil {
            if join?.seeds.contains(peer) == false { join?.seeds.append(peer) }
            // Nobody has answered yet: this one may.
            if join?.isAnswered == false, join?.stage == .routing, life == .joining {
                join?.deadline = now
                wake(by: now, into: &effects)
            }
        } else if contact(of: peer) == nil, life == .active {
            acquaintances.addUrgent(peer)
            schedule.merge = min(schedule.merge, max(now, acquaintances.urgentFrom))
            wake(by: schedule.merge, into: &effects)
        }
    }

    /// A peer that lives, and may lead into the ring when the seeds do not.
    mutating func addSeedForJoin(_ peer: PeerID) {
        guard let joining = join, joining.seeds.count < Acquaintances.rememberedMax, !joining.seeds.contains(peer)
        else { return }
        join?.seeds.append(peer)
        if joining.stage == .waiting { join?.deadline = .zero }
    }

    private mutating func begin(
        through seeds: [PeerID], walking: Bool, at now: Instant, into effects: inout [Effect]
    ) {
        guard let first = seeds.first else { return }
        let isBeginner = join?.isBeginner ?? false
        join = Join(seeds: seeds, nearest: first, begun: now)
        join?.isBeginner = isBeginner
        if walking, configuration.walkSteps > 0 {
            askNearest(.leaves, at: now, into: &effects)
        } else {
            sendJoin(at: now, into: &effects)
        }
    }

    /// Nobody is left of those known: back to those of before.
    mutating func rejoin(at now: Instant, into effects: inout [Effect]) {
        deactivate(into: &effects)
        life = .joining
        var seeds = table.entries.map { $0.id }
        random.shuffle(&seeds)
        // Who could not be heard called all others failed: they are the likeliest to live.
        seeds += acquaintances.lost.reversed().filter { !seeds.contains($0) }
        seeds += acquaintances.all.filter { !seeds.contains($0) }
        begin(through: seeds, walking: false, at: now, into: &effects)
        if join == nil {
            leaves.isWhole = true
            activate(at: now, into: &effects)
        }
    }

    private mutating func askNearest(_ question: ContactQuestion, at now: Instant, into effects: inout [Effect]) {
        guard var joining = join else { return }
        joining.stage = .asking
        joining.number = random.next() >> 32
        joining.asked = now
        joining.deadline = now + configuration.joinTimeout
        join = joining
        effects.append(.send(.ask(question, number: UInt32(joining.number)), to: joining.nearest))
        wake(by: joining.deadline, into: &effects)
    }

    /// The seed answered with peers it knows: measures some.
    func isWalkAnswer(_ number: UInt32, from peer: PeerID) -> Bool {
        guard let join, join.stage == .asking else { return false }
        return join.number == UInt64(number) && join.nearest == peer
    }

    mutating func onWalkAnswer(_ contacts: [Nearby], at now: Instant, into effects: inout [Effect]) {
        guard var joining = join else { return }
        joining.isAnswered = true
        if joining.steps == 0 {
            joining.roundTrip = RoundTrip(nanoseconds: now.nanoseconds - joining.asked.nanoseconds)
        }
        joining.steps += 1
        joining.stage = .measuring
        joining.deadline = now + .nanoseconds(configuration.joinTimeout.nanoseconds / 3)
        // The round number tells later whether a step brought anyone nearer.
        joining.number = UInt64(joining.roundTrip.microseconds)
        // The seed may fail before the join is through.
        for nearby in contacts where nearby.peer != id && joining.seeds.count < Acquaintances.rememberedMax {
            if !joining.seeds.contains(nearby.peer) { joining.seeds.append(nearby.peer) }
        }
        join = joining
        let width = configuration.walkWidth * (joining.steps == 1 ? 2 : 1)
        for nearby in contacts.prefix(width) where nearby.peer != id && nearby.peer != joining.nearest {
            probe(nearby.peer, .walk, retries: 0, at: now, into: &effects)
        }
        wake(by: joining.deadline, into: &effects)
        walkOn(at: now, into: &effects)
    }

    /// A peer on the walk answered.
    mutating func onWalked(_ peer: PeerID, _ roundTrip: RoundTrip, at now: Instant, into effects: inout [Effect]) {
        if join?.stage == .measuring, let nearest = join?.roundTrip, roundTrip < nearest {
            join?.nearest = peer
            join?.roundTrip = roundTrip
        }
        walkOn(at: now, into: &effects)
    }

    /// When all have answered, or their time is over: on from the nearest, or enough.
    mutating func walkOn(at now: Instant, into effects: inout [Effect]) {
        guard let joining = join, joining.stage == .measuring else { return }
        guard now >= joining.deadline || !probes.contains(where: { $0.kind == .walk }) else { return }
        probes.removeAll { $0.kind == .walk }
        let isNearer = UInt64(joining.roundTrip.microseconds) < joining.number
        if isNearer, joining.steps < configuration.walkSteps {
            askNearest(.nearest, at: now, into: &effects)
        } else {
            sendJoin(at: now, into: &effects)
        }
    }

    private mutating func sendJoin(at now: Instant, into effects: inout [Effect]) {
        guard var joining = join else { return }
        joining.stage = .routing
        joining.attempts += 1
        joining.number = random.next()
        joining.asked = now
        joining.deadline = now + configuration.joinTimeout
        join = joining
        // The root may be agreeing, and waiting for us: then anyone active near it will do.
        sendJoin(
            number: joining.number, through: joining.nearest, joining.attempts > 1 ? .urgent : .first, into: &effects)
        wake(by: joining.deadline, into: &effects)
    }

    /// Not ours to repeat at this hop: who sent it has a time-out for the whole way.
    ///
    mutating func sendJoin(
        number: UInt64, through seed: PeerID, _ manner: JoinManner, into effects: inout [Effect]
    ) {
        nextHop &+= 1
        let routed = Routed(
            key: id, origin: id, number: number, hops: 1, application: .join, payload: manner.payload,
            trace: [])
        effects.append(.send(.routed(routed, hop: nextHop), to: seed))
    }

    /// The join has waited long enough: another seed, or alone.
    mutating func pressJoin(at now: Instant, into effects: inout [Effect]) {
        guard var joining = join, joining.deadline <= now, joining.stage != .measuring else {
            walkOn(at: now, into: &effects)
            return
        }
        guard life == .joining else {
            join = nil
            return
        }
        if joining.stage == .waiting, !joining.seeds.isEmpty {
            begin(through: joining.seeds, walking: true, at: now, into: &effects)
            return
        }
        if joining.stage == .waiting || isFirst(joining, at: now) {
            leaves.isWhole = true
            activate(at: now, into: &effects)
            // Others may have done the same.
            for seed in joining.seeds { acquaintances.addUrgent(seed) }
            if !joining.seeds.isEmpty { schedule.merge = now + .seconds(1) }
            return
        }
        // An attempt without an answer: those that had said that they are joining may have failed.
        if now - joining.asked >= configuration.joinTimeout { joining.coldAnswers = 0 }
        // The first time through what was walked to; then through each seed in turn.
        joining.nearest = joining.seeds[joining.attempts % joining.seeds.count]
        join = joining
        sendJoin(at: now, into: &effects)
    }

    /// Whether this peer may take itself for the first of a ring.
    private func isFirst(_ joining: Join, at now: Instant) -> Bool {
        // A cold start: everyone is joining through each other. The largest id begins; not soon, since in a living ring
        // a seed that is itself still joining has joined by then.
        if joining.coldAnswers >= 5, now - joining.begun >= configuration.coldPatience, let other = joining.coldest,
            id > other
        {
            return true
        }
        // Told of nobody at first, and since then only of peers that are joining themselves: somebody must begin.
        if joining.isBeginner, now - birth >= configuration.seedPatience, !joining.seeds.isEmpty,
            joining.seeds.allSatisfy(joining.cold.contains)
        {
            return true
        }
        // Nobody told it to join anyone, and those it knew are gone.
        return acquaintances.seeds.isEmpty && !joining.isAnswered
            && now - joining.begun >= configuration.alonePatience
    }

    /// A join passes: adds the rows of the table that the newcomer can use, and goes on to the root.
    mutating func onJoinPassing(
        _ routed: Routed, from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        var onward = routed
        let newcomer = routed.origin
        guard newcomer == routed.key, newcomer != id, (routed.trace?.count ?? 0) <= 256 else {
            counters.refused += 1
            return
        }
        // Rows up to the shared prefix; the peer before has told those up to its own.
        let shared = id.sharedDigits(with: newcomer)
        let told = peer == newcomer ? 0 : min(shared, peer.sharedDigits(with: newcomer) + 1)
        for row in told...shared where row < table.rows {
            onward.trace?.append(contentsOf: table.row(row).lazy.map { $0.id }.filter { $0 != newcomer })
        }
        onward.trace?.append(id)
        // Two that join through each other must notice.
        let manner = JoinManner(payload: routed.payload)
        if life == .joining, join != nil, peer == newcomer {
            if manner == .merge {
                joinThrough(newcomer, at: now, into: &effects)
            } else {
                noteCold(newcomer)
            }
        }
        if life == .active, manner == .urgent, leaves.covers(id.clockwise(to: newcomer)) {
            answerJoin(onward, at: now, into: &effects)
            return
        }
        advance(onward, isShown: false, at: now, into: &effects)
    }

    /// Someone who looks for the rest of its ring has found us, who are in none.
    private mutating func joinThrough(_ peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard let stage = join?.stage, stage == .routing || stage == .waiting else { return }
        addSeedForJoin(peer)
        join?.cold.removeAll { $0 == peer }
        join?.nearest = peer
        sendJoin(at: now, into: &effects)
    }

    private mutating func noteCold(_ peer: PeerID) {
        join?.coldAnswers += 1
        if let cold = join?.cold, !cold.contains(peer), cold.count < Acquaintances.seedsMax { join?.cold.append(peer) }
        if (join?.coldest).map({ $0 < peer }) ?? true { join?.coldest = peer }
    }

    /// The join has come to the root of the newcomer's id.
    mutating func answerJoin(_ routed: Routed, at now: Instant, into effects: inout [Effect]) {
        let answer = JoinAnswer(
            number: routed.number,
            leaves: leaves.nearest(to: routed.origin, count: configuration.leafSetSize + 2)
                .filter { $0 != routed.origin && $0 != id },
            contacts: routed.trace ?? [], isActive: isActive)
        effects.append(.send(.joined(answer), to: routed.origin))
        noteSent(to: routed.origin, at: now)
    }

    mutating func onJoined(
        _ answer: JoinAnswer, from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        guard answer.leaves.count <= 64, answer.contacts.count <= 512 else {
            counters.refused += 1
            return
        }
        if answer.number == acquaintances.mergeNumber {
            onMergeAnswer(answer, from: peer, at: now, into: &effects)
            return
        }
        guard life == .joining, var joining = join, joining.stage == .routing, answer.number == joining.number else {
            counters.refused += 1
            return
        }
        joining.isAnswered = true
        guard answer.isActive else {
            // It will be active soon, or it is as new as we.
            joining.deadline = now + random.duration(in: .milliseconds(300) ... .milliseconds(900))
            join = joining
            // One that others led to is restarting within a ring.
            if answer.leaves.isEmpty, answer.contacts.allSatisfy({ $0 == peer }) { noteCold(peer) }
            wake(by: joining.deadline, into: &effects)
            return
        }
        join = nil
        life = .agreeing
        if configuration.sabotage.contains(.noAgreement) {
            for other in [peer] + answer.leaves { take(other, at: now, into: &effects) }
            activate(at: now, into: &effects)
        }
        consider([peer] + answer.leaves, isFirstHand: true, at: now, into: &effects)
        measure(candidates: answer.contacts, perPlace: 2, at: now, into: &effects)
        settle(at: now, into: &effects)
    }

    /// A seed that cannot be reached is not waited for.
    mutating func seedFailed(_ peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard var joining = join, joining.nearest == peer, life == .joining else { return }
        if joining.stage == .asking { joining.stage = .routing }
        joining.deadline = min(joining.deadline, now + .nanoseconds(configuration.joinTimeout.nanoseconds / 3))
        join = joining
        wake(by: joining.deadline, into: &effects)
    }
}

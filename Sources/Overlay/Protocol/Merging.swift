import Automata

/// Through whom the ring, or another part of it, can be found again.
struct Acquaintances: Sendable {
    /// Named by the user or found on the link.
    private(set) var seeds: [PeerID] = []
    /// From an earlier life.
    private(set) var remembered: [PeerID] = []
    /// Called failed: on the other side of a partition perhaps. Newest last.
    private(set) var lost: [PeerID] = []
    /// Named by the user. The newest last.
    private(set) var named: [PeerID] = []
    /// Whether the next attempt is made through one of those.
    private var isTurnOfNamed = false
    /// To be tried at once.
    var urgent: [PeerID] = []
    /// Joins the answer to the last attempt; zero when none is awaited.
    var mergeNumber: UInt64 = 0
    /// Periods between two attempts: doubles while they find nothing.
    var patience: UInt8 = 1
    /// Attempts that found someone who had only started.
    var mergeRetries: UInt8 = 0
    /// Urgent attempts in a row that found nobody new, and until when the next one waits.
    private(set) var vainTries: UInt8 = 0
    private(set) var urgentFrom = Instant.zero

    static let mergeRetriesMax: UInt8 = 5
    static let seedsMax = 32
    static let rememberedMax = 20
    static let lostMax = 8
    static let namedMax = 4

    init(seeds: [PeerID] = [], remembered: [PeerID] = []) {
        self.seeds = Array(seeds.prefix(Self.seedsMax))
        self.remembered = Array(remembered.prefix(Self.rememberedMax))
    }

    var all: [PeerID] { seeds + remembered.filter { !seeds.contains($0) } }

    /// Some may stand there twice.
    var everyone: [PeerID] { seeds + remembered + lost + urgent }

    mutating func addSeed(_ peer: PeerID) {
        guard !seeds.contains(peer) else { return }
        if seeds.count == Self.seedsMax { seeds.removeFirst() }
        seeds.append(peer)
    }

    mutating func addNamed(_ peer: PeerID) {
        named.removeAll { $0 == peer }
        if named.count == Self.namedMax { named.removeFirst() }
        named.append(peer)
    }

    /// Those of whom every second attempt is to be made through one; none when it is another's turn.
    mutating func takeTurn() -> [PeerID] {
        isTurnOfNamed.toggle()
        return isTurnOfNamed ? named : []
    }

    mutating func addUrgent(_ peer: PeerID) {
        if !urgent.contains(peer), urgent.count < Self.seedsMax { urgent.append(peer) }
    }

    /// An urgent one is asked.
    ///
    /// - Returns: when the next one may be: ever later while they find nobody. A hundred machines that start on one link
    ///   are found one by one, by each other, and are nearly always in one ring.
    mutating func tried(at now: Instant) -> Instant {
        urgentFrom = now + .milliseconds(500 << Int64(min(vainTries, 5)))
        return urgentFrom
    }

    mutating func hopeAgain() {
        patience = 1
        vainTries = 0
    }

    /// What an attempt has found.
    mutating func hasFound(someone: Bool) {
        vainTries = someone ? 0 : min(vainTries + 1, 5)
        // Most of those who were found together are in one ring.
        if !someone { urgent.removeLast(urgent.count / 2) }
    }

    mutating func lost(_ peer: PeerID) {
        lost.removeAll { $0 == peer }
        if lost.count == Self.lostMax { lost.removeFirst() }
        if lost.capacity == lost.count { lost.reserveCapacity(lost.count + 2) }
        lost.append(peer)
    }
}

/// Finds another part of the ring (FreePastry's partition handler): nothing else would ever notice that there are two.
extension Overlay {
    /// Routes a join for the own key through someone who is not known to be in this ring. The root there answers with
    /// its leaf set; where it is the same ring, nobody in it is new.
    ///
    /// Who is in the table may be in another ring all the same: two that joined through each other just before each joined
    /// one of its own. Only whom the user has named is worth asking again for that.
    mutating func seekOtherRing(at now: Instant, into effects: inout [Effect]) {
        let periods = Int64(acquaintances.patience)
        let period = configuration.mergePeriod.nanoseconds
        schedule.merge = now + .nanoseconds(period * periods - Int64(random.below(Int(period / 4))))
        guard !configuration.sabotage.contains(.noMerge) else { return }
        var target: PeerID?
        if acquaintances.urgent.isEmpty {
            let strangers = (acquaintances.lost + acquaintances.all).filter { contact(of: $0) == nil }
            let named = acquaintances.takeTurn().filter { leaves.index(of: $0) == nil }
            target = random.pick(named.isEmpty ? strangers : named)
        } else {
            while target == nil, !acquaintances.urgent.isEmpty {
                let next = acquaintances.urgent.removeFirst()
                if contact(of: next) == nil { target = next }
            }
            schedule.merge = acquaintances.tried(at: now)
        }
        guard let target else { return }
        if acquaintances.patience < 8 { acquaintances.patience *= 2 }
        acquaintances.mergeNumber = random.next() | 1
        sendJoin(number: acquaintances.mergeNumber, through: target, .merge, into: &effects)
    }

    /// Leaves were lost as a partition would take them, not one by one.
    mutating func seekSoon(at now: Instant) {
        acquaintances.hopeAgain()
        schedule.mergeSoon(at: now, period: configuration.mergePeriod)
    }

    mutating func onMergeAnswer(
        _ answer: JoinAnswer, from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        acquaintances.mergeNumber = 0
        guard answer.isActive else {
            // It has just started, and is in a ring soon.
            guard acquaintances.mergeRetries < Acquaintances.mergeRetriesMax else { return }
            acquaintances.mergeRetries += 1
            acquaintances.addUrgent(peer)
            schedule.merge = now + .seconds(2)
            wake(by: schedule.merge, into: &effects)
            return
        }
        acquaintances.mergeRetries = 0
        // The dead of our failed list may be the living of the other side.
        let isNew = consider([peer] + answer.leaves, isFirstHand: true, at: now, into: &effects)
        acquaintances.hasFound(someone: isNew)
        if isNew {
            acquaintances.patience = 1
            // Those who name others now may not know all of them yet: the two rings are only beginning to be one.
            schedule.lookAgain = now + configuration.probeTimeout * 5
            wake(by: schedule.lookAgain, into: &effects)
        }
        measure(candidates: answer.contacts, perPlace: 1, at: now, into: &effects)
    }

    mutating func leavesChanged(into effects: inout [Effect]) {
        hasNewLeaves = true
        effects.append(.neighboursChanged)
    }

    mutating func remember(into effects: inout [Effect]) {
        hasNewLeaves = false
        effects.append(.remember(worthRemembering()))
    }

    /// Up to 20 peers through which a later life can come back: half of them leaves, half from all over the ring.
    private func worthRemembering() -> [PeerID] {
        let near = leaves.contacts.prefix(5) + leaves.contacts.suffix(5)
        var peers: [PeerID] = []
        for contact in Array(near) + table.entries where !peers.contains(contact.id) {
            peers.append(contact.id)
            if peers.count == Acquaintances.rememberedMax { break }
        }
        return peers
    }
}

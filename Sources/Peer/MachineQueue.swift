import Automata
import Claims
import Groups
import Rendezvous
import Replication

/// What a machine says and does about its partitions, in order, each behind what had to be on the disk before it.
///
/// Only that waits for the disk. One that is full, or slow, must not make the peer silent in the ring, for its neighbours
/// and in the ledgers that it helps to keep.
struct MachineQueue: Sendable {
    struct Item: Sendable {
        var effect: ClaimKeeper.Effect
        /// The search that the machine was asked by.
        var visit: Visit?
    }

    /// Behind the write that is under way.
    private var waiting: [Item] = []
    /// What follows from the write that is under way.
    private var following: [Item]?
    private var number: UInt64 = 0

    mutating func add(_ effect: ClaimKeeper.Effect, of visit: Visit?) {
        waiting.append(Item(effect: effect, visit: visit))
    }

    /// What may be done now, and what is to be written then: all records that have gathered, in one transaction.
    mutating func next() -> (ready: [Item], write: (records: [PartitionRecord], number: UInt64)?) {
        guard following == nil else { return ([], nil) }
        let first = waiting.firstIndex { $0.effect.record != nil } ?? waiting.count
        let (ready, rest) = (Array(waiting[..<first]), waiting[first...])
        waiting = []
        guard !rest.isEmpty else { return (ready, nil) }
        number += 1
        following = rest.filter { $0.effect.record == nil }
        return (ready, (rest.compactMap(\.effect.record), number))
    }

    /// - Returns: what followed from it; nothing for another write than the one under way.
    mutating func written(_ number: UInt64) -> [Item] {
        guard number == self.number, let done = following else { return [] }
        following = nil
        return done
    }
}

extension ClaimKeeper.Effect {
    fileprivate var record: PartitionRecord? {
        if case .persist(let record) = self { record } else { nil }
    }

    /// Whether it may be carried out before what stands in front of it is on the disk: it promises nothing.
    var needsNoDisk: Bool {
        switch self {
        case .set, .offerChanged, .declined, .seek: true
        case .send(let message, _):
            switch message {
            case .refused, .renew, .report: true
            default: false
            }
        case .persist, .candidate, .apply, .vacate, .leaseEnds: false
        }
    }
}

extension Peer {
    mutating func claims(_ input: ClaimKeeper.Input, at now: Instant, into effects: inout [Effect]) {
        for effect in claims.effects(of: input, at: now) {
            if effect.needsNoDisk {
                perform(MachineQueue.Item(effect: effect, visit: visiting), at: now, into: &effects)
            } else {
                machine.add(effect, of: visiting)
            }
        }
        proceed(at: now, into: &effects)
        // Also without a new offer: a confirmed claim makes an idle machine a worker.
        describe(at: now, into: &effects)
    }

    /// What the machine had promised by then is on its disk.
    mutating func onPersisted(_ number: UInt64, at now: Instant, into effects: inout [Effect]) {
        for item in machine.written(number) { perform(item, at: now, into: &effects) }
        proceed(at: now, into: &effects)
    }

    private mutating func proceed(at now: Instant, into effects: inout [Effect]) {
        let (ready, write) = machine.next()
        for item in ready { perform(item, at: now, into: &effects) }
        if let write { effects.append(.persist(write.records, number: write.number)) }
    }

    private mutating func perform(_ item: MachineQueue.Item, at now: Instant, into effects: inout [Effect]) {
        switch item.effect {
        case .persist: preconditionFailure("a record is written before it is performed")
        case .send(let message, let ledger):
            let peer = primary(of: ledger)
            let stamp = LedgerStamp(ledger: ledger == peer ? nil : ledger, view: primaries[ledger]?.view ?? .zero)
            send(.claim(message, stamp), to: peer, at: now, into: &effects)
        case .candidate(let claim, let place, let rank):
            answer(item.visit, Candidate(claim: claim, place: place, rank: rank), at: now, into: &effects)
        case .declined: answer(item.visit, nil, at: now, into: &effects)
        case .set(let timer, let due): effects.append(.set(.claims(timer), at: due))
        case .apply(let order): effects.append(.apply(order))
        case .vacate(let claim): effects.append(.vacate(claim))
        case .leaseEnds(let claim, let end): effects.append(.leaseEnds(claim, at: end))
        case .seek(let ledger):
            if primary(of: ledger) != id, hasLeaves {
                register(.find(.ledger(ledger), call: nil), at: now, into: &effects)
            }
        case .offerChanged(let offer):
            for ledger in led { finder(ledger, .offered(offer), at: now, into: &effects) }
            tellGroups(at: now, into: &effects)
        }
    }
}

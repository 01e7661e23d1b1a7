public import Automata
import OrderedCollections

/// Lets every master know which master holds which request, so that any of them can answer for it, and no name is held
/// twice.
///
/// A new request is announced to all masters before it is answered and placed. Each master keeps, in its own ledger, a
/// note of the first holder that it heard of, and names that one to whoever announces the same key later.
///
/// ## When an announcement ends
/// - **Most masters noted it** (of all that are known and have not left, this one included): it is settled. Two
///   majorities share a master, and a master notes one holder, so two masters never settle the same key. One that has
///   noted another holder yields to it when it is asked for the same key itself: its voice is given.
/// - **Most cannot any more**, since others are noted as holders: this one yields to a holder that has settled, else to
///   the one with the smallest PeerID, else (it is the smallest itself) goes on asking until the others have yielded.
/// - **Patience is over**: an ordinary request goes on with what it has, so that a lone survivor can serve; after a
///   partition heals it may then stand in two ledgers, and both go on, since nothing that runs is ended without its
///   owner. An *exclusive* one waits for most masters, however long that takes (I1).
///
/// State: for each reachable master what it has not acknowledged yet; for each announcement who noted it and who named
/// another holder. Everything else is in the ledger.
/// Hashable, so that a search through all interleavings can tell states apart.
public struct Directory: Automaton, Hashable {
    public struct Configuration: Hashable, Sendable {
        /// How long a new request waits for masters that do not answer.
        public var patience: Duration = .seconds(2)
        /// Between two sendings of what was not acknowledged.
        public var resend: Duration = .seconds(1)
        /// The most notes in one message.
        public var batchMax = 256

        public init() {}
    }

    public enum Input: Hashable, Sendable {
        /// The other masters that can be reached now, how many others are known and have not left, and every request
        /// held here.
        case mastersChanged(live: [PeerID], known: Int, held: [RequestKey])
        /// A request that is in this ledger; `noted` is the other holder that stands noted here for the same key.
        case announce(RequestKey, isExclusive: Bool, noted: PeerID?)
        /// The request is no more.
        case withdraw(RequestKey)
        /// A message; of the requests that it names, those held here or on their way into the ledger, those of them whose
        /// announcement has ended well, and the holders noted.
        case received(
            DirectoryMessage, from: PeerID, held: Set<RequestKey>, settled: Set<RequestKey>,
            noted: [RequestKey: PeerID])
        /// A note that was ordered here is in the ledger, or was not taken by it.
        case noted(RequestKey)
        case timerFired(Timer)
    }

    public enum Timer: Hashable, Sendable {
        case patience(RequestKey)
        case resend(PeerID)
    }

    public enum Effect: Hashable, Sendable {
        /// Note it in the ledger; durable before a later message leaves.
        case note(RequestKey, home: PeerID)
        case forget(RequestKey, home: PeerID)
        case send(DirectoryMessage, to: PeerID)
        case announced(RequestKey)
        /// Too few masters can be reached to settle an exclusive request; the announcement goes on.
        case stalled(RequestKey, reached: Int, known: Int)
        case yield(RequestKey, to: PeerID)
        case set(Timer, at: Instant)
    }

    private struct Announcement: Hashable, Sendable {
        var isExclusive: Bool
        var noted: Set<PeerID> = []  // counted only
        var holders: OrderedDictionary<PeerID, Holding> = [:]
    }

    /// What another master has not acknowledged yet.
    private enum Pending: Hashable, Sendable {
        case hold
        case drop
        /// The request was made again before its end was acknowledged. It is announced only then, since acknowledgements of its
        /// earlier life may still be under way, and would count as voices for this one.
        case dropThenHold
    }

    private let configuration: Configuration
    private let own: PeerID
    private var known = 0
    private var outboxes: OrderedDictionary<PeerID, OrderedDictionary<RequestKey, Pending>> = [:]
    /// Notes on their way to the ledger; they count as noted.
    private var noting: [RequestKey: PeerID] = [:]  // looked up only
    /// Requests that are ended in favour of another master; until that is in the ledger.
    private var yielding: [RequestKey: PeerID] = [:]  // looked up only
    private var announcing: OrderedDictionary<RequestKey, Announcement> = [:]

    public init(configuration: Configuration = Configuration(), own: PeerID) {
        self.configuration = configuration
        self.own = own
    }

    /// How many masters, this one included, must note a request to settle it.
    private var majority: Int { (known + 1) / 2 + 1 }

    public mutating func handle(_ input: Input, at now: Instant, into effects: inout [Effect]) {
        switch input {
        case .mastersChanged(let live, let known, let held):
            self.known = max(known, live.count)
            onMasters(live, held, at: now, into: &effects)
        case .announce(let key, let isExclusive, let noted):
            guard announcing[key] == nil else { return }
            if let holder = noting[key] ?? noted, holder != own {
                yield(key, to: holder, into: &effects)
                return
            }
            announcing[key] = Announcement(isExclusive: isExclusive)
            for master in outboxes.keys {
                let waits = outboxes[master]?[key] == .drop
                enqueue(key, waits ? .dropThenHold : .hold, for: master, at: now, into: &effects)
            }
            effects.append(.set(.patience(key), at: now + configuration.patience))
            judge(key, into: &effects)
        case .withdraw(let key):
            announcing[key] = nil
            yielding[key] = nil
            for master in outboxes.keys { enqueue(key, .drop, for: master, at: now, into: &effects) }
        case .received(let message, let peer, let held, let settled, let noted):
            onReceived(message, from: peer, held: held, settled: settled, noted: noted, at: now, into: &effects)
        case .noted(let key): noting[key] = nil
        case .timerFired(.patience(let key)): onPatience(key, at: now, into: &effects)
        case .timerFired(.resend(let master)): flush(master, at: now, into: &effects)
        }
    }

    // MARK: Own requests

    private mutating func onMasters(
        _ masters: [PeerID], _ held: [RequestKey], at now: Instant, into effects: inout [Effect]
    ) {
        for gone in outboxes.keys where !masters.contains(gone) { outboxes[gone] = nil }
        for master in masters where master != own && outboxes[master] == nil {
            outboxes[master] = OrderedDictionary(uniqueKeysWithValues: held.map { ($0, .hold) })
            flush(master, at: now, into: &effects)
        }
        for key in announcing.keys { judge(key, into: &effects) }
    }

    /// Ends the announcement if it can be ended.
    private mutating func judge(_ key: RequestKey, into effects: inout [Effect]) {
        guard let announcement = announcing[key] else { return }
        if announcement.noted.count + 1 >= majority {
            announcing[key] = nil
            effects.append(.announced(key))
            return
        }
        // Nobody left who could still note it: the patience has nothing to wait for.
        let isAlone = outboxes.keys.allSatisfy {
            announcement.noted.contains($0) || announcement.holders[$0] != nil
        }
        if isAlone, !announcement.isExclusive, announcement.holders.isEmpty {
            announcing[key] = nil
            effects.append(.announced(key))
            return
        }
        guard known + 1 - announcement.holders.count < majority else { return }
        let holders = announcement.holders.values
        let settled = holders.first { $0.isSettled && $0.holder != own }?.holder
        guard let heir = settled ?? holders.map(\.holder).min(), settled != nil || heir < own else { return }
        yield(key, to: heir, into: &effects)
    }

    private mutating func yield(_ key: RequestKey, to heir: PeerID, into effects: inout [Effect]) {
        announcing[key] = nil
        for master in outboxes.keys {
            let mustDrop = outboxes[master]?[key] == .dropThenHold
            outboxes[master]?[key] = mustDrop ? .drop : nil
        }
        // The heir is noted when it asks: it may have ended its own request by now, and its drop may have been answered.
        yielding[key] = heir
        effects.append(.yield(key, to: heir))
    }

    private mutating func onPatience(_ key: RequestKey, at now: Instant, into effects: inout [Effect]) {
        guard let announcement = announcing[key] else { return }
        if !announcement.isExclusive {
            if let heir = announcement.holders.values.map(\.holder).min(), heir != own {
                yield(key, to: heir, into: &effects)
            } else {
                announcing[key] = nil
                effects.append(.announced(key))
            }
            return
        }
        effects.append(.stalled(key, reached: outboxes.count + 1, known: known + 1))
        effects.append(.set(.patience(key), at: now + configuration.patience))
    }

    private mutating func enqueue(
        _ key: RequestKey, _ pending: Pending, for master: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        outboxes[master]?[key] = pending
        effects.append(.send(pending == .hold ? .hold([key]) : .drop([key]), to: master))
        effects.append(.set(.resend(master), at: now + configuration.resend))
    }

    private func flush(_ master: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard let outbox = outboxes[master], !outbox.isEmpty else { return }
        let batch = outbox.elements.prefix(configuration.batchMax)
        let held = batch.filter { $0.value == .hold }.map(\.key)
        let dropped = batch.filter { $0.value != .hold }.map(\.key)
        if !held.isEmpty { effects.append(.send(.hold(held), to: master)) }
        if !dropped.isEmpty { effects.append(.send(.drop(dropped), to: master)) }
        effects.append(.set(.resend(master), at: now + configuration.resend))
    }

    /// A whole batch was acknowledged: there may be more.
    private func goOn(_ keys: [RequestKey], with master: PeerID, at now: Instant, into effects: inout [Effect]) {
        if keys.count >= configuration.batchMax { flush(master, at: now, into: &effects) }
    }

    // MARK: Messages

    private mutating func onReceived(
        _ message: DirectoryMessage, from peer: PeerID, held: Set<RequestKey>, settled: Set<RequestKey>,
        noted: [RequestKey: PeerID], at now: Instant, into effects: inout [Effect]
    ) {
        switch message {
        case .hold(let keys):
            var notes: [RequestKey] = []
            var others: [Holding] = []
            for key in keys {
                // A note stands before what is held: a request that met one is about to yield.
                let holder = noting[key] ?? noted[key] ?? yielding[key]
                if let holder, holder != peer {
                    others.append(Holding(key: key, holder: holder, isSettled: false))
                } else if holder == nil, held.contains(key) {
                    others.append(Holding(key: key, holder: own, isSettled: settled.contains(key)))
                } else {
                    noting[key] = peer
                    effects.append(.note(key, home: peer))
                    notes.append(key)
                }
            }
            if !notes.isEmpty { effects.append(.send(.holdNoted(notes), to: peer)) }
            if !others.isEmpty { effects.append(.send(.heldBy(others), to: peer)) }
        case .drop(let keys):
            for key in keys where (noting[key] ?? noted[key]) == peer { effects.append(.forget(key, home: peer)) }
            effects.append(.send(.dropNoted(keys), to: peer))
        case .holdNoted(let keys):
            for key in keys where outboxes[peer]?[key] == .hold {
                outboxes[peer]?[key] = nil
                announcing[key]?.noted.insert(peer)
                announcing[key]?.holders[peer] = nil
                judge(key, into: &effects)
            }
            goOn(keys, with: peer, at: now, into: &effects)
        case .dropNoted(let keys):
            for key in keys {
                switch outboxes[peer]?[key] {
                case .drop: outboxes[peer]?[key] = nil
                case .dropThenHold: enqueue(key, .hold, for: peer, at: now, into: &effects)
                case .hold, nil: continue
                }
            }
            goOn(keys, with: peer, at: now, into: &effects)
        case .heldBy(let holdings):
            for holding in holdings {
                guard announcing[holding.key] != nil else {
                    // Settled here all the same: both go on, or the other is about to yield and then takes the note.
                    let mayYield = holding.holder == peer && !holding.isSettled
                    if outboxes[peer]?[holding.key] == .hold, !mayYield { outboxes[peer]?[holding.key] = nil }
                    continue
                }
                announcing[holding.key]?.holders[peer] = holding
                judge(holding.key, into: &effects)
            }
        }
    }
}

/// What masters tell each other about who holds which request; repeated until acknowledged.
public enum DirectoryMessage: Hashable, Sendable {
    case hold([RequestKey])
    case drop([RequestKey])
    case holdNoted([RequestKey])
    case dropNoted([RequestKey])
    /// The sender has noted other holders, or holds these itself.
    case heldBy([Holding])

    public var keys: [RequestKey] {
        switch self {
        case .hold(let keys), .drop(let keys), .holdNoted(let keys), .dropNoted(let keys): keys
        case .heldBy(let holdings): holdings.map(\.key)
        }
    }
}

/// Who holds a request, as one master knows it.
public struct Holding: Hashable, Sendable {
    public var key: RequestKey
    public var holder: PeerID
    /// The holder itself says that its announcement has ended.
    public var isSettled: Bool

    public init(key: RequestKey, holder: PeerID, isSettled: Bool) {
        self.key = key
        self.holder = holder
        self.isSettled = isSettled
    }
}

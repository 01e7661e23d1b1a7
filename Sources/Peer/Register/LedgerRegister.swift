public import Automata
public import Ledger
public import Overlay

/// The register of ledgers on the overlay: who leads a ledger is kept by the peers nearest to the ledger's key, so that a
/// master that does not hear of the primary on its link finds it from anywhere.
///
/// Each peer has three parts in it:
///
/// - **keeper**: keeps, in memory, the last word of a ledger's primary until `keepFor` has passed without another one.
/// - **publisher**, while this peer leads a ledger: asks by a routed message who is near the ledger's key, and says its word
///   to the nearest `keepers` of them, each `period`, at once when the word changes, and a moment after the ring has
///   changed around it; sooner again where somebody does not answer. A ledger with a name is published under the name's key,
///   too. A primary that ends says so (`isServing` false) before it is gone.
/// - **seeker**: asks in the same way who is near, then each of the nearest `keepers` itself, and takes the word of the latest
///   view. So the root may have just died, or just come: the next ones have the word.
///
///     seeker, publisher ──route(key, number)──▶ root ──near──▶ seeker ──ask──▶ keepers ──told──▶ seeker
///                                                             publisher ──keep──▶ keepers ──kept──▶ publisher
///
/// Nobody hands copies on: a word is taken from the mouth of the primary that it names, whose certificate says that it is a
/// master's, and from nobody else. A peer that keeps can hide a word or tell a wrong one; a seeker asks several.
///
/// Invariants:
/// - What a keeper keeps of a ledger was said by the primary that it names, and its view never goes back while it is kept.
/// - A word decides nothing: it is a hint whom to ask. Whoever is named says itself what it leads, on a connection that
///   proves who it is; a stale word costs a question.
/// - At most `recordsMax` words are kept, and `searchesMax` searches wait.
///
/// Cost of a ledger without a name: some 12 messages in a `period`.
public struct LedgerRegister: Automaton {
    public struct Configuration: Hashable, Sendable {
        /// Between two publications of the same word: a guess. All keepers of a key must be replaced within it before
        /// the word is lost; on an idle link it costs some 20 bytes a second for each ledger.
        public var period: Duration = .seconds(120)
        /// After a publication that not all keepers have answered.
        public var retry: Duration = .seconds(15)
        /// Between a change of the ring around the publisher and the next publication, and between any two.
        public var pause: Duration = .seconds(10)
        /// How long a peer that has just come into the ring waits before it publishes: rings that are still to become one
        /// would each keep the word at a root of their own.
        public var settle: Duration = .seconds(10)
        /// How long a keeper keeps a word: two publications may be lost.
        public var keepFor: Duration = .seconds(390)
        /// How many peers keep a word: it is lost when all of them fail between two publications.
        public var keepers = 4
        /// How long an answer may take; from afar a routed message may meet some dead hops.
        public var patience: Duration = .seconds(5)
        /// Between two searches for the same ledger.
        public var searchPause: Duration = .seconds(1)
        public var recordsMax = 1_024
        public var searchesMax = 64
        /// Known bugs, for tests of the checkers; production never sets one.
        public var sabotage: Sabotage = []

        public init() {}
    }

    /// Mistakes that the invariants' checkers must find.
    public struct Sabotage: OptionSet, Hashable, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// A new primary does not publish.
        public static let silentHeir = Sabotage(rawValue: 1)

        /// By the names that the command line takes.
        public static let named: [(name: String, sabotage: Sabotage)] = [("register-silent-heir", .silentHeir)]
    }

    public enum Input: Hashable, Sendable {
        /// This peer leads the ledger, and says this of it from now on.
        case leads(LedgerWord)
        /// It does not lead the ledger any more.
        case leadsNoMore(PeerID)
        /// This peer is in the ring.
        case joined
        /// Who is near has changed.
        case ringChanged
        /// `call`: who wants to hear the answer; nil: nobody but this peer itself.
        case find(LedgerQuestion, call: CallID?)
        case received(RegisterMessage, from: PeerID)
        /// A routed number could not be delivered.
        case undeliverable(number: UInt64)
        case timerFired(Timer)
        /// This peer ends.
        case stopping
    }

    public enum Timer: Hashable, Sendable {
        case publish(PeerID)
        /// An answer to this number is overdue.
        case answer(UInt64)
    }

    public enum Effect: Hashable, Sendable {
        /// Hand to the overlay, as `Application.register`; the root answers by `near`.
        case route(Key, number: UInt64)
        case send(RegisterMessage, to: PeerID)
        case set(Timer, at: Instant)
        /// Somebody leads a ledger, or did: to be asked.
        case hint(LedgerWord)
        /// The peers near the key of a ledger that is led here, nearest first.
        case near(ledger: PeerID, [PeerID])
        case found(CallID, [LedgerWord])
    }

    private struct Kept: Sendable {
        var word: LedgerWord
        var until: Instant
    }

    /// A ledger that is led here.
    private struct Publication: Sendable {
        var word: LedgerWord
        /// When it was published last; nil: not yet.
        var published: Instant?
        /// When the timer is due.
        var due: Instant
        /// Who was asked to keep it last, and who of them does.
        var asked: [PeerID] = []
        var kept: [PeerID] = []
    }

    private struct Search: Sendable {
        var question: LedgerQuestion
        var calls: [CallID]
        var since: Instant
        /// Who is still to answer; nil: not known yet whom to ask.
        var asked: [PeerID]?
        var words: [LedgerWord] = []
    }

    private enum Errand: Sendable {
        case publish(PeerID)
        case search(Search)
    }

    private struct Open: Sendable {
        var number: UInt64
        var errand: Errand
    }

    private let configuration: Shared<Configuration>
    private let own: PeerID
    private var nextNumber: UInt64
    /// From when on this peer publishes; nil: it is not in the ring yet.
    private var readyAt: Instant?
    private var records: [Kept] = []
    private var publications: [Publication] = []
    private var open: [Open] = []
    /// What was looked for last, and when: not again at once.
    private var lookedFor: [(question: LedgerQuestion, at: Instant)] = []

    /// - Parameter number: where this life's numbers begin: an answer to an earlier life is not taken for one to this.
    public init(own: PeerID, configuration: Configuration = Configuration(), number: UInt64) {
        self.init(own: own, sharing: Shared(configuration), number: number)
    }

    /// One of many that are made alike.
    public init(own: PeerID, sharing configuration: Shared<Configuration>, number: UInt64) {
        self.own = own
        self.configuration = configuration
        nextNumber = number
    }

    /// How many peers keep what this one says of a ledger that it leads; nil: it leads none of that id.
    public func keepers(of ledger: PeerID) -> Int? {
        publications.first { $0.word.ledger == ledger }?.kept.count
    }

    /// What is kept here of a ledger.
    public func word(of ledger: PeerID, at now: Instant) -> LedgerWord? {
        records.first { $0.word.ledger == ledger && $0.until > now }?.word
    }

    var isPublishing: Bool { !publications.isEmpty }

    public mutating func handle(_ input: Input, at now: Instant, into effects: inout [Effect]) {
        switch input {
        case .leads(let word): onLeads(word, at: now, into: &effects)
        case .leadsNoMore(let ledger): publications.removeAll { $0.word.ledger == ledger }
        case .joined:
            guard readyAt == nil else { return }
            readyAt = now + configuration.settle
            for index in publications.indices { publish(index, at: now, into: &effects) }
        case .ringChanged:
            for index in publications.indices {
                guard let published = publications[index].published else { continue }  // it is to be
                schedule(index, at: max(now, published) + configuration.pause, &effects)
            }
        case .find(let question, let call): onFind(question, call, at: now, into: &effects)
        case .received(let message, let peer): onReceived(message, from: peer, at: now, into: &effects)
        case .undeliverable(let number): close(number, at: now, into: &effects)
        case .timerFired(.publish(let ledger)):
            guard let index = publications.firstIndex(where: { $0.word.ledger == ledger }),
                now >= publications[index].due
            else { return }
            publish(index, at: now, into: &effects)
        case .timerFired(.answer(let number)): close(number, at: now, into: &effects)
        case .stopping:
            for publication in publications {
                var word = publication.word
                word.isServing = false
                for peer in publication.asked { effects.append(.send(.keep(word), to: peer)) }
            }
            publications = []
        }
    }

    // MARK: Publisher

    private mutating func onLeads(_ word: LedgerWord, at now: Instant, into effects: inout [Effect]) {
        guard let index = publications.firstIndex(where: { $0.word.ledger == word.ledger }) else {
            if configuration.sabotage.contains(.silentHeir), word.primary != word.ledger { return }
            publications.append(Publication(word: word, due: .distantFuture))
            return publish(publications.count - 1, at: now, into: &effects)
        }
        guard publications[index].word != word else { return }
        publications[index].word = word
        publish(index, at: now, into: &effects)
    }

    private mutating func publish(_ index: Int, at now: Instant, into effects: inout [Effect]) {
        guard let readyAt, now >= readyAt else {
            if let readyAt { schedule(index, at: readyAt, &effects) }
            return
        }
        let word = publications[index].word
        publications[index].published = now
        (publications[index].asked, publications[index].kept) = ([], [])
        schedule(index, at: now + configuration.retry, isLater: true, &effects)
        var keys = [LedgerQuestion.ledger(word.ledger).key]
        if !word.name.isEmpty { keys.append(LedgerQuestion.name(word.name).key) }
        for key in keys { ask(key, .publish(word.ledger), at: now, into: &effects) }
    }

    /// - Parameter isLater: it may also be later than it was to be.
    private mutating func schedule(_ index: Int, at due: Instant, isLater: Bool = false, _ effects: inout [Effect]) {
        guard isLater || due < publications[index].due else { return }
        publications[index].due = due
        effects.append(.set(.publish(publications[index].word.ledger), at: due))
    }

    private mutating func onKept(
        _ ledger: PeerID, newer: LedgerWord?, from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        guard let index = publications.firstIndex(where: { $0.word.ledger == ledger }),
            publications[index].asked.contains(peer), !publications[index].kept.contains(peer)
        else { return }
        // This primary may have been deposed: who is named knows.
        if let newer, newer.ledger == ledger, newer.view > publications[index].word.view {
            return effects.append(.hint(newer))
        }
        publications[index].kept.append(peer)
        if publications[index].kept.count == publications[index].asked.count,
            let published = publications[index].published
        {
            schedule(index, at: published + configuration.period, isLater: true, &effects)
        }
    }

    // MARK: Seeker

    private mutating func onFind(
        _ question: LedgerQuestion, _ call: CallID?, at now: Instant, into effects: inout [Effect]
    ) {
        for index in open.indices {
            guard case .search(var search) = open[index].errand, search.question == question else { continue }
            guard let call else { return }
            search.calls.append(call)
            open[index].errand = .search(search)
            return
        }
        lookedFor.removeAll { now - $0.at >= configuration.searchPause }
        guard call != nil || !lookedFor.contains(where: { $0.question == question }) else { return }
        guard open.count < configuration.searchesMax else {
            if let call { effects.append(.found(call, [])) }
            return
        }
        lookedFor.append((question, now))
        let search = Search(question: question, calls: call.map { [$0] } ?? [], since: now)
        ask(question.key, .search(search), at: now, into: &effects)
    }

    private mutating func ask(_ key: Key, _ errand: Errand, at now: Instant, into effects: inout [Effect]) {
        let number = nextNumber
        nextNumber &+= 1
        open.append(Open(number: number, errand: errand))
        effects.append(.set(.answer(number), at: now + configuration.patience))
        effects.append(.route(key, number: number))
    }

    private mutating func onNear(
        _ number: UInt64, _ peers: [PeerID], at now: Instant, into effects: inout [Effect]
    ) {
        guard let index = open.firstIndex(where: { $0.number == number }) else { return }  // late, or not asked
        let nearest = Array(peers.prefix(configuration.keepers))
        switch open[index].errand {
        case .publish(let ledger):
            open.remove(at: index)
            guard let index = publications.firstIndex(where: { $0.word.ledger == ledger }) else { return }
            for peer in nearest where !publications[index].asked.contains(peer) {
                publications[index].asked.append(peer)
                effects.append(.send(.keep(publications[index].word), to: peer))
            }
            effects.append(.near(ledger: ledger, peers))
        case .search(var search):
            guard search.asked == nil, !nearest.isEmpty else { return }
            search.asked = nearest
            open[index].errand = .search(search)
            for peer in nearest { effects.append(.send(.ask(number: number, search.question), to: peer)) }
        }
    }

    private mutating func onTold(
        _ number: UInt64, _ words: [LedgerWord], from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        guard let index = open.firstIndex(where: { $0.number == number }),
            case .search(var search) = open[index].errand, search.asked?.contains(peer) == true
        else { return }
        search.asked?.removeAll { $0 == peer }
        for word in words where search.question.isAnswered(by: word) {
            if let known = search.words.firstIndex(where: { $0.ledger == word.ledger }) {
                guard word.view > search.words[known].view else { continue }
                search.words[known] = word
            } else {
                search.words.append(word)
            }
            // Not when all have answered: one of them may be dead.
            effects.append(.hint(word))
        }
        open[index].errand = .search(search)
        if search.asked?.isEmpty == true { close(number, at: now, into: &effects) }
    }

    /// All have answered, or nobody more does.
    private mutating func close(_ number: UInt64, at now: Instant, into effects: inout [Effect]) {
        guard let index = open.firstIndex(where: { $0.number == number }) else { return }
        guard case .search(let search) = open.remove(at: index).errand else { return }
        let words = search.words.sorted { $0.ledger < $1.ledger }
        for call in search.calls { effects.append(.found(call, words)) }
    }

    // MARK: Keeper

    private mutating func onReceived(
        _ message: RegisterMessage, from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        switch message {
        case .near(let number, let peers): onNear(number, peers.map(\.peer), at: now, into: &effects)
        case .keep(let word):
            // Nobody speaks for another.
            guard word.primary == peer else { return }
            onKeep(word, at: now, into: &effects)
        case .kept(let ledger, let newer): onKept(ledger, newer: newer, from: peer, at: now, into: &effects)
        case .ask(let number, let question):
            let words = records.filter { $0.until > now && question.isAnswered(by: $0.word) }.map(\.word)
                .sorted { ($0.view, $1.ledger) > ($1.view, $0.ledger) }
            effects.append(.send(.told(number: number, Array(words.prefix(Self.toldMax))), to: peer))
        case .told(let number, let words): onTold(number, words, from: peer, at: now, into: &effects)
        case .survey: return
        }
    }

    /// The most words in an answer.
    public static let toldMax = 8

    private mutating func onKeep(_ word: LedgerWord, at now: Instant, into effects: inout [Effect]) {
        records.removeAll { $0.until <= now }
        let kept = Kept(word: word, until: now + configuration.keepFor)
        if let index = records.firstIndex(where: { $0.word.ledger == word.ledger }) {
            let known = records[index].word
            let isOlder = word.view < known.view || (word.view == known.view && word.primary != known.primary)
            if isOlder {
                return effects.append(.send(.kept(word.ledger, newer: known), to: word.primary))
            }
            records[index] = kept
        } else {
            guard records.count < configuration.recordsMax else { return }
            records.append(kept)
        }
        effects.append(.send(.kept(word.ledger, newer: nil), to: word.primary))
    }
}

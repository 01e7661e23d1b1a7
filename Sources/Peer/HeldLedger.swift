public import Automata
import Claims
public import Ledger
public import Rendezvous
public import Replication

/// A ledger of which this peer holds a replica: its log, and the books that the log's entries add up to.
///
/// A ledger has the id of the master that founded it, for all time, whoever leads it. Every replica applies every committed
/// entry to its books. Only the one that leads acts on them (`LedgerDesk`).
public struct HeldLedger: Sendable {
    public let id: PeerID
    public internal(set) var replica: Replica
    /// The work of the primary; nil while another one leads, or this one has not executed yet what earlier views committed.
    public internal(set) var desk: LedgerDesk?
    /// While nobody works here; afterwards they are the desk's.
    private var resting: Books
    let configuration: Shared<Peer.Configuration>
    /// What is still to be done so that enough replicas stand.
    var placement = ReplicaPlacement()
    /// Who waits for the answer to a request that it sent to the log itself; at most as many as the replica lets wait.
    var askers: [RequestID: PeerID] = [:]  // looked up only
    /// Inputs that came while the effects of another one were performed.
    var inbox: [Replica.Input] = []
    var isBusy = false
    /// Requests and proposals of this turn of the host's loop share a batch.
    var isGathering = false
    /// What was told of the description in the books.
    var told: LedgerDescription?
    /// What its replica takes on the disk here, as far as the host has looked.
    public internal(set) var weight = ByteCount.zero
    /// When its primary was told last that it is too much here.
    var yieldedAt = Instant.zero
    private var random: SeededRandom

    init(
        _ id: PeerID, of own: PeerID, _ state: LedgerState, _ configuration: Shared<Peer.Configuration>, seed: UInt64
    ) {
        self.id = id
        self.configuration = configuration
        random = .stream(seed: seed ^ id.high ^ id.low, "ledger")
        let genesis = Self.genesis(of: id)
        let drawn = SeededRandom(seed: random.next())
        let replication = configuration.value.replication
        resting = Books()
        switch state {
        case .founded(let store):
            replica = Replica(
                founding: Member(peer: own, store: store), genesis: genesis, configuration: replication, random: drawn)
        case .empty(let store):
            replica = Replica(
                learning: Member(peer: own, store: store), genesis: genesis, configuration: replication, random: drawn)
        case .restored(let restored, let books):
            resting = books
            replica = Replica(restored: restored, peer: own, configuration: replication, random: drawn)
            told = books.described
        }
    }

    /// What the first entry of a ledger follows: it tells the ledger from all others.
    public static func genesis(of ledger: PeerID) -> Digest { Digest(of: ledger.bytes) }

    /// How the ledger's log is named among replicated logs.
    public static func group(of ledger: PeerID) -> GroupID { GroupID(high: ledger.high, low: ledger.low) }

    /// What all executed entries add up to.
    public var books: Books { desk?.requests.books ?? resting }

    public var isLeading: Bool { desk != nil }

    /// What the books say of the ledger itself.
    public var described: LedgerDescription? { desk.map { $0.requests.books.described } ?? resting.described }

    /// The books as they are at a place, for the disk; nil where no other start may begin with them.
    func checkpoint(at head: CheckpointHead) -> LedgerCheckpoint? { LedgerCheckpoint(head, books) }

    /// Applies an entry where nobody works.
    ///
    /// - Returns: whether the ledger may have another description.
    mutating func apply(_ entry: LogEntry, _ coding: FactCoding) -> Bool {
        if case .described? = resting.apply(entry, coding)?.fact { true } else { false }
    }

    /// The books of a checkpoint take the place of what was here.
    mutating func replace(_ books: Books) { resting = books }

    mutating func open() {
        let parts = configuration.value
        let books = resting
        resting = Books()  // the only copy goes to the desk
        desk = LedgerDesk(
            requests: RequestKeeper(configuration: parts.requests, books: books),
            directory: Directory(configuration: parts.directory, own: id),
            finder: Finder(configuration: parts.finder, random: SeededRandom(seed: random.next())))
    }

    mutating func close() {
        resting = desk?.requests.books ?? resting
        desk = nil
        askers = [:]
    }
}

/// What keeps the promises of one ledger, at its primary; made anew from the books by whoever leads next.
public struct LedgerDesk: Sendable {
    public internal(set) var requests: RequestKeeper
    public internal(set) var directory: Directory
    public internal(set) var finder: Finder
    /// What is searched for, as it was asked last.
    var asked: [RequestKey: ClaimRequest] = [:]  // looked up only
    /// Of these only machines near are asked.
    var nearOnly: Set<RequestKey> = []  // looked up only
    /// Why no machine near serves, while the wide area is searched.
    var near: [RequestKey: NoMachine] = [:]  // looked up only
    /// Messages to other ledgers that rely on facts which are on their way into the log.
    var withheld: [Withheld] = []
    /// Inputs that are handled when a majority has said that this replica still leads.
    var unconfirmed: [Replica.ReadID: RequestKeeper.Input] = [:]  // looked up only
    var nextRead: UInt64 = 1

    /// The request is no more.
    mutating func forget(_ key: RequestKey) {
        asked[key] = nil
        near[key] = nil
    }

    /// Keeps the input until a majority has confirmed that this replica leads.
    mutating func wait(with input: RequestKeeper.Input) -> Replica.ReadID {
        let read = Replica.ReadID(nextRead)
        nextRead += 1
        unconfirmed[read] = input
        return read
    }

    /// Calls that wait for this desk, oldest first.
    var openCalls: [(id: CallID, key: RequestKey)] {
        let waiting = unconfirmed.sorted { $0.key.value < $1.key.value }.compactMap { _, input in
            if case .call(let id, let call) = input { (id, call.key) } else { nil }
        }
        return (requests.openCalls + waiting).sorted { $0.id < $1.id }
    }

    struct Withheld: Sendable {
        var message: DirectoryMessage
        var to: PeerID
        /// What must be committed first.
        var facts: [Fact]
    }

    /// What waited for a fact that was committed, in order.
    mutating func release(_ fact: Fact) -> [Withheld] {
        guard !withheld.isEmpty else { return [] }
        for index in withheld.indices { withheld[index].facts.removeAll { $0 == fact } }
        let free = withheld.filter(\.facts.isEmpty)
        withheld.removeAll(where: \.facts.isEmpty)
        return free
    }

    /// What relied on a fact that was not taken is never said; the other side asks again.
    mutating func drop(_ fact: Fact) {
        withheld.removeAll { $0.facts.contains(fact) }
    }
}

/// What the disk has of a ledger.
public enum LedgerState: Sendable {
    /// Nothing, and the ledger begins here, in a storage with this id.
    case founded(StoreID)
    /// Nothing: the ledger's primary has it all.
    case empty(StoreID)
    /// The log, and the books up to its head.
    case restored(RestoredReplica, Books)
}

/// What the host does for a ledger's log: `Replica.Effect`'s orders to the disk. Those of one ledger are done in order; no
/// other effect waits for them, since what must is ordered when they are done.
public enum LedgerOrder: Hashable, Sendable {
    /// Make a storage, or open the one that is there; then say `opened`.
    case open
    /// One transaction, behind all earlier ones of this ledger; then say `written`, or `writeFailed`.
    case write(JournalWrite)
    /// Then say `entriesRead`.
    case read(Replica.ReadToken, through: OpNumber, bytesMax: Int)
    /// Keep this copy of the books beside the log, when the writes before it are done, so that the next start need not read
    /// what lies in front of it. A hint: nothing waits for it, and a disk that is busy or full may drop it.
    case checkpoint(LedgerCheckpoint)
    /// Nobody needs the storage any more.
    case erase
}

/// Books as all entries up to one place make them.
public struct LedgerCheckpoint: Hashable, Sendable {
    public let head: CheckpointHead
    /// A copy that shares what is not changed meanwhile.
    public let books: Books

    /// - Returns: nil where the books are not those of the place, or lack what this version could not read: another version,
    ///   which can, would go on with other books than its peers.
    public init?(_ head: CheckpointHead, _ books: Books) {
        guard books.index.value == head.op.value, books.unknown == 0, head.op > .zero else { return nil }
        (self.head, self.books) = (head, books)
    }

    /// The same log makes the same books.
    public static func == (left: LedgerCheckpoint, right: LedgerCheckpoint) -> Bool { left.head == right.head }
    public func hash(into hasher: inout Hasher) { hasher.combine(head) }
}

extension Books {
    /// Applies the next entry of a log, as every replica does.
    ///
    /// - Returns: the entry when it says something about the books.
    @discardableResult
    public mutating func apply(_ committed: LogEntry, _ coding: FactCoding) -> Entry? {
        guard let entry = Entry(committed, coding) else {
            skip(to: LedgerIndex(committed.op.value), isUnknown: committed.body.isOperation)
            return nil
        }
        apply(entry)
        return entry
    }
}

extension LogEntry.Body {
    /// Whether it says something to whoever can read it.
    var isOperation: Bool {
        if case .operation = self { true } else { false }
    }
}

extension Entry {
    /// What an entry of a log says about the books; nil: nothing.
    public init?(_ committed: LogEntry, _ coding: FactCoding) {
        guard case .operation(let bytes) = committed.body, let fact = coding.decode(bytes) else { return nil }
        self.init(index: LedgerIndex(committed.op.value), at: committed.at, fact: fact)
    }
}

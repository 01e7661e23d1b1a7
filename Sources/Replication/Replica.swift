public import Automata

/// One replica of a group that keeps one log: a primary with passive replicas. Viewstamped Replication (VRR: Liskov and
/// Cowling, MIT-CSAIL-TR-2012-021) on disks.
///
/// It knows nothing of what the entries mean. Whoever composes it applies each `committed` entry to its own state; that is
/// the replicated state machine. Ledgers and task graphs are two of them.
///
/// ## What it promises
/// - **I3 nothing lost.** What was answered with `committed` is on the disks of a majority, and in every later view's log at
///   the same place, whatever minority fails, and however.
/// - **Agreement.** No two replicas execute different entries at one place; entries are executed in order, without gaps.
/// - **Once.** A request of a session is executed once, however often and to whomever it is sent.
/// - **Progress.** A majority that can talk to each other within the time-outs commits.
///
/// ## State
/// On disk: the log (`LogEntry`, chained by digests), and `HardState`: the view, the last view in which the status was
/// normal, and a hint how far the log is committed. A member is a peer *and its storage* (`Member`).
/// In memory: the log's newest part; `status`; the primary's followers and queue (`Leading`); wishes for another view; a new
/// primary's votes (`Candidate`); what is being fetched.
///
/// ## Messages (`ReplicaMessage`)
/// - **Normal.** The primary appends, and sends `prepare` while its own disk still writes; a backup appends in order, writes,
///   answers `prepareOK(op)`: all up to there is durable. What a majority has is committed. Empty `prepare`s are heartbeats.
/// - **View change.** A backup that does not hear the primary *wishes* for the next view, which changes nothing. When a
///   majority wishes (one deaf replica disturbs nobody; as in TigerBeetle), each enters the view, writes that down, and
///   *votes*: it tells the new primary its last normal view, its log's end and what stands behind its commit point. Of a
///   majority of votes the log of the latest (last normal view, op) is the new view's; the new primary fetches what it
///   lacks, writes it, and sends `startView`.
/// - **Adoption.** Who comes late into a view fetches: first what is committed, which it may write over its own log at once,
///   then the rest, which replaces its own in the same write that makes the view its last normal one. Before that its old
///   log stands, since a vote may still need it.
/// - **Epochs.** `reconfigure` is the last entry of its epoch; where it is committed, the next epoch's first view begins,
///   led by the first of its members. New members have followed as learners before. Whoever is no member any more keeps its
///   log until the new epoch has committed an entry of its own (`retire`).
///
/// A group whose majority is gone for good goes on only at its keeper's word, and then in an epoch far above (`Restart`).
///
/// ## Damage
/// A place that the disk does not give back is never taken for one that was never written. In a vote it says "may have had
/// it"; the place is cut only where so many never had it that no majority can have (protocol-aware recovery, FAST 2018).
/// Otherwise the entry is fetched from who has it. What was executed once, and lost, is taken from whoever has it, executed there or
/// not, when the entry behind it proves it right. A full disk: nothing of what waits for it is said, and a primary hands
/// over.
///
/// ## Where this differs from the paper
/// - Views and logs are on disk, so a crash forgets nothing; a lost disk makes another member. So there is no recovery
///   protocol, and the nonces that it needs are not there to be drawn twice.
/// - Votes carry digests, not logs; entries travel once, to who lacks them.
/// - A restarted primary does not go on in its view, since it does not know what it has sent.
///
/// ## Cost
/// A batch of entries: k messages, k answers, one sync on each replica, the primary's beside the others'. Idle: k messages
/// and answers each heartbeat.
public struct Replica: Automaton {
    public enum Input: Sendable {
        /// The host is up.
        case started
        /// A client's request; any number of times.
        case request(ClientRequest)
        /// What the composer wants in the log while it leads; answered by `committed` or `refused`.
        case propose([UInt8])
        /// More requests and proposals come at once: what is here waits for `gathered`, to share a batch with them.
        case gather
        case gathered
        /// Asks whether this replica leads, so that what is executed now is as new as anything that was answered before.
        case confirm(ReadID)
        case received(ReplicaMessage, from: PeerID)
        case timerFired(Timer)
        /// Writes up to here are durable.
        case written(through: WriteNumber)
        /// The disk took none of what is under way from this one on; the host drops them. They are ordered again later.
        case writeFailed(from: WriteNumber)
        /// What `read` asked for, as far as it is readable.
        case entriesRead(ReadToken, [LogEntry])
        /// What `readPiece` asked for; nil when there is no such checkpoint any more.
        case pieceRead(PeerID, CheckpointPiece?)
        /// A checkpoint that was staged is what the replicated state is now; nil: it could not be read.
        case installed(CheckpointHead?)
        /// The log's oldest entry on the disk.
        case kept(from: OpNumber)
        /// An executed entry on the disk is not what was written.
        case damaged(OpNumber)
        /// The peer does not answer, or its machine says that nobody listens there.
        case suspected(PeerID)
        /// Let the peer follow, so that it may become a member.
        case enlist(PeerID)
        case dismiss(PeerID)
        /// Who shall be members; refused when one of them is too far behind.
        case reconfigure([Member])
        /// Lead no more: the process is about to end.
        case handOver
    }

    public enum Timer: Hashable, Sendable {
        /// A primary's heartbeat.
        case beat
        /// The primary was not heard, or no majority.
        case silence
        /// A view change takes too long.
        case change
        /// A wish, a vote or a question that nobody has answered.
        case resend
        /// The disk may have room again.
        case disk
        /// Whoever catches up has left the others time enough.
        case fetch
    }

    /// Which of its own questions to the disk.
    public struct ReadToken: Hashable, Sendable {
        public var peer: PeerID
        public var after: OpNumber
        public var view: View

        public init(peer: PeerID, after: OpNumber, view: View) {
            self.peer = peer
            self.after = after
            self.view = view
        }
    }

    /// Which of the composer's questions.
    public struct ReadID: Hashable, Sendable {
        public let value: UInt64
        public init(_ value: UInt64) { self.value = value }
    }

    /// Orders to the host, in this order; none waits for the disk: what must, is ordered when `written` says so.
    public enum Effect: Hashable, Sendable {
        /// One transaction, behind all earlier ones.
        case write(JournalWrite)
        /// Read entries from the disk, at most so many bytes, and say `entriesRead`.
        case read(ReadToken, through: OpNumber, bytesMax: Int)
        case send(ReplicaMessage, to: PeerID)
        case set(Timer, at: Instant)
        /// The next entry that a majority has: apply it.
        case committed(LogEntry)
        case answer(RequestID, ClientAnswer)
        /// What was proposed is not taken.
        case refused([UInt8], ClientAnswer)
        case confirmed(ReadID)
        case unconfirmed(ReadID, ClientAnswer)
        /// This replica leads, and has executed all that earlier views have committed.
        case leading(View)
        /// This replica leads no more, or another view has begun.
        case following(View, primary: Member?)
        /// Who votes from here on.
        case membership(Membership)
        /// The replicated state is that of this place: keep a copy of it.
        case checkpoint(CheckpointHead)
        /// A piece of the checkpoint at this place; nil: of the newest.
        case readPiece(OpNumber?, offset: UInt64, bytesMax: Int, for: PeerID)
        /// Put the piece aside; a piece at 0 begins a new collection.
        case stage(CheckpointPiece)
        /// All pieces are there: the replicated state is theirs now.
        case install(CheckpointHead)
        /// A new membership was not proposed.
        case notReconfigured(String)
        /// Nobody needs this storage any more.
        case retired(epoch: UInt32)
        case report(Notice)
    }

    /// For logs and tests.
    public enum Notice: Hashable, Sendable {
        case rejected(String, from: PeerID)
        /// Entries at these places are not readable, and nobody has given them yet.
        case damaged([OpNumber])
        case mended(OpNumber)
        /// A vote is not decided: an entry may have been committed, and nobody who answers can give it.
        case undecided(OpNumber)
        /// The group was restarted, and its log is another one from this place on, or from one before it.
        case fenced(OpNumber, by: View)
    }

    /// A restarted group's log does not have what this replica has executed: it cannot follow, and leads nothing.
    public struct Fence: Hashable, Sendable {
        /// Up to here, at most, the logs are the same.
        public var op: OpNumber
        public var view: View
    }

    enum Status: Hashable, Sendable {
        /// In the view, with that view's log.
        case normal
        /// Has promised the view, and waits for its log.
        case changing
        /// Fetches the view's log.
        case adopting
    }

    let configuration: Configuration
    public let own: Member
    var random: SeededRandom
    private let isFounder: Bool

    // What is on disk, or on its way there.
    public internal(set) var view: View
    public internal(set) var lastNormal: View
    var log: ReplicaLog
    var firstKept: OpNumber
    var nextWrite = WriteNumber(1)
    /// The disk was told of all up to here.
    var orderedThrough = WriteNumber.zero
    /// Ordered, not done; the oldest first.
    var writes: [PendingWrite] = []
    var durable: HardState
    var durableOp: OpNumber
    public internal(set) var isDiskFailing = false

    // What follows from the executed entries.
    /// Everything up to here is executed.
    public internal(set) var committed: OpNumber
    /// What an earlier life of the process has executed: committed, though the disk may have lost some of it.
    let executedBefore: OpNumber
    /// Up to here the log is known to be committed: more than is executed where the disk has lost some of what an earlier
    /// life of the process has executed.
    public var knownCommitted: OpNumber { max(committed, executedBefore) }
    public internal(set) var membership: Membership
    var membershipOp: OpNumber
    var sessions: SessionTable
    var lastAt: Instant

    var status = Status.adopting
    /// How far others say that the log is committed.
    var heardCommit = OpNumber.zero
    /// When the primary was heard last.
    var heardAt = Instant.zero
    /// The primary's newest heartbeat.
    var heardBeat: UInt64 = 0
    var leading: Leading?
    var wished: View?
    var wishes: [PeerID: View] = [:]  // looked up by members
    var suspects: Set<PeerID> = []  // looked up only
    var changes = 0
    var candidate: Candidate?
    var fetching: Fetching?
    /// The host makes a checkpoint the replicated state; nothing else happens meanwhile.
    var isInstalling = false
    public internal(set) var fenced: Fence?
    /// Executed places to be mended on the disk, the oldest first.
    var damage: [OpNumber] = []

    /// A group of one that begins.
    ///
    /// - Parameter genesis: tells this log from all others.
    public init(
        founding own: Member, genesis: Digest, configuration: Configuration = Configuration(), random: SeededRandom
    ) {
        let head = CheckpointHead.empty(genesis: genesis)
        self.init(
            own: own, configuration: configuration, random: random,
            state: HardState(view: .zero, lastNormal: .zero, commit: .zero),
            head: head, tail: [], firstKept: OpNumber(1), isFounder: true)
    }

    /// One that knows nothing yet, and follows whoever leads.
    public init(
        learning own: Member, genesis: Digest, configuration: Configuration = Configuration(), random: SeededRandom
    ) {
        let head = CheckpointHead.empty(genesis: genesis)
        self.init(
            own: own, configuration: configuration, random: random,
            state: HardState(view: .zero, lastNormal: .zero, commit: .zero),
            head: head, tail: [], firstKept: OpNumber(1), isFounder: false)
    }

    /// One that comes back.
    public init(
        restored: RestoredReplica, peer: PeerID, configuration: Configuration = Configuration(), random: SeededRandom
    ) {
        self.init(
            own: Member(peer: peer, store: restored.store), configuration: configuration, random: random,
            state: restored.state, head: restored.head, tail: restored.tail, firstKept: restored.firstKept,
            isFounder: false)
    }

    private init(
        own: Member, configuration: Configuration, random: SeededRandom, state: HardState, head: CheckpointHead,
        tail: [LogSlot], firstKept: OpNumber, isFounder: Bool
    ) {
        self.own = own
        self.configuration = configuration
        self.random = random
        self.isFounder = isFounder
        self.firstKept = firstKept
        view = state.view
        lastNormal = state.lastNormal
        durable = state
        log = ReplicaLog(base: head.op, digest: head.digest, slots: tail)
        durableOp = log.last
        committed = head.op
        executedBefore = max(state.commit, head.op)
        membership = head.membership
        membershipOp = head.membershipOp
        sessions = SessionTable(head.sessions)
        lastAt = head.at
    }

    public mutating func handle(_ input: Input, at now: Instant, into effects: inout [Effect]) {
        switch input {
        case .started: onStarted(at: now, into: &effects)
        case .request(let request): onRequest(request, at: now, into: &effects)
        case .propose(let operation): onProposal(operation, at: now, into: &effects)
        case .gather: leading?.isGathering = true
        case .gathered:
            leading?.isGathering = false
            flush(at: now, into: &effects)
        case .confirm(let id): onConfirm(id, at: now, into: &effects)
        case .received(let message, let peer):
            guard peer != own.peer, !isInstalling else { return }
            suspects.remove(peer)
            onReceived(message, from: peer, at: now, into: &effects)
        case .timerFired(let timer): onTimer(timer, at: now, into: &effects)
        case .written(let number): onWritten(through: number, at: now, into: &effects)
        case .writeFailed(let number): onWriteFailed(from: number, at: now, into: &effects)
        case .entriesRead(let token, let entries): onEntriesRead(token, entries, into: &effects)
        case .pieceRead(let peer, let piece): onPieceRead(piece, for: peer, into: &effects)
        case .installed(let head): onInstalled(head, at: now, into: &effects)
        case .kept(let op): firstKept = op
        case .damaged(let op): onDamaged(op, at: now, into: &effects)
        case .suspected(let peer) where isInstalling: suspects.insert(peer)
        case .suspected(let peer): onSuspected(peer, at: now, into: &effects)
        case .enlist(let peer): onEnlist(peer, at: now, into: &effects)
        case .dismiss(let peer): leading?.dismiss(peer)
        case .reconfigure(let members): onReconfigure(members, at: now, into: &effects)
        case .handOver: handOver(at: now, into: &effects)
        }
    }

    private mutating func onReceived(
        _ message: ReplicaMessage, from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        let sender = Member(peer: peer, store: message.store)
        switch message.body {
        case .prepare(let entries, let after, let commit, let beat):
            let prepare = Prepare(entries: entries, after: after, commit: commit, beat: beat)
            onPrepare(prepare, in: message.view, from: sender, at: now, into: &effects)
        case .prepareOK(let op, let beat):
            onPrepareOK(op, beat: beat, in: message.view, from: sender, at: now, into: &effects)
        case .wish: onWish(message.view, from: sender, at: now, into: &effects)
        case .vote(let vote): onVote(vote, in: message.view, from: sender, at: now, into: &effects)
        case .startView(let op, let digest, let commit):
            onStartView(op, digest, commit, in: message.view, from: sender, at: now, into: &effects)
        case .abdicate: onAbdicate(message.view, from: sender, at: now, into: &effects)
        case .fetch(let after): onFetch(after, in: message.view, from: sender, into: &effects)
        case .entries(let entries, let after, let commit, let op, let isNormal):
            let answer = Entries(entries: entries, after: after, commit: commit, op: op, isNormal: isNormal)
            onEntries(answer, in: message.view, from: sender, at: now, into: &effects)
        case .checkpoint(let piece): onPiece(piece, from: sender, at: now, into: &effects)
        case .fetchPiece(let op, let offset): onFetchPiece(op, offset, from: sender, into: &effects)
        case .want(let places): onWant(places, from: sender, into: &effects)
        case .given(let entries): onGiven(entries, from: sender, at: now, into: &effects)
        case .stale: onStale(message.view, from: sender, at: now, into: &effects)
        case .retire(let epoch): onRetire(epoch, in: message.view, from: sender, at: now, into: &effects)
        }
    }

    private mutating func onTimer(_ timer: Timer, at now: Instant, into effects: inout [Effect]) {
        guard !isInstalling else {
            effects.append(.set(timer, at: now + configuration.resend))
            return
        }
        switch timer {
        case .beat: onBeat(at: now, into: &effects)
        case .silence: onSilence(at: now, into: &effects)
        case .change: onChangeLate(at: now, into: &effects)
        case .resend: onResend(at: now, into: &effects)
        case .disk: retryWrites(at: now, into: &effects)
        case .fetch: onRested(at: now, into: &effects)
        }
    }

    private mutating func onStarted(at now: Instant, into effects: inout [Effect]) {
        heardAt = now
        effects.append(.set(.silence, at: now + silence()))
        effects.append(.set(.resend, at: now + configuration.resend))
        if isFounder { return found(at: now, into: &effects) }
        guard view > .zero else { return }  // it follows whoever speaks first
        guard lastNormal == view else {
            // The crash came while the view changed.
            status = .changing
            effects.append(.set(.change, at: now + patience()))
            vote(at: now, into: &effects)
            return
        }
        status = .normal
        guard membership.primary(of: view) == own else { return }
        if membership.members.count == 1 {
            resumeAlone(at: now, into: &effects)
        } else {
            // It does not know what it has sent before the crash.
            wish(at: now, into: &effects)
            broadcast(.abdicate, into: &effects)
        }
    }

    // MARK: What all parts use

    /// Whether this replica votes in its view's epoch, as far as it knows.
    public var isMember: Bool { membership.epoch == view.epoch && membership.contains(own) }

    public var isLeading: Bool { leading != nil }

    /// The last entry of its log.
    public var op: OpNumber { log.last }

    /// Who leads the view, as far as this replica knows.
    public var primary: Member? { membership.primary(of: view) }

    func send(_ body: ReplicaMessage.Body, to peer: PeerID, into effects: inout [Effect]) {
        effects.append(.send(ReplicaMessage(store: own.store, view: view, body: body), to: peer))
    }

    /// To all other members.
    func broadcast(_ body: ReplicaMessage.Body, into effects: inout [Effect]) {
        for member in membership.members where member.peer != own.peer { send(body, to: member.peer, into: &effects) }
    }

    /// Not the same for all, so that they do not wish side by side for ever.
    mutating func silence() -> Duration {
        configuration.silence + random.duration(in: .zero...(configuration.silence / 4))
    }

    mutating func patience() -> Duration {
        configuration.changePatience * (1 << min(changes, 3)) + random.duration(in: .zero...configuration.resend)
    }
}

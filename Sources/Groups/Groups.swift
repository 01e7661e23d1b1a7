public import Automata
public import Overlay

/// Publish, subscribe and anycast over the ring: Scribe (IEEE JSAC 20(8), 2002; anycast: NGC 2003), with summaries of
/// the members gathered in the trees (after SDIMS, SIGCOMM 2004).
///
/// ## What it is for
/// A group is a key. Its members each bring a value (how many partitions are free). Anybody may tell all members
/// something (`multicast`), find one that accepts (`anycast`), or ask for the group's `Summary`. All of it is soft state
/// and best effort, without order: a message is lost with the peer that holds it, and while the tree is being repaired a
/// member may miss one. What must not be lost asks again, or belongs into a ledger.
///
/// ## State
/// - For each group whose tree passes here (`Group`): whether this peer is a member and with which value; its place;
///   the **path**: its ancestors, nearest first; its children, each with the summary of all members below it.
/// - Calls of this peer that wait for an answer (`Call`); visits handed on and not yet taken over (`HandedOn`).
/// A peer in no tree holds nothing but the fields of this struct, and sets no timer.
///
///     (no state) ──join; a join passes──▶ joining ──attached──▶ child ──parent silent, gone, or in a circle──▶ joining
///         ▲                                  └────own join delivered here──▶ root ──a nearer leaf──▶ joining
///         └─────────────────────── no member here, and no child: leaves ──────────────────────────────┘
///
/// ## The tree
/// - *Join*: routed to the group's key. The first peer on the way takes the sender in as its child and keeps the message; if
///   it was not in the tree it joins by itself. Where the key's root gets a join, it is the tree's root. A peer that has
///   `childrenMax` children sends the joiner on to one of them, drawn at random (SplitStream's push-down).
/// - *Leave*: who is no member and has no child leaves its parent.
/// - *Upkeep*: a child reports its summary every `heartbeat`, and soon after a change; the parent answers with its path. No
///   answer to three reports: the parent is lost, and the child joins anew with all that is below it. No report: the child
///   is forgotten. A report of a peer that is no child is taken as a join, or answered `dropped`.
/// - *Root hand-over*: when a leaf stands nearer to the key, the old root joins as any other peer, and so becomes a child
///   of the new root (or the new root's tree, where that has one already).
///
/// ## Anycast
/// Routed to the key; the first tree peer on the way keeps it and starts a search, depth first, carried in the message
/// (`Visit`): peers still to visit, peers visited. A member is shown the visit by `offered` and answers by `answered`, in
/// which the visit is handed back: nothing is kept here meanwhile. A visitor that is refused goes on to the children whose
/// summary has somebody eligible, in an order drawn at random, and at last to the parent. The origin hears who accepted,
/// or that nobody did. Each step is acknowledged; who does not answer is passed over, and the origin then tries again from
/// the root. A member is asked once in an attempt. **At least once**: when an answer is lost a second member may accept; the
/// origin reports the first.
///
/// ## Invariants
/// - No circle lasts: nobody takes an ancestor of its own in as a child; paths may be stale, so who finds itself on its
///   parent's path leaves, and joins past everybody else at the root, which has no ancestors.
/// - At most `childrenMax` children, `groupsMax` groups, `Group.pathMax` ancestors, `visitsMax` peers in one search.
/// - A multicast reaches a member once: the last `Group.recentMax` are remembered; from strangers it is not taken.
/// - When nothing changes for a heartbeat and a few delays, the root's summary is that of all members.
/// - A message that does not fit what is known changes nothing, is counted, or is answered so that its sender learns.
///
/// ## Where this differs from the papers
/// - The child asks and the parent answers (Scribe: the parent speaks first): one exchange is heartbeat, loop check and
///   summary, and it notices a dead parent in seconds once it is due.
/// - The root's state is not replicated: the children bring it back with their joins.
/// - An anycast visit is acknowledged. Without it each dead peer on the way would cost the origin's whole time-out.
///
/// ## Cost
/// A tree edge: two messages a heartbeat. A group: about 300 bytes, 100 to 300 more for each child.
public struct Groups: Automaton {
    public enum Input: Sendable {
        /// This peer is a member from here on; a member gets a new value.
        case join(group: Key, value: Int64)
        case leave(group: Key)
        /// A member's value has changed; nothing, when this peer is none.
        case update(group: Key, value: Int64)
        case multicast(group: Key, payload: [UInt8])
        /// Finds one member that accepts. `id` comes back with the result.
        ///
        /// - atLeast: members with a smaller value are not asked.
        case anycast(group: Key, id: UInt64, payload: [UInt8], atLeast: Int64?)
        /// What the local client says to an `offered` visit.
        ///
        /// - answer: taken to the origin when it accepts.
        case answered(Visit, accepts: Bool, answer: [UInt8])
        /// Asks for a group's summary; members need not be local.
        case summary(group: Key, id: UInt64)
        case received(GroupMessage, from: PeerID)
        /// The overlay shows a message of this application on its way; answered by `resume`, or kept.
        case forwarding(Routed, next: PeerID)
        /// This peer is the key's root.
        case delivered(Routed)
        /// A message of this peer reached nobody.
        case undeliverable(Routed)
        /// The overlay's leaf set is another one.
        case neighboursChanged(LeafSet)
        /// A peer is gone, or cannot be reached. If it was a mistake, the next report heals it.
        case failed(PeerID)
        case timerFired(Timer)
        /// Leaves all groups; everything after is ignored.
        case stopping
    }

    public enum Timer: UInt8, Hashable, Sendable {
        /// The earliest of all deadlines.
        case upkeep
    }

    public enum Effect: Hashable, Sendable {
        /// For `Overlay.Input.route`, application `groups`.
        case route(key: Key, payload: [UInt8])
        /// The message that `forwarding` showed goes on.
        case resume(Routed, to: PeerID)
        case send(GroupMessage, to: PeerID)
        /// Setting it again moves it.
        case set(Timer, at: Instant)
        /// For the local member.
        case deliver(Multicast)
        /// The local member is asked; the visit waits in nobody's memory until `answered` hands it back.
        case offered(Visit)
        /// The outcome of an `anycast`; one for each.
        case ended(id: UInt64, AnycastResult)
        /// The outcome of a `summary`; nil when nobody answered in time.
        case summary(id: UInt64, group: Key, Summary?)
        /// A local call that cannot be met; nothing has changed.
        case refused(group: Key, Refused)
    }

    public let id: PeerID
    let configuration: Shared<Configuration>
    var random: SeededRandom
    /// By key.
    var groups: [Group] = []
    var calls: [Call] = []
    var handedOn: [HandedOn] = []
    /// Marks of the visits that came last: their acknowledgement may have been lost.
    var recentVisits: [UInt64] = []
    /// Marks of the searches that the local member was asked in.
    var recentOffers: [UInt64] = []
    var timerAt = Instant.distantFuture
    var nextNumber: UInt64
    public internal(set) var counters = Counters()
    private var isStopped = false

    public init(id: PeerID, configuration: Configuration = Configuration(), random: SeededRandom) {
        self.init(id: id, sharing: Shared(configuration), random: random)
    }

    /// One of many that are made alike.
    public init(id: PeerID, sharing configuration: Shared<Configuration>, random: SeededRandom) {
        precondition(
            configuration.childrenMax >= 2, "with \(configuration.childrenMax) child a peer, a tree would be a chain")
        self.id = id
        self.configuration = configuration
        self.random = random
        // From a random place: an answer to an earlier life must not be taken for one to this.
        nextNumber = self.random.next()
    }

    /// Whether this peer is in no tree and waits for nothing: changes of the ring need not be told.
    public var isIdle: Bool { groups.isEmpty && calls.isEmpty && handedOn.isEmpty }

    /// Whom it sends messages to unasked, and names to others: parents, children, those that hold visits. In no order, perhaps
    /// more than once.
    public var relatives: [PeerID] {
        var peers: [PeerID] = handedOn.map(\.to)
        for group in groups {
            if let parent = group.parent { peers.append(parent) }
            for child in group.children { peers.append(child.peer) }
        }
        return peers
    }

    public mutating func handle(_ input: Input, at now: Instant, into effects: inout [Effect]) {
        guard !isStopped else { return }
        switch input {
        case .received(let message, let peer): onReceived(message, from: peer, at: now, into: &effects)
        case .forwarding(let routed, let next): onForwarding(routed, next: next, at: now, into: &effects)
        case .delivered(let routed): onDelivered(routed, at: now, into: &effects)
        case .undeliverable(let routed): onUndeliverable(routed, at: now, into: &effects)
        case .neighboursChanged(let leaves): onNeighboursChanged(leaves, at: now, into: &effects)
        case .failed(let peer): onFailed(peer, at: now, into: &effects)
        case .timerFired(.upkeep): onUpkeep(at: now, into: &effects)
        case .join(let group, let value): onJoin(group, value: value, at: now, into: &effects)
        case .leave(let group): onLeave(group, at: now, into: &effects)
        case .update(let group, let value): onUpdate(group, value: value, at: now, into: &effects)
        case .multicast(let group, let payload): onMulticast(payload, to: group, into: &effects)
        case .anycast(let group, let id, let payload, let atLeast):
            onAnycast(payload, to: group, id: id, atLeast: atLeast, at: now, into: &effects)
        case .answered(let visit, let accepts, let answer):
            onAnswered(visit, accepts: accepts, answer: answer, at: now, into: &effects)
        case .summary(let group, let id): onSummaryAsked(of: group, id: id, at: now, into: &effects)
        case .stopping: onStopping(into: &effects)
        }
    }

    private mutating func onReceived(
        _ message: GroupMessage, from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        guard peer != id else {
            counters.refused &+= 1
            return
        }
        switch message {
        case .join(let group, let summary): onAsked(group, summary, from: peer, at: now, into: &effects)
        case .attached(let group, let path): onAttached(group, path: path, to: peer, at: now, into: &effects)
        case .redirected(let group, let child): onRedirected(group, to: child, at: now, into: &effects)
        case .report(let group, let summary): onReport(group, summary, from: peer, at: now, into: &effects)
        case .leave(let group): onChildLeft(group, peer, at: now, into: &effects)
        case .dropped(let group): onDropped(group, by: peer, at: now, into: &effects)
        case .multicast(let multicast): onTreeMulticast(multicast, from: peer, into: &effects)
        case .visit(let visit, let hop): onVisit(visit, hop: hop, from: peer, at: now, into: &effects)
        case .visitTaken(let hop): handedOn.removeAll { $0.hop == hop && $0.to == peer }
        case .visitEnded(let number, let attempt, let end):
            onVisitEnded(number, attempt: attempt, end, at: now, into: &effects)
        case .summary(let number, let summary): onSummary(number, summary, into: &effects)
        }
    }

    /// What the overlay shows of others' messages: a join ends at the first peer of the tree, and so does an anycast.
    private mutating func onForwarding(
        _ routed: Routed, next: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        guard RoutedPayload.mayEndOnItsWay(routed.payload) else {
            effects.append(.resume(routed, to: next))
            return
        }
        let isKept =
            switch RoutedPayload(routed.payload) {
            case .join(let summary, isDirect: false):
                keepJoin(routed.key, summary, of: routed.origin, at: now, into: &effects)
            case .anycast(let call, let payload) where !call.isDirect:
                keepAnycast(call, payload, routed, at: now, into: &effects)
            case .join, .anycast, .multicast, .ask, nil: false
            }
        if !isKept { effects.append(.resume(routed, to: next)) }
    }

    private mutating func onDelivered(_ routed: Routed, at now: Instant, into effects: inout [Effect]) {
        guard routed.application == .groups, let payload = RoutedPayload(routed.payload) else {
            counters.refused &+= 1
            return
        }
        let group = routed.key
        if let index = index(of: group) { becomeRoot(at: index, into: &effects) }
        switch payload {
        case .join(let summary, _): onJoinDelivered(group, summary, of: routed.origin, at: now, into: &effects)
        case .multicast(let bytes):
            spread(
                Multicast(group: group, origin: routed.origin, number: routed.number, payload: bytes), into: &effects)
        case .anycast(let call, let bytes): onAnycastDelivered(call, bytes, routed, at: now, into: &effects)
        case .ask(let number): onAsk(number, of: group, from: routed.origin, into: &effects)
        }
    }

    private mutating func onStopping(into effects: inout [Effect]) {
        for group in groups {
            if let parent = group.parent { effects.append(.send(.leave(group: group.key), to: parent)) }
            for child in group.children { effects.append(.send(.dropped(group: group.key), to: child.peer)) }
        }
        (groups, calls, handedOn, recentVisits, recentOffers) = ([], [], [], [], [])
        isStopped = true
    }

    // MARK: Helpers

    /// Asks for the timer, unless an earlier firing is asked for already.
    mutating func wake(at instant: Instant, into effects: inout [Effect]) {
        guard instant < timerAt else { return }
        timerAt = instant
        effects.append(.set(.upkeep, at: instant))
    }

    func index(of key: Key) -> Int? {
        let place = self.place(of: key)
        return place < groups.count && groups[place].key == key ? place : nil
    }

    /// A new group's place; nil when there are as many as this peer keeps.
    mutating func insert(_ key: Key) -> Int? {
        guard groups.count < configuration.groupsMax else { return nil }
        let place = self.place(of: key)
        groups.insert(Group(key: key), at: place)
        return place
    }

    /// The first place whose key is not below this one.
    private func place(of key: Key) -> Int {
        var (low, high) = (0, groups.count)
        while low < high {
            let middle = (low + high) / 2
            if groups[middle].key < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

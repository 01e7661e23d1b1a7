public import Accounting
public import Automata
public import OrderedCollections

/// What all entries up to one index add up to: a pure function of the log, the same on every replica.
///
/// Invariants: a request has at most one placement and at most one successor to it; a placement belongs to the request's current attempt; a fact that
/// does not fit (a late report, a second placement, an act that breaks a rule of the accounts) changes nothing, on every
/// replica alike.
public struct Books: Sendable {
    /// The last entry applied.
    public internal(set) var index: LedgerIndex = .zero
    /// Open requests held here, in the order in which they were made.
    public internal(set) var requests: OrderedDictionary<RequestKey, Request> = [:]
    /// Open requests that other masters hold; looked up by key.
    var homes: OrderedDictionary<RequestKey, PeerID> = [:]
    var placements: [ClaimReference: RequestKey] = [:]  // looked up only
    /// Of each group, by number; follows from `requests`.
    var membersOf: [RequestKey: [RequestKey]] = [:]  // looked up only
    /// Groups whose members are prepared and not started, in the order of their keys; follows from `requests`.
    var warmGroups: [RequestKey] = []
    /// Who says a relation to a request or a group of that name; follows from `requests`.
    var relatedTo: [RequestKey: Set<RequestKey>] = [:]  // looked up, or sorted
    /// A known bug, for tests of the checkers: what one asks in regard to another does not bind that one.
    var isOneSided = false
    /// Of reservations, in the order in which they were booked first.
    public internal(set) var places: OrderedDictionary<RequestKey, ReservedPlace> = [:]
    var booked: [ClaimReference: RequestKey] = [:]  // looked up only
    /// Those that ask for a place, by reservation; follows from `requests`.
    var reservedRequests: [String: OrderedSet<RequestKey>] = [:]  // looked up by name
    /// What each project's placements come to.
    var use = ProjectUse()
    /// Admissions, newest last; at most `admissionsMax`.
    public internal(set) var admissions: [Admission] = []
    var tokens: [Digest: Token] = [:]  // looked up, or sorted
    /// What the ledger is called, and how many replicas it shall have; nil: nobody has said so.
    public internal(set) var described: LedgerDescription?
    /// Who owes what to whom.
    public internal(set) var accounts = Accounts()
    /// What became of the newest entry's act, or of the hold that it needs; nil when that entry is about something else.
    public internal(set) var outcome: Accounts.Outcome?
    /// Newest last; at most `refusalsMax`.
    var refusals: [RefusedAct] = []

    /// How many admissions are kept at hand; older ones stay in the log.
    public static let admissionsMax = 10_000

    public init() {}

    /// The request that a claim belongs to, when it is that request's placement or its successor.
    public func request(placedBy claim: ClaimReference) -> Request? {
        placements[claim].flatMap { requests[$0] }
    }

    /// An open request held here.
    public func request(_ key: RequestKey) -> Request? {
        requests[key]
    }

    /// An open request held here.
    public subscript(key: RequestKey) -> Request? { requests[key] }

    /// The keys of all open requests held here, oldest first.
    public var held: [RequestKey] { Array(requests.keys) }

    /// Which other master holds the request.
    public func home(of key: RequestKey) -> PeerID? {
        homes[key]
    }

    /// Open requests that other masters hold, in the order of their keys.
    ///
    /// - Parameter customer: whose; nil for everybody's.
    /// - Complexity: O(n log n) in the notes that are found.
    public func notes(of customer: Customer?) -> [(key: RequestKey, home: PeerID)] {
        homes.elements.filter { customer == nil || $0.key.customer == customer }
            .sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// What a token is worth at `now`.
    public func token(_ digest: Digest, at now: Instant) -> TokenState {
        guard let token = tokens[digest] else { return .unknown }
        if let peer = token.redeemedBy { return .redeemed(by: peer) }
        return now < token.expires ? .valid : .expired(at: token.expires)
    }

    /// Entries that this version could not read: it took them for nothing, and a later one does not. So no other version, and
    /// no later start, may begin with these books (`Books.contents` leaves it out).
    public private(set) var unknown: UInt64 = 0

    /// The log has an entry that says nothing about the books.
    ///
    /// - Parameter isUnknown: it may say something to a later version.
    public mutating func skip(to next: LedgerIndex, isUnknown: Bool = false) {
        precondition(next == index.next, "entry \(next) does not follow \(index)")
        index = next
        if isUnknown { unknown += 1 }
    }

    /// Applies the next entry.
    public mutating func apply(_ entry: Entry) {
        var unread = History()
        apply(entry, into: &unread)
    }

    /// Applies the next entry.
    ///
    /// - Parameter history: what the entry moved, and which invoices it issued, is appended to it.
    public mutating func apply(_ entry: Entry, into history: inout History) {
        precondition(entry.index == index.next, "entry \(entry.index) does not follow \(index)")
        index = entry.index
        outcome = nil
        switch entry.fact {
        case .requested(let key, let specification):
            guard requests[key] == nil else { return }
            if let membership = specification.membership, !takes(key, as: membership) { return }
            // A note of another holder stays: this master has promised that one its voice.
            open(Request(key: key, specification: specification, at: entry.at))
        case .changed(let key, let specification, let revision):
            change(key, to: specification, revision, at: entry.at, into: &history)
        case .placed(let key, let attempt, let claim, let place):
            guard let request = requests[key], request.attempt == attempt, request.placement == nil,
                placements[claim] == nil, violated(of: request, on: claim.machine, at: place) == nil,
                admits(request, asking: request.specification),
                reserve(request, on: claim.machine, at: entry.at, into: &history)
            else { return }
            placements[claim] = key
            noteMissed(request)
            defer { notePlaced(claim, at: entry.at, into: &history) }
            update(key, at: entry.at) { request in
                request.placement = claim
                request.place = place
                request.status = InstanceStatus(state: .starting, revision: request.revision)
                request.statusSequence = 0
            }
        case .reported(let key, let claim, let sequence, let status):
            update(key, at: entry.at) { request in
                if request.placement == claim, sequence > request.statusSequence {
                    request.status = status
                    request.statusSequence = sequence
                } else if let successor = request.successor, successor.claim == claim,
                    sequence > successor.statusSequence
                {
                    request.successor?.status = status
                    request.successor?.statusSequence = sequence
                }
            }
            notePrepared(key, at: entry.at)
        case .extended(let key, let claim):
            guard key.reservedPlace == nil else { return extendPlace(key, claim, at: entry.at, into: &history) }
            guard let request = requests[key], request.has(claim) else { return }
            let isSuccessor = request.placement != claim
            count(request, isSuccessor: isSuccessor, at: entry.at, into: &history)
            _ = reserve(request, on: claim.machine, isSuccessor: isSuccessor, at: entry.at, into: &history)
        case .succeeding(let key, let attempt, let claim, let place):
            succeed(key, attempt, claim, place, at: entry.at, into: &history)
        case .moved(let key, let attempt):
            if requests[key]?.successor?.attempt == attempt { promote(key, at: entry.at, into: &history) }
        case .dropped(let key, let attempt, _):
            if requests[key]?.successor?.attempt == attempt { dropSuccessor(of: key, at: entry.at, into: &history) }
        case .lost(let key, let attempt, let reason):
            guard let request = requests[key], request.attempt == attempt else { return }
            // What was to take its place does so now, ready or not: there is nothing better.
            guard request.successor == nil else { return promote(key, at: entry.at, into: &history) }
            release(request, at: entry.at, into: &history)
            if let claim = request.placement { placements[claim] = nil }
            update(key, at: entry.at) { request in
                request.attempt = request.newest.next
                request.newest = request.attempt
                request.placement = nil
                request.givesWay = nil
                request.place = .unknown
                request.adoption = nil
                request.status = InstanceStatus(state: .waiting, reason: reason, revision: request.revision)
                request.statusSequence = 0
            }
        case .gaveWay(let key, let attempt, let other):
            guard requests[key]?.attempt == attempt, mayGiveWay(key, to: other) else { return }
            update(key, at: entry.at) { $0.givesWay = other }
        case .ended(let key):
            dropSuccessor(of: key, at: entry.at, into: &history)
            if let request = requests[key] { release(request, at: entry.at, into: &history) }
            close(key)
        case .scaled(let key, let revision, let decision): scale(key, revision, decision, at: entry.at)
        case .chose(let key, let attempt, let choice): choose(key, attempt, choice, at: entry.at)
        case .adopted(let key, let attempt, let from):
            adopt(key, attempt, from: from, at: entry.at, into: &history)
        case .noted(let key, let home):
            homes[key] = home
        case .forgotten(let key, let home):
            if homes[key] == home { homes[key] = nil }
        case .admitted(let admission):
            admissions.removeAll { $0.peer == admission.peer }
            admissions.append(admission)
            if admissions.count > Self.admissionsMax { admissions.removeFirst() }
        case .invited(let token, let expires):
            if tokens[token] == nil { tokens[token] = Token(expires: expires) }
        case .redeemed(let token, let peer):
            if tokens[token]?.redeemedBy == nil { tokens[token]?.redeemedBy = peer }
        case .accounting(let act):
            if case .reserved(let order) = act, accounts.reservation(order.id)?.isWanted(at: entry.at) != true {
                clearPlaces(of: order.id, at: entry.at, into: &history)
            }
            if case .reservationCancelled(let id) = act { clearPlaces(of: id, at: entry.at, into: &history) }
            record(act, at: entry.at, into: &history)
        case .booked(let key, let attempt, let claim, let place): book(key, attempt, claim, place, at: entry.at)
        case .unbooked(let key, let attempt, let reason):
            unbook(key, attempt, reason, at: entry.at, into: &history)
        case .described(let description): described = description
        }
    }

    /// What a placed request has used until now is counted as it was, and what it costs from here on is reserved anew.
    private mutating func change(
        _ key: RequestKey, to specification: Specification, _ revision: Revision, at now: Instant,
        into history: inout History
    ) {
        guard let request = requests[key], revision > request.revision else { return }
        var specification = specification
        specification.project = request.specification.project  // it stays its project's
        guard request.placement == nil || admits(request, asking: specification) else { return }
        let isSame = costsTheSame(request.specification, specification)
        // One that costs otherwise, or asks for more, is searched again.
        if request.specification.requirements != specification.requirements || !isSame {
            dropSuccessor(of: key, at: now, into: &history)
        }
        if !isSame { count(request, at: now, into: &history) }
        relate(key, from: request.specification.requirements.relations, to: specification.requirements.relations)
        update(key, at: now) { request in
            let old = request.specification.group?.count ?? 0
            let former = request.specification
            request.specification = specification
            request.revision = revision
            request.keepRelease(of: former)
            Self.decide(&request, from: old, at: now)
        }
        if !isSame, let changed = requests[key], let claim = changed.placement {
            _ = reserve(changed, on: claim.machine, at: now, into: &history)
        }
    }

    private mutating func open(_ new: Request) {
        var request = new
        Self.decide(&request, from: 0, at: new.requestedAt)
        if new.specification.group?.isWarm == true { request.arrivals = Arrivals(since: new.requestedAt) }
        requests[new.key] = request
        index(request)
        noteArrival(of: request)
    }

    /// What is looked up by other things than the key.
    mutating func index(_ request: Request) {
        noteMember(request)
        relate(request.key, from: [], to: request.specification.requirements.relations)
        noteReservation(of: request)
        if request.specification.group?.isWarm == true {
            warmGroups.append(request.key)
            warmGroups.sort()
        }
    }

    /// The request is no more.
    mutating func close(_ key: RequestKey) {
        guard let request = requests.removeValue(forKey: key) else { return }
        use.remove(request)
        if let claim = request.placement { placements[claim] = nil }
        forgetMember(request)
        relate(key, from: request.specification.requirements.relations, to: [])
        forgetReservation(of: request)
        if request.isGroup { warmGroups.removeAll { $0 == key } }
    }

    mutating func update(_ key: RequestKey, at instant: Instant, _ change: (inout Request) -> Void) {
        guard var request = requests[key] else { return }
        let before = request
        change(&request)
        if request != before { request.changedAt = instant }
        use.replace(before, request)
        if before.specification.requirements.reservation != request.specification.requirements.reservation {
            forgetReservation(of: before)
            noteReservation(of: request)
        }
        requests[key] = request
    }
}

/// An open request and what became of it.
public struct Request: Hashable, Sendable {
    public let key: RequestKey
    public internal(set) var specification: Specification
    public internal(set) var revision: Revision = .first
    /// That of the placement, or the one that is searched for.
    public internal(set) var attempt: Attempt = .first
    /// The newest that was begun: also one of a successor that is no more.
    public internal(set) var newest: Attempt = .first
    public internal(set) var placement: ClaimReference?
    /// What is to take the placement's place, while that goes on.
    public internal(set) var successor: Successor?
    /// Why it moves and what it waits for, as its primary says it when it is asked; empty in the books, and where it does not.
    public internal(set) var moving = ""
    /// Where the placement stands; unknown while there is none.
    public internal(set) var place = Place.unknown
    /// Whose claim the placement is about to end for; nil: it stays.
    public internal(set) var givesWay: Outranking?
    public internal(set) var status: InstanceStatus
    /// The number of the newest report; 0 before the first of a placement.
    public internal(set) var statusSequence: UInt64 = 0
    public let requestedAt: Instant
    public internal(set) var changedAt: Instant
    /// Of a group: why it has as many members as it has, the newest last; at most `ScaleDecision.keptMax`.
    public internal(set) var decisions: [ScaleDecision] = []
    /// There: it has taken its placement over from a member of a warm group.
    public internal(set) var adoption: Adoption?
    /// Of a warm group: when requests came that it serves.
    public internal(set) var arrivals: Arrivals?
    /// Which of several acceptable releases it runs, or is to run; nil: the first.
    public internal(set) var choice: ReleaseChoice?

    /// Whose placement a request has taken over, and the first revision that is its own there.
    public struct Adoption: Hashable, Sendable {
        public var from: RequestKey
        public var revision: Revision

        public init(from: RequestKey, revision: Revision) {
            self.from = from
            self.revision = revision
        }
    }

    init(key: RequestKey, specification: Specification, at instant: Instant) {
        self.key = key
        self.specification = specification
        status = InstanceStatus(state: .waiting)
        requestedAt = instant
        changedAt = instant
    }

    /// A request as another master tells it.
    public init(
        key: RequestKey, specification: Specification, revision: Revision, attempt: Attempt,
        placement: ClaimReference?, place: Place = .unknown, givesWay: Outranking? = nil, status: InstanceStatus,
        statusSequence: UInt64, requestedAt: Instant, changedAt: Instant, newest: Attempt? = nil,
        successor: Successor? = nil, moving: String = "", decisions: [ScaleDecision] = [], adoption: Adoption? = nil,
        arrivals: Arrivals? = nil, choice: ReleaseChoice? = nil
    ) {
        self.choice = choice
        self.newest = max(attempt, newest ?? attempt)
        self.successor = successor
        self.moving = moving
        self.key = key
        self.specification = specification
        self.revision = revision
        self.attempt = attempt
        self.placement = placement
        self.place = place
        self.givesWay = givesWay
        self.status = status
        self.statusSequence = statusSequence
        self.requestedAt = requestedAt
        self.changedAt = changedAt
        self.decisions = decisions
        self.adoption = adoption
        self.arrivals = arrivals
    }
}

/// What a one-time token is worth.
public enum TokenState: Hashable, Sendable {
    case unknown, valid
    case redeemed(by: PeerID)
    case expired(at: Instant)
}

struct Token: Sendable {
    var expires: Instant
    var redeemedBy: PeerID?
}

public import Automata

/// A machine's authority over its own partitions: grants claims, follows orders, keeps leases.
///
/// ## State of one partition
///
///     free ──claim──▶ tentative ──order──▶ confirmed ──release / lapsed──▶ vacating ──emptied──▶ free
///                         └──────expired──────▶ free
///
/// ## Invariants
/// - **I2 one tenant**: a partition is granted only when `free`, and becomes free only when the agent says it is empty.
/// - Fencing numbers of a partition grow with each grant and are on disk before the grant leaves.
/// - An order is followed only under the newest fencing number, from the master that made the claim.
/// - **The machine's lease never outlives the ledger's**: the first lease counts from the grant, which the ledger hears
///   of later; a renewed one counts from when the machine asked. An exclusive instance (I1) is suspended
///   `Configuration.stopMargin` before that, and resumes when the lease is renewed.
///
/// Takes messages, timers, the agent's reports. Emits `persist` before the message that relies on it.
/// Source: leases after Gray and Cheriton (SOSP 1989); fencing numbers as Chubby's sequencers (OSDI 2006, 2.4).
public struct ClaimKeeper: Automaton {
    public struct Configuration: Sendable {
        /// How long a grant waits for its order.
        public var tentative: Duration = .seconds(10)
        /// How often leases are renewed: twice within the lease that ledgers give, so that a ledger that is away for a
        /// moment costs nobody an instance. A little less than two heartbeats of the neighbours, whose every second one
        /// it spares.
        public var renewPeriod: Duration = .seconds(19)
        /// A renewal without an answer is repeated, once, after this.
        public var renewRetry: Duration = .seconds(6)
        /// How long before its lease's end an exclusive instance is ordered to stop: what stopping may take, and `driftMargin`.
        public var stopMargin: Duration = .seconds(5)
        /// How long before its lease's end an exclusive instance is ended by force.
        ///
        /// The ledger counts the same lease by another clock, which may run faster. Two clocks that are each wrong by at most
        /// d differ by 2d / (1 + d) of a lease: of 45 s that is 0.45 s for d = 5,000 ppm, which is the bound that Palmier
        /// states. Crystals have at most 100 ppm, and NTP slews by 500 ppm.
        public var driftMargin: Duration = .milliseconds(500)
        /// The first wait before an unacknowledged report is sent again; later ones go with the renewals.
        public var reportRetry: Duration = .seconds(1)
        /// The most claims in one renewal.
        public var renewBatchMax = 256
        /// How long before the end of its owner's hours a machine begins to drain.
        public var hoursNotice: Duration = .seconds(300)
        /// How long a tenant stays at least before it gives way: a lease, as ledgers give them.
        public var tenure: Duration = .seconds(45)
        /// How long a tenant's ledger may think about it.
        public var yieldPatience: Duration = .seconds(10)
        /// The least time between two tenants that are asked to give way.
        public var yieldPeriod: Duration = .seconds(2)
        /// How long a partition is kept for the project whose claim it was emptied for.
        public var keep: Duration = .seconds(10)
        /// How long a booking waits for its ledger's word.
        public var bookingTentative: Duration = .seconds(60)
        /// How long a place is kept without a word of its ledger: one that is gone for good keeps nobody out for ever, and one
        /// that all of its masters have lost for an hour books again when they are back.
        public var bookingPatience: Duration = .seconds(3_600)
        /// How long before a booking begins who is there is asked to go.
        public var bookingNotice: Duration = .seconds(300)
        /// Known bugs, for tests of the checkers; production never sets one.
        public var sabotage: Sabotage = []

        public init() {}
    }

    public enum Input: Equatable, Sendable {
        /// The host is up; orders found on disk are applied again.
        case started
        case received(ClaimMessage, from: PeerID)
        case timerFired(Timer)
        /// The agent says what an instance does; `destroyed` means that the partition is empty.
        case reported(ClaimReference, InstanceStatus)
        /// The agent says what instances of groups use or publish; at most every few seconds.
        case gauged([Gauge])
        /// A search over the wide area has come here on behalf of a ledger: answered by `candidate` or `declined`.
        ///
        /// - near: where that ledger's primary stands.
        case visited(ClaimRequest, of: PeerID, near: Place)
        /// The host can take new tenants, or not: while its partitions are made, and what runs them started. Those that are there stay.
        case accepting(Bool)
        /// The owner drains the machine, or does so no more: new tenants are refused, and those that are there are to go.
        case drained(Bool)
        /// Another master leads this ledger from now on.
        case led(PeerID)
        /// The machine has other facts, or its owner other terms. How many partitions there are stays as it is.
        case described(Offer)
    }

    public enum Timer: Hashable, Sendable {
        case tentative(PartitionNumber)
        case lease(PartitionNumber)
        case report(PartitionNumber)
        case renew
        /// Renewals should have been answered.
        case renewAgain
        /// The owner's hours begin, end, or will end soon.
        case hours
        /// A partition is kept for nobody any more.
        case kept(PartitionNumber)
        /// A booking begins or ends, or does so soon.
        case bookings
    }

    public enum Effect: Equatable, Sendable {
        /// Must be on disk before any later effect leaves the machine.
        case persist(PartitionRecord)
        case send(ClaimMessage, to: PeerID)
        /// Granted to a search, and how good this machine is under the request's policy.
        case candidate(ClaimReference, Place, rank: [Int64])
        case declined([Mismatch])
        /// To a search, too: the tenant of that claim gives way, and the search's ledger is to ask again.
        case yields(ClaimReference, Place)
        case set(Timer, at: Instant)
        /// Make the partition so; the same order again changes nothing. A suspension for want of a lease, and its end, have the
        /// revision of the order that they suspend: what differs is the desired state.
        case apply(InstanceOrder)
        /// What runs under the exclusive claim must be dead by then, also when this process is: the host hands the instant
        /// to a guard outside it. Stands before the `apply` that starts the instance.
        case leaseEnds(ClaimReference, at: Instant)
        /// Stop what runs under the claim, empty the partition, then report `destroyed`.
        case vacate(ClaimReference)
        /// Renewals at this ledger stay without an answer: another master may lead it, whom nobody here has heard of.
        case seek(PeerID)
        /// What the machine can give has changed.
        case offerChanged(Offer)
    }

    let configuration: Shared<Configuration>
    /// What the machine is and its owner allows; what is left of it follows from the partitions.
    private(set) var terms: Offer
    /// Who was told to go for a booking.
    var askedToGo: [ClaimReference] = []
    /// When bookings are looked at next; nil: nobody has said.
    var bookingsLookedAt: Instant?
    /// Partitions from this number on are there only until their tenant is gone.
    private let limit: Int
    var partitions: [Partition]
    var accepting: Bool
    /// The owner drains it.
    var isDrained = false
    /// The owner's hours end soon, or have ended.
    var isClosed = false
    /// What became of the claims that came last.
    public internal(set) var seen = ClaimHistory()
    /// Homes that have not answered the last renewal.
    var unanswered: [PeerID] = []
    /// What was told of tenants' metrics, and when.
    var told: [ClaimReference: ToldGauge] = [:]  // looked up only
    /// Homes that have not answered the repetition either.
    var silent: [PeerID] = []
    /// The tenant that is giving way, or shall.
    var yielding: Yielding?
    /// No tenant is asked to give way before.
    var yieldNext = Instant.zero

    /// - Parameters:
    ///   - own: what the machine says of itself; its `capacity` is how many partitions the owner lets out, and its facts say
    ///     what all instances together may ask for.
    ///   - records: what was on disk; partitions without a record are new, records beyond `capacity` with a tenant are
    ///     kept until they are empty, and not let out again.
    ///   - isDrained: whether its owner drains it.
    public init(
        configuration: Configuration = Configuration(), own: Offer, records: [PartitionRecord] = [],
        isDrained: Bool = false, accepting: Bool = true
    ) {
        self.init(
            sharing: Shared(configuration), own: own, records: records, isDrained: isDrained, accepting: accepting)
    }

    /// One of many that are made alike.
    public init(
        sharing configuration: Shared<Configuration>, own: Offer, records: [PartitionRecord] = [],
        isDrained: Bool = false, accepting: Bool = true
    ) {
        self.isDrained = isDrained
        self.accepting = accepting
        self.configuration = configuration
        terms = own
        limit = max(0, own.capacity)
        let count = max(limit, (records.filter { $0.tenant != nil }.map { $0.partition.value + 1 }.max() ?? 0))
        partitions = (0..<count).map { Partition(number: PartitionNumber($0)) }
        for record in records where record.partition.value >= 0 && record.partition.value < count {
            partitions[record.partition.value] = Partition(record: record)
        }
        reserveAgain()
    }

    /// What the machine can give right now.
    public var offer: Offer {
        var offer = terms
        let reserved = partitions.reduce(Demand.none) { $0 + $1.reserved }
        offer.free = partitions.count { isVacant($0, for: nil) }
        offer.facts.reserved = partitions.count { isLet($0) && $0.tenancy.isFree && $0.due != nil }
        offer.memory = ByteCount(max(0, terms.facts.memory.bytes - reserved.memory.bytes))
        offer.cores = max(0, terms.facts.cores - reserved.cores)
        offer.gpus = max(0, terms.facts.gpus - reserved.gpus)
        offer.accepting = accepting && !isLeaving
        offer.state = state
        return offer
    }

    private var state: MachineState {
        if isLeaving { return partitions.allSatisfy(\.tenancy.isFree) ? .drained : .draining }
        guard accepting else { return .joining }
        return partitions.allSatisfy { $0.record.tenant == nil } ? .idle : .worker
    }

    var machine: PeerID { terms.machine }

    /// Whether the ledger has a tenant here, or a place that is kept.
    public func hosts(_ home: PeerID) -> Bool {
        partitions.contains { $0.tenancy.confirmed?.home == home } || bookers.contains(home)
    }

    /// Every confirmed or vacating tenancy, by partition.
    public var tenants: [TenantRecord] { partitions.compactMap { $0.record.tenant } }

    /// How many partitions there are: those that the owner lets out, and tenants left over from a time of more.
    public var capacity: Int { partitions.count { $0.number.value < limit || !$0.tenancy.isFree } }

    public mutating func handle(_ input: Input, at now: Instant, into effects: inout [Effect]) {
        let before = offer
        switch input {
        case .started: onStarted(at: now, into: &effects)
        case .received(let message, let peer): onReceived(message, from: peer, at: now, into: &effects)
        case .timerFired(let timer): onTimer(timer, at: now, into: &effects)
        case .reported(let claim, let status): onReported(claim, status, at: now, into: &effects)
        case .gauged(let gauges): onGauged(gauges, at: now, into: &effects)
        case .visited(let asked, let home, let near):
            onVisited(asked, of: home, near: near, at: now, into: &effects)
        case .accepting(let value): accepting = value
        case .drained(let value):
            onOwner(at: now, into: &effects) { $0.isDrained = value }
        case .led(let home):
            // What its predecessor did not answer is asked at once, or the lease may be over first.
            guard unanswered.contains(home) || silent.contains(home) else { break }
            silent.removeAll { $0 == home }
            renew(from: home, at: now, into: &effects)
        case .described(let own):
            terms = own
            lookAtHours(at: now, into: &effects)
            reviewBookings(at: now, into: &effects)
        }
        if hasBookings { tendBookings(at: now, into: &effects) }
        if offer != before { effects.append(.offerChanged(offer)) }
    }

    // MARK: Start

    private mutating func onStarted(at now: Instant, into effects: inout [Effect]) {
        for index in partitions.indices {
            for place in partitions[index].bookings.indices {
                let isConfirmed = partitions[index].bookings[place].record.isConfirmed
                partitions[index].bookings[place].ends =
                    now + (isConfirmed ? configuration.bookingPatience : configuration.bookingTentative)
            }
            switch partitions[index].tenancy {
            case .free, .tentative:
                continue
            case .vacating(let tenant):
                effects.append(.vacate(tenant.order.claim))
            case .confirmed(var tenant):
                tenant.since = now
                partitions[index].tenancy = .confirmed(tenant)
                bring(index, at: now, into: &effects)
            }
        }
        lookAtHours(at: now, into: &effects)
        effects.append(.offerChanged(offer))
        renew(at: now, into: &effects)
    }

    // MARK: Messages

    private mutating func onReceived(
        _ message: ClaimMessage, from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        switch message {
        case .claim(let asked): onClaim(asked, from: peer, at: now, into: &effects)
        case .order(let order, let lease):
            onOrder(order, lease: lease, from: peer, at: now, into: &effects)
        case .release(let claim):
            onRelease(claim, from: peer, into: &effects)
        case .renewed(let claims, let lease, let echo, let shares):
            onShares(shares, from: peer)
            guard !claims.isEmpty else { return }
            onRenewed(claims, lease: lease, echo: echo, from: peer, at: now, into: &effects)
        case .lapsed(let claims):
            onAnswered(by: peer)
            for claim in claims {
                if claim.fencing.isBooking { onBookingOver(claim, of: peer, into: &effects) }
                guard let index = index(of: claim), let tenant = partitions[index].tenancy.confirmed,
                    tenant.home == peer, tenant.order.claim == claim
                else { continue }
                vacate(index, into: &effects)
            }
        case .acknowledged(let claim, let sequence):
            guard let index = index(of: claim), var tenant = partitions[index].tenancy.confirmed,
                tenant.home == peer, tenant.order.claim == claim, tenant.reportSequence == sequence
            else { return }
            tenant.acknowledged = true
            partitions[index].tenancy = .confirmed(tenant)
        case .granted, .refused, .ordered, .orderRefused, .released, .renew, .report, .leaving, .outranked,
            .measured:
            return  // a machine's own words, addressed to a master
        }
    }

    // MARK: Helpers

    mutating func vacate(_ index: Int, into effects: inout [Effect]) {
        guard case .confirmed(let tenant) = partitions[index].tenancy else { return }
        partitions[index].tenancy = .vacating(tenant)
        effects.append(.persist(partitions[index].record(configuration.sabotage)))
        effects.append(.vacate(tenant.order.claim))
    }

    /// - Parameter project: for whom; nil: for anybody.
    func isVacant(_ partition: Partition, for project: Kept?) -> Bool {
        guard isLet(partition) else { return false }
        guard partition.due == nil || configuration.sabotage.contains(.letsIn) else { return false }
        if case .vacating = partition.tenancy, configuration.sabotage.contains(.occupiedGrant) { return true }
        guard partition.tenancy.isFree else { return false }
        guard let kept = partition.kept else { return true }
        return kept.home == project?.home && kept.project == project?.project
    }

    /// Whether its owner lets it out; else it is there until its tenant is gone.
    func isLet(_ partition: Partition) -> Bool { partition.number.value < limit }

    func index(of claim: ClaimReference) -> Int? {
        claim.machine == machine ? index(of: claim.partition) : nil
    }

    func index(of number: PartitionNumber) -> Int? {
        partitions.indices.contains(number.value) ? number.value : nil
    }

    func reference(_ index: Int) -> ClaimReference {
        ClaimReference(machine: machine, partition: partitions[index].number, fencing: partitions[index].fencing)
    }
}

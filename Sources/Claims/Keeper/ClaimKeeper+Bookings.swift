public import Automata

/// Places that are kept for reservations: a booking is granted against what the machine has in all and has not promised for that
/// time, is on the disk before it is said, and is renewed with the leases by the ledger that has the reservation.
///
///     ahead ──from - notice──▶ noticed ──from──▶ open ──until──▶ gone
///
/// - Ahead: the partition is let as ever, after those that have no booking.
/// - Noticed: who is there is asked to go as by a drain, and nobody is let in.
/// - Open: who is still there is put out, and the partition is let to requests of the reservation alone.
///
/// Invariant: no two bookings of one partition overlap, and those that overlap on one machine are together no more than it has.
/// What the owner says beats a booking: its ledger is told, and books another place.
extension ClaimKeeper {
    /// Bookings of one partition.
    static var bookingsMax: Int { 8 }

    /// Whether there is anything to look after.
    var hasBookings: Bool { partitions.contains { !$0.bookings.isEmpty } || !askedToGo.isEmpty }

    /// Every booking, by partition.
    public var bookings: [(claim: ClaimReference, record: BookingRecord)] {
        partitions.flatMap { partition in
            partition.bookings.map { ($0.record.claim(on: machine, partition.number), $0.record) }
        }
    }

    /// A partition that is kept for a reservation now: nobody else is let in.
    public func isKept(_ number: PartitionNumber) -> BookingRecord? {
        index(of: number).flatMap { partitions[$0].open?.record }
    }

    // MARK: Claims for later

    mutating func onBookingClaim(
        _ asked: ClaimRequest, from home: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        switch book(asked, of: home, at: now, into: &effects) {
        case .success(let (claim, _, _)):
            effects.append(.send(.granted(asked.request, asked.attempt, claim, terms.place), to: home))
        case .failure(let no): refuse(asked, no.reasons, home, at: now, &effects)
        }
    }

    /// By a search over the wide area.
    mutating func onBookingVisit(
        _ asked: ClaimRequest, of home: PeerID, near: Place, at now: Instant, into effects: inout [Effect]
    ) {
        guard !bookings.contains(where: { $0.record.place == asked.request && $0.record.home == home }) else {
            return effects.append(.declined([Mismatch(.staleAttempt)]))
        }
        switch book(asked, of: home, at: now, into: &effects) {
        case .success(let (claim, wanted, offer)):
            let rank = wanted.policy.rank(of: offer, for: wanted, home: near)
            effects.append(.candidate(claim, terms.place, rank: rank))
        case .failure(let no):
            seen.note(asked, .refused(no.reasons), of: home, at: now)
            effects.append(.declined(no.reasons))
        }
    }

    struct NotBooked: Error {
        var reasons: [Mismatch]
    }

    /// Promises a place, or says why not.
    private mutating func book(
        _ asked: ClaimRequest, of home: PeerID, at now: Instant, into effects: inout [Effect]
    ) -> Result<(claim: ClaimReference, wanted: Wanted, offer: Offer), NotBooked> {
        func no(_ reasons: [Mismatch]) -> Result<(claim: ClaimReference, wanted: Wanted, offer: Offer), NotBooked> {
            .failure(NotBooked(reasons: reasons))
        }
        let wanted: Wanted
        do {
            wanted = try Wanted(asked)
        } catch {
            return no([Mismatch(.unreadable, wanted: error.description)])
        }
        guard let terms = asked.requirements.booking, BookingTerms.isName(terms.reservation), terms.from < terms.until,
            terms.until > now, terms.until - terms.from <= BookingTerms.lengthMax,
            terms.from - now <= BookingTerms.aheadMax + .seconds(86_400)
        else { return no([Mismatch(.unreadable, wanted: "a place for a time that is none")]) }
        for index in partitions.indices {
            guard
                let place = partitions[index].bookings.firstIndex(where: {
                    $0.record.place == asked.request && $0.record.home == home
                })
            else { continue }
            let known = partitions[index].bookings[place].record
            if known.attempt == asked.attempt, known.terms == terms {
                let offer = offer(during: terms, but: known)
                return .success((known.claim(on: machine, partitions[index].number), wanted, offer))
            }
            guard asked.attempt > known.attempt || known.terms != terms else {
                return no([.stale(asked.attempt, newest: known.attempt)])
            }
            drop(place, of: index, into: &effects)  // the ledger has moved on
        }
        let offer = offer(during: terms)
        var bare = offer
        (bare.capacity, bare.facts) = (self.terms.capacity, self.terms.facts)
        let reasons = wanted.mismatches(with: bare, at: now)
        guard reasons.isEmpty else { return no(reasons) }
        // Those that have bookings already, so that others stay without.
        let vacant = partitions.indices.filter { isBookable($0, for: terms) }
        let index = vacant.max { partitions[$0].bookings.count < partitions[$1].bookings.count }
        guard wanted.mismatches(with: offer, at: now).isEmpty, let index else {
            let rivals = Set(rivals(of: terms).map(\.record.terms.reservation)).sorted().joined(separator: ", ")
            return no([Mismatch(.reserved, found: rivals.isEmpty ? "others" : rivals)])
        }
        partitions[index].booked += 1
        let record = BookingRecord(
            number: partitions[index].booked, place: asked.request, attempt: asked.attempt, home: home, terms: terms,
            demand: wanted.demand, isConfirmed: false)
        if !renews { effects.append(.set(.renew, at: now + configuration.renewPeriod)) }
        partitions[index].bookings.append(Booking(record: record, ends: now + configuration.bookingTentative))
        partitions[index].bookings.sort { $0.record.terms.from < $1.record.terms.from }
        seen.note(asked, .granted(partitions[index].number), of: home, at: now)
        effects.append(.persist(partitions[index].record(configuration.sabotage)))
        return .success((record.claim(on: machine, partitions[index].number), wanted, offer))
    }

    /// Whether anything is renewed yet.
    private var renews: Bool { partitions.contains { $0.tenancy.confirmed != nil || !$0.bookings.isEmpty } }

    private func isBookable(_ index: Int, for terms: BookingTerms) -> Bool {
        guard isLet(partitions[index]), partitions[index].bookings.count < Self.bookingsMax else { return false }
        if configuration.sabotage.contains(.bookedTwice) { return true }
        return !partitions[index].bookings.contains { $0.record.terms.overlaps(terms) }
    }

    private func rivals(of terms: BookingTerms) -> [Booking] {
        partitions.flatMap { $0.bookings.filter { $0.record.terms.overlaps(terms) } }
    }

    /// What the machine can promise for that time: what it has in all, but for what it has promised.
    ///
    /// - Parameter but: a promise that does not count.
    private func offer(during terms: BookingTerms, but known: BookingRecord? = nil) -> Offer {
        var offer = self.terms
        let promised = rivals(of: terms).filter { $0.record != known }
            .reduce(Demand.none) { $0 + $1.record.demand }
        offer.capacity = partitions.indices.count { isBookable($0, for: terms) }
        offer.free = offer.capacity
        if !configuration.sabotage.contains(.bookedTwice) {
            offer.facts.cores = max(0, offer.facts.cores - promised.cores)
            offer.facts.memory = ByteCount(max(0, offer.facts.memory.bytes - promised.memory.bytes))
            offer.facts.gpus = max(0, offer.facts.gpus - promised.gpus)
        }
        (offer.cores, offer.memory, offer.gpus) = (offer.facts.cores, offer.facts.memory, offer.facts.gpus)
        offer.accepting = accepting && !isDrained
        offer.state = offer.accepting ? .idle : isDrained ? .draining : .joining
        return offer
    }

    // MARK: What the ledger says

    /// It has the booking, and goes on to have it.
    mutating func onBookingRenewed(
        _ claim: ClaimReference, from home: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        guard let (index, place) = booking(claim, of: home) else { return }
        partitions[index].bookings[place].ends = now + configuration.bookingPatience
        guard !partitions[index].bookings[place].record.isConfirmed else { return }
        partitions[index].bookings[place].record.isConfirmed = true
        let record = partitions[index].bookings[place].record
        seen.become(.confirmed, record.place, record.attempt, home)
        effects.append(.persist(partitions[index].record(configuration.sabotage)))
    }

    /// It has it not, any more.
    mutating func onBookingOver(_ claim: ClaimReference, of home: PeerID, into effects: inout [Effect]) {
        guard let (index, place) = booking(claim, of: home) else { return }
        drop(place, of: index, into: &effects)
    }

    private func booking(_ claim: ClaimReference, of home: PeerID) -> (index: Int, place: Int)? {
        guard let index = index(of: claim) else { return nil }
        let place = partitions[index].bookings.firstIndex {
            $0.record.home == home && $0.record.claim(on: machine, partitions[index].number) == claim
        }
        return place.map { (index, $0) }
    }

    private mutating func drop(_ place: Int, of index: Int, into effects: inout [Effect]) {
        partitions[index].bookings.remove(at: place)
        effects.append(.persist(partitions[index].record(configuration.sabotage)))
    }

    /// Ledgers that have bookings here.
    var bookers: Set<PeerID> { Set(partitions.flatMap { $0.bookings.map(\.record.home) }) }

    /// Asks the ledger to go on having them; and says who is to go for them.
    func bookingRenewals(of home: PeerID, at now: Instant) -> [ClaimMessage] {
        var messages: [ClaimMessage] = []
        for batch in bookingClaims(of: home) {
            messages.append(.renew(batch, echo: now))
            if isDrained { messages.append(.leaving(batch, Leaving(reason: .drained))) }
        }
        guard !isLeaving else { return messages }
        for (index, booking) in departing(from: .noticed) {
            guard let tenant = partitions[index].tenancy.confirmed, tenant.home == home else { continue }
            messages.append(.leaving([tenant.order.claim], leaving(for: booking, at: now)))
        }
        return messages
    }

    /// A drain keeps no place for anybody, and its end makes no difference to who has found another one.
    func tellBookers(into effects: inout [Effect]) {
        guard isDrained else { return }
        for home in bookers.sorted() {
            for batch in bookingClaims(of: home) {
                effects.append(.send(.leaving(batch, Leaving(reason: .drained)), to: home))
            }
        }
    }

    private func bookingClaims(of home: PeerID) -> [[ClaimReference]] {
        let claims = bookings.filter { $0.record.home == home }.map(\.claim)
        return stride(from: 0, to: claims.count, by: configuration.renewBatchMax).map {
            Array(claims[$0..<min($0 + configuration.renewBatchMax, claims.count)])
        }
    }

    // MARK: Time

    /// Does what the time asks for, and sets the timer for when it asks again; safe to call at any time.
    mutating func tendBookings(at now: Instant, into effects: inout [Effect]) {
        for index in partitions.indices where !partitions[index].bookings.isEmpty {
            let before = partitions[index].bookings.count
            partitions[index].bookings.removeAll { $0.record.terms.until <= now || $0.ends <= now }
            if partitions[index].bookings.count != before {
                effects.append(.persist(partitions[index].record(configuration.sabotage)))
            }
            for place in partitions[index].bookings.indices {
                let from = partitions[index].bookings[place].record.terms.from
                partitions[index].bookings[place].phase =
                    now >= from ? .open : now >= from - configuration.bookingNotice ? .noticed : .ahead
            }
        }
        if !configuration.sabotage.contains(.neverVacates) {
            for (index, _) in departing(from: .open) { vacate(index, into: &effects) }
        }
        askToGo(at: now, into: &effects)
        let instants = partitions.flatMap { partition in
            partition.bookings.flatMap { booking in
                [
                    booking.ends, booking.record.terms.from - configuration.bookingNotice, booking.record.terms.from,
                    booking.record.terms.until,
                ]
            }
        }
        guard let next = instants.filter({ $0 > now }).min(), next != bookingsLookedAt else { return }
        bookingsLookedAt = next
        effects.append(.set(.bookings, at: next))
    }

    /// Those who are to go hear it once here and then with each renewal; those who may stay after all, once.
    private mutating func askToGo(at now: Instant, into effects: inout [Effect]) {
        guard !isLeaving else { return askedToGo = [] }  // they are asked already, and by more than this
        var going: [ClaimReference] = []
        for (index, booking) in departing(from: .noticed) {
            guard let tenant = partitions[index].tenancy.confirmed else { continue }
            going.append(tenant.order.claim)
            guard !askedToGo.contains(tenant.order.claim) else { continue }
            let leaving = leaving(for: booking, at: now)
            effects.append(.send(.leaving([tenant.order.claim], leaving), to: tenant.home))
        }
        for claim in askedToGo where !going.contains(claim) {
            guard let index = index(of: claim), let tenant = partitions[index].tenancy.confirmed,
                tenant.order.claim == claim
            else { continue }
            effects.append(.send(.leaving([claim], nil), to: tenant.home))
        }
        askedToGo = going
    }

    private func leaving(for booking: Booking, at now: Instant) -> Leaving {
        let from = booking.record.terms.from
        return Leaving(
            reason: .reserved, within: from > now ? .milliseconds((from - now).milliseconds) : nil,
            reservation: booking.record.terms.reservation)
    }

    /// Partitions whose tenants must go for a booking: those who have its place, and the newest of the others where the machine has
    /// not enough for all.
    ///
    /// - Parameter phase: bookings that have come so far count.
    private func departing(from phase: Booking.Phase) -> [(index: Int, booking: Booking)] {
        func due(_ index: Int) -> Booking? { partitions[index].bookings.first { $0.phase >= phase } }
        var going: [(index: Int, booking: Booking)] = []
        var needed = Demand.none
        var others: [Int] = []
        for index in partitions.indices {
            guard let booking = due(index) else {
                needed = needed + partitions[index].tenancy.demand
                if partitions[index].tenancy.confirmed != nil { others.append(index) }
                continue
            }
            let isUsed = partitions[index].isUsed(booking)
            needed = needed + (isUsed ? partitions[index].reserved : booking.record.demand)
            if partitions[index].tenancy.confirmed != nil, !isUsed { going.append((index, booking)) }
        }
        let booked = partitions.indices.lazy.compactMap(due).filter { $0.record.demand != .none }
        guard let cause = booked.min(by: { $0.record.terms.from < $1.record.terms.from }) else { return going }
        let facts = terms.facts
        func isShort(_ demand: Demand) -> Bool {
            (demand.cores > 0 && needed.cores > facts.cores)
                || (demand.memory > .zero && needed.memory > facts.memory)
                || (demand.gpus > 0 && needed.gpus > facts.gpus)
        }
        others.sort { left, right in
            let (first, second) = (
                partitions[left].tenancy.confirmed?.since, partitions[right].tenancy.confirmed?.since
            )
            return (first ?? .zero, left) > (second ?? .zero, right)
        }
        for index in others where isShort(partitions[index].tenancy.demand) && isShort(cause.record.demand) {
            going.append((index, cause))
            let demand = partitions[index].tenancy.demand
            needed = Demand(
                cores: needed.cores - demand.cores, memory: ByteCount(needed.memory.bytes - demand.memory.bytes),
                gpus: needed.gpus - demand.gpus)
        }
        return going
    }

    /// The owner says something else: what no longer fits is promised no more, and its ledger hears of it.
    mutating func reviewBookings(at now: Instant, into effects: inout [Effect]) {
        for index in partitions.indices {
            for place in partitions[index].bookings.indices.reversed() {
                let record = partitions[index].bookings[place].record
                guard !isAllowed(record, at: now) || !isLet(partitions[index]) else { continue }
                drop(place, of: index, into: &effects)
                effects.append(.send(.released(record.claim(on: machine, partitions[index].number)), to: record.home))
            }
        }
    }

    private func isAllowed(_ record: BookingRecord, at now: Instant) -> Bool {
        let owner = terms.facts.terms
        if let most = owner.memoryMax, record.demand.memory > most { return false }
        if let most = owner.coresMax, record.demand.cores > most { return false }
        return owner.hours.map { $0.contain(record.terms, at: now) } ?? true
    }
}

extension OwnerHours {
    /// Whether they are open throughout the time, or what is left of it.
    func contain(_ terms: BookingTerms, at now: Instant) -> Bool {
        let from = max(terms.from, now)
        guard !isAlways else { return true }
        return contains(from) && closes(after: from).map { $0 >= terms.until } ?? true
    }
}

public import Accounting
public import Automata
import OrderedCollections

/// A place of a reservation, and the machine that keeps it.
public struct ReservedPlace: Hashable, Sendable {
    /// `RequestKey(placeOf:number:)`.
    public let key: RequestKey
    /// That of the booking, or the one that is searched for.
    public internal(set) var attempt: Attempt
    /// The machine's promise; nil: no machine keeps the place.
    public internal(set) var claim: ClaimReference?
    /// Where that stands.
    public internal(set) var place: Place
    /// Why no machine keeps it any more; empty before the first.
    public internal(set) var reason: String
    public internal(set) var changedAt: Instant

    public init(
        key: RequestKey, attempt: Attempt = .first, claim: ClaimReference? = nil, place: Place = .unknown,
        reason: String = "", changedAt: Instant
    ) {
        self.key = key
        self.attempt = attempt
        self.claim = claim
        self.place = place
        self.reason = reason
        self.changedAt = changedAt
    }
}

// Reservations in the books: what is asked for stands in the accounts, beside its project's ceiling and quota; where each
// place is kept, here. All of it follows from the entries.

extension Books {
    /// The reservation of that name, whose places are to be kept; nil: there is none, or it is over.
    public func reservation(_ name: String, at now: Instant) -> Reservation? {
        accounts.reservation(ReservationID(name)).flatMap { $0.isWanted(at: now) ? $0 : nil }
    }

    /// Every place of a reservation, booked or not, in the order of their numbers.
    public func places(of reservation: Reservation) -> [ReservedPlace] {
        (1...max(1, reservation.order.count)).map { number in
            let key = RequestKey(placeOf: reservation.order.id.name, number: number)
            return places[key] ?? ReservedPlace(key: key, changedAt: reservation.madeAt)
        }
    }

    /// The place that the machine keeps by this promise.
    public func place(bookedBy claim: ClaimReference) -> ReservedPlace? { booked[claim].flatMap { places[$0] } }

    /// Who has the place at the moment.
    public func user(of place: ReservedPlace) -> Request? {
        guard let claim = place.claim, let name = place.key.reservedPlace?.reservation else { return nil }
        for key in reservedRequests[name] ?? [] {
            guard let request = requests[key] else { continue }
            let claims = [request.placement, request.successor?.claim]
            if claims.contains(where: { $0?.machine == claim.machine && $0?.partition == claim.partition }) {
                return request
            }
        }
        return nil
    }

    /// The reservation that a place belongs to, if it is to be kept.
    func order(of key: RequestKey, at now: Instant) -> ReservationOrder? {
        guard let (name, number) = key.reservedPlace, let found = reservation(name, at: now),
            number <= found.order.count
        else { return nil }
        return found.order
    }

    /// What places of a project's reservations hold that are paid for and that nobody uses.
    func kept(of project: String) -> Holdings {
        var sum = Holdings.none
        for place in places.values where place.claim != nil {
            guard let name = place.key.reservedPlace?.reservation,
                let found = accounts.reservation(ReservationID(name)), found.order.project.name == project,
                accounts.hold(of: Self.instance(place.key, isSuccessor: false)) != nil
            else { continue }
            sum = sum + found.order.place
        }
        return sum
    }

    /// What of that a request takes over when it is placed: one place of its own reservation.
    func keptPlace(for specification: Specification) -> Holdings {
        guard let name = specification.requirements.reservation, !places.isEmpty,
            let found = accounts.reservation(ReservationID(name)), found.order.project.name == specification.project
        else { return .none }
        let isKept = places(of: found).contains {
            $0.claim != nil && accounts.hold(of: Self.instance($0.key, isSuccessor: false)) != nil
        }
        return isKept ? found.order.place : .none
    }

    /// Why a request cannot ask for a place of the reservation that it names; nil: it can.
    public func reservationObjection(to specification: Specification, at now: Instant) -> Refusal? {
        guard let name = specification.requirements.reservation, specification.desired != .destroyed else { return nil }
        guard let found = accounts.reservation(ReservationID(name)) else {
            return Refusal(
                .notFound, "there is no reservation \(name) in this ledger",
                remedy: "`palmier project reservation list` shows those that are")
        }
        guard found.order.project.name == specification.project else {
            let own = specification.project.map { "the project \($0)" } ?? "no project"
            return Refusal(
                .refused,
                "the reservation \(name) is for the project \(found.order.project), and the request is for \(own)",
                remedy: "ask with --project \(found.order.project)")
        }
        guard found.isWanted(at: now) else {
            return Refusal(
                .refused, "the reservation \(name) is \(found.phase(at: now).rawValue)",
                remedy: "ask without --reservation, or make another one")
        }
        return nil
    }

    // MARK: Entries

    mutating func book(
        _ key: RequestKey, _ attempt: Attempt, _ claim: ClaimReference, _ place: Place, at now: Instant
    ) {
        guard order(of: key, at: now) != nil, booked[claim] == nil, claim.fencing.isBooking else { return }
        var known = places[key] ?? ReservedPlace(key: key, changedAt: now)
        guard known.attempt == attempt, known.claim == nil else { return }
        (known.claim, known.place, known.reason, known.changedAt) = (claim, place, "", now)
        places[key] = known
        booked[claim] = key
    }

    mutating func unbook(
        _ key: RequestKey, _ attempt: Attempt, _ reason: String, at now: Instant, into history: inout History
    ) {
        guard var known = places[key], known.attempt == attempt, let claim = known.claim else { return }
        releasePlace(known, at: now, into: &history)
        booked[claim] = nil
        (known.claim, known.place, known.reason, known.changedAt) = (nil, .unknown, reason, now)
        known.attempt = attempt.next
        places[key] = order(of: key, at: now) == nil ? nil : known
    }

    /// A reservation is made or cancelled: nothing is left of one of that name.
    mutating func clearPlaces(of id: ReservationID, at now: Instant, into history: inout History) {
        for place in places.values where place.key.reservedPlace?.reservation == id.name {
            releasePlace(place, at: now, into: &history)
            if let claim = place.claim { booked[claim] = nil }
            places[place.key] = nil
        }
    }

    /// A place that nobody uses is paid for like a placement that does nothing: what it cost is counted, and the next period is
    /// reserved.
    ///
    /// - Returns: whether the books allow it.
    mutating func extendPlace(
        _ key: RequestKey, _ claim: ClaimReference, at now: Instant, into history: inout History
    ) {
        guard let place = places[key], place.claim == claim, let order = order(of: key, at: now),
            now >= order.period.start, user(of: place) == nil
        else { return }
        let standIn = standIn(for: place, of: order)
        count(standIn, at: now, into: &history)
        _ = reserve(standIn, on: claim.machine, at: now, into: &history)
    }

    /// A request has got the place, and pays for it from here on.
    mutating func notePlaced(_ claim: ClaimReference, at now: Instant, into history: inout History) {
        guard !places.isEmpty else { return }
        for place in places.values
        where place.claim?.machine == claim.machine && place.claim?.partition == claim.partition {
            guard user(of: place) != nil else { continue }
            // What the entry is about is the request's hold.
            let outcome = outcome
            releasePlace(place, at: now, into: &history)
            self.outcome = outcome
        }
    }

    /// Why the project could not pay for the place on that machine, as things stand; nil: it could.
    func placeBreach(_ key: RequestKey, on machine: PeerID, at now: Instant) -> RuleBreach? {
        guard let order = order(of: key, at: now) else { return nil }
        let place = places[key] ?? ReservedPlace(key: key, changedAt: now)
        let specification = standIn(for: place, of: order).specification
        guard case .failure(let breach)? = quote(key, asking: specification, on: machine, at: now) else { return nil }
        return breach
    }

    private mutating func releasePlace(_ place: ReservedPlace, at now: Instant, into history: inout History) {
        guard let name = place.key.reservedPlace?.reservation,
            let found = accounts.reservation(ReservationID(name)), place.claim != nil,
            accounts.hold(of: Self.instance(place.key, isSuccessor: false)) != nil
        else { return }
        release(standIn(for: place, of: found.order), at: now, into: &history)
    }

    /// When what is reserved for the place's price is used up; nil: nothing is.
    public func placeHoldEnds(_ key: RequestKey) -> Instant? {
        accounts.hold(of: Self.instance(key, isSuccessor: false))?.period.end
    }

    /// The place as a request that does nothing.
    private func standIn(for place: ReservedPlace, of order: ReservationOrder) -> Request {
        var specification = Specification(
            release: ReleaseDocument(url: "reservation \(order.id)", text: ""), requirements: order.requirements,
            desired: .stopped, project: order.project.name)
        specification.reserves = order.reserves
        var request = Request(key: place.key, specification: specification, at: place.changedAt)
        request.placement = place.claim
        return request
    }

    // MARK: Index

    mutating func noteReservation(of request: Request) {
        guard let name = request.specification.requirements.reservation else { return }
        reservedRequests[name, default: []].append(request.key)
    }

    mutating func forgetReservation(of request: Request) {
        guard let name = request.specification.requirements.reservation else { return }
        reservedRequests[name]?.remove(request.key)
        if reservedRequests[name]?.isEmpty == true { reservedRequests[name] = nil }
    }
}

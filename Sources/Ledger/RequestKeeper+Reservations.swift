import Accounting
public import Automata
import OrderedCollections

/// What the keeper remembers of one place of a reservation; lost at a crash, and made anew.
struct PlaceWork: Sendable {
    /// The claim whose `booked` is on its way to the log.
    var placing: ClaimReference?
    var isUnbooking = false
    var isExtending = false
    var isSearching = false
    var searches = 0
    /// When its machine was heard of last.
    var heard: Instant
    /// Why no machine was found, and until when none is looked for.
    var unmet: NoMachine?
    var notBefore = Instant.zero
}

/// Has the places of reservations kept, and says to requests which of them they may have.
///
///     reserved ─▶ allocate each place ─▶ found ─▶ propose booked ─▶ committed ─▶ renewed (with every renewal)
///     from on: propose extended, each hour, while no request has the place
///     drained, not heard of, released, not paid for ─▶ propose unbooked ─▶ committed ─▶ release, allocate again
///     cancelled, until ─▶ release, forget
///
/// A place is searched like a request: the same rendezvous, the same matching, against what machines have in all. It is under a
/// name of its own (`RequestKey(placeOf:number:)`), which never stands among the requests.
extension RequestKeeper {
    mutating func startReservations(at now: Instant, into effects: inout [Effect]) {
        for place in books.places.values where place.claim != nil {
            placeWork[place.key] = PlaceWork(heard: now)  // its last renewal is not known
            pursuePlace(place.key, at: now, into: &effects)
        }
        for reservation in books.accounts.allReservations where reservation.isWanted(at: now) {
            tendReservation(reservation.order.id.name, at: now, into: &effects)
        }
    }

    /// Does what brings a reservation's places nearer to being kept; safe to call at any time.
    mutating func tendReservation(_ name: String, at now: Instant, into effects: inout [Effect]) {
        guard let reservation = books.accounts.reservation(ReservationID(name)) else { return }
        let period = reservation.order.period
        let places = books.places(of: reservation)
        if let next = [period.start, period.end].first(where: { $0 > now }), reservation.isWanted(at: now) {
            effects.append(.set(.reservation(name), at: next))
        }
        var searching = places.count { placeWork[$0.key]?.isSearching ?? false }
        for place in places where placeWork[place.key]?.isSearching != true {
            if place.claim == nil {
                guard searching < configuration.placesAtOnce, now >= placeWork[place.key]?.notBefore ?? .zero else {
                    continue
                }
                searching += 1
            }
            pursuePlace(place.key, at: now, into: &effects)
        }
    }

    /// It has begun, is over, or has another place: those who wait for one look again.
    mutating func wakeReserved(_ name: String, at now: Instant, into effects: inout [Effect]) {
        for key in books.reservedRequests[name] ?? [] {
            guard let request = books.requests[key], !request.isGroup else { continue }
            if request.placement == nil { work[key]?.searches = 0 }
            pursue(key, at: now, into: &effects)
            pursueMove(key, at: now, into: &effects)
        }
    }

    mutating func pursuePlace(_ key: RequestKey, at now: Instant, into effects: inout [Effect]) {
        var item = placeWork[key] ?? PlaceWork(heard: now)
        let place = books.places[key]
        guard let order = books.order(of: key, at: now) else {
            placeWork[key] = nil
            if let place, place.claim != nil { unbook(place, "the reservation is over", at: now, into: &effects) }
            return
        }
        guard let place, let claim = place.claim else {
            guard item.placing == nil else { return }
            let doubled = configuration.searchFirst * (1 << min(item.searches, 10))
            item.searches += 1
            item.isSearching = true
            placeWork[key] = item
            var requirements = order.requirements
            requirements.booking = order.terms
            let pressing = Pressing(share: books.share(of: order.project.name))
            effects.append(.allocate(key, place?.attempt ?? .first, requirements, [], pressing))
            let pause = configuration.searchLast + min(doubled, configuration.placeRarest)
            return effects.append(.set(.place(key), at: now + pause))
        }
        item.isSearching = false
        placeWork[key] = item
        let isUsed = books.user(of: place) != nil
        let isNear = now >= order.period.start - configuration.placeNear
        let silent = item.heard + (isNear ? configuration.placePatienceNear : configuration.placePatience)
        // What a request has is not taken from it: its own lease says whether its machine is there.
        if now >= silent, !isUsed {
            let machine = unreachable[claim.machine] ?? place.place.name
            let patience = now - item.heard
            return unbook(
                place, "\(machine) was not heard of for \(patience.components.seconds) s", at: now, into: &effects)
        }
        var next = isUsed ? now + configuration.placePatienceNear : silent
        if !isNear { next = min(next, order.period.start - configuration.placeNear) }
        if now < order.period.start {
            next = min(next, order.period.start)
        } else if !isUsed {
            let ends = books.placeHoldEnds(key) ?? now
            if ends > now {
                next = min(next, ends)
            } else if !item.isExtending {
                placeWork[key]?.isExtending = true
                effects.append(.propose(.extended(key, claim)))
            }
        }
        effects.append(.set(.place(key), at: max(next, now + configuration.resend)))
    }

    private mutating func unbook(
        _ place: ReservedPlace, _ reason: String, at now: Instant, into effects: inout [Effect]
    ) {
        guard placeWork[place.key]?.isUnbooking != true else { return }
        placeWork[place.key, default: PlaceWork(heard: now)].isUnbooking = true
        effects.append(.propose(.unbooked(place.key, place.attempt, reason: reason)))
    }

    // MARK: What is found

    mutating func onFoundPlace(
        _ key: RequestKey, _ attempt: Attempt, _ claim: ClaimReference, _ place: Place, at now: Instant,
        into effects: inout [Effect]
    ) {
        let known = books.places[key]
        guard books.order(of: key, at: now) != nil, known?.claim == nil, (known?.attempt ?? .first) == attempt,
            claim.fencing.isBooking, var item = placeWork[key], item.placing == nil
        else {
            if !keeps(claim, for: key) { effects.append(.release(claim)) }
            return
        }
        item.isSearching = false
        if let breach = books.placeBreach(key, on: claim.machine, at: now) {
            item.unmet = NoMachine(reason: breach.text, isHopeless: false)
            item.notBefore = now + configuration.placeRarest
            placeWork[key] = item
            effects.append(.release(claim))
            return effects.append(.set(.place(key), at: item.notBefore))
        }
        item.placing = claim
        placeWork[key] = item
        effects.append(.propose(.booked(key, attempt, claim, place)))
    }

    mutating func onNoPlace(
        _ key: RequestKey, _ none: NoMachine, at now: Instant, into effects: inout [Effect]
    ) {
        guard var item = placeWork[key], books.places[key]?.claim == nil else { return }
        item.unmet = none
        item.isSearching = false
        placeWork[key] = item
        let doubled = configuration.searchFirst * (1 << min(item.searches, 10))
        item.notBefore = now + min(doubled, configuration.placeRarest)
        placeWork[key] = item
        effects.append(.set(.place(key), at: item.notBefore))
        // Others of it have their turn.
        if let name = key.reservedPlace?.reservation { tendReservation(name, at: now, into: &effects) }
    }

    /// Why a place is not kept: what the last search came to, or why the last machine keeps it no more.
    public func unmet(of place: ReservedPlace) -> NoMachine? {
        guard place.claim == nil else { return nil }
        if let unmet = placeWork[place.key]?.unmet { return unmet }
        return place.reason.isEmpty ? nil : NoMachine(reason: place.reason, isHopeless: false)
    }

    // MARK: What machines say

    /// - Returns: whether the promise is in the books; nil: that is being decided.
    mutating func renewPlace(_ claim: ClaimReference, at now: Instant) -> Bool? {
        guard let place = books.place(bookedBy: claim) else {
            return placeWork.values.contains { $0.placing == claim } ? nil : false
        }
        guard placeWork[place.key]?.isUnbooking != true else { return nil }
        placeWork[place.key, default: PlaceWork(heard: now)].heard = now
        return configuration.sabotage.contains(.ignoresBookings) ? nil : true
    }

    /// The machine keeps it no more, or is about not to.
    mutating func onPlaceVoid(
        _ claim: ClaimReference, _ reason: String, at now: Instant, into effects: inout [Effect]
    ) {
        guard let place = books.place(bookedBy: claim) else { return }
        unbook(place, reason, at: now, into: &effects)
    }

    // MARK: What the log says

    mutating func onBooked(
        _ key: RequestKey, _ claim: ClaimReference, at now: Instant, into effects: inout [Effect]
    ) {
        var item = placeWork[key] ?? PlaceWork(heard: now)
        if item.placing == claim { item.placing = nil }
        guard books.places[key]?.claim == claim else {
            placeWork[key] = item
            return effects.append(.release(claim))
        }
        (item.heard, item.searches, item.unmet, item.isUnbooking, item.isExtending) = (now, 0, nil, false, false)
        placeWork[key] = item
        // The machine asks again with its renewals, should this be lost.
        effects.append(.renewed([claim], lease: configuration.lease, echo: .zero, to: claim.machine))
        pursuePlace(key, at: now, into: &effects)
        guard let name = key.reservedPlace?.reservation else { return }
        tendReservation(name, at: now, into: &effects)
        wakeReserved(name, at: now, into: &effects)
    }

    /// - Parameter old: the place as it was.
    mutating func onUnbooked(_ old: ReservedPlace, at now: Instant, into effects: inout [Effect]) {
        placeWork[old.key] = nil
        if let claim = old.claim { effects.append(.release(claim)) }
        guard let name = old.key.reservedPlace?.reservation else { return }
        tendReservation(name, at: now, into: &effects)
    }

    mutating func onPlaceExtended(_ key: RequestKey, at now: Instant, into effects: inout [Effect]) {
        placeWork[key]?.isExtending = false
        guard let place = books.places[key], place.claim != nil else { return }
        if case .refused(let breach)? = books.outcome {
            unbook(place, breach.text, at: now, into: &effects)
        } else {
            pursuePlace(key, at: now, into: &effects)
        }
    }

    mutating func onReserved(_ act: Act, before: [ReservedPlace], at now: Instant, into effects: inout [Effect]) {
        let name: String
        switch act {
        case .reserved(let order): name = order.id.name
        case .reservationCancelled(let id): name = id.name
        default: return
        }
        for place in before {
            guard let claim = place.claim, books.places[place.key]?.claim != claim else { continue }
            placeWork[place.key] = nil
            effects.append(.release(claim))
        }
        tendReservation(name, at: now, into: &effects)
        wakeReserved(name, at: now, into: &effects)
    }

    mutating func onPlaceRefused(_ fact: Fact, _ key: RequestKey, at again: Instant, into effects: inout [Effect]) {
        placeWork[key]?.placing = nil
        placeWork[key]?.isUnbooking = false
        placeWork[key]?.isExtending = false
        effects.append(.set(.place(key), at: again))
    }

    /// The places that a reservation's act is about, as they are before it.
    func booked(by fact: Fact) -> [ReservedPlace] {
        let name: String
        switch fact {
        case .accounting(.reserved(let order)): name = order.id.name
        case .accounting(.reservationCancelled(let id)): name = id.name
        default: return []
        }
        return books.places.values.filter { $0.key.reservedPlace?.reservation == name }
    }

    /// A place is free again: it is paid for as such, and another request may have it.
    mutating func freeReserved(_ before: Request?, at now: Instant, into effects: inout [Effect]) {
        guard let before, before.placement != nil, let name = before.specification.requirements.reservation,
            books.reservation(name, at: now) != nil
        else { return }
        tendReservation(name, at: now, into: &effects)
        wakeReserved(name, at: now, into: &effects)
    }

    // MARK: Requests of a reservation

    /// Where a request may look for a machine.
    enum ReservedWay {
        /// Anywhere: it names no reservation, or one that is over.
        case anywhere
        /// At the machine that keeps a place for it.
        case at(PeerID)
        /// Nowhere yet, and why.
        case later(String)
    }

    /// - Parameter turn: of several free places, another one each time.
    func way(of request: Request, turn: Int, at now: Instant) -> ReservedWay {
        guard let name = request.specification.requirements.reservation, let found = books.reservation(name, at: now)
        else { return .anywhere }
        guard found.order.project.name == request.specification.project else { return .anywhere }
        guard now >= found.order.period.start else {
            return .later("the reservation \(name) begins at \(found.order.period.start.civilText)")
        }
        let booked = books.places(of: found).filter { $0.claim != nil }
        let count = "\(found.order.count) \(found.order.count == 1 ? "place" : "places")"
        guard !booked.isEmpty else { return .later("none of the \(count) of the reservation \(name) is booked yet") }
        let free = booked.filter { place in
            place.claim?.machine != request.placement?.machine && books.user(of: place) == nil
        }
        guard !free.isEmpty else {
            let missing = found.order.count - booked.count
            let rest = missing > 0 ? ", and \(missing) of \(count) are not booked yet" : ""
            return .later("no place of the reservation \(name) is free: \(booked.count) are taken\(rest)")
        }
        let fitting = free.filter { place in
            guard let asked = request.specification.requirements.machine, let machine = place.claim?.machine else {
                return true
            }
            return asked == place.place.name || asked == machine.description || asked == machine.fingerprint
        }
        guard !fitting.isEmpty else {
            return .later(
                "no place of the reservation \(name) is on \(request.specification.requirements.machine ?? "")")
        }
        // Those who wait for places ask at different ones.
        let rank = books.reservedRequests[name]?.firstIndex(of: request.key) ?? 0
        guard let machine = fitting[(rank + turn) % fitting.count].claim?.machine else { return .anywhere }
        return .at(machine)
    }
}

import Accounting
import Automata
import Claims
import Ledger
import SwiftProtobuf
import WireSchema

// How places that are kept for reservations are written.

extension WireBooking {
    init(_ terms: BookingTerms) {
        self.init()
        reservation = terms.reservation
        fromMilliseconds = terms.from.milliseconds
        untilMilliseconds = terms.until.milliseconds
    }

    func decoded() throws(WireError) -> BookingTerms {
        let bounds = 0...WireBounds.periodMillisecondsMax
        return BookingTerms(
            reservation: try text(reservation, "a reservation", bytes: 1...BookingTerms.nameBytesMax),
            from: Instant(milliseconds: try number(fromMilliseconds, "a booking's beginning", bounds)),
            until: Instant(milliseconds: try number(untilMilliseconds, "a booking's end", bounds)))
    }
}

extension WireBookingRecord {
    init(_ record: BookingRecord) {
        self.init()
        number = record.number
        place = WireRequestKey(record.place)
        attempt = record.attempt.value
        home = record.home.data
        terms = WireBooking(record.terms)
        let demand = record.demand
        if demand != .none {
            reserves = WireReserves(Holdings(cores: demand.cores, memory: demand.memory, gpus: demand.gpus))
        }
        confirmed = record.isConfirmed
    }

    func decoded() throws(WireError) -> BookingRecord {
        let kept = hasReserves ? try reserves.decoded() : .none
        return BookingRecord(
            number: try Wire.number(number, "a booking's number", 1...WireBounds.bookingsMax),
            place: try required(hasPlace, place, "a booking's place").decoded(), attempt: try Wire.attempt(attempt),
            home: try peer(home, "a booking's home"),
            terms: try required(hasTerms, terms, "a booking's terms").decoded(),
            demand: Demand(cores: kept.cores, memory: kept.memory, gpus: kept.gpus), isConfirmed: confirmed)
    }
}

extension WireBounds {
    /// So that the claim that a booking is known by is a counter, too.
    static let bookingsMax: UInt64 = 1 << 61
}

extension WireReservationOrder {
    init(_ order: ReservationOrder) {
        self.init()
        id = order.id.name
        project = order.project.name
        period = WirePeriod(order.period)
        count = UInt32(clamping: order.count)
        memoryBytes = order.requirements.memory.bytes
        if let machine = order.requirements.machine { self.machine = machine }
        if let priceMax = order.requirements.priceMax { self.priceMax = priceMax }
        condition = order.requirements.condition
        policy = order.requirements.policy
        reservedCores = UInt64(clamping: order.reserves.cores)
        reservedMemoryBytes = UInt64(clamping: order.reserves.memory.bytes)
        reservedGpus = UInt64(clamping: order.reserves.gpus)
    }

    func decoded() throws(WireError) -> ReservationOrder {
        let requirements = Requirements(
            memory: ByteCount(try number(memoryBytes, "memory asked for", 0...WireBounds.memoryBytesMax)),
            machine: hasMachine ? try text(machine, "a machine", bytes: 0...WireBounds.nameBytesMax) : nil,
            priceMax: hasPriceMax ? try number(priceMax, "a price", 0...WireBounds.numberMax) : nil,
            condition: try text(condition, "a condition", bytes: 0...WireBounds.conditionBytesMax),
            policy: try text(policy, "a policy", bytes: 0...WireBounds.policyBytesMax))
        return ReservationOrder(
            id: try reservationID(id), project: ProjectID(try bookName(project, "a reservation's project")),
            period: try required(hasPeriod, period, "a reservation's period").decoded("a reservation's period"),
            count: Int(try number(count, "a reservation's places", 0...UInt32(Int32.max))), requirements: requirements,
            reserves: Holdings(
                cores: Int(try counter(reservedCores, "cores that are reserved")),
                memory: ByteCount(Int64(try counter(reservedMemoryBytes, "memory that is reserved"))),
                gpus: Int(try counter(reservedGpus, "accelerators that are reserved"))))
    }
}

func reservationID(_ value: String) throws(WireError) -> ReservationID {
    ReservationID(try text(value, "a reservation", bytes: 1...BookingTerms.nameBytesMax))
}

extension WireReservedPlace {
    init(_ kept: ReservedPlace) {
        self.init()
        place = WireRequestKey(kept.key)
        attempt = kept.attempt.value
        if let claim = kept.claim { self.claim = WireClaimReference(claim) }
        if kept.place != .unknown { `where` = WirePlace(kept.place) }
        reason = cut(kept.reason)
        changedNanoseconds = kept.changedAt.nanoseconds
    }

    func decoded() throws(WireError) -> ReservedPlace {
        ReservedPlace(
            key: try required(hasPlace, place, "a reservation's place").decoded(), attempt: try Wire.attempt(attempt),
            claim: hasClaim ? try claim.decoded() : nil, place: hasWhere ? try `where`.decoded() : .unknown,
            reason: try text(reason, "a reason", bytes: 0...WireBounds.reasonBytesMax),
            changedAt: try instant(changedNanoseconds, "when a place was booked"))
    }
}

public import Automata
import OrderedCollections

/// What a reservation is known by in its ledger: 1 to 63 ASCII letters, digits, `-`, `_` and `.`.
public struct ReservationID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let name: String
    public init(_ name: String) { self.name = name }
    public static func < (left: ReservationID, right: ReservationID) -> Bool { left.name < right.name }
    public var description: String { name }
}

/// Places of machines for a project, from one instant until another.
public struct ReservationOrder: Hashable, Sendable {
    public var id: ReservationID
    public var project: ProjectID
    /// At most `BookingTerms.lengthMax` long, and at most `BookingTerms.aheadMax` ahead.
    public var period: Period
    /// 1 to `countMax`.
    public var count: Int
    /// What each place's machine must have; relations are none of it.
    public var requirements: Requirements
    /// What the condition reserves in each place, as the ledger has read it that took the order.
    public var reserves: Holdings

    public static let countMax = 256

    public init(
        id: ReservationID, project: ProjectID, period: Period, count: Int,
        requirements: Requirements = Requirements(), reserves: Holdings = .none
    ) {
        self.id = id
        self.project = project
        self.period = period
        self.count = count
        self.requirements = requirements
        self.reserves = reserves
    }

    public var terms: BookingTerms {
        BookingTerms(reservation: id.name, from: period.start, until: period.end)
    }

    /// What one place holds.
    public var place: Holdings {
        Holdings(
            partitions: 1, cores: reserves.cores, memory: max(reserves.memory, requirements.memory), gpus: reserves.gpus
        )
    }

    /// What all places hold.
    public var holdings: Holdings {
        let place = place
        func times(_ value: Int) -> Int { Int(clamping: Int128(value) * Int128(count)) }
        return Holdings(
            partitions: count, cores: times(place.cores),
            memory: ByteCount(Int64(clamping: Int128(place.memory.bytes) * Int128(count))), gpus: times(place.gpus))
    }
}

/// A reservation as it stands in the books.
public struct Reservation: Hashable, Sendable {
    public var order: ReservationOrder
    public var madeAt: Instant
    public var cancelledAt: Instant?

    public enum Phase: String, Hashable, Sendable, CaseIterable {
        /// It has not begun.
        case ahead
        case open
        case over, cancelled
    }

    public func phase(at now: Instant) -> Phase {
        if cancelledAt != nil { return .cancelled }
        return now < order.period.start ? .ahead : now < order.period.end ? .open : .over
    }

    /// Whether places are to be kept for it.
    public func isWanted(at now: Instant) -> Bool { cancelledAt == nil && now < order.period.end }
}

extension Accounts {
    /// Reservations that are kept at hand, those that are over included.
    public static let reservationsMax = 1_000
    /// What is over for so long is forgotten when another one is made.
    static let reservationMemory: Duration = .seconds(30 * 86_400)
    /// How far a reservation's beginning may be behind: whoever says "now" is late when it is recorded.
    static let reservationLate: Duration = .seconds(60)

    /// In the order in which they were made.
    public var allReservations: [Reservation] { Array(reservations.values) }

    public func reservation(_ id: ReservationID) -> Reservation? { reservations[id] }

    /// - Returns: whether it was made before.
    func checkReservation(_ order: ReservationOrder, at now: Instant) throws(RuleBreach) -> Bool {
        guard BookingTerms.isName(order.id.name) else {
            throw RuleBreach(
                .malformed, "`\(order.id.name.prefix(160))` is no name of a reservation",
                remedy: "use 1 to \(BookingTerms.nameBytesMax) letters, digits and `-_.`")
        }
        let known = reservations[order.id]
        if let known, known.order == order, known.cancelledAt == nil { return true }
        _ = try project(order.project)
        try expectPeriod(order.period, "the reservation \(order.id)")
        guard (1...ReservationOrder.countMax).contains(order.count) else {
            throw RuleBreach(
                .overflow, "the reservation \(order.id) is of \(order.count) places",
                remedy: "give 1 to \(ReservationOrder.countMax)")
        }
        guard order.period.start >= now - Self.reservationLate, order.period.end > now else {
            throw RuleBreach(
                .periodOver, "the reservation \(order.id) is for \(order.period), and it is \(now.civilText)",
                remedy: "give a beginning that is not over; a time without a zone is UTC")
        }
        guard order.period.end - order.period.start <= BookingTerms.lengthMax else {
            throw RuleBreach(
                .overflow, "the reservation \(order.id) is for \(order.period), which is more than 31 days",
                remedy: "make several, one after the other")
        }
        guard order.period.start - now <= BookingTerms.aheadMax else {
            throw RuleBreach(
                .periodInFuture,
                "the reservation \(order.id) begins at \(order.period.start.civilText), which is more than "
                    + "366 days ahead", remedy: "make it later")
        }
        if let known, known.isWanted(at: now) {
            throw RuleBreach(
                .duplicate,
                "there is a reservation \(order.id) of \(known.order.count) places for \(known.order.period)",
                remedy: "take another name, or cancel that one first")
        }
        if let (found, most) = allotment(of: order.project).quota.excess(of: order.holdings) {
            throw RuleBreach(
                .quotaExceeded,
                "the reservation \(order.id) would hold \(found), the quota of the project \(order.project) "
                    + "is \(most)", remedy: "reserve less, or give it more with `palmier project quota`")
        }
        guard reservations.values.count(where: { isKept($0, at: now) }) < Self.reservationsMax || known != nil else {
            throw RuleBreach(
                .tooMany, "the ledger keeps \(Self.reservationsMax) reservations, the most it may",
                remedy: "cancel some; what is over is forgotten after 30 days")
        }
        return false
    }

    mutating func onReserved(_ order: ReservationOrder, at now: Instant) throws(RuleBreach) -> Outcome {
        if try checkReservation(order, at: now) { return .repeated }
        let kept = reservations.filter { isKept($1, at: now) }
        reservations = kept
        reservations[order.id] = nil  // one of that name which is over; the new one stands last
        reservations[order.id] = Reservation(order: order, madeAt: now)
        return .done
    }

    func checkCancelling(_ id: ReservationID, at now: Instant) throws(RuleBreach) -> Bool {
        guard let known = reservations[id] else {
            throw RuleBreach(
                .unknownReservation, "there is no reservation \(id) in this ledger",
                remedy: "`palmier project reservation list` shows those that are")
        }
        guard known.phase(at: now) != .over else {
            throw RuleBreach(
                .periodOver, "the reservation \(id) was over at \(known.order.period.end.civilText)",
                remedy: "nothing is kept for it any more")
        }
        return known.cancelledAt != nil
    }

    mutating func onCancelled(_ id: ReservationID, at now: Instant) throws(RuleBreach) -> Outcome {
        if try checkCancelling(id, at: now) { return .repeated }
        reservations[id]?.cancelledAt = now
        return .done
    }

    private func isKept(_ reservation: Reservation, at now: Instant) -> Bool {
        now - (reservation.cancelledAt ?? reservation.order.period.end) < Self.reservationMemory
    }
}

extension ReservationID: CanonicalName {}

extension Reservation: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        order.id.write(to: &bytes)
        order.project.write(to: &bytes)
        order.period.write(to: &bytes)
        order.count.write(to: &bytes)
        order.requirements.memory.bytes.write(to: &bytes)
        order.requirements.machine.write(to: &bytes)
        order.requirements.priceMax.write(to: &bytes)
        order.requirements.condition.write(to: &bytes)
        order.requirements.policy.write(to: &bytes)
        order.reserves.cores.write(to: &bytes)
        order.reserves.memory.bytes.write(to: &bytes)
        order.reserves.gpus.write(to: &bytes)
        madeAt.write(to: &bytes)
        cancelledAt.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        let (id, project): (ReservationID, ProjectID) = (try .init(from: &reader), try .init(from: &reader))
        let (period, count): (Period, Int) = (try .init(from: &reader), try .init(from: &reader))
        let memory: Int64 = try .init(from: &reader)
        let (machine, priceMax): (String?, Int64?) = (try .init(from: &reader), try .init(from: &reader))
        let (condition, policy): (String, String) = (try .init(from: &reader), try .init(from: &reader))
        let requirements = Requirements(
            memory: ByteCount(memory), machine: machine, priceMax: priceMax, condition: condition, policy: policy)
        let cores: Int = try .init(from: &reader)
        let reserved: Int64 = try .init(from: &reader)
        let gpus: Int = try .init(from: &reader)
        order = ReservationOrder(
            id: id, project: project, period: period, count: count, requirements: requirements,
            reserves: Holdings(cores: cores, memory: ByteCount(reserved), gpus: gpus))
        madeAt = try .init(from: &reader)
        cancelledAt = try .init(from: &reader)
    }
}

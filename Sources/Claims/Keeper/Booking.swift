public import Automata

/// What of a booking must survive the machine's crash.
public struct BookingRecord: Hashable, Sendable {
    /// Among the bookings of its partition, from 1; grows with each.
    public var number: UInt64
    /// Which place of the reservation it is.
    public var place: RequestKey
    public var attempt: Attempt
    /// The master whose ledger has the reservation.
    public var home: PeerID
    public var terms: BookingTerms
    /// What is kept beside the partition.
    public var demand: Demand
    /// Its ledger has said that it has it.
    public var isConfirmed: Bool

    public init(
        number: UInt64, place: RequestKey, attempt: Attempt, home: PeerID, terms: BookingTerms, demand: Demand,
        isConfirmed: Bool
    ) {
        self.number = number
        self.place = place
        self.attempt = attempt
        self.home = home
        self.terms = terms
        self.demand = demand
        self.isConfirmed = isConfirmed
    }

    /// What its ledger knows it by.
    public func claim(on machine: PeerID, _ partition: PartitionNumber) -> ClaimReference {
        ClaimReference(
            machine: machine, partition: partition,
            fencing: FencingNumber(FencingNumber.firstBooking.value + number))
    }
}

/// A partition's promise to be kept for somebody, from an instant until another.
struct Booking: Sendable {
    var record: BookingRecord
    /// Dropped then, where its ledger has said nothing more of it.
    var ends: Instant
    var phase = Phase.ahead

    enum Phase: Comparable, Sendable {
        case ahead
        /// Who is there is asked to go, and nobody is let in.
        case noticed
        /// It is for the reservation alone.
        case open
    }

    var isDue: Bool { phase != .ahead }

    /// Whether a request may take the place.
    func serves(_ requirements: Requirements, of home: PeerID) -> Bool {
        record.home == home && requirements.reservation == record.terms.reservation
    }
}

extension Partition {
    /// The booking that keeps it now, or very soon: nobody else is let in.
    var due: Booking? { bookings.first(where: \.isDue) }

    /// The same, when its time has come.
    var open: Booking? { bookings.first { $0.phase == .open } }

    /// What nobody else may have: of the tenant, of the booking, or the larger of both.
    var reserved: Demand {
        guard let due else { return tenancy.demand }
        return tenancy.demand.joined(with: due.record.demand) { max($0, $1) }
    }

    /// When the next booking begins.
    var bookedFrom: Instant { bookings.map(\.record.terms.from).min() ?? .distantFuture }

    /// Whether the tenant has the place that the booking keeps.
    func isUsed(_ booking: Booking) -> Bool {
        switch tenancy {
        case .free, .tentative: false
        case .confirmed(let tenant), .vacating(let tenant):
            booking.serves(tenant.order.specification.requirements, of: tenant.home)
        }
    }
}

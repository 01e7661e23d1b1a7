import Automata

/// One partition as the keeper sees it.
struct Partition: Sendable {
    let number: PartitionNumber
    var fencing: FencingNumber = .zero
    var tenancy: Tenancy = .free
    /// While it is free: for whom alone it is let.
    var kept: Kept?
    /// In the order of their times, of which no two overlap.
    var bookings: [Booking] = []
    /// The newest number of a booking.
    var booked: UInt64 = 0

    init(number: PartitionNumber) {
        self.number = number
    }

    init(record: PartitionRecord) {
        number = record.partition
        fencing = record.fencing
        booked = record.booked
        // When it is heard of again, is for the keeper to say.
        bookings = record.bookings.map { Booking(record: $0, ends: .distantFuture) }
        guard let tenant = record.tenant else { return }
        let restored = Tenant(
            order: tenant.order, attempt: tenant.attempt, home: tenant.home, leaseEnds: tenant.leaseEnds,
            demand: Demand(of: tenant.order.specification.requirements))
        tenancy = tenant.vacating ? .vacating(restored) : .confirmed(restored)
    }

    /// What must be on disk.
    var record: PartitionRecord {
        var record = PartitionRecord(partition: number, fencing: fencing)
        switch tenancy {
        case .free, .tentative: break
        case .confirmed(let tenant): record.tenant = tenant.record(vacating: false)
        case .vacating(let tenant): record.tenant = tenant.record(vacating: true)
        }
        record.booked = booked
        record.bookings = bookings.map(\.record)
        return record
    }

    func record(_ sabotage: ClaimKeeper.Sabotage) -> PartitionRecord {
        var record = record
        if sabotage.contains(.forgetsBookings) { record.bookings = [] }
        return record
    }
}

/// Apart from the partition, most of which have no tenant.
indirect enum Tenancy: Sendable {
    case free
    case tentative(Grant)
    case confirmed(Tenant)
    case vacating(Tenant)

    var isFree: Bool {
        if case .free = self { true } else { false }
    }

    var confirmed: Tenant? {
        if case .confirmed(let tenant) = self { tenant } else { nil }
    }

    var demand: Demand {
        switch self {
        case .free: .none
        case .tentative(let grant): grant.demand
        case .confirmed(let tenant), .vacating(let tenant): tenant.demand
        }
    }
}

/// A promise that waits for its order.
struct Grant: Sendable {
    var request: RequestKey
    var attempt: Attempt
    var home: PeerID
    var demand: Demand
    /// The mark of the release that it was asked for.
    var release: UInt64?
    var granted: Instant
    var expires: Instant
    var share: ProjectShare?
}

/// A partition that a tenant has left for a project's claim waits for that, for a moment.
struct Kept: Hashable, Sendable {
    var home: PeerID
    var project: String
    var until: Instant
}

/// A tenant's ledger has been asked whether it gives way.
struct Yielding: Sendable {
    var partition: PartitionNumber
    var claim: ClaimReference
    var request: RequestKey
    var attempt: Attempt
    var by: Outranking
    /// Until when the ledger's answer is waited for.
    var until: Instant
}

/// A confirmed tenancy.
struct Tenant: Sendable {
    var order: InstanceOrder
    var attempt: Attempt
    var home: PeerID
    var leaseEnds: Instant
    var demand: Demand
    /// What its project has, as its ledger said last; nil: it has not said.
    var share: ProjectShare?
    /// Since when it is here, as far as this process knows; nil: since before it began.
    var since: Instant?
    /// Its home was told that the machine is not what it asks for.
    var isUnfit = false
    /// An exclusive instance whose lease is about to end is stopped until the lease is renewed.
    var suspended = false
    var status: InstanceStatus?
    var reportSequence: UInt64 = 0
    var acknowledged = true

    /// What the agent is to follow right now.
    var effectiveOrder: InstanceOrder {
        var order = order
        if suspended { order.specification.desired = .stopped }
        return order
    }

    func record(vacating: Bool) -> TenantRecord {
        TenantRecord(order: order, attempt: attempt, home: home, leaseEnds: leaseEnds, vacating: vacating)
    }
}

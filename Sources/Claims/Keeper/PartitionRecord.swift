public import Automata

/// What of one partition must survive the machine's crash: the newest fencing number, the confirmed tenant, and for whom it
/// is kept later.
///
/// A tentative claim is not kept: after a crash its order is refused, and the ledger tries again.
public struct PartitionRecord: Hashable, Sendable {
    public var partition: PartitionNumber
    public var fencing: FencingNumber
    public var tenant: TenantRecord?
    /// For whom it is kept, in the order of time; at most 8.
    public var bookings: [BookingRecord] = []
    /// The newest number that was given to a booking.
    public var booked: UInt64 = 0

    public init(partition: PartitionNumber, fencing: FencingNumber = .zero, tenant: TenantRecord? = nil) {
        self.partition = partition
        self.fencing = fencing
        self.tenant = tenant
    }
}

/// A confirmed tenancy as it stands on disk.
public struct TenantRecord: Hashable, Sendable {
    public var order: InstanceOrder
    public var attempt: Attempt
    /// The master whose ledger holds the request.
    public var home: PeerID
    public var leaseEnds: Instant
    /// The tenancy has ended, and the partition is being emptied.
    public var vacating: Bool

    public init(order: InstanceOrder, attempt: Attempt, home: PeerID, leaseEnds: Instant, vacating: Bool) {
        self.order = order
        self.attempt = attempt
        self.home = home
        self.leaseEnds = leaseEnds
        self.vacating = vacating
    }
}

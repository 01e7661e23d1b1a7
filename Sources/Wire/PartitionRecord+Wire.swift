import Automata
public import Claims
import WireSchema

extension PartitionRecord {
    private static let bookingsMax = 8

    public func encoded() -> [UInt8] {
        var message = WirePartitionRecord()
        message.partition = UInt32(clamping: partition.value)
        message.fencing = fencing.value
        if let tenant { message.tenant = WireTenantRecord(tenant) }
        message.bookings = bookings.map { WireBookingRecord($0) }
        message.booked = booked
        return message.bytes()
    }

    public init(decoding bytes: [UInt8]) throws(WireError) {
        let message = try WirePartitionRecord(parsing: bytes)
        self.init(
            partition: try Wire.partition(message.partition),
            fencing: FencingNumber(try counter(message.fencing, "a fencing number")),
            tenant: message.hasTenant ? try message.tenant.decoded() : nil)
        bookings = try list(message.bookings, "bookings", max: Self.bookingsMax) { (booking) throws(WireError) in
            try booking.decoded()
        }
        booked = try number(message.booked, "a booking's number", 0...WireBounds.bookingsMax)
    }
}

extension WireTenantRecord {
    init(_ tenant: TenantRecord) {
        self.init()
        order = WireInstanceOrder(tenant.order)
        attempt = tenant.attempt.value
        home = tenant.home.data
        leaseEndsNanoseconds = tenant.leaseEnds.nanoseconds
        vacating = tenant.vacating
    }

    func decoded() throws(WireError) -> TenantRecord {
        TenantRecord(
            order: try required(hasOrder, order, "a tenant's order").decoded(), attempt: try Wire.attempt(attempt),
            home: try peer(home, "a tenant's home"), leaseEnds: try instant(leaseEndsNanoseconds, "a lease's end"),
            vacating: vacating)
    }
}

import Automata

// How ids and values are written.

/// An id that is written as its name.
protocol CanonicalName: CanonicalRaw {
    var name: String { get }
    init?(_ name: String)
}

extension CanonicalName {
    var canonicalRaw: String { name }
    init?(canonicalRaw: String) { self.init(canonicalRaw) }
}

extension AccountID: CanonicalName {}
extension ProjectID: CanonicalName {}
extension ResourceID: CanonicalName {}
extension InstanceID: CanonicalName {}
extension ReleaseName: CanonicalName {}
extension SubscriptionID: CanonicalName {}
extension ContractID: CanonicalName {}
extension IncidentID: CanonicalName {}
extension PaymentID: CanonicalName {}
extension PostingID: CanonicalName {}

extension Account.Kind: CanonicalRaw {}
extension Cycle: CanonicalRaw {}
extension Unit: CanonicalRaw {}
extension Movement.Stage: CanonicalRaw {}

extension Currency: CanonicalRaw {
    var canonicalRaw: String { code }
    init?(canonicalRaw: String) { self.init(canonicalRaw) }
}

extension Quantity: CanonicalRaw {
    var canonicalRaw: Int64 { millionths }
    init?(canonicalRaw: Int64) { self.init(millionths: canonicalRaw) }
}

extension Price: CanonicalRaw {
    var canonicalRaw: Int64 { millionths }
    init?(canonicalRaw: Int64) { self.init(millionths: canonicalRaw) }
}

extension Money: CanonicalRaw {
    var canonicalRaw: Int128 { trillionths }
    init?(canonicalRaw: Int128) { self.init(trillionths: canonicalRaw) }
}

extension MovementNumber: CanonicalRaw {
    var canonicalRaw: UInt64 { value }
    init?(canonicalRaw: UInt64) { self.init(canonicalRaw) }
}

extension CivilDate: CanonicalRaw {
    var canonicalRaw: Int { dayNumber }
    init?(canonicalRaw: Int) {
        // Within the calendar: far outside it its arithmetic would overflow.
        guard (-1_000_000...10_000_000).contains(canonicalRaw) else { return nil }
        self.init(dayNumber: canonicalRaw)
    }
}

extension Instant: CanonicalRaw {
    var canonicalRaw: Int64 { nanoseconds }
    init?(canonicalRaw: Int64) { self.init(nanoseconds: canonicalRaw) }
}

extension PartitionNumber: CanonicalRaw {
    var canonicalRaw: Int { value }
    init?(canonicalRaw: Int) { self.init(canonicalRaw) }
}

extension PeerID: Canonical {
    func write(to bytes: inout CanonicalBytes) { bytes.add(self as PeerID) }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(high: try reader.number(), low: try reader.number())
    }
}

extension Digest: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        for start in stride(from: 0, to: 32, by: 8) {
            bytes.add(self.bytes[start..<start + 8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        }
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        guard let digest = Digest(bytes: Array(try reader.take(32))) else { throw reader.damaged("no digest") }
        self = digest
    }
}

extension Period: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        start.write(to: &bytes)
        end.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(from: try Instant(from: &reader), to: try Instant(from: &reader))
    }
}

extension InvoiceNumber: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        issuer.write(to: &bytes)
        ordinal.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            issuer: try .init(from: &reader),
            ordinal: try .init(from: &reader))
    }
}

extension PostalAddress: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        street.write(to: &bytes)
        city.write(to: &bytes)
        postcode.write(to: &bytes)
        country.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self.init(
            street: try .init(from: &reader),
            city: try .init(from: &reader),
            postcode: try .init(from: &reader),
            country: try .init(from: &reader))
    }
}

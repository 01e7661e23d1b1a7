/// The name of one peer for all time: the first 128 bits of the SHA-256 of its public key (DER SubjectPublicKeyInfo),
/// so that nobody chooses a place on the ring and TLS proves who is who.
///
/// Ordered as an unsigned 128-bit integer, most significant byte first.
public struct PeerID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let high: UInt64
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A legible id for small worlds: the byte comes first, zeros follow.
    public init(_ firstByte: UInt8) {
        self.init(high: UInt64(firstByte) << 56, low: 0)
    }

    /// The first 128 bits of a public key's digest.
    public init(publicKeyDigest digest: Digest) {
        self.init(high: Self.bigEndian(digest.bytes[0..<8]), low: Self.bigEndian(digest.bytes[8..<16]))
    }

    /// Reads 16 bytes; nil for any other length.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        self.init(high: Self.bigEndian(bytes[0..<8]), low: Self.bigEndian(bytes[8..<16]))
    }

    /// Reads 32 hexadecimal digits; nil for anything else.
    public init?(_ text: String) {
        guard let bytes = [UInt8](hexadecimal: text) else { return nil }
        self.init(bytes: bytes)
    }

    /// 16 bytes, most significant first.
    public var bytes: [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: high >> (56 - 8 * $0)) }
            + (0..<8).map { UInt8(truncatingIfNeeded: low >> (56 - 8 * $0)) }
    }

    /// 32 lower-case hexadecimal digits.
    public var description: String { bytes.hexadecimal }

    /// The form that people compare on two screens: the first 64 bits as four groups, `7f3a-09c1-55d2-e0aa`.
    public var fingerprint: String {
        let digits = Array(description.prefix(16))
        return stride(from: 0, to: 16, by: 4).map { String(digits[$0..<$0 + 4]) }.joined(separator: "-")
    }

    public static func < (left: PeerID, right: PeerID) -> Bool {
        left.high != right.high ? left.high < right.high : left.low < right.low
    }

    /// The exclusive-or distance (Kademlia, 2002), by which masters agree, without a word, on who watches whom.
    public func distance(to other: PeerID) -> PeerID {
        PeerID(high: high ^ other.high, low: low ^ other.low)
    }

    private static func bigEndian(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }
}

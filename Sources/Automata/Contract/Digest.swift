import Crypto

/// A SHA-256 value (FIPS 180-4); the one place where a pure target touches a cryptographic library.
///
/// Its 32 bytes lie in the value itself: entries of logs carry one each and are copied often.
public struct Digest: Hashable, Comparable, Sendable, CustomStringConvertible {
    // Each of eight bytes, the most significant in front: so they are ordered as the bytes are.
    /// Its first eight bytes as a number: enough to tell digests apart where nobody cheats.
    public let first: UInt64
    private let second: UInt64
    private let third: UInt64
    private let fourth: UInt64

    /// Always 32 bytes.
    public var bytes: [UInt8] {
        Array(unsafeUninitializedCapacity: Self.byteCount) { buffer, count in
            write(to: UnsafeMutableRawBufferPointer(buffer))
            count = Self.byteCount
        }
    }

    public static let byteCount = 32

    /// The digest of `content`.
    public init(of content: some Sequence<UInt8>) {
        let atOnce = content.withContiguousStorageIfAvailable { Digest(of: UnsafeRawBufferPointer($0)) }
        self = atOnce ?? Array(content).withUnsafeBytes { Digest(of: $0) }
    }

    /// The digest of what stands there.
    public init(of content: UnsafeRawBufferPointer) {
        var hash = SHA256()
        hash.update(bufferPointer: content)
        self.init(hash)
    }

    fileprivate init(_ hash: SHA256) {
        self = hash.finalize().withUnsafeBytes { Digest(reading: $0) }
    }

    /// A digest received as 32 bytes; nil for any other length.
    public init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self = bytes.withUnsafeBytes { Digest(reading: $0) }
    }

    /// A digest written as 64 hexadecimal digits; nil for anything else.
    public init?(hexadecimal: String) {
        guard let bytes = [UInt8](hexadecimal: hexadecimal) else { return nil }
        self.init(bytes: bytes)
    }

    private init(reading bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count == Self.byteCount, "a SHA-256 value has \(bytes.count) bytes")
        func word(_ offset: Int) -> UInt64 {
            UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        (first, second, third, fourth) = (word(0), word(8), word(16), word(24))
    }

    /// Its bytes, to the beginning of what has room for them.
    public func write(to buffer: UnsafeMutableRawBufferPointer) {
        buffer.storeBytes(of: first.bigEndian, toByteOffset: 0, as: UInt64.self)
        buffer.storeBytes(of: second.bigEndian, toByteOffset: 8, as: UInt64.self)
        buffer.storeBytes(of: third.bigEndian, toByteOffset: 16, as: UInt64.self)
        buffer.storeBytes(of: fourth.bigEndian, toByteOffset: 24, as: UInt64.self)
    }

    public var description: String { bytes.hexadecimal }

    public static func < (left: Digest, right: Digest) -> Bool {
        (left.first, left.second, left.third, left.fourth) < (right.first, right.second, right.third, right.fourth)
    }
}

/// A digest fed piece by piece: a simulation's trace hash, a file too large to hold.
public struct DigestBuilder: Sendable {
    private var hash = SHA256()

    public init() {}

    public mutating func update(_ bytes: some Sequence<UInt8>) {
        hash.update(data: Array(bytes))
    }

    public func finish() -> Digest { Digest(hash) }
}

import Crypto

/// A SHA-256 value (FIPS 180-4); the one place where a pure target touches a cryptographic library.
public struct Digest: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Always 32 bytes.
    public let bytes: [UInt8]

    /// The digest of `content`.
    public init(of content: some Sequence<UInt8>) {
        bytes = Array(SHA256.hash(data: Array(content)))
    }

    /// A digest received as 32 bytes; nil for any other length.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        self.bytes = bytes
    }

    /// A digest written as 64 hexadecimal digits; nil for anything else.
    public init?(hexadecimal: String) {
        guard let bytes = [UInt8](hexadecimal: hexadecimal) else { return nil }
        self.init(bytes: bytes)
    }

    /// 64 lower-case hexadecimal digits.
    public var description: String { bytes.hexadecimal }

    public static func < (left: Digest, right: Digest) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}

/// A digest fed piece by piece: a simulation's trace hash, a file too large to hold.
public struct DigestBuilder: Sendable {
    private var hash = SHA256()

    public init() {}

    public mutating func update(_ bytes: some Sequence<UInt8>) {
        hash.update(data: Array(bytes))
    }

    public func finish() -> Digest {
        let value = hash
        guard let digest = Digest(bytes: Array(value.finalize())) else {
            preconditionFailure("SHA-256 gave a value that is not 32 bytes long")
        }
        return digest
    }
}

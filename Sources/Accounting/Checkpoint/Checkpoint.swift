import Automata
import OrderedCollections

// The whole of the books as bytes: the same books are the same bytes on every replica, so that a digest of them says
// whether two replicas agree, and a new one begins with them.

/// Why bytes are no checkpoint.
public struct CheckpointError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Where in the bytes.
    public let offset: Int
    public let found: String

    public var description: String {
        "the checkpoint is damaged at byte \(offset): \(found); take it from another replica, or replay the log"
    }
}

extension Accounts {
    /// Names the layout; another one is another number. The one before it, where contracts had no end, is read, too.
    private static let layout = "palmier.accounts/6"
    private static let versions = ["palmier.accounts/3": 3, unallotted: 4, unreserved: 5, layout: 6]
    /// Books in which nobody has reserved anything are the bytes that they were before anybody could, and so are books in which
    /// nobody has said anything of quotas and shares.
    private static let unreserved = "palmier.accounts/5"
    private static let unallotted = "palmier.accounts/4"

    /// All that the books keep.
    public var checkpoint: [UInt8] {
        var bytes = CanonicalBytes()
        let earlier = allotments.isEmpty ? Self.unallotted : Self.unreserved
        bytes.add(reservations.isEmpty ? earlier : Self.layout)
        write(to: &bytes)
        return bytes.bytes
    }

    /// The books that `checkpoint` was made of.
    ///
    /// - Throws: where the bytes are cut, or say what no books say. Sums are not recomputed: that is `audit`.
    public init(checkpoint: [UInt8]) throws(CheckpointError) {
        var reader = CheckpointReader(checkpoint)
        let layout = try String(from: &reader)
        guard let version = Self.versions[layout] else {
            throw CheckpointError(offset: 0, found: "its layout is `\(layout.prefix(40))`, not `\(Self.layout)`")
        }
        reader.version = version
        try self.init(from: &reader)
        try reader.expectEnd()
    }
}

/// What can be written to bytes and read back from them.
protocol Canonical {
    func write(to bytes: inout CanonicalBytes)
    init(from reader: inout CheckpointReader) throws(CheckpointError)
}

struct CheckpointReader {
    private let bytes: [UInt8]
    private var offset = 0
    /// Of the layout.
    var version = 6

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func damaged(_ found: String) -> CheckpointError { CheckpointError(offset: offset, found: found) }

    mutating func number() throws(CheckpointError) -> UInt64 {
        guard bytes.count - offset >= 8 else { throw damaged("a number is cut off") }
        var value: UInt64 = 0
        for byte in bytes[offset..<offset + 8] { value = value << 8 | UInt64(byte) }
        offset += 8
        return value
    }

    /// How many elements follow; each has a byte at least, so that nonsense asks for no memory.
    mutating func count() throws(CheckpointError) -> Int {
        let value = try number()
        guard value <= UInt64(bytes.count - offset) else {
            throw damaged("\(value) elements in \(bytes.count - offset) bytes")
        }
        return Int(value)
    }

    mutating func take(_ count: Int) throws(CheckpointError) -> ArraySlice<UInt8> {
        guard bytes.count - offset >= count else { throw damaged("\(count) bytes are cut off") }
        defer { offset += count }
        return bytes[offset..<offset + count]
    }

    func expectEnd() throws(CheckpointError) {
        guard offset == bytes.count else { throw damaged("\(bytes.count - offset) bytes too many") }
    }
}

extension CanonicalBytes {
    mutating func add(_ value: some Canonical) { value.write(to: &self) }
}

extension UInt64: Canonical {
    func write(to bytes: inout CanonicalBytes) { bytes.add(self as UInt64) }
    init(from reader: inout CheckpointReader) throws(CheckpointError) { self = try reader.number() }
}

extension Int64: Canonical {
    func write(to bytes: inout CanonicalBytes) { bytes.add(UInt64(bitPattern: self)) }
    init(from reader: inout CheckpointReader) throws(CheckpointError) { self.init(bitPattern: try reader.number()) }
}

extension Int: Canonical {
    func write(to bytes: inout CanonicalBytes) { Int64(self).write(to: &bytes) }
    init(from reader: inout CheckpointReader) throws(CheckpointError) { self = Int(try Int64(from: &reader)) }
}

extension Int128: Canonical {
    func write(to bytes: inout CanonicalBytes) { bytes.add(Money(trillionths: self)) }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        let high = Int128(Int64(bitPattern: try reader.number()))
        self = high << 64 | Int128(try reader.number())
    }
}

extension Bool: Canonical {
    func write(to bytes: inout CanonicalBytes) { bytes.add(UInt64(self ? 1 : 0)) }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        switch try reader.number() {
        case 0: self = false
        case 1: self = true
        case let other: throw reader.damaged("\(other) is neither yes nor no")
        }
    }
}

extension String: Canonical {
    func write(to bytes: inout CanonicalBytes) { bytes.add(self as String) }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        let count = try reader.count()
        guard let text = String(validating: try reader.take(count), as: UTF8.self) else {
            throw reader.damaged("a text is not UTF-8")
        }
        self = text
    }
}

extension Optional: Canonical where Wrapped: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        (self != nil).write(to: &bytes)
        if let self { self.write(to: &bytes) }
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        self = try Bool(from: &reader) ? try Wrapped(from: &reader) : nil
    }
}

extension Array: Canonical where Element: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        bytes.add(UInt64(count))
        for element in self { element.write(to: &bytes) }
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        let count = try reader.count()
        self.init()
        for _ in 0..<count { append(try Element(from: &reader)) }
    }
}

extension OrderedDictionary: Canonical where Key: Canonical, Value: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        bytes.add(UInt64(count))
        for (key, value) in elements {
            key.write(to: &bytes)
            value.write(to: &bytes)
        }
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        let count = try reader.count()
        self.init()
        for _ in 0..<count {
            let key = try Key(from: &reader)
            guard updateValue(try Value(from: &reader), forKey: key) == nil else {
                throw reader.damaged("\(key) twice")
            }
        }
    }
}

/// What is a text or a number inside.
protocol CanonicalRaw: Canonical {
    associatedtype Raw: Canonical
    var canonicalRaw: Raw { get }
    /// Nil for what this is never made of.
    init?(canonicalRaw: Raw)
}

extension CanonicalRaw {
    func write(to bytes: inout CanonicalBytes) { canonicalRaw.write(to: &bytes) }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        let raw = try Raw(from: &reader)
        guard let value = Self(canonicalRaw: raw) else { throw reader.damaged("`\(raw)` is no \(Self.self)") }
        self = value
    }
}

extension CanonicalRaw where Self: RawRepresentable, RawValue == String {
    var canonicalRaw: String { rawValue }
    init?(canonicalRaw: String) { self.init(rawValue: canonicalRaw) }
}

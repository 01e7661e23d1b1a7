import Automata
import Foundation
import SwiftProtobuf

// The checks that all decoding is made of. Each says which value it was, what was found, and what is allowed.

func text(_ value: String, _ what: StaticString, bytes: ClosedRange<Int>) throws(WireError) -> String {
    let count = value.utf8.count
    guard bytes.contains(count) else {
        throw WireError(
            .outOfBounds, "\(what) has \(count) bytes, allowed are \(bytes.lowerBound) to \(bytes.upperBound)")
    }
    return value
}

/// A text that is declared as bytes.
func longText(_ value: Data, _ what: StaticString, bytesMax: Int) throws(WireError) -> String {
    guard value.count <= bytesMax else {
        throw WireError(.outOfBounds, "\(what) has \(value.count) bytes, at most \(bytesMax) are allowed")
    }
    guard let text = value.withUnsafeBytes({ String(validating: $0, as: UTF8.self) }) else {
        throw WireError(.malformed, "\(what) is not UTF-8")
    }
    return text
}

/// Bytes that mean nothing to this layer.
func blob(_ value: Data, _ what: StaticString, max: Int) throws(WireError) -> [UInt8] {
    guard value.count <= max else {
        throw WireError(.outOfBounds, "\(what) has \(value.count) bytes, at most \(max) are allowed")
    }
    return Array(value)
}

func number<Number: BinaryInteger>(
    _ value: Number, _ what: StaticString, _ range: ClosedRange<Number>
) throws(WireError) -> Number {
    guard range.contains(value) else {
        throw WireError(.outOfBounds, "\(what) is \(value), allowed is \(range.lowerBound) to \(range.upperBound)")
    }
    return value
}

/// 0 to 2^63 - 1: fits a database's integer, and its successor exists.
func counter(_ value: UInt64, _ what: StaticString, from least: UInt64 = 0) throws(WireError) -> UInt64 {
    try number(value, what, least...UInt64(Int64.max))
}

func attempt(_ value: UInt32) throws(WireError) -> Attempt {
    Attempt(try number(value, "an attempt", 1...UInt32(Int32.max)))
}

func revision(_ value: UInt64) throws(WireError) -> Revision {
    Revision(try counter(value, "a revision", from: 1))
}

func peer(_ bytes: Data, _ what: StaticString) throws(WireError) -> PeerID {
    guard bytes.count == PeerID.bytesCount else {
        throw WireError(.outOfBounds, "\(what) has \(bytes.count) bytes, a peer's id has \(PeerID.bytesCount)")
    }
    return bytes.withUnsafeBytes { PeerID(in: $0, at: 0) }
}

/// Empty bytes say nothing.
func optionalPeer(_ bytes: Data, _ what: StaticString) throws(WireError) -> PeerID? {
    bytes.isEmpty ? nil : try peer(bytes, what)
}

/// Ids one after the other.
func peers(_ bytes: Data, _ what: StaticString, max: Int) throws(WireError) -> [PeerID] {
    let count = bytes.count / PeerID.bytesCount
    guard bytes.count % PeerID.bytesCount == 0 else {
        throw WireError(.outOfBounds, "\(what) have \(bytes.count) bytes, \(PeerID.bytesCount) are a peer's id")
    }
    guard count <= max else {
        throw WireError(.outOfBounds, "\(what) are \(count), at most \(max) are allowed")
    }
    return bytes.withUnsafeBytes { buffer in
        (0..<count).map { PeerID(in: buffer, at: $0 * PeerID.bytesCount) }
    }
}

func digest(_ bytes: Data, _ what: StaticString) throws(WireError) -> Digest {
    guard let digest = Digest(bytes: Array(bytes)) else {
        throw WireError(.outOfBounds, "\(what) has \(bytes.count) bytes, a digest has 32")
    }
    return digest
}

func partition(_ value: UInt32) throws(WireError) -> PartitionNumber {
    PartitionNumber(Int(try number(value, "a partition", 0...UInt32(WireBounds.partitionsMax - 1))))
}

func port(_ value: UInt32) throws(WireError) -> UInt16 {
    UInt16(try number(value, "a port", 1...65_535))
}

func instant(_ nanoseconds: Int64, _ what: StaticString) throws(WireError) -> Instant {
    Instant(nanoseconds: try number(nanoseconds, what, 0...Int64.max))
}

func duration(milliseconds: Int64, _ what: StaticString) throws(WireError) -> Duration {
    .milliseconds(try number(milliseconds, what, 0...WireBounds.durationMax.milliseconds))
}

func list<Element, Decoded>(
    _ elements: [Element], _ what: StaticString, max: Int = WireBounds.elementsMax,
    _ decode: (Element) throws(WireError) -> Decoded
) throws(WireError) -> [Decoded] {
    guard elements.count <= max else {
        throw WireError(.outOfBounds, "\(what) are \(elements.count), at most \(max) are allowed")
    }
    var decoded: [Decoded] = []
    decoded.reserveCapacity(elements.count)
    for element in elements { decoded.append(try decode(element)) }
    return decoded
}

/// A part that every writer must give.
func required<Value>(_ isThere: Bool, _ value: @autoclosure () -> Value, _ what: StaticString) throws(WireError)
    -> Value
{
    guard isThere else { throw WireError(.missing, "\(what) is missing") }
    return value()
}

/// Why a oneof is empty: its writer said nothing, or something that only a later version knows.
func noKind(_ what: StaticString, _ unknown: UnknownStorage) -> WireError {
    unknown.data.isEmpty
        ? WireError(.missing, "\(what) says nothing")
        : WireError(.unknownKind, "\(what) is of a kind that this version does not know")
}

/// What an enum's value is that no case stands for.
func noCase(_ what: StaticString, _ rawValue: Int) -> WireError {
    rawValue == 0
        ? WireError(.missing, "\(what) is missing")
        : WireError(.unknownKind, "\(what) \(rawValue) is unknown to this version")
}

// MARK: Encoding

// An id is on every message, sixty-four are in many: not byte by byte.
extension PeerID {
    static let bytesCount = 16

    var data: Data { [self].data }

    fileprivate init(in buffer: UnsafeRawBufferPointer, at offset: Int) {
        self.init(
            high: UInt64(bigEndian: buffer.loadUnaligned(fromByteOffset: offset, as: UInt64.self)),
            low: UInt64(bigEndian: buffer.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)))
    }
}

extension [PeerID] {
    /// Ids one after the other.
    var data: Data {
        var data = Data(count: count * PeerID.bytesCount)
        data.withUnsafeMutableBytes { buffer in
            for (index, peer) in enumerated() {
                let offset = index * PeerID.bytesCount
                buffer.storeBytes(of: peer.high.bigEndian, toByteOffset: offset, as: UInt64.self)
                buffer.storeBytes(of: peer.low.bigEndian, toByteOffset: offset + 8, as: UInt64.self)
            }
        }
        return data
    }
}

/// Text for people, cut to its bound at the end of a character.
func cut(_ value: String, to bytesMax: Int = WireBounds.reasonBytesMax) -> String {
    guard value.utf8.count > bytesMax else { return value }
    let mark = "…"
    var end = value.utf8.index(value.startIndex, offsetBy: bytesMax - mark.utf8.count)
    while end.samePosition(in: value.unicodeScalars) == nil { end = value.utf8.index(before: end) }
    return value[..<end] + mark
}

/// A duration's milliseconds, brought into the schema's bounds.
func bounded(_ duration: Duration) -> Int64 {
    max(0, min(duration.milliseconds, WireBounds.durationMax.milliseconds))
}

extension Message {
    /// The message's bytes.
    func bytes() -> [UInt8] {
        do {
            return try serializedBytes()
        } catch {
            // Fails for required fields and `Any`, which the schema has none of, and beyond 2 GiB.
            preconditionFailure("a \(Self.protoMessageName) does not serialize: \(error)")
        }
    }

    /// Reads bytes; only their form is checked.
    init(parsing bytes: [UInt8]) throws(WireError) {
        do {
            try self.init(serializedBytes: bytes)
        } catch {
            throw WireError(.malformed, "\(bytes.count) bytes are no \(Self.protoMessageName): \(why(error))")
        }
    }
}

/// In words: describing the error itself takes five times as long as finding it, and garbage comes in floods.
private func why(_ error: any Error) -> String {
    switch error as? BinaryDecodingError {
    case .truncated: "it is cut short"
    case .invalidUTF8: "a text is not UTF-8"
    case .malformedProtobuf: "it is garbled"
    case .messageDepthLimit: "it is too deep"
    case .trailingGarbage, .missingRequiredFields, .internalExtensionError, nil: "\(error)"
    }
}

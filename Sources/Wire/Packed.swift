import Automata
import Foundation
import Replication

// Layouts without fields, for what is hundreds to ten thousand in a message and never grows: numbers most significant byte
// first, one value behind the other. A field of Protocol Buffers for each costs several allocations a value.

/// Writes into bytes of which the caller has counted how many there must be.
struct PackedWriter {
    private let buffer: UnsafeMutableRawBufferPointer
    private(set) var offset = 0

    init(_ buffer: UnsafeMutableRawBufferPointer) {
        self.buffer = buffer
    }

    mutating func write<Number: FixedWidthInteger>(_ number: Number) {
        let end = offset + MemoryLayout<Number>.size
        precondition(end <= buffer.count, "\(end) bytes into \(buffer.count)")
        buffer.storeBytes(of: number.bigEndian, toByteOffset: offset, as: Number.self)
        offset = end
    }

    mutating func write(_ bytes: [UInt8]) {
        let end = offset + bytes.count
        precondition(end <= buffer.count, "\(end) bytes into \(buffer.count)")
        UnsafeMutableRawBufferPointer(rebasing: buffer[offset..<end]).copyBytes(from: bytes)
        offset = end
    }

    mutating func write(_ member: Member) {
        write(member.peer.high)
        write(member.peer.low)
        write(member.store.value)
    }
}

/// Reads, never beyond the end.
struct PackedReader {
    private let buffer: UnsafeRawBufferPointer
    private let what: StaticString
    private(set) var offset = 0

    init(_ buffer: UnsafeRawBufferPointer, _ what: StaticString) {
        self.buffer = buffer
        self.what = what
    }

    var isAtEnd: Bool { offset == buffer.count }

    mutating func read<Number: FixedWidthInteger>(
        as type: Number.Type = Number.self
    ) throws(WireError) -> Number {
        let size = MemoryLayout<Number>.size
        guard buffer.count - offset >= size else { throw cutShort(size) }
        defer { offset += size }
        return Number(bigEndian: buffer.loadUnaligned(fromByteOffset: offset, as: Number.self))
    }

    mutating func read(_ count: Int) throws(WireError) -> [UInt8] {
        guard buffer.count - offset >= count else { throw cutShort(count) }
        defer { offset += count }
        return [UInt8](UnsafeRawBufferPointer(rebasing: buffer[offset..<offset + count]))
    }

    mutating func readDigest() throws(WireError) -> Digest {
        guard let digest = Digest(bytes: try read(32)) else { preconditionFailure("32 bytes are no digest") }
        return digest
    }

    mutating func readMember() throws(WireError) -> Member {
        Member(
            peer: PeerID(high: try read(), low: try read()),
            store: StoreID(try read()))
    }

    private func cutShort(_ count: Int) -> WireError {
        WireError(
            .malformed,
            "\(what) are cut short: \(count) bytes are wanted at \(offset), there are \(buffer.count) in all")
    }
}

extension Data {
    init(packed count: Int, _ write: (inout PackedWriter) -> Void) {
        self.init(count: count)
        withUnsafeMutableBytes { buffer in
            var writer = PackedWriter(buffer)
            write(&writer)
            precondition(writer.offset == count, "\(writer.offset) bytes are written, \(count) were counted")
        }
    }

    /// Reads values until the end.
    func unpacked<Value>(
        _ what: StaticString, max: Int, bytesEach: Int, _ read: (inout PackedReader) throws(WireError) -> Value
    ) throws(WireError) -> [Value] {
        try withUnsafeBytes { $0.unpacked(what, max: max, bytesEach: bytesEach, read) }.get()
    }

    /// Reads one value, which is all that there is.
    func unpacked<Value>(
        _ what: StaticString, _ read: (inout PackedReader) throws(WireError) -> Value
    ) throws(WireError) -> Value {
        let values = try unpacked(what, max: 1, bytesEach: count, read)
        guard let value = values.first else { throw WireError(.missing, "\(what) is missing") }
        return value
    }
}

extension UnsafeRawBufferPointer {
    /// - Parameter bytesEach: at least so many does a value take.
    func unpacked<Value>(
        _ what: StaticString, max: Int, bytesEach: Int, _ read: (inout PackedReader) throws(WireError) -> Value
    ) -> Result<[Value], WireError> {
        do throws(WireError) {
            var reader = PackedReader(self, what)
            var values: [Value] = []
            values.reserveCapacity(Swift.min(count / Swift.max(bytesEach, 1), max))
            while !reader.isAtEnd {
                guard values.count < max else {
                    throw WireError(.outOfBounds, "\(what) are more than \(max)")
                }
                values.append(try read(&reader))
            }
            return .success(values)
        } catch {
            return .failure(error)
        }
    }
}

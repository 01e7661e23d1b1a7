/// A 64-bit checksum of what stands in one row: it tells a damaged row from one that was written like that.
///
/// Each step is a bijection of the state, so that a change within one word of eight bytes is always seen; any other damage
/// goes unseen once in 2⁶⁴. Not for secrets: whoever can write the file can write the checksum too. Rows in the field carry
/// it, so it never changes.
struct Checksum {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ word: UInt64) {
        value = (value ^ word) &* 0x9e37_79b9_7f4a_7c15
        value ^= value >> 32
    }

    mutating func add(_ bytes: [UInt8]) {
        add(UInt64(bytes.count))
        bytes.withUnsafeBytes { buffer in
            var offset = 0
            while offset + 8 <= buffer.count {
                add(UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
                offset += 8
            }
            var rest: UInt64 = 0
            while offset < buffer.count {
                rest = rest << 8 | UInt64(buffer[offset])
                offset += 1
            }
            add(rest)
        }
    }

    /// As SQLite keeps it.
    var stored: Int64 { Int64(bitPattern: value) }
}

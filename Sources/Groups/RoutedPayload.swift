import Automata

/// What a group's messages to its root say, as bytes in `Routed.payload`: big-endian, one kind byte first. The group is
/// the message's key, who speaks its origin.
enum RoutedPayload: Hashable, Sendable {
    /// - isDirect: only the root may take it in.
    case join(Summary, isDirect: Bool)
    case multicast([UInt8])
    case anycast(AnycastHeader, payload: [UInt8])
    /// For the group's summary.
    case ask(number: UInt64)

    struct AnycastHeader: Hashable, Sendable {
        var number: UInt64
        var attempt: UInt8
        /// The search starts at the root.
        var isDirect: Bool
        var atLeast: Int64?
    }

    private enum Kind: UInt8 { case join = 1, multicast, anycast, ask }

    var bytes: [UInt8] {
        var writer = Writer()
        switch self {
        case .join(let summary, let isDirect):
            writer.put(Kind.join.rawValue)
            writer.put(UInt8(isDirect ? 1 : 0))
            writer.put(summary)
        case .multicast(let payload):
            writer.put(Kind.multicast.rawValue)
            writer.bytes += payload
        case .anycast(let header, let payload):
            writer.put(Kind.anycast.rawValue)
            let flags: UInt8 = (header.isDirect ? 1 : 0) + (header.atLeast == nil ? 0 : 2)
            writer.put(flags)
            writer.put(header.attempt)
            writer.put(header.number)
            if let atLeast = header.atLeast { writer.put(UInt64(bitPattern: atLeast)) }
            writer.bytes += payload
        case .ask(let number):
            writer.put(Kind.ask.rawValue)
            writer.put(number)
        }
        return writer.bytes
    }

    /// Nil for anything that `bytes` would not write.
    init?(_ bytes: [UInt8]) {
        var reader = Reader(bytes: bytes)
        guard let kind = reader.byte().flatMap(Kind.init(rawValue:)) else { return nil }
        switch kind {
        case .join:
            guard let flags = reader.byte(), flags <= 1, let summary = reader.summary(), reader.isAtEnd else {
                return nil
            }
            self = .join(summary, isDirect: flags == 1)
        case .multicast:
            self = .multicast(reader.rest())
        case .anycast:
            guard let flags = reader.byte(), flags <= 3, let attempt = reader.byte(), let number = reader.word()
            else { return nil }
            var header = AnycastHeader(number: number, attempt: attempt, isDirect: flags & 1 != 0, atLeast: nil)
            if flags & 2 != 0 {
                guard let atLeast = reader.word() else { return nil }
                header.atLeast = Int64(bitPattern: atLeast)
            }
            self = .anycast(header, payload: reader.rest())
        case .ask:
            guard let number = reader.word(), reader.isAtEnd else { return nil }
            self = .ask(number: number)
        }
    }
}

private struct Writer {
    var bytes: [UInt8] = []

    mutating func put(_ byte: UInt8) { bytes.append(byte) }

    mutating func put(_ word: UInt64) {
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: word >> shift))
        }
    }

    mutating func put(_ summary: Summary) {
        bytes.reserveCapacity(bytes.count + 33 + 24 * summary.sample.count)
        put(summary.count)
        put(UInt64(bitPattern: summary.sum))
        put(UInt64(bitPattern: summary.min))
        put(UInt64(bitPattern: summary.max))
        put(UInt8(summary.sample.count))
        for member in summary.sample {
            put(member.peer.high)
            put(member.peer.low)
            put(UInt64(bitPattern: member.value))
        }
    }
}

private struct Reader {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    mutating func byte() -> UInt8? {
        guard position < bytes.count else { return nil }
        position += 1
        return bytes[position - 1]
    }

    mutating func word() -> UInt64? {
        guard bytes.count - position >= 8 else { return nil }
        position += 8
        return bytes[position - 8..<position].reduce(0) { $0 << 8 | UInt64($1) }
    }

    mutating func rest() -> [UInt8] {
        let from = position
        position = bytes.count
        return Array(bytes[from...])
    }

    mutating func summary() -> Summary? {
        guard let count = word(), let sum = word(), let min = word(), let max = word(), let sampled = byte(),
            sampled <= Summary.sampleMax
        else { return nil }
        var sample: [Summary.Member] = []
        for _ in 0..<sampled {
            guard let high = word(), let low = word(), let value = word() else { return nil }
            sample.append(Summary.Member(peer: PeerID(high: high, low: low), value: Int64(bitPattern: value)))
        }
        return Summary(
            count: count, sum: Int64(bitPattern: sum), min: Int64(bitPattern: min), max: Int64(bitPattern: max),
            sample: sample)
    }
}

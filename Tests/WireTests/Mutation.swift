import Automata

/// Makes wrong bytes out of right ones: anywhere (most do not parse), or inside one field, with the lengths around it
/// made right again, so that what stands behind the parser is tried too.
struct Mutation {
    let corpus: [[UInt8]]
    var random: SeededRandom

    mutating func next() -> [UInt8] {
        if random.chance(perMille: 50) { return noise(below: 64) }
        let bytes = corpus[random.below(corpus.count)]
        return random.chance(perMille: 500) ? scrambled(bytes) : changed(bytes, depth: 0)
    }

    private mutating func noise(below bound: Int) -> [UInt8] {
        (0..<random.below(bound)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    private mutating func scrambled(_ right: [UInt8]) -> [UInt8] {
        guard !right.isEmpty else { return noise(below: 20) }
        var bytes = right
        for _ in 0...random.below(3) where !bytes.isEmpty {
            let place = random.below(bytes.count)
            switch random.below(8) {
            case 0: bytes[place] ^= 1 << UInt8(random.below(8))
            case 1: bytes[place] = UInt8(truncatingIfNeeded: random.next())
            case 2: bytes[place] = [0, 1, 0x7F, 0x80, 0xFF][random.below(5)]
            case 3: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
            case 4: bytes.remove(at: place)
            case 5: bytes.removeLast(bytes.count - place)
            case 6: bytes += bytes
            default:
                let other = corpus[random.below(corpus.count)]
                bytes = Array(bytes[..<place]) + other.dropFirst(random.below(other.count + 1))
            }
        }
        return bytes
    }

    /// Changes one field of the message that the bytes are, or of one inside it.
    private mutating func changed(_ bytes: [UInt8], depth: Int) -> [UInt8] {
        guard depth < 8, var fields = RawField.all(of: bytes), !fields.isEmpty else { return scrambled(bytes) }
        let index = random.below(fields.count)
        switch random.below(12) {
        case 0: fields.remove(at: index)
        case 1: fields.insert(fields[index], at: random.below(fields.count + 1))
        case 2: fields[index].number = UInt64(1 + random.below(16))
        default:
            switch fields[index].value {
            case .varint(let value): fields[index].value = .varint(number(near: value))
            case .fixed32(let value): fields[index].value = .fixed32(scrambled(value, length: 4))
            case .fixed64(let value): fields[index].value = .fixed64(scrambled(value, length: 8))
            case .bytes(let value): fields[index].value = .bytes(changed(value, depth: depth + 1))
            }
        }
        return fields.flatMap(\.bytes)
    }

    private mutating func scrambled(_ bytes: [UInt8], length: Int) -> [UInt8] {
        let scrambled = scrambled(bytes).prefix(length)
        return scrambled + [UInt8](repeating: 0, count: length - scrambled.count)
    }

    /// Numbers at the bounds that the schema has, or one beside the right one.
    private mutating func number(near value: UInt64) -> UInt64 {
        let bounds: [UInt64] = [
            0, 1, 31, 64, 255, 256, 512, 9_999, 65_535, 65_536, 1 << 31, 1 << 32, 1 << 53, 1 << 62, 1 << 63, .max,
        ]
        return switch random.below(4) {
        case 0: value &+ 1
        case 1: value &- 1
        case 2: random.next()
        default: bounds[random.below(bounds.count)]
        }
    }
}

/// A field as it stands in a message, read without a schema.
struct RawField {
    enum Value {
        case varint(UInt64)
        case fixed64([UInt8])
        case bytes([UInt8])
        case fixed32([UInt8])
    }

    var number: UInt64
    var value: Value

    /// Nil when the bytes are no message.
    static func all(of bytes: [UInt8]) -> [RawField]? {
        var rest = bytes[...]
        var fields: [RawField] = []
        while !rest.isEmpty {
            guard let key = varint(&rest), key >> 3 > 0 else { return nil }
            let value: Value
            switch key & 7 {
            case 0:
                guard let number = varint(&rest) else { return nil }
                value = .varint(number)
            case 1:
                guard let content = take(8, &rest) else { return nil }
                value = .fixed64(content)
            case 2:
                guard let length = varint(&rest), let content = take(length, &rest) else { return nil }
                value = .bytes(content)
            case 5:
                guard let content = take(4, &rest) else { return nil }
                value = .fixed32(content)
            default: return nil
            }
            fields.append(RawField(number: key >> 3, value: value))
        }
        return fields
    }

    var bytes: [UInt8] {
        switch value {
        case .varint(let value): Self.varint(number << 3) + Self.varint(value)
        case .fixed64(let content): Self.varint(number << 3 | 1) + content
        case .bytes(let content): Self.varint(number << 3 | 2) + Self.varint(UInt64(content.count)) + content
        case .fixed32(let content): Self.varint(number << 3 | 5) + content
        }
    }

    private static func varint(_ rest: inout ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = rest.popFirst() else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }

    private static func varint(_ value: UInt64) -> [UInt8] {
        var rest = value
        var bytes: [UInt8] = []
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    private static func take(_ count: UInt64, _ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
        guard count <= UInt64(rest.count) else { return nil }
        defer { rest = rest.dropFirst(Int(count)) }
        return Array(rest.prefix(Int(count)))
    }
}

import Automata

/// The pairs of a TXT record by lower-case key.
struct TextFields {
    private var values: [String: [UInt8]] = [:]

    init(_ strings: [[UInt8]]) {
        for string in strings {
            guard let equals = string.firstIndex(of: UInt8(ascii: "=")), equals > 0 else { continue }
            // RFC 6763, 6.4: printable US-ASCII, any case; others are nobody's key and ignored.
            let key = string[..<equals]
            guard key.allSatisfy({ (0x20...0x7e).contains($0) }) else { continue }
            let name = String(decoding: key, as: UTF8.self).lowercased()
            if values[name] == nil { values[name] = Array(string[(equals + 1)...]) }
        }
    }

    subscript(key: String) -> [UInt8]? { values[key] }

    func text(_ key: String, bytesMax: Int) throws(AdvertisementTextError) -> String {
        guard let value = values[key] else { throw .missing(key) }
        guard value.count <= bytesMax, let text = String(validating: value, as: UTF8.self) else {
            throw .malformed(key, value)
        }
        return text
    }

    func people(_ key: String) throws(AdvertisementTextError) -> String {
        let text = try text(key, bytesMax: 63)
        guard AdvertisementText.isReadable(Array(text.utf8)) else { throw .malformed(key, values[key]) }
        return text
    }

    func optionalPeople(_ key: String) throws(AdvertisementTextError) -> String {
        values[key] == nil ? "" : try people(key)
    }

    /// Decimal digits only, without a sign; at most 20 of them.
    func number(_ key: String, max: UInt64 = .max, default missing: UInt64? = nil) throws(AdvertisementTextError)
        -> UInt64
    {
        guard let value = values[key] else {
            if let missing { return missing }
            throw .missing(key)
        }
        guard (1...20).contains(value.count), value.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = UInt64(String(decoding: value, as: UTF8.self)), number <= max
        else { throw .malformed(key, value) }
        return number
    }
}

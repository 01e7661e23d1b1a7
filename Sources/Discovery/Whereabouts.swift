/// Which instances need no resolver any more.
///
/// A resolver asks for SRV and address records as long as it lives, on each link and over each IP version: with N peers on
/// a link, that is most of what they ask. An instance whose text has the key `at` says by a new value when one of
/// its addresses or its port has changed; so its resolver can end with its first answer, and begins again then.
///
/// A value without clock or I/O. Invariant: an instance that was found and whose last text heard has another `at` than it
/// was found with has a resolver, or is to get one.
struct Whereabouts {
    /// What each place's last answer had.
    private var found: [SightingKey: String] = [:]
    /// What was heard last of each label.
    private var said: [String: String] = [:]

    /// How long after the news a new resolver begins: addresses that are gone leave caches after 1 s (RFC 6762, 10.1).
    static let pause = Duration.milliseconds(1_500)

    /// - Returns: whether the resolver has done its work.
    mutating func resolved(_ key: SightingKey, _ text: [[UInt8]]) -> Bool {
        guard let mark = Self.mark(in: text), mark == said[key.label] ?? mark else {
            found[key] = nil
            return false
        }
        found[key] = mark
        return true
    }

    /// - Returns: where the instance must be resolved anew.
    mutating func heard(_ label: String, _ text: [[UInt8]]) -> [SightingKey] {
        said[label] = Self.mark(in: text)
        let moved = found.filter { $0.key.label == label && $0.value != said[label] }.map(\.key)
        for key in moved { found[key] = nil }
        return moved
    }

    mutating func removed(_ key: SightingKey) {
        found[key] = nil
        if !found.contains(where: { $0.key.label == key.label }) { said[key.label] = nil }
    }

    mutating func removeAll() { self = Whereabouts() }

    // MARK: The key

    /// For the text of an instance that is at these addresses and this port.
    static func mark(_ addresses: Set<InterfaceAddress>, port: UInt16) -> [UInt8] {
        // FNV-1a: two that follow each other differ, which is all that is asked of it.
        var hash: UInt32 = 0x811c_9dc5
        func add(_ byte: UInt8) { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
        for text in addresses.map({ "\($0.index) \($0.text)" }).sorted() + ["\(port)"] {
            for byte in text.utf8 { add(byte) }
            add(0)
        }
        return Array("at=\(String(UInt16(truncatingIfNeeded: hash ^ hash >> 16), radix: 16))".utf8)
    }

    /// Of `at=ffff`.
    static let markBytesMax = 7

    private static func mark(in text: [[UInt8]]) -> String? {
        let key = Array("at=".utf8)
        return text.first { $0.starts(with: key) }.map { String(decoding: $0.dropFirst(key.count), as: UTF8.self) }
    }
}

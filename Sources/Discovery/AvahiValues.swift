import CAvahi

#if canImport(Glibc)
import Glibc
#endif

// What both back ends need of Avahi's C types.

extension DNSRecord {
    /// How a record is added.
    enum Manner {
        /// At once, without probing: names that contain a PeerID do not collide by accident, and probing costs 750 ms
        /// (RFC 6762, 8.1).
        case new
        /// In place of the one with the same name and type. Probing is allowed from here on: it happens only when a
        /// conflicting record is heard (RFC 6762, 9), and only its outcome tells us. Without, two processes with the
        /// same key would contradict each other for ever.
        case update
    }

    func flags(_ manner: Manner) -> AvahiPublishFlags {
        var flags: UInt32 = unique ? AVAHI_PUBLISH_UNIQUE.rawValue : 0
        // A host may have several addresses.
        if kind == .address || kind == .address6 { flags |= AVAHI_PUBLISH_ALLOW_MULTIPLE.rawValue }
        switch manner {
        case .new: flags |= unique ? AVAHI_PUBLISH_NO_PROBE.rawValue : 0
        case .update: flags |= AVAHI_PUBLISH_UPDATE.rawValue
        }
        return AvahiPublishFlags(rawValue: flags)
    }
}

extension Sighting {
    /// - Returns: nil when there is no address that could be connected to.
    init?(
        address: UnsafePointer<AvahiAddress>?, interface: Int32, port: UInt16,
        text: UnsafeMutablePointer<AvahiStringList>?
    ) {
        guard let address else { return nil }
        var buffer = [CChar](repeating: 0, count: Int(AVAHI_ADDRESS_STR_MAX))
        guard avahi_address_snprint(&buffer, buffer.count, address) != nil else { return nil }
        var host = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        if address.pointee.proto == AVAHI_PROTO_INET6.asProtocol, isLinkLocal(address.pointee.data.ipv6) {
            var name = [CChar](repeating: 0, count: Int(IF_NAMESIZE))
            guard if_indextoname(UInt32(bitPattern: interface), &name) != nil else { return nil }
            host += "%" + String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
        self.init(host: host, port: port, text: strings(of: text))
    }
}

/// Whether it is in fe80::/10, where an address means something on its own link only.
private func isLinkLocal(_ address: AvahiIPv6Address) -> Bool {
    address.address.0 == 0xfe && address.address.1 & 0xc0 == 0x80
}

/// The strings of a list in its order; at most 64, which no text of ours has.
func strings(of list: UnsafeMutablePointer<AvahiStringList>?) -> [[UInt8]] {
    var strings: [[UInt8]] = []
    var next = list
    while let item = next, strings.count < 64 {
        strings.append(
            Array(UnsafeBufferPointer(start: avahi_string_list_get_text(item), count: avahi_string_list_get_size(item)))
        )
        next = avahi_string_list_get_next(item)
    }
    return strings
}

/// The strings of a TXT record in wire form; what is cut off is left out.
func strings(ofWire data: UnsafeRawBufferPointer) -> [[UInt8]] {
    var strings: [[UInt8]] = []
    var rest = data[...]
    while let length = rest.first.map(Int.init), length < rest.count, strings.count < 64 {
        strings.append(Array(rest.dropFirst().prefix(length)))
        rest = rest.dropFirst(1 + length)
    }
    return strings
}

extension Int {
    /// Avahi's constants are imported as plain enumerators.
    var asIndex: AvahiIfIndex { AvahiIfIndex(self) }
    var asProtocol: AvahiProtocol { AvahiProtocol(self) }
}

/// Second tries at instances that did not resolve, each later than the one before.
struct Retries {
    private var waiting: [SightingKey: AvahiLoop.TimerID] = [:]
    private var counts: [SightingKey: Int] = [:]

    /// Runs `job` after 1 s, 2 s, 4 s, … 64 s.
    mutating func schedule(_ key: SightingKey, _ loop: AvahiLoop, _ job: @escaping AvahiLoop.Job) {
        loop.cancel(waiting[key])
        let count = counts[key, default: 0]
        counts[key] = count + 1
        waiting[key] = loop.schedule(after: .seconds(1 << min(count, 6)), job)
    }

    mutating func cancel(_ key: SightingKey, _ loop: AvahiLoop) {
        counts[key] = nil
        loop.cancel(waiting.removeValue(forKey: key))
    }

    mutating func cancelAll(_ loop: AvahiLoop) {
        for id in waiting.values { loop.cancel(id) }
        waiting = [:]
        counts = [:]
    }
}

/// One TXT browser per label, besides the resolvers.
///
/// Avahi's resolver (0.8) reports a changed TXT only when the old one is gone from the cache, a second later (RFC 6762,
/// 10.2); a browser reports it as it arrives. Of a peer seen on several links there is only one, since the daemon
/// limits a client's objects (1,024 by default).
struct TextBrowsers {
    private var byLabel: [String: (browser: OpaquePointer?, places: Set<SightingKey>)] = [:]
    private var labels: [OpaquePointer: String] = [:]

    /// - Parameter make: called for a label's first place; where it gives nil, the resolver has to do.
    mutating func add(_ key: SightingKey, make: () -> OpaquePointer?) {
        if byLabel[key.label]?.places.insert(key) != nil { return }
        let browser = make()
        byLabel[key.label] = (browser, [key])
        if let browser { labels[browser] = key.label }
    }

    /// - Returns: a browser to free, with a label's last place.
    mutating func remove(_ key: SightingKey) -> OpaquePointer? {
        guard var entry = byLabel[key.label] else { return nil }
        entry.places.remove(key)
        guard entry.places.isEmpty else {
            byLabel[key.label] = entry
            return nil
        }
        byLabel[key.label] = nil
        if let browser = entry.browser { labels[browser] = nil }
        return entry.browser
    }

    /// Whether the instance is still seen there.
    func has(_ key: SightingKey) -> Bool { byLabel[key.label]?.places.contains(key) == true }

    /// Browsers that there are.
    var count: Int { labels.count }

    var places: [SightingKey] { byLabel.values.flatMap(\.places) }

    func label(of browser: OpaquePointer?) -> String? { browser.flatMap { labels[$0] } }

    mutating func removeAll() {
        byLabel = [:]
        labels = [:]
    }
}

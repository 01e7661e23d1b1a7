import CAvahi

#if canImport(Glibc)
import Glibc
#endif

/// One address of this host that others on its link can use.
struct InterfaceAddress: Hashable, Comparable, Sendable {
    var interface: String
    /// The system's interface index, above 0.
    var index: Int32
    /// 4 or 16 bytes, most significant first.
    var bytes: [UInt8]
    var isLoopback: Bool

    var isIPv6: Bool { bytes.count == 16 }
    /// fe80::/10 and 169.254/16: means something on its own link only.
    var isLinkLocal: Bool { isIPv6 ? isLinkLocalIPv6(bytes) : bytes[0] == 169 && bytes[1] == 254 }

    /// As people write it, without a scope.
    var text: String { addressText(bytes) }

    static func < (left: InterfaceAddress, right: InterfaceAddress) -> Bool {
        if left.index != right.index { return left.index < right.index }
        if left.bytes.count != right.bytes.count { return left.bytes.count < right.bytes.count }
        return left.bytes.lexicographicallyPrecedes(right.bytes)
    }

    /// Addresses of one interface and IP version that are published; more help nobody.
    static let perFamilyMax = 4

    /// What is worth publishing of `all`.
    ///
    /// IPv6 loopback is not: Linux has no multicast route on it. Link-local addresses only where there is no other of
    /// the same IP version, as Avahi itself does.
    ///
    /// - Parameter interfaces: their names; nil for all.
    static func publishable(_ all: [InterfaceAddress], interfaces: [String]?, listening: Listening)
        -> [InterfaceAddress]
    {
        let allowed = all.sorted().filter { address in
            (interfaces?.contains(address.interface) ?? true) && !(address.isLoopback && address.isIPv6)
                && listening.covers(address)
        }
        var counts: [String: Int] = [:]
        return allowed.filter { address in
            let place = "\(address.index)/\(address.bytes.count)"
            let better = allowed.contains {
                $0.index == address.index && $0.isIPv6 == address.isIPv6 && !$0.isLinkLocal
            }
            guard !(address.isLinkLocal && better), counts[place, default: 0] < perFamilyMax else { return false }
            counts[place, default: 0] += 1
            return true
        }
    }

    /// Those of all interfaces that are up and can multicast; loopback counts as one that can, because multicast on it
    /// works on Linux although its flag is not set.
    static func all() -> [InterfaceAddress] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var found: [InterfaceAddress] = []
        var next = list
        while let entry = next?.pointee {
            next = entry.ifa_next
            let flags = Int32(bitPattern: entry.ifa_flags)
            let isLoopback = flags & Int32(IFF_LOOPBACK) != 0
            let usable = isLoopback || flags & Int32(IFF_MULTICAST) != 0
            guard flags & Int32(IFF_UP) != 0, usable, flags & Int32(IFF_POINTOPOINT) == 0,
                let bytes = bytes(of: entry.ifa_addr)
            else { continue }
            let index = Int32(bitPattern: if_nametoindex(entry.ifa_name))
            guard index > 0 else { continue }
            found.append(
                InterfaceAddress(
                    interface: String(cString: entry.ifa_name), index: index, bytes: bytes, isLoopback: isLoopback))
        }
        return found.sorted()
    }

    private static func bytes(of address: UnsafeMutablePointer<sockaddr>?) -> [UInt8]? {
        guard let address else { return nil }
        switch Int32(address.pointee.sa_family) {
        case AF_INET:
            return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                withUnsafeBytes(of: $0.pointee.sin_addr, Array.init)
            }
        case AF_INET6:
            return address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                withUnsafeBytes(of: $0.pointee.sin6_addr, Array.init)
            }
        default: return nil
        }
    }
}

/// Whether it is in fe80::/10, where an address means something on its own link only.
private func isLinkLocalIPv6(_ bytes: [UInt8]) -> Bool {
    bytes.count == 16 && bytes[0] == 0xfe && bytes[1] & 0xc0 == 0x80
}

/// 4 or 16 bytes as people write them.
private func addressText(_ bytes: [UInt8]) -> String {
    var buffer = [CChar](repeating: 0, count: 64)
    let family = bytes.count == 16 ? AF_INET6 : AF_INET
    guard bytes.withUnsafeBytes({ inet_ntop(family, $0.baseAddress, &buffer, 64) }) != nil else { return "" }
    return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}

/// 4 or 16 bytes as a host to connect to, `fe80::1%eth0` where the address is that of one link.
func hostText(_ bytes: [UInt8], on interface: String) -> String {
    addressText(bytes) + (isLinkLocalIPv6(bytes) ? "%\(interface)" : "")
}

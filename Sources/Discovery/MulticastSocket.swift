import CAvahi

#if canImport(Glibc)
import Glibc
#endif

/// An interface that can multicast, over one IP version.
struct MulticastLink: Hashable {
    var interface: String
    var index: Int32
    var isIPv6: Bool
    var isLoopback: Bool

    /// In the order of interface indices, IPv4 first.
    ///
    /// - Parameter interfaces: their names; nil for all.
    static func all(_ interfaces: [String]?) -> [MulticastLink] {
        var links: [MulticastLink] = []
        // Linux has no multicast route on IPv6 loopback.
        for address in InterfaceAddress.all()
        where interfaces?.contains(address.interface) ?? true && !(address.isIPv6 && address.isLoopback) {
            let link = MulticastLink(
                interface: address.interface, index: address.index, isIPv6: address.isIPv6,
                isLoopback: address.isLoopback)
            if !links.contains(link) { links.append(link) }
        }
        return links
    }
}

/// A socket that sends to the multicast DNS group on one link (RFC 6762, section 3), beside those of whichever back end
/// runs.
struct MulticastSocket {
    let link: MulticastLink
    let descriptor: Int32
    /// Whether it can send; else `errno` said why when it was made.
    private(set) var isOpen = false

    private static let port: UInt16 = 5_353
    private static let group4: [UInt8] = [224, 0, 0, 251]
    private static let group6: [UInt8] = [0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfb]

    /// On a port of its own.
    init(on link: MulticastLink) {
        self.link = link
        descriptor = socket(
            link.isIPv6 ? AF_INET6 : AF_INET,
            Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        isOpen = descriptor >= 0 && (link.isIPv6 ? speakIPv6() : speakIPv4())
    }

    /// From now on it is on port 5353 and hears the group: what goes to it on this link, and nothing else.
    ///
    /// - Returns: false when that is not possible; `errno` says why.
    func join() -> Bool { link.isIPv6 ? joinIPv6() : joinIPv4() }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
    }

    /// - Returns: false when it did not leave; `errno` says why.
    func send(_ packet: [UInt8]) -> Bool {
        func send(to address: UnsafePointer<sockaddr>, _ size: socklen_t) -> Bool {
            sendto(descriptor, packet, packet.count, 0, address, size) >= 0
        }
        if link.isIPv6 {
            var address = Self.anyIPv6
            address.sin6_scope_id = UInt32(bitPattern: link.index)
            withUnsafeMutableBytes(of: &address.sin6_addr) { $0.copyBytes(from: Self.group6) }
            return withSocketAddress(&address, send)
        }
        var address = Self.anyIPv4
        withUnsafeMutableBytes(of: &address.sin_addr) { $0.copyBytes(from: Self.group4) }
        return withSocketAddress(&address, send)
    }

    /// The next packet; nil when none is there. Does not wait.
    func receive() -> [UInt8]? {
        let packet = [UInt8](unsafeUninitializedCapacity: Self.packetMax) { buffer, count in
            count = max(0, recv(descriptor, buffer.baseAddress, Self.packetMax, 0))
        }
        return packet.isEmpty ? nil : packet
    }

    /// RFC 6762, section 17.
    private static let packetMax = 9_000

    // MARK: Options

    private func speakIPv4() -> Bool {
        set(Int32(IPPROTO_IP), IP_MULTICAST_IF, membershipIPv4)
            && set(Int32(IPPROTO_IP), IP_MULTICAST_LOOP, Int32(1))
            && set(Int32(IPPROTO_IP), IP_MULTICAST_TTL, Int32(255))
    }

    private func joinIPv4() -> Bool {
        var address = Self.anyIPv4
        return shared() && withSocketAddress(&address) { bind(descriptor, $0, $1) == 0 }
            && set(Int32(IPPROTO_IP), IP_ADD_MEMBERSHIP, membershipIPv4)
            // Else the socket also hears the group on other links that anybody on this host has joined.
            && set(Int32(IPPROTO_IP), IP_MULTICAST_ALL, Int32(0))
    }

    private func speakIPv6() -> Bool {
        set(Int32(IPPROTO_IPV6), IPV6_V6ONLY, Int32(1))
            && set(Int32(IPPROTO_IPV6), IPV6_MULTICAST_IF, link.index)
            && set(Int32(IPPROTO_IPV6), IPV6_MULTICAST_LOOP, Int32(1))
            && set(Int32(IPPROTO_IPV6), IPV6_MULTICAST_HOPS, Int32(255))
    }

    private func joinIPv6() -> Bool {
        var address = Self.anyIPv6
        var membership = ipv6_mreq()
        withUnsafeMutableBytes(of: &membership.ipv6mr_multiaddr) { $0.copyBytes(from: Self.group6) }
        membership.ipv6mr_interface = UInt32(bitPattern: link.index)
        return shared() && withSocketAddress(&address) { bind(descriptor, $0, $1) == 0 }
            && set(Int32(IPPROTO_IPV6), IPV6_JOIN_GROUP, membership)
            && set(Int32(IPPROTO_IPV6), Self.ipv6MulticastAll, Int32(0))
    }

    /// IPV6_MULTICAST_ALL of linux/in6.h; C libraries of 2022 do not name it.
    private static let ipv6MulticastAll: Int32 = 29

    private var membershipIPv4: ip_mreqn {
        var membership = ip_mreqn()
        withUnsafeMutableBytes(of: &membership.imr_multiaddr) { $0.copyBytes(from: Self.group4) }
        membership.imr_ifindex = link.index
        return membership
    }

    private static var anyIPv4: sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        return address
    }

    private static var anyIPv6: sockaddr_in6 {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        return address
    }

    /// Port 5353 is shared with the back end, other processes and the system's daemon.
    private func shared() -> Bool {
        set(SOL_SOCKET, SO_REUSEADDR, Int32(1)) && set(SOL_SOCKET, SO_REUSEPORT, Int32(1))
    }

    private func set<Value>(_ level: Int32, _ option: Int32, _ value: Value) -> Bool {
        withUnsafeBytes(of: value) { setsockopt(descriptor, level, option, $0.baseAddress, socklen_t($0.count)) == 0 }
    }
}

private func withSocketAddress<Address>(
    _ address: inout Address, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Bool
) -> Bool {
    withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<Address>.size)) }
    }
}

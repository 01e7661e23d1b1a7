import Automata
import CAvahi

#if canImport(Glibc)
import Glibc
#endif

/// Whether a packet to the multicast DNS group comes back to its sender, interface by interface.
///
/// Sent and heard on sockets of our own, beside those of whichever back end runs, so that the answer does not depend on
/// it. A filter on this host and an interface without multicast are found so; a switch that drops multicast between
/// hosts is not, because nobody can hear that alone.
public struct MulticastCheck: Hashable, Sendable {
    public struct Link: Hashable, Sendable {
        /// The interface's name.
        public var interface: String
        /// 4 or 6.
        public var ipVersion: Int
        public var isLoopback: Bool
        public var heard: Bool
        /// Why not, when something is known; else empty.
        public var problem: String
    }

    /// In the order of interface indices, IPv4 first.
    public var links: [Link]

    /// Whether any link that matters works. Loopback matters only where there is no other: it says nothing about the
    /// LAN.
    public var works: Bool { relevant.contains(where: \.heard) }

    /// One sentence that says what is wrong; empty when it works.
    public var reason: String {
        guard !works else { return "" }
        guard !links.isEmpty else { return "no network interface is up that can multicast" }
        return relevant.map { link in
            let problem = link.problem.isEmpty ? "what was sent to UDP port 5353 was not heard" : link.problem
            return "\(link.interface) IPv\(link.ipVersion): \(problem)"
        }.joined(separator: "; ")
    }

    private var relevant: [Link] {
        let real = links.filter { !$0.isLoopback }
        return real.isEmpty ? links : real
    }

    /// Checks all links at once. Blocks until each was heard, or `timeout` is over.
    ///
    /// - Parameter interfaces: their names; nil for all.
    package static func run(interfaces: [String]?, timeout: Duration) -> MulticastCheck {
        let deadline = ContinuousClock.now + timeout
        var probes = places(interfaces).map(Probe.init)
        defer { for probe in probes { probe.close() } }
        // Three sendings, because a burst of others' traffic may push one out of a socket's buffer.
        var sendings: [ContinuousClock.Instant] = (0..<3).map { deadline - timeout + timeout / 4 * $0 }
        while probes.contains(where: \.isOpen), ContinuousClock.now < deadline {
            if let next = sendings.first, next <= .now {
                sendings.removeFirst()
                for index in probes.indices { probes[index].send() }
            }
            let until = min(sendings.first ?? deadline, deadline)
            var descriptors = probes.map { pollfd(fd: $0.isOpen ? $0.socket : -1, events: Int16(POLLIN), revents: 0) }
            let wait = Int32(clamping: max(0, ((until - .now).nanoseconds + 999_999) / 1_000_000))
            guard poll(&descriptors, nfds_t(descriptors.count), wait) > 0 else { continue }
            for index in probes.indices where descriptors[index].revents != 0 { probes[index].receive() }
        }
        return MulticastCheck(links: probes.map(\.link))
    }

    private static func places(_ interfaces: [String]?) -> [Place] {
        let all = InterfaceAddress.all().filter { interfaces?.contains($0.interface) ?? true }
        var places: [Place] = []
        for address in all where !(address.isIPv6 && address.isLoopback) {
            let place = Place(
                interface: address.interface, index: address.index, isIPv6: address.isIPv6,
                isLoopback: address.isLoopback)
            if !places.contains(place) { places.append(place) }
        }
        return places
    }
}

private struct Place: Equatable {
    var interface: String
    var index: Int32
    var isIPv6: Bool
    var isLoopback: Bool
}

/// One socket on one link, with a question that nobody else asks.
private struct Probe {
    let socket: Int32
    var link: MulticastCheck.Link
    private let place: Place
    private let packet: [UInt8]
    private(set) var isOpen: Bool

    init(_ place: Place) {
        self.place = place
        link = MulticastCheck.Link(
            interface: place.interface, ipVersion: place.isIPv6 ? 6 : 4, isLoopback: place.isLoopback, heard: false,
            problem: "")
        packet = Self.question()
        socket = Glibc.socket(
            place.isIPv6 ? AF_INET6 : AF_INET,
            Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        isOpen = socket >= 0
        if !isOpen || !(place.isIPv6 ? joinIPv6() : joinIPv4()) { fail("no socket on UDP port 5353") }
    }

    func close() {
        if socket >= 0 { Glibc.close(socket) }
    }

    mutating func send() {
        guard isOpen else { return }
        let sent = place.isIPv6 ? sendIPv6() : sendIPv4()
        // A full queue passes; anything else is the answer.
        if sent < 0, errno != EAGAIN, errno != ENOBUFS { fail("sending failed") }
    }

    mutating func receive() {
        var buffer = [UInt8](repeating: 0, count: 9_000)
        // Bounded: on a busy link the next round goes on.
        for _ in 0..<64 {
            let count = recv(socket, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            guard buffer.prefix(count).elementsEqual(packet) else { continue }
            link.heard = true
            isOpen = false
            return
        }
    }

    private mutating func fail(_ what: String) {
        link.problem = "\(what) (\(String(cString: strerror(errno))))"
        isOpen = false
    }

    /// A query (RFC 1035, 4.1) for a PTR record of a random name: responders have no answer to it.
    private static func question() -> [UInt8] {
        var random = SystemRandomNumberGenerator()
        let label = Array("palmier-check-\(String(random.next(), radix: 16))".utf8)
        let header: [UInt8] = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
        let local = Array("local".utf8)
        return header + [UInt8(label.count)] + label + [UInt8(local.count)] + local + [0, 0, 12, 0, 1]
    }

    private static let port: UInt16 = 5_353
    private static let group4: [UInt8] = [224, 0, 0, 251]
    private static let group6: [UInt8] = [0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfb]

    private func joinIPv4() -> Bool {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = Self.port.bigEndian
        var membership = ip_mreqn()
        withUnsafeMutableBytes(of: &membership.imr_multiaddr) { $0.copyBytes(from: Self.group4) }
        membership.imr_ifindex = place.index
        return shared() && bound(&address) && set(Int32(IPPROTO_IP), IP_ADD_MEMBERSHIP, membership)
            && set(Int32(IPPROTO_IP), IP_MULTICAST_IF, membership)
            && set(Int32(IPPROTO_IP), IP_MULTICAST_LOOP, Int32(1))
            && set(Int32(IPPROTO_IP), IP_MULTICAST_TTL, Int32(255))
            // Else the socket also hears the group on other links that anybody on this host has joined.
            && set(Int32(IPPROTO_IP), IP_MULTICAST_ALL, Int32(0))
    }

    private func joinIPv6() -> Bool {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = Self.port.bigEndian
        var membership = ipv6_mreq()
        withUnsafeMutableBytes(of: &membership.ipv6mr_multiaddr) { $0.copyBytes(from: Self.group6) }
        membership.ipv6mr_interface = UInt32(bitPattern: place.index)
        return shared() && set(Int32(IPPROTO_IPV6), IPV6_V6ONLY, Int32(1)) && bound(&address)
            && set(Int32(IPPROTO_IPV6), IPV6_JOIN_GROUP, membership)
            && set(Int32(IPPROTO_IPV6), IPV6_MULTICAST_IF, place.index)
            && set(Int32(IPPROTO_IPV6), IPV6_MULTICAST_LOOP, Int32(1))
            && set(Int32(IPPROTO_IPV6), IPV6_MULTICAST_HOPS, Int32(255))
            && set(Int32(IPPROTO_IPV6), Self.ipv6MulticastAll, Int32(0))
    }

    /// IPV6_MULTICAST_ALL of linux/in6.h; C libraries of 2022 do not name it.
    private static let ipv6MulticastAll: Int32 = 29

    private func sendIPv4() -> Int {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = Self.port.bigEndian
        withUnsafeMutableBytes(of: &address.sin_addr) { $0.copyBytes(from: Self.group4) }
        return send(to: &address)
    }

    private func sendIPv6() -> Int {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = Self.port.bigEndian
        address.sin6_scope_id = UInt32(bitPattern: place.index)
        withUnsafeMutableBytes(of: &address.sin6_addr) { $0.copyBytes(from: Self.group6) }
        return send(to: &address)
    }

    /// Port 5353 is shared with the back end, other processes and the system's daemon.
    private func shared() -> Bool {
        set(SOL_SOCKET, SO_REUSEADDR, Int32(1)) && set(SOL_SOCKET, SO_REUSEPORT, Int32(1))
    }

    private func set<Value>(_ level: Int32, _ option: Int32, _ value: Value) -> Bool {
        withUnsafeBytes(of: value) { setsockopt(socket, level, option, $0.baseAddress, socklen_t($0.count)) == 0 }
    }

    private func bound<Address>(_ address: inout Address) -> Bool {
        let size = socklen_t(MemoryLayout<Address>.size)
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, size) == 0 }
        }
    }

    private func send<Address>(to address: inout Address) -> Int {
        let size = socklen_t(MemoryLayout<Address>.size)
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(socket, packet, packet.count, 0, $0, size)
            }
        }
    }
}

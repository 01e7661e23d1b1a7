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
        var probes = MulticastLink.all(interfaces).map(Probe.init)
        defer { for probe in probes { probe.socket.close() } }
        // Three sendings, because a burst of others' traffic may push one out of a socket's buffer.
        var sendings: [ContinuousClock.Instant] = (0..<3).map { deadline - timeout + timeout / 4 * $0 }
        while probes.contains(where: \.isOpen), ContinuousClock.now < deadline {
            if let next = sendings.first, next <= .now {
                sendings.removeFirst()
                for index in probes.indices { probes[index].send() }
            }
            let until = min(sendings.first ?? deadline, deadline)
            var descriptors = probes.map {
                pollfd(fd: $0.isOpen ? $0.socket.descriptor : -1, events: Int16(POLLIN), revents: 0)
            }
            let wait = Int32(clamping: max(0, ((until - .now).nanoseconds + 999_999) / 1_000_000))
            guard poll(&descriptors, nfds_t(descriptors.count), wait) > 0 else { continue }
            for index in probes.indices where descriptors[index].revents != 0 { probes[index].receive() }
        }
        return MulticastCheck(links: probes.map(\.link))
    }
}

/// One socket on one link, with a question that nobody else asks.
private struct Probe {
    let socket: MulticastSocket
    var link: MulticastCheck.Link
    private let packet: [UInt8]
    private(set) var isOpen = true

    init(_ place: MulticastLink) {
        link = MulticastCheck.Link(
            interface: place.interface, ipVersion: place.isIPv6 ? 6 : 4, isLoopback: place.isLoopback, heard: false,
            problem: "")
        // For a PTR record of a random name: responders have no answer to it.
        let label = "palmier-check-\(String(UInt64.random(in: 0 ... .max), radix: 16))"
        packet = DNSQuestion.pointer([label, ServiceRecords.domain], id: 0)
        socket = MulticastSocket(on: place)
        if !(socket.isOpen && socket.join()) { fail("no socket on UDP port 5353") }
    }

    mutating func send() {
        // A full queue passes; anything else is the answer.
        if isOpen, !socket.send(packet), errno != EAGAIN, errno != ENOBUFS { fail("sending failed") }
    }

    mutating func receive() {
        // Bounded: on a busy link the next round goes on.
        for _ in 0..<64 {
            guard let heard = socket.receive() else { return }
            guard heard == packet else { continue }
            link.heard = true
            isOpen = false
            return
        }
    }

    private mutating func fail(_ what: String) {
        link.problem = "\(what) (\(String(cString: strerror(errno))))"
        isOpen = false
    }
}

import Automata
import CAvahi

#if canImport(Glibc)
import Glibc
#endif

/// A question to the link that is answered at once, to the asker alone: a one-shot query (RFC 6762, 5.1 and 6.7).
///
/// A browser asks everyone, and hears what all hear: after up to 120 ms, and nothing of who has told the link the same
/// within the last half second, until it asks again a second later. Who has just come wants to know sooner; so it asks
/// this way, too. Lost questions are not repeated: the browser's are.
struct LinkQuestion {
    let id = UInt16.random(in: 1 ... .max)
    private let service: String

    /// - Parameter type: `_palmier._tcp`, or a sub-type of it.
    init(type: String) { service = "\(type).\(ServiceRecords.domain)" }

    /// Answers that are read of one question; more are a flood.
    private static let answersMax = 1_024

    /// Asks on each link, and tells who answers until the time is over. Blocks.
    ///
    /// - Parameter interfaces: their names; nil for all.
    func ask(on interfaces: [String]?, for time: Duration, tell: (Advertisement) -> Void) {
        let deadline = ContinuousClock.now + time
        let sockets = MulticastLink.all(interfaces).map(MulticastSocket.init(on:))
        defer { for socket in sockets { socket.close() } }
        let packet = DNSQuestion.pointer(service.split(separator: ".").map(String.init), id: id)
        let open = sockets.filter { $0.isOpen && $0.send(packet) }
        var left = Self.answersMax
        while !open.isEmpty, left > 0, ContinuousClock.now < deadline {
            var descriptors = open.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
            let wait = max(0, ((deadline - .now).nanoseconds + 999_999) / 1_000_000)
            guard poll(&descriptors, nfds_t(descriptors.count), Int32(clamping: wait)) > 0 else { continue }
            for (socket, descriptor) in zip(open, descriptors) where descriptor.revents != 0 {
                guard let answer = socket.receive() else { continue }
                left -= 1
                for advertisement in advertisements(in: answer, on: socket.link.interface) { tell(advertisement) }
            }
        }
    }

    /// Who is named in an answer with all that it takes to connect: port, text and an address.
    func advertisements(in message: [UInt8], on interface: String) -> [Advertisement] {
        guard message.starts(with: DNSQuestion.bytes(id)), let answer = DNSAnswer(message) else { return [] }
        return answer.contents(of: service).compactMap { content in
            guard case .pointer(let instance) = content else { return nil }
            var text: [[UInt8]]?
            var endpoints: [Endpoint] = []
            for content in answer.contents(of: instance) {
                switch content {
                case .text(let strings): text = text ?? strings
                case .service(_, _, let port, let target) where port > 0:
                    endpoints += answer.contents(of: target).compactMap { content in
                        guard case .address(let bytes) = content else { return nil }
                        return Endpoint(host: hostText(bytes, on: interface), port: port)
                    }
                case .service, .pointer, .address, .other: break
                }
            }
            guard let text, !endpoints.isEmpty, var found = try? AdvertisementText.decode(text) else { return nil }
            found.endpoints = Array(endpoints.prefix(PeerTable.endpointsMax))
            return found
        }
    }
}

/// A question in wire form (RFC 1035, 4.1).
enum DNSQuestion {
    static func pointer(_ labels: [String], id: UInt16) -> [UInt8] {
        let header = bytes(id) + [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
        return header + wire(labels) + bytes(DNSRecord.Kind.pointer.rawValue) + [0, 1]
    }

    static func bytes(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xff)] }
}

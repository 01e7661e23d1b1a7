import Automata
import CAvahi

/// An advertisement as the back ends publish it.
struct Publication: Equatable, Sendable {
    var label: String
    /// The host name of the embedded back end, without domain.
    var host: String
    var port: UInt16
    var text: [[UInt8]]
    /// Sorted.
    var subtypes: [String]
    /// One for each ledger that the peer leads.
    var ledgers: [LinkService]
    var listening: Listening

    init(of advertisement: Advertisement, alternate: UInt16) throws(AdvertisementTextError) {
        label = InstanceLabel.make(name: advertisement.name, peer: advertisement.peer, alternate: alternate)
        host = InstanceLabel.host(of: advertisement.peer, alternate: alternate)
        port = advertisement.endpoints.first?.port ?? 0
        text = try AdvertisementText.encode(advertisement)
        subtypes = InstanceLabel.subtypes(of: advertisement)
        ledgers = advertisement.leads.prefix(Advertisement.leadsMax).map {
            LinkService($0, of: advertisement, alternate: alternate)
        }
        listening = Listening(at: advertisement.endpoints)
    }
}

extension Publication {
    /// `host` as labels.
    var hostName: [String] { [host, ServiceRecords.domain] }

    var service: LinkService { LinkService(label: label, port: port, text: text) }
}

/// At which of its host's addresses a peer listens.
struct Listening: Hashable, Sendable {
    private var literals: Set<String> = []
    private var allIPv4 = false
    private var allIPv6 = false

    /// `0.0.0.0` is every IPv4 address, `::` and the empty host every address of both kinds, as is no endpoint.
    init(at endpoints: [Endpoint]) {
        allIPv6 = endpoints.isEmpty
        allIPv4 = endpoints.isEmpty
        for endpoint in endpoints {
            switch endpoint.host {
            case "0.0.0.0": allIPv4 = true
            case "::", "": (allIPv4, allIPv6) = (true, true)
            default: literals.insert(endpoint.host)
            }
        }
    }

    func covers(_ address: InterfaceAddress) -> Bool {
        (address.isIPv6 ? allIPv6 : allIPv4) || literals.contains(address.text)
    }
}

/// One DNS record as both back ends add it: an escaped name and data in wire form.
struct DNSRecord: Equatable, Sendable {
    /// By its number (RFC 1035, 3.2.2; RFC 2782; RFC 3596).
    enum Kind: UInt16, Sendable {
        case address = 1
        case pointer = 12
        case text = 16
        case address6 = 28
        case service = 33
    }

    var name: String
    var kind: Kind
    var data: [UInt8]
    /// Whether we are the only one who may have this (name, type): listeners then flush other values from their caches.
    var unique: Bool
}

/// Names and records of one service (RFC 6763, 4 to 7).
struct ServiceRecords {
    /// `_palmier._tcp`.
    let type: String
    static let domain = "local"
    static let enumeration = "_services._dns-sd._udp"

    /// What to browse for.
    func type(of source: Lookups.Source) -> String {
        source == .everyone ? type : "\(InstanceLabel.master)._sub.\(type)"
    }

    /// All of them except sub-types and addresses.
    func all(_ service: LinkService, hostName: [String]) -> [DNSRecord] {
        [
            DNSRecord(name: dotted(type), kind: .pointer, data: wire(instance(service.label)), unique: false),
            place(of: service, hostName: hostName), text(of: service),
            DNSRecord(name: dotted(Self.enumeration), kind: .pointer, data: wire(labels(type)), unique: false),
        ]
    }

    /// Priority and weight 0, for they mean nothing among peers.
    func place(of service: LinkService, hostName: [String]) -> DNSRecord {
        let port = [UInt8(service.port >> 8), UInt8(service.port & 255)]
        return DNSRecord(
            name: fullName(service.label), kind: .service, data: [0, 0, 0, 0] + port + wire(hostName), unique: true)
    }

    func text(of service: LinkService) -> DNSRecord {
        DNSRecord(
            name: fullName(service.label), kind: .text,
            data: service.text.flatMap { [UInt8($0.count)] + $0 }, unique: true)
    }

    func subtype(_ subtype: String, of publication: Publication) -> DNSRecord {
        DNSRecord(
            name: dotted("\(subtype)._sub.\(type)"), kind: .pointer, data: wire(instance(publication.label)),
            unique: false)
    }

    func address(_ address: InterfaceAddress, hostName: [String]) -> DNSRecord {
        DNSRecord(
            name: hostName.joined(separator: "."), kind: address.bytes.count == 4 ? .address : .address6,
            data: address.bytes, unique: true)
    }

    /// The instance's name with dots and the like escaped, as Avahi's functions want it.
    ///
    /// - Returns: nil for a label that is none, as strangers may publish.
    func fullName(ofForeign label: String) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(AVAHI_DOMAIN_NAME_MAX))
        guard avahi_service_name_join(&buffer, buffer.count, label, type, Self.domain) == 0 else { return nil }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private func fullName(_ label: String) -> String {
        guard let name = fullName(ofForeign: label) else {
            preconditionFailure("our own label \"\(label)\" of type \(type) makes no DNS name")
        }
        return name
    }

    private func instance(_ label: String) -> [String] {
        [label] + labels(type)
    }

    private func labels(_ name: String) -> [String] {
        name.split(separator: ".").map(String.init) + [Self.domain]
    }

    private func dotted(_ name: String) -> String { "\(name).\(Self.domain)" }
}

/// Length-prefixed labels (RFC 1035, 3.1), uncompressed.
func wire(_ labels: [String]) -> [UInt8] {
    labels.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
}

/// What Avahi calls the error.
func avahiError(_ code: Int32) -> String {
    avahi_strerror(code).map { String(cString: $0) } ?? "error \(code)"
}

import Agent
import Automata
import Glibc
import NIOCore

/// Which of this machine's addresses others can use.
enum ReachableAddresses {
    /// Turns what was bound into what can be told to others: a wildcard becomes every address of the machine, loopback
    /// only where there is nothing else.
    static func endpoints(of bound: [Endpoint]) -> [Endpoint] {
        var result: [Endpoint] = []
        for endpoint in bound {
            guard endpoint.host == "::" || endpoint.host == "0.0.0.0" else {
                result.append(endpoint)
                continue
            }
            let outside = addresses.filter { !$0.isLoopback }
            let usable = outside.isEmpty ? addresses : outside
            result += usable.map { Endpoint(host: $0.text, port: endpoint.port) }
        }
        return Array(result.prefix(8))
    }

    /// The subnet of the address that is told first, such as `192.0.2.0/24`; nil when no interface has that address.
    static func network(of endpoints: [Endpoint]) -> String? {
        guard let first = endpoints.first?.host else { return nil }
        let devices = (try? System.enumerateDevices()) ?? []  // without interfaces there is no subnet
        for device in devices {
            guard let address = device.address, address.ipAddress == first, let mask = device.netmask,
                let place = bytes(of: address), let cover = bytes(of: mask), place.count == cover.count
            else { continue }
            let prefix = cover.reduce(0) { $0 + $1.nonzeroBitCount }
            var buffer = ByteBuffer()
            buffer.writeBytes(zip(place, cover).map { $0 & $1 })
            guard let base = try? SocketAddress(packedIPAddress: buffer, port: 0), let text = base.ipAddress else {
                continue
            }
            return "\(text)/\(prefix)"
        }
        return nil
    }

    /// Whether the machine has an address beyond its link, of IPv4 and of IPv6.
    static var families: (ipv4: Bool, ipv6: Bool) {
        let outside = addresses.filter { !$0.isLoopback && !$0.text.hasPrefix("169.254.") }.map(\.text)
        return (outside.contains { !$0.contains(":") }, outside.contains { $0.contains(":") })
    }

    /// 4 or 16 bytes.
    private static func bytes(of address: SocketAddress) -> [UInt8]? {
        switch address {
        case .v4(let it): withUnsafeBytes(of: it.address.sin_addr) { Array($0) }
        case .v6(let it): withUnsafeBytes(of: it.address.sin6_addr) { Array($0) }
        case .unixDomainSocket: nil
        }
    }

    /// Where instances of this machine listen.
    static func instanceAddress(of endpoints: [Endpoint]) -> InstanceHost.Configuration.Address {
        guard let first = endpoints.first(where: { !isLoopback($0.host) }) else { return .loopback }
        return .machine(first.host)
    }

    private struct Address {
        var text: String
        var isLoopback: Bool
    }

    /// IPv4 before IPv6; no link-local ones, which mean nothing without an interface.
    private static var addresses: [Address] {
        let devices = (try? System.enumerateDevices()) ?? []  // without interfaces there is no address to tell
        let all = devices.compactMap { $0.address?.ipAddress }.filter { !$0.lowercased().hasPrefix("fe80") }
        let sorted = all.filter { !$0.contains(":") } + all.filter { $0.contains(":") }
        return sorted.map { Address(text: $0, isLoopback: isLoopback($0)) }
    }

    private static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }
}

/// What this machine says of itself, from what it finds and what its owner says.
struct MachineSource: Sendable {
    let reader: MachineReader
    /// Cores that instances may have; nil: all that the process may use.
    var cores: Int?
    var memory: ByteCount
    var isolation: [String]
    var country: String
    var continent: String
    var terms: OwnerTerms

    /// As it is now.
    func facts(installed: [UInt64]) -> MachineFacts {
        var facts = reader.facts()
        if let cores { facts.cores = cores }
        (facts.hasIPv4, facts.hasIPv6) = ReachableAddresses.families
        (facts.memory, facts.isolation, facts.terms) = (memory, isolation, terms)
        (facts.country, facts.continent) = (country, continent)
        facts.installed = installed
        return facts
    }
}

enum MachineMemory {
    /// Three quarters of what the machine has: the rest is the system's and the agent's own.
    static var forInstances: ByteCount {
        ByteCount(Int64(sysconf(Int32(_SC_PHYS_PAGES))) * Int64(sysconf(Int32(_SC_PAGESIZE))) / 4 * 3)
    }
}

public import Automata
import Glibc

/// Where a partition is: its directories, its address, its ports, its user. Fixed while the agent lives.
public struct PartitionPlace: Hashable, Sendable {
    public let number: PartitionNumber
    /// The tenant's own directory, `STATE/partitions/p00`: mode 0700, owned by the partition's user.
    public let directory: String
    /// The agent's records, scripts and logs about the tenant, `STATE/instances/p00`, which the tenant cannot change.
    let control: String
    /// Where the tenant listens.
    public let address: String
    /// What its named ports are taken from.
    public let ports: ClosedRange<UInt16>
    /// nil when partitions have no users of their own.
    let user: PartitionUser?
    /// The same place for work that another user does.
    func used(by user: PartitionUser?) -> PartitionPlace {
        PartitionPlace(
            number: number, directory: directory, control: control, address: address, ports: ports, user: user)
    }

    /// The partition user's name; nil when partitions have no users of their own.
    public var userName: String? { user?.name }

    /// A loopback address that other partitions and other machines' agents on this host do not have: 127.x.y.z with x
    /// and y from the PeerID, and z from the partition.
    static func loopbackAddress(machine: PeerID, partition: PartitionNumber) -> String {
        let bytes = machine.bytes
        // 127.0.x.x is what people and distributions use (127.0.0.1, 127.0.1.1, 127.0.0.53).
        return "127.\(1 + Int(bytes[0]) % 254).\(bytes[1]).\(10 + partition.value)"
    }

    /// A range below the ephemeral ports (32,768, ip(7)): 20,000 to 31,999 hold 60 agents of 10 partitions with 20
    /// ports each, so that agents which share an address rarely meet; where they do, ports in use are skipped.
    static func portBase(machine: PeerID) -> UInt16 {
        20_000 + UInt16((UInt(machine.bytes[2]) << 8 | UInt(machine.bytes[3])) % 60) * 200
    }

    /// Chooses a port for each name: the one it had if that is still free, else the first free one of the range.
    ///
    /// - Parameter keep: what a running instance of this partition holds already: not tried.
    /// - Throws: `noPort` with the name and the range.
    func choosePorts(
        _ names: [String], earlier: [String: UInt16], isRunning: Bool
    ) throws(AgentError) -> (ports: [String: UInt16], skipped: [UInt16]) {
        var chosen: [String: UInt16] = [:]
        var skipped: [UInt16] = []
        for name in names {
            if let port = earlier[name], isRunning || isFree(port) { chosen[name] = port }
        }
        for name in names where chosen[name] == nil {
            for port in ports where !chosen.values.contains(port) && !skipped.contains(port) {
                if isFree(port) {
                    chosen[name] = port
                    break
                }
                skipped.append(port)
            }
            guard chosen[name] != nil else {
                throw AgentError(
                    .noPort,
                    "port \"\(name)\": no port from \(ports.lowerBound) to \(ports.upperBound) on \(address) is free",
                    remedy: "see who listens with ss -ltnp, or give the agent another port base")
            }
        }
        return (chosen, skipped)
    }

    private func isFree(_ port: UInt16) -> Bool {
        guard let address = SocketAddress(host: address, port: port) else { return false }
        let handle = socket(address.family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard handle >= 0 else { return false }
        defer { close(handle) }
        // As servers do, so that a connection in TIME-WAIT does not count as use.
        var yes: Int32 = 1
        setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        return address.withPointer { bind(handle, $0, $1) } == 0
    }
}

/// An address and a port as the kernel takes them.
struct SocketAddress {
    private var storage = sockaddr_storage()
    let family: Int32
    private let length: socklen_t

    /// nil when the host is no literal IPv4 or IPv6 address.
    init?(host: String, port: UInt16) {
        var four = sockaddr_in()
        var six = sockaddr_in6()
        if inet_pton(AF_INET, host, &four.sin_addr) == 1 {
            four.sin_family = sa_family_t(AF_INET)
            four.sin_port = port.bigEndian
            family = AF_INET
            length = socklen_t(MemoryLayout<sockaddr_in>.size)
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: four, as: sockaddr_in.self) }
        } else if inet_pton(AF_INET6, host, &six.sin6_addr) == 1 {
            six.sin6_family = sa_family_t(AF_INET6)
            six.sin6_port = port.bigEndian
            family = AF_INET6
            length = socklen_t(MemoryLayout<sockaddr_in6>.size)
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: six, as: sockaddr_in6.self) }
        } else {
            return nil
        }
    }

    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var copy = storage
        return withUnsafePointer(to: &copy) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }
}

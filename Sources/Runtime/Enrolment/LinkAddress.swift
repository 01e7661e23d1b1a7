import Foundation
public import NIOCore
import NIOPosix

/// Tells who is on one of this machine's own links: what the policy `link` goes by.
///
/// On-link means: loopback, or within the subnet of one of the interfaces. A router could forge it no more easily than
/// it could forge the fabric's multicast; whoever needs more uses the policies `ask` or `token`.
public enum LinkAddress {
    /// - Parameter address: as the accepted socket says; an IPv4 address may come mapped into IPv6 (RFC 4291, 2.5.5.2).
    public static func isOnLink(_ address: SocketAddress) throws -> Bool {
        guard let remote = bytes(of: address) else { return false }
        return try isOnLink(
            remote,
            subnets: System.enumerateDevices().compactMap { device in
                guard let own = device.address.flatMap(bytes(of:)), let mask = device.netmask.flatMap(bytes(of:)) else {
                    return nil
                }
                return (own, mask)
            })
    }

    static func isOnLink(_ remote: [UInt8], subnets: [(address: [UInt8], mask: [UInt8])]) -> Bool {
        if remote.count == 4, remote[0] == 127 { return true }
        if remote == [UInt8](repeating: 0, count: 15) + [1] { return true }
        // fe80::/10 is by definition of the link that it arrived on (RFC 4291, 2.5.6).
        if remote.count == 16, remote[0] == 0xFE, remote[1] & 0xC0 == 0x80 { return true }
        return subnets.contains { address, mask in
            guard address.count == remote.count, mask.count == remote.count, mask.contains(where: { $0 != 0 }) else {
                return false
            }
            return zip(zip(address, remote), mask).allSatisfy { pair, mask in pair.0 & mask == pair.1 & mask }
        }
    }

    /// As people write it: an IPv4 address without IPv6's clothes.
    public static func text(of address: SocketAddress) -> String? {
        guard let bytes = bytes(of: address), bytes.count == 4 else { return address.ipAddress }
        return bytes.map(String.init).joined(separator: ".")
    }

    /// 4 or 16 bytes; an IPv4 address in IPv6's clothes becomes 4.
    static func bytes(of address: SocketAddress) -> [UInt8]? {
        guard let text = address.ipAddress?.prefix(while: { $0 != "%" }) else { return nil }
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, String(text), &bytes) == 1 { return Array(bytes.prefix(4)) }
        guard inet_pton(AF_INET6, String(text), &bytes) == 1 else { return nil }
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
        return bytes.starts(with: mapped) ? Array(bytes.dropFirst(12)) : bytes
    }
}

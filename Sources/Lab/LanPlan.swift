/// Which addresses the hosts of a LAN have besides those of their loopback.
public enum Addressing: String, Hashable, Sendable, CaseIterable {
    /// 10.77.0.0/24; IPv6 is off.
    case ipv4
    /// fd77:6c61:6e00::/64 and link-local; no IPv4 but on the loopback.
    case ipv6
    case both

    var hasIPv4: Bool { self != .ipv6 }
    var hasIPv6: Bool { self != .ipv4 }
}

/// The names and the shell scripts of one LAN; pure text, so that a test can read what would be done.
///
/// A namespace for the switch holds a bridge; each host has a namespace with `eth0`, whose other end is port `port1`,
/// `port2`, … of the bridge. Nothing of the machine's own network is touched, and two LANs share nothing.
struct LanPlan: Hashable, Sendable {
    static let prefix = "palmier-lab"
    /// The bridge's answer to more would be a different netmask; nobody needs that many on one machine.
    static let hostsMax = 200

    /// `palmier-lab-PID-NUMBER`: the process that made it, and which of its LANs.
    let name: String
    let hosts: Int
    let addressing: Addressing

    init(creator: Int32, number: Int, hosts: Int, addressing: Addressing) {
        name = "\(Self.prefix)-\(creator)-\(number)"
        self.hosts = hosts
        self.addressing = addressing
    }

    var switchNamespace: String { "\(name)-switch" }

    /// Hosts are counted from 1, like their addresses.
    func hostName(_ number: Int) -> String { "h\(number)" }
    func namespace(_ number: Int) -> String { "\(name)-\(hostName(number))" }
    func port(_ number: Int) -> String { "port\(number)" }
    func ipv4(_ number: Int) -> String? { addressing.hasIPv4 ? "10.77.0.\(number)" : nil }
    func ipv6(_ number: Int) -> String? { addressing.hasIPv6 ? "fd77:6c61:6e00::\(String(number, radix: 16))" : nil }

    var namespaces: [String] { [switchNamespace] + (1...hosts).map { namespace($0) } }

    /// For `sh -e`: makes everything.
    var creation: String {
        let switchLines = [
            "ip netns add \(switchNamespace)",
            setting("disable_ipv6", to: 1, in: switchNamespace, ifMissing: "true"),
            // Without snooping off, multicast is lost: nobody on this bridge asks who listens. Without the delay off, a
            // new port is deaf for 30 s.
            "ip -n \(switchNamespace) link add br0 type bridge forward_delay 0 mcast_snooping 0",
            "ip -n \(switchNamespace) link set br0 up",
        ]
        return (switchLines + (1...hosts).flatMap { hostLines($0) }).joined(separator: "\n") + "\n"
    }

    private func hostLines(_ number: Int) -> [String] {
        let namespace = namespace(number)
        let port = port(number)
        var lines = ["ip netns add \(namespace)"]
        // Before the link exists: it takes the defaults at birth.
        if addressing.hasIPv6 {
            // Duplicate address detection would keep each address unusable for a second or two.
            lines.append(setting("accept_dad", to: 0, in: namespace, ifMissing: "false"))
            lines.append(setting("router_solicitations", to: 0, in: namespace, ifMissing: "false"))
        } else {
            lines.append(setting("disable_ipv6", to: 1, in: namespace, ifMissing: "true"))
        }
        lines += [
            "ip -n \(switchNamespace) link add \(port) type veth peer name eth0 netns \(namespace)",
            "ip -n \(switchNamespace) link set \(port) master br0 up",
            "ip -n \(namespace) link set lo up",
        ]
        if let address = ipv4(number) { lines.append("ip -n \(namespace) addr add \(address)/24 dev eth0") }
        if let address = ipv6(number) { lines.append("ip -n \(namespace) addr add \(address)/64 dev eth0 nodad") }
        lines.append("ip -n \(namespace) link set eth0 up")
        return lines
    }

    /// One of the kernel's IPv6 settings, which are not there when the kernel has no IPv6.
    private func setting(_ name: String, to value: Int, in namespace: String, ifMissing: String) -> String {
        let files = "/proc/sys/net/ipv6/conf"
        return "ip netns exec \(namespace) sh -c 'if [ -e \(files)/all/\(name) ]; then "
            + "echo \(value) >\(files)/default/\(name) && echo \(value) >\(files)/all/\(name); else \(ifMissing); fi'"
    }

    /// For `nft -f -` in the switch: no frame between a host of `one` and a host of `other`, in either direction.
    ///
    /// Adds to the partitions that exist; the table's removal heals all.
    func partition(_ one: [Int], _ other: [Int]) -> String { dropping("", table: "palmier_lab", one, other) }

    /// The same for multicast DNS (RFC 6762, 3) alone; a table of its own, which healing leaves.
    func separation(_ one: [Int], _ other: [Int]) -> String {
        dropping("udp dport 5353 ", table: "palmier_links", one, other)
    }

    private func dropping(_ what: String, table: String, _ one: [Int], _ other: [Int]) -> String {
        func set(_ hosts: [Int]) -> String { "{ " + hosts.map { "\"\(port($0))\"" }.joined(separator: ", ") + " }" }
        return """
            table bridge \(table) {
                chain forward {
                    type filter hook forward priority 0; policy accept;
                    iifname \(set(one)) oifname \(set(other)) \(what)drop
                    iifname \(set(other)) oifname \(set(one)) \(what)drop
                }
            }

            """
    }

    /// The creator of a LAN, read from the name of one of its namespaces or of its folder; nil for a foreign name.
    static func creator(of name: some StringProtocol) -> Int32? {
        guard name.hasPrefix(prefix + "-") else { return nil }
        let parts = name.dropFirst(prefix.count + 1).split(separator: "-")
        guard parts.count >= 2, Int(parts[1]) != nil else { return nil }
        return Int32(parts[0])
    }
}

import Foundation

extension Lan {
    /// Why a LAN cannot be made here, and what to do; nil when it can. Tests skip with this text.
    ///
    /// Tries what a LAN needs in a namespace that it removes again: capabilities, kernel modules and containers differ in
    /// ways that no list of conditions catches.
    public static func requirements(daemons: Bool = false) async -> String? {
        #if os(Linux)
        guard geteuid() == 0 else {
            return "a LAN of network namespaces needs root, and this process runs as user \(geteuid()); run it as root"
        }
        let programs =
            ["ip", "nft", "setpriv", "getent"] + (daemons ? ["dbus-daemon", "dbus-send", "avahi-daemon"] : [])
        for program in programs where !isInstalled(program) {
            return "the program `\(program)` is missing; as root: apt-get install iproute2 nftables util-linux "
                + "avahi-daemon avahi-utils dbus"
        }
        // Not one of the numbers of real LANs; the process's own pid keeps it apart from other runs.
        let probe = "\(LanPlan.prefix)-\(ProcessInfo.processInfo.processIdentifier)-0-\(UInt32.random(in: 0 ... .max))"
        let script = """
            ip netns add \(probe)
            trap 'ip netns delete \(probe)' EXIT
            ip -n \(probe) link add br0 type bridge forward_delay 0 mcast_snooping 0
            ip -n \(probe) link add port1 type veth peer name eth0
            ip -n \(probe) link set port1 master br0 up
            printf 'table bridge t { chain c { type filter hook forward priority 0; iifname "port1" drop; }; }' |
                ip netns exec \(probe) nft -f -
            """
        do {
            try await Command.run(["sh", "-e"], input: script).check()
            return nil
        } catch {
            return "this machine lets root make no network of namespaces (a container without CAP_SYS_ADMIN and "
                + "CAP_NET_ADMIN, or a kernel without bridge, veth or nftables): \(error)"
        }
        #else
        return "a LAN of network namespaces needs Linux"
        #endif
    }

    private static func isInstalled(_ program: String) -> Bool {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin"
        return path.split(separator: ":").contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/\(program)")
        }
    }
}

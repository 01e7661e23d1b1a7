public import Automata
import Discovery
import Foundation
import Glibc
import Identity

/// What can be found out on this machine without asking anybody.
public enum MachineChecks {
    /// Below these, whatever needs the disk will soon fail; guesses.
    private static let diskProblem: Int64 = 64 << 20
    private static let diskWarning: Int64 = 1 << 30

    /// All of them; takes up to the two seconds that a multicast packet may need.
    public static func all(_ choice: ConnectionChoice, now: Instant) async -> [Check] {
        var checks = [addresses(), avahi(), await multicast(), disk(choice.stateDirectory), programs()]
        checks += certificates(choice, now: now)
        return checks
    }

    static func addresses() -> Check {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else {
            return Check("addresses", .problem, "the system does not tell its addresses", remedy: "see getifaddrs(3)")
        }
        defer { freeifaddrs(list) }
        var found: [String] = []
        for entry in sequence(first: list, next: { $0?.pointee.ifa_next }).prefix(while: { $0 != nil }) {
            guard let entry = entry?.pointee, let address = entry.ifa_addr else { continue }
            let family = Int32(address.pointee.sa_family)
            let flags = Int32(bitPattern: entry.ifa_flags)
            guard family == AF_INET || family == AF_INET6, flags & Int32(IFF_LOOPBACK) == 0,
                flags & Int32(IFF_UP) != 0
            else { continue }
            let size = family == AF_INET ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
            var host = [CChar](repeating: 0, count: 1_025)  // NI_MAXHOST
            guard getnameinfo(address, socklen_t(size), &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST) == 0
            else { continue }
            found.append("\(text(of: host)) (\(String(cString: entry.ifa_name)))")
        }
        guard !found.isEmpty else {
            return Check(
                "addresses", .warning, "no address but loopback: only this machine can be reached",
                remedy: "bring a network interface up")
        }
        return Check("addresses", .ok, found.joined(separator: ", "))
    }

    static func avahi() -> Check {
        // The daemon's own socket, and the bus by which we speak to it.
        let runs = SocketProbe.failure(at: "/run/avahi-daemon/socket") == nil
        let bus = SocketProbe.failure(at: "/run/dbus/system_bus_socket") == nil
        if runs && bus { return Check("avahi", .ok, "the system's avahi-daemon runs and is used") }
        if runs {
            return Check(
                "avahi", .warning, "avahi-daemon runs, but the D-Bus system bus does not answer",
                remedy: "start dbus, or use --discovery embedded")
        }
        return Check("avahi", .ok, "no avahi-daemon runs: agents use the one inside palmier")
    }

    static func multicast() async -> Check {
        let check = await withCheckedContinuation { continuation in
            // It blocks on sockets for up to two seconds, which the cooperative threads must not.
            Thread.detachNewThread {
                continuation.resume(returning: MulticastCheck.run(interfaces: nil, timeout: .seconds(2)))
            }
        }
        guard check.works else {
            return Check(
                "multicast", .problem, check.reason,
                remedy: "open UDP port 5353 for 224.0.0.251 and ff02::fb, or name peers with --join HOST:PORT")
        }
        return Check("multicast", .ok, "packets to the multicast DNS group come back")
    }

    static func disk(_ state: StateDirectory) -> Check {
        // The nearest directory that is there: before the first start there is no state yet.
        var path = state.path
        while path != "/", !FileManager.default.fileExists(atPath: path) {
            path = URL(fileURLWithPath: path).deletingLastPathComponent().path
        }
        var status = statvfs()
        guard statvfs(path, &status) == 0 else {
            return Check(
                "disk", .problem, "\(path) cannot be looked at: \(String(cString: strerror(errno)))",
                remedy: "check its permissions, or name another with --state")
        }
        let free = Int64(status.f_bavail) * Int64(status.f_frsize)
        let text = "\(free >> 20) MiB free below \(path)"
        let remedy = "make room, or put the state elsewhere with --state"
        if free < diskProblem { return Check("disk", .problem, text, remedy: remedy) }
        return free < diskWarning ? Check("disk", .warning, text, remedy: remedy) : Check("disk", .ok, text)
    }

    static func programs() -> Check {
        let needed = geteuid() == 0 ? ["supervisord"] : ["supervisord", "bwrap"]
        // Where agents look, whatever the caller's path is.
        let directories = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        let missing = needed.filter { name in
            !directories.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }
        }
        guard !missing.isEmpty else { return Check("programs", .ok, needed.joined(separator: " and ") + " found") }
        let packages = missing.map { $0 == "bwrap" ? "bubblewrap" : "supervisor" }
        return Check(
            "programs", .warning, "not installed: \(missing.joined(separator: ", ")); an agent needs them here",
            remedy: "apt-get install \(packages.joined(separator: " "))")
    }

    static func certificates(_ choice: ConnectionChoice, now: Instant) -> [Check] {
        let profiles = Profile.fabrics(in: choice.profilesHome).map { "\(choice.profilesHome)/\($0)" }
        let identity = choice.stateDirectory.identity
        let own = FileManager.default.isReadableFile(atPath: "\(identity)/chain.pem") ? [identity] : []
        return (own + profiles).map { certificate(in: $0, now: now) }
    }

    private static func certificate(in directory: String, now: Instant) -> Check {
        do throws(IdentityError) {
            let credential = try Credential.load(from: directory)
            let who = "\(credential.kind.rawValue) \(credential.name) of \(credential.fabric)"
            let remedy = "run any command on a master's machine, or join again with a token"
            if now > credential.notAfter {
                let age = Wording.age(seconds: (now - credential.notAfter).components.seconds)
                return Check("certificate", .problem, "\(who) ended \(age) ago (\(directory))", remedy: remedy)
            }
            if now + defaultClockTolerance < credential.notBefore {
                return Check(
                    "certificate", .problem, "\(who) is not valid yet: this machine's clock is behind",
                    remedy: "set the clock")
            }
            let rest = Wording.age(seconds: (credential.notAfter - now).components.seconds)
            return Check("certificate", .ok, "\(who) is good for \(rest)")
        } catch {
            return Check("certificate", .problem, error.message, remedy: error.remedy)
        }
    }

    private static func text(of characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

import Foundation
import Testing

@testable import Lab

/// Why the tests below are skipped; nil where they can run. Asked once.
private let obstacle = Task { await Lan.requirements(daemons: true) }

private func lanIsPossible() async -> Bool {
    guard let reason = await obstacle.value else { return true }
    FileHandle.standardError.write(Data("LanTests are SKIPPED: \(reason)\n".utf8))
    return false
}

/// Real namespaces, links and daemons. Each test ends within two minutes, and leaves nothing.
@Suite(.serialized, .enabled("a LAN of network namespaces can be made here") { await lanIsPossible() })
struct LanTests {
    @Test("every host of a LAN reaches every other, by each kind of address", .timeLimit(.minutes(2)))
    func reach() async throws {
        try await Lan.with(hosts: 3, addressing: .both) { lan in
            for (from, to) in pairs(of: lan) {
                for address in [try #require(to.ipv4), try #require(to.ipv6)] {
                    #expect(try await pings(from, address), "\(from) to \(to) at \(address)")
                }
            }
        }
    }

    @Test("a LAN of one kind of address has no other", .timeLimit(.minutes(2)), arguments: [Addressing.ipv4, .ipv6])
    func oneKind(_ addressing: Addressing) async throws {
        try await Lan.with(hosts: 2, addressing: addressing) { lan in
            let host = lan.hosts[0]
            #expect(try await pings(host, lan.hosts[1].address))
            let links = try await host.run(["ip", "addr", "show", "eth0"]).check().output
            #expect(links.contains("inet ") == (addressing == .ipv4))
            #expect(links.contains("inet6 ") == (addressing == .ipv6))
            #expect(host.ipv6 == nil || links.contains("inet6 fe80:"), "link-local addresses come with IPv6")
        }
    }

    @Test("code of this process connects from a host of its choice", .timeLimit(.minutes(2)))
    func network() async throws {
        try await Lan.with(hosts: 2, addressing: .ipv4) { lan in
            for host in lan.hosts {
                let links = try await host.onItsNetwork {
                    try String(contentsOfFile: "/proc/thread-self/net/fib_trie", encoding: .utf8)
                }
                #expect(links.contains("|-- \(host.address)\n"))
                #expect(!links.contains("|-- \(lan.hosts[host.number % 2].address)\n"))
            }
            struct Refused: Error {}
            await #expect(throws: Refused.self) { try await lan.hosts[0].onItsNetwork { throw Refused() } }
        }
        let own = try String(contentsOfFile: "/proc/self/net/fib_trie", encoding: .utf8)
        #expect(!own.contains("10.77.0."), "no thread of this process stays in a host")
    }

    @Test("users that agents made for partitions go with the LAN", .timeLimit(.minutes(2)))
    func users() async throws {
        let name = "palmier-lab-\(ProcessInfo.processInfo.processIdentifier)"
        try await Lan.with(hosts: 1) { lan in
            try await lan.hosts[0].run([
                "useradd", "--system", "--no-create-home", "--home-dir",
                "\(lan.hosts[0].folder)/a/partitions/p00", name,
            ]).check()
            #expect(try await lan.hosts[0].run(["getent", "passwd", name]).succeeded)
        }
        #expect(try await !Command.run(["getent", "passwd", name]).succeeded)
    }

    @Test("a partition separates the named hosts and no others, adds up, and heals", .timeLimit(.minutes(2)))
    func partition() async throws {
        try await Lan.with(hosts: 3) { lan in
            let (one, two, three) = (lan.hosts[0], lan.hosts[1], lan.hosts[2])
            try await lan.partition([one], [two])
            #expect(try await !pings(one, two.address))
            #expect(try await !pings(two, one.address))
            #expect(try await pings(one, three.address))
            #expect(try await pings(three, two.address))
            try await lan.partition([three], [one, two])
            #expect(try await !pings(one, three.address))
            #expect(try await !pings(three, two.address))
            try await lan.heal()
            for (from, to) in pairs(of: lan) { #expect(try await pings(from, to.address)) }
            try await lan.heal()  // nothing to heal is no error
        }
    }

    @Test("separate links share unicast and no multicast DNS; a name server is a host's own", .timeLimit(.minutes(2)))
    func separate() async throws {
        try await Lan.with(hosts: 2, addressing: .ipv4) { lan in
            let (one, two) = (lan.hosts[0], lan.hosts[1])
            try await lan.separate([one], [two])
            #expect(try await pings(one, two.address))
            let heard = "\(lan.folder)/heard"
            for port in [5_353, 5_354] {
                let script = """
                    import socket,sys
                    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", \(port))); s.settimeout(3)
                    try: s.recv(10); print("heard")
                    except TimeoutError: print("silent")
                    """
                let listener = try await two.spawn(["python3", "-u", "-c", script], log: heard + "-\(port)")
                try await Task.sleep(for: .milliseconds(500))
                let send =
                    "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('\(two.address)', \(port)))"
                try await one.run(["python3", "-c", send]).check()
                _ = try await listener.wait(within: .seconds(10))
                let said = String(
                    decoding: FileManager.default.contents(atPath: heard + "-\(port)") ?? Data(), as: UTF8.self)
                #expect(said == (port == 5_353 ? "silent\n" : "heard\n"))
            }
            try one.useNameServer("192.0.2.53")
            #expect(try await one.run(["cat", "/etc/resolv.conf"]).check().output == "nameserver 192.0.2.53\n")
            #expect(try await two.run(["cat", "/etc/resolv.conf"]).check().output != "nameserver 192.0.2.53\n")
        }
    }

    @Test("a host that is cut off is reached by nobody, and the others reach each other", .timeLimit(.minutes(2)))
    func cutOff() async throws {
        try await Lan.with(hosts: 3, addressing: .ipv4) { lan in
            let (one, two, three) = (lan.hosts[0], lan.hosts[1], lan.hosts[2])
            try await lan.cutOff(two)
            for (from, to) in [(two, one), (two, three), (one, two), (three, two)] {
                #expect(try await !pings(from, to.address), "\(from) to \(to)")
            }
            #expect(try await pings(one, three.address))
            try await lan.heal()
            // A neighbour that did not answer is asked for anew after a moment.
            try await Polling.until("h1 reaches h2 again", within: .seconds(20)) { try await pings(one, two.address) }
        }
    }

    @Test("a disk of its own runs full, is freed, and goes with the LAN", .timeLimit(.minutes(2)))
    func disk() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "lab-disk-\(UUID().uuidString)").path
        let name = try await Lan.with(hosts: 1, addressing: .ipv4) { lan in
            let disk = try await lan.mountDisk(at: path, mebibytes: 2)
            try disk.free()  // nothing was taken
            let host = lan.hosts[0]
            let write = ["dd", "if=/dev/zero", "of=\(path)/file", "bs=64k", "count=1", "conv=fsync"]
            #expect(try await host.run(write).succeeded)
            try disk.fill()
            #expect(try await host.run(["truncate", "-s", "0", "\(path)/file"]).succeeded)
            try disk.fill()  // what was freed meanwhile
            let refused = try await host.run(write)
            #expect(!refused.succeeded && refused.error.contains("No space left"), "\(refused)")
            try disk.free()
            #expect(try await host.run(write).succeeded)
            // Whoever still stands in it does not keep it.
            _ = try await host.spawn(["sh", "-c", "cd \(path) && exec sleep 1000"])
            return lan.plan.name
        }
        #expect(Mounts.of(name) == [])
        #expect(try FileManager.default.contentsOfDirectory(atPath: path) == [])
        try FileManager.default.removeItem(atPath: path)
    }

    @Test("a link that is down carries nothing, and works again when it is up", .timeLimit(.minutes(2)))
    func link() async throws {
        try await Lan.with(hosts: 2) { lan in
            let (one, two) = (lan.hosts[0], lan.hosts[1])
            try await two.linkDown()
            #expect(try await !pings(one, two.address))
            try await two.linkUp()
            try await Polling.until("h1 reaches h2 again", within: .seconds(20)) {
                guard try await pings(one, two.address), let ipv6 = two.ipv6 else { return false }
                return try await pings(one, ipv6)
            }
        }
    }

    @Test("the bytes on a link are counted in both directions", .timeLimit(.minutes(2)))
    func bytes() async throws {
        try await Lan.with(hosts: 2) { lan in
            let before = try await lan.hosts[0].bytesOnLink()
            try await lan.hosts[0].run(["ping", "-c", "1", "-s", "1000", "-W", "5", lan.hosts[1].address]).check()
            let after = try await lan.hosts[0].bytesOnLink()
            #expect(after.sent - before.sent >= 1_042)  // data, ICMP, IP, Ethernet
            #expect(after.received - before.received >= 1_042)
        }
    }

    @Test("a spawned program has its own pid, logs, can be signalled, and its end is seen", .timeLimit(.minutes(2)))
    func spawn() async throws {
        try await Lan.with(hosts: 1) { lan in
            let host = lan.hosts[0]
            let sleeper = try await host.spawn(["sh", "-c", "echo ready; exec sleep 1000"])
            try await Polling.until("it has spoken", within: .seconds(20)) { sleeper.logText() == "ready\n" }
            #expect(sleeper.isRunning)
            #expect(try await host.pids() == [sleeper.pid])
            let reading = try ProcessReading(pid: sleeper.pid)
            #expect(reading.residentBytes > 0)
            #expect(reading.privateBytes <= reading.residentBytes)
            sleeper.kill(.terminate)
            #expect(try await sleeper.wait(within: .seconds(20)) == .signaled(15))
            #expect(!sleeper.isRunning)
            #expect(throws: LabError.self) { try ProcessReading(pid: sleeper.pid) }
            let failing = try await host.spawn(["sh", "-c", "exit 7"])
            #expect(try await failing.wait(within: .seconds(20)) == .exited(7))
        }
    }

    @Test("a program runs as an ordinary user with that user's groups and home", .timeLimit(.minutes(2)))
    func ordinaryUser() async throws {
        try await Lan.with(hosts: 1) { lan in
            let host = lan.hosts[0]
            let words = try await host.run(
                ["sh", "-c", "id -un; id -gn; echo $HOME; echo $EXTRA"],
                environment: ["EXTRA": "x"], user: "nobody"
            ).check().output
            #expect(words == "nobody\nnogroup\n/nonexistent\nx\n")
            let error = await #expect(throws: LabError.self) { try await host.run(["true"], user: "no-such-user") }
            #expect(error?.message.contains("no-such-user") == true)
        }
    }

    @Test("a program that does not end is killed with its children when its time is over", .timeLimit(.minutes(2)))
    func timeLimit() async throws {
        try await Lan.with(hosts: 1) { lan in
            let host = lan.hosts[0]
            let error = await #expect(throws: LabError.self) {
                try await host.run(["sh", "-c", "sleep 1000 & sleep 1000"], within: .milliseconds(500))
            }
            #expect(error?.code == .timedOut)
            try await Polling.until("both are gone", within: .seconds(20)) { try await host.pids().isEmpty }
        }
    }

    @Test(
        "when a whole host dies, its programs are gone, the others go on, and it can come back", .timeLimit(.minutes(2))
    )
    func death() async throws {
        try await Lan.with(hosts: 2) { lan in
            let (one, two) = (lan.hosts[0], lan.hosts[1])
            let doomed = try await one.spawn(["sleep", "1000"])
            // A session of its own and no parent: only the namespace tells where it belongs.
            try await one.run(["setsid", "-f", "sleep", "1000"]).check()
            let other = try await two.spawn(["sleep", "1000"])
            try await one.killAll()
            #expect(try await doomed.wait(within: .seconds(20)) == .signaled(9))
            #expect(try await one.pids().isEmpty)
            #expect(other.isRunning)
            #expect(try await !pings(two, one.address))
            try await one.bringUp()
            try await Polling.until("h2 reaches h1 again", within: .seconds(20)) { try await pings(two, one.address) }
        }
    }

    @Test("without daemons a host does not see the machine's own system bus", .timeLimit(.minutes(2)))
    func noBus() async throws {
        try await Lan.with(hosts: 1) { lan in
            let answer = try await lan.hosts[0].run([
                "dbus-send", "--system", "--print-reply", "--dest=org.freedesktop.DBus", "/",
                "org.freedesktop.DBus.ListNames",
            ])
            #expect(!answer.succeeded)
        }
    }

    @Test(
        "with a bus and an avahi-daemon per host, what one publishes another finds", .timeLimit(.minutes(2)),
        arguments: Addressing.allCases)
    func daemons(_ addressing: Addressing) async throws {
        try await Lan.with(hosts: 2, addressing: addressing, daemons: true) { lan in
            let (one, two) = (lan.hosts[0], lan.hosts[1])
            let publisher = try await one.spawn(["avahi-publish", "-s", "greeting", "_lab._tcp", "4711", "word=hello"])
            try await Polling.until("h2 resolves what h1 publishes", within: .seconds(30), every: .milliseconds(200)) {
                let found = try await two.run(["avahi-browse", "-rpt", "_lab._tcp"]).output
                return found.contains("=;eth0;") && found.contains("greeting") && found.contains("\"word=hello\"")
                    && found.contains("h1.local") && found.contains(";4711;")
            }
            #expect(publisher.isRunning)
            if addressing == .ipv4 {
                try await two.killAll()
                try await two.bringUp()
                try await Polling.until("h2 sees it again after its return", within: .seconds(30)) {
                    try await two.run(["avahi-browse", "-pt", "_lab._tcp"]).output.contains("greeting")
                }
            }
        }
    }

    private func pairs(of lan: Lan) -> [(LabHost, LabHost)] {
        lan.hosts.flatMap { from in lan.hosts.filter { $0.number != from.number }.map { (from, $0) } }
    }

    private func pings(_ from: LabHost, _ address: String) async throws -> Bool {
        try await from.run(["ping", "-c", "1", "-W", "1", address]).succeeded
    }
}

/// Nothing may stay behind, however a LAN ends.
@Suite(.serialized, .enabled("a LAN of network namespaces can be made here") { await lanIsPossible() })
struct RemainsTests {
    @Test("destroying leaves no process, no namespace and no file", .timeLimit(.minutes(2)))
    func destroy() async throws {
        let lan = try await Lan.create(hosts: 2, daemons: true)
        let process = try await lan.hosts[0].spawn(["sleep", "1000"])
        try await lan.hosts[1].run(["setsid", "-f", "sleep", "1000"]).check()
        // One that left for a network of its own, as an instance in a sandbox does.
        let stray = try await lan.hosts[0].spawn(["unshare", "-n", "sleep", "1000"])
        try await Polling.until("it has its own network", within: .seconds(20)) {
            try await !lan.hosts[0].pids().contains(stray.pid)
        }
        await lan.destroy()
        #expect(process.exit == .signaled(9))
        #expect(stray.exit == .signaled(9))
        expectNothing(of: lan)
        await lan.destroy()  // once more is no error
    }

    @Test("a body that fails, and one that is cancelled, leave nothing either", .timeLimit(.minutes(2)))
    func failure() async throws {
        struct Mishap: Error {}
        let (seen, report) = AsyncStream.makeStream(of: Lan.self)
        await #expect(throws: Mishap.self) {
            try await Lan.with(hosts: 1) { lan in
                report.yield(lan)
                throw Mishap()
            }
        }
        let cancelled = Task {
            try await Lan.with(hosts: 1) { lan in
                _ = try await lan.hosts[0].spawn(["sleep", "1000"])
                report.yield(lan)
                try await Task.sleep(for: .seconds(1_000))
            }
        }
        var lans: [Lan] = []
        for await lan in seen {
            lans.append(lan)
            if lans.count == 2 { break }
        }
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        for lan in lans { expectNothing(of: lan) }
    }

    @Test("a folder that the caller gave is kept, with the logs in it", .timeLimit(.minutes(2)))
    func folder() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "lab-tests-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let log = try await Lan.with(hosts: 1, folder: folder) { lan in
            let process = try await lan.hosts[0].spawn(["echo", "kept"])
            try await process.wait(within: .seconds(20))
            return process.log
        }
        #expect(log.hasPrefix(folder))
        #expect(try String(contentsOfFile: log, encoding: .utf8) == "kept\n")
        try FileManager.default.removeItem(atPath: folder)
    }

    @Test("what a dead creator left is removed, what a living one uses is not", .timeLimit(.minutes(2)))
    func leftovers() async throws {
        // The largest process id that Linux gives is 4,194,304: nobody has this one.
        let name = "palmier-lab-4999999-1"
        let disk = FileManager.default.temporaryDirectory.appending(path: "lab-disk-\(UUID().uuidString)").path
        let mount = "mkdir \(disk); mount -t tmpfs -o size=1m \(name) \(disk); "
        let script =
            mount + "ip netns add \(name)-h1; ip netns exec \(name)-h1 setsid -f sleep 1000 </dev/null >/dev/null 2>&1"
        try await Command.run(["sh", "-ec", script]).check()
        try await Lan.with(hosts: 1) { lan in
            let removed = await Lan.removeLeftovers()
            #expect(removed.contains("\(name)-h1") && removed.contains(name))
            #expect(Mounts.of(name) == [])
            #expect(!Lan.namespacesOnThisMachine().contains("\(name)-h1"))
            #expect(Set(lan.namespaces).isSubset(of: Lan.namespacesOnThisMachine()))
        }
        try FileManager.default.removeItem(atPath: disk)
    }

    private func expectNothing(of lan: Lan) {
        let present = Set(Lan.namespacesOnThisMachine())
        #expect(lan.namespaces.filter { present.contains($0) } == [])
        #expect(!FileManager.default.fileExists(atPath: lan.folder))
        let marked = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).filter { pid in
            guard Int32(pid) != nil, let environment = FileManager.default.contents(atPath: "/proc/\(pid)/environ")
            else { return false }
            return String(decoding: environment, as: UTF8.self).contains((lan.folder as NSString).lastPathComponent)
        }
        #expect(marked == [], "processes of the LAN are alive")
    }
}

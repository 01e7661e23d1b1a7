import Agent
import Automata
import Foundation
import Glibc
import Testing

extension AgentTests {
    /// What orders change, and what they do not.
    @Suite struct Orders {
        @Test("new parameters restart an instance only if they change what is run")
        func restarts() async throws {
            try await Workshop.use("parameters") { workshop, host in
                await host.apply(workshop.order(sleeper))
                try await host.reach(.running, workshop.claim(), revision: 1)
                let pid = try workshop.pid()
                await host.apply(workshop.order(sleeper, parameters: #"{"note":"only published"}"#, revision: 2))
                let second = try await host.reach(.running, workshop.claim(), revision: 2)
                #expect(second.connection == #"{"note":"only published","word":"hello"}"#)
                #expect(try workshop.pid() == pid)
                await host.apply(workshop.order(sleeper, parameters: #"{"word":"bye"}"#, revision: 3))
                try await host.reach(.running, workshop.claim(), revision: 3)
                #expect(try workshop.pid() != pid)
                #expect(!isAlive(pid))
            }
        }

        @Test("an order that was obeyed, or is older, changes nothing")
        func stale() async throws {
            try await Workshop.use("stale") { workshop, host in
                await host.apply(workshop.order(sleeper, fencing: 2, revision: 5))
                try await host.reach(.running, workshop.claim(fencing: 2))
                let pid = try workshop.pid()
                await host.apply(workshop.order(sleeper, fencing: 2, revision: 5))
                await host.apply(workshop.order(sleeper, fencing: 2, revision: 4, desired: .stopped))
                await host.apply(workshop.order(sleeper, fencing: 1, revision: 9, desired: .stopped))
                await host.vacate(workshop.claim(fencing: 1))
                await host.settle(PartitionNumber(0))
                #expect(isAlive(pid))
                #expect(await host.status(of: workshop.claim(fencing: 2))?.state == .running)
            }
        }

        @Test("the same revision with another desired state suspends an instance, and resumes it")
        func suspension() async throws {
            try await Workshop.use("suspension") { workshop, host in
                await host.apply(workshop.order(sleeper))
                try await host.reach(.running, workshop.claim(), revision: 1)
                let pid = try workshop.pid()
                await host.apply(workshop.order(sleeper, desired: .stopped))
                try await host.reach(.stopped, workshop.claim(), revision: 1)
                #expect(!isAlive(pid))
                await host.apply(workshop.order(sleeper))
                try await host.reach(.running, workshop.claim(), revision: 1)
            }
        }

        @Test("a claim with a larger fencing number empties the partition of its earlier tenant first")
        func successor() async throws {
            try await Workshop.use("successor") { workshop, host in
                await host.apply(workshop.order(sleeper, fencing: 1))
                try await host.reach(.running, workshop.claim(fencing: 1))
                let pid = try workshop.pid()
                let mark = "\(workshop.state)/partitions/p00/mark"
                try "x".write(toFile: mark, atomically: true, encoding: .utf8)
                await host.apply(workshop.order(sleeper, fencing: 2))
                try await host.reach(.running, workshop.claim(fencing: 2))
                #expect(!isAlive(pid))
                #expect(!FileManager.default.fileExists(atPath: mark))
            }
        }

        @Test("parameters that break the schema fail with the path of the field, and what ran goes on")
        func badParameters() async throws {
            try await Workshop.use("schema") { workshop, host in
                let text = try example("memcached")
                await host.apply(workshop.order(text))
                try await host.reach(.running, workshop.claim())
                let pid = try workshop.pid()
                await host.apply(workshop.order(text, parameters: #"{"memory":"abc"}"#, revision: 2))
                let status = try await host.reach(.failed, workshop.claim(), revision: 2)
                #expect(status.reason.contains(#"parameters.memory: expected an integer from 1 to 65536, found "abc""#))
                #expect(status.reason.contains("what ran before goes on"))
                #expect(isAlive(pid))
            }
        }

        @Test("partitions are kept apart: own address, own ports, own user, no view of each other")
        func apart() async throws {
            try await Workshop.use("apart", partitions: 2) { workshop, host in
                let places = await host.partitions
                #expect(places.count == 2)
                #expect(Set(places.map(\.address)).count == 2)
                #expect(places.allSatisfy { $0.address.hasPrefix("127.") })
                #expect(!places[0].ports.overlaps(places[1].ports))
                #expect(Set(places.compactMap(\.userName)).count == 2)
                let curious = """
                    name: curious
                    version: "1"
                    types:
                      main:
                        parameters: {type: object, required: [other], properties: {other: {type: string}}}
                        command: |
                          ls "${parameters.other}"; cat "${parameters.other}/../../instances/p00/instance.json"
                          id -u; grep NoNewPrivs /proc/self/status; ls /proc/1/root; exec sleep 1000
                    """
                await host.apply(workshop.order(sleeper))
                try await host.reach(.running, workshop.claim())
                let parameters = #"{"other":"\#(places[0].directory)"}"#
                await host.apply(workshop.order(curious, parameters: parameters, partition: 1))
                try await host.reach(.running, workshop.claim(partition: 1))
                func text(_ stream: LogStream) async throws -> String {
                    let claim = workshop.claim(partition: 1)
                    return String(
                        decoding: try await host.logs(of: claim, stream: stream, offset: 0, limit: 10_000).bytes,
                        as: UTF8.self)
                }
                #expect(try await eventually { try await text(.stderr).split(separator: "\n").count >= 3 })
                #expect(try await text(.stderr).split(separator: "\n").allSatisfy { $0.contains("Permission denied") })
                #expect(try await text(.stdout).contains("NoNewPrivs:\t1"))
                #expect(try await !text(.stdout).hasPrefix("0\n"))
            }
        }

        @Test("a port in use is passed over; when all are, the reason names the port")
        func portsInUse() async throws {
            let listener = """
                name: listener
                version: "1"
                types:
                  main:
                    ports: [main]
                    command: [sleep, "1000"]
                    publish: {port: "${ports.main}"}
                """
            try await Workshop.use("ports", portsPerPartition: 2) { workshop, host in
                let place = try #require(await host.partitions.first)
                let first = try Listener(host: place.address, port: place.ports.lowerBound)
                await host.apply(workshop.order(listener))
                let status = try await host.reach(.running, workshop.claim())
                #expect(status.connection == #"{"port":\#(place.ports.upperBound)}"#)
                await host.vacate(workshop.claim())
                try await host.reach(.destroyed, workshop.claim())
                let second = try Listener(host: place.address, port: place.ports.upperBound)
                await host.apply(workshop.order(listener, fencing: 2))
                let failed = try await host.reach(.failed, workshop.claim(fencing: 2))
                #expect(failed.reason.contains("port \"main\": no port from \(place.ports.lowerBound)"))
                withExtendedLifetime((first, second)) {}
            }
        }

        @Test("logs are read on from an offset, and from the end")
        func logs() async throws {
            try await Workshop.use("logs") { workshop, host in
                let claim = workshop.claim()
                let text = """
                    name: talker
                    version: "1"
                    types:
                      main: {command: "printf 'one\\\\ntwo\\\\n'; printf 'bad\\\\n' >&2; exec sleep 1000"}
                    """
                await host.apply(workshop.order(text))
                try await host.reach(.running, claim)
                #expect(
                    try await eventually {
                        try await host.logs(of: claim, stream: .stderr, offset: 0, limit: 100).nextOffset == 4
                    })
                let first = try await host.logs(of: claim, stream: .stdout, offset: 0, limit: 4)
                #expect(first.bytes == Array("one\n".utf8))
                let rest = try await host.logs(of: claim, stream: .stdout, offset: first.nextOffset, limit: 100)
                #expect(rest.bytes == Array("two\n".utf8))
                let end = try await host.logs(of: claim, stream: .stdout, offset: -2, limit: 100)
                #expect(end.bytes == Array("o\n".utf8))
                await #expect(throws: AgentError.self) {
                    try await host.logs(of: workshop.claim(fencing: 9), stream: .stdout, offset: 0, limit: 1)
                }
            }
        }

        @Test("limits hold for the program")
        func limits() async throws {
            let limited = """
                name: limited
                version: "1"
                types:
                  main:
                    command: "cat /proc/self/limits; exec sleep 1000"
                    limits: {memory: 256MiB, openFiles: 64, fileSize: 1MiB}
                """
            try await Workshop.use("limits") { workshop, host in
                await host.apply(workshop.order(limited))
                try await host.reach(.running, workshop.claim())
                let found = try await eventually {
                    let bytes = try await host.logs(of: workshop.claim(), stream: .stdout, offset: 0, limit: 9000).bytes
                    let text = String(decoding: bytes, as: UTF8.self)
                    return text.contains(#/Max open files +64 +64/#) && text.contains(#/Max address space +268435456 /#)
                        && text.contains(#/Max file size +1048576 /#)
                }
                #expect(found)
            }
        }

        @Test("memcached is running soon after its order, release installed")
        func latency() async throws {
            try await Workshop.use("latency") { workshop, host in
                let text = try example("memcached")
                var times: [Duration] = []
                for fencing in UInt64(1)...21 {
                    let claim = workshop.claim(fencing: fencing)
                    let start = ContinuousClock.now
                    await host.apply(workshop.order(text, fencing: fencing))
                    try await host.reach(.running, claim)
                    times.append(ContinuousClock.now - start)
                    await host.vacate(claim)
                    try await host.reach(.destroyed, claim)
                }
                // The first installs the release.
                let sorted = times.dropFirst().sorted()
                print("apply to running, memcached, 20 times: median \(sorted[10]), largest \(sorted[19])")
                #expect(sorted[10] < .seconds(2))
            }
        }
    }
}

/// Holds a TCP port.
final class Listener {
    private let handle: Int32

    init(host: String, port: UInt16) throws {
        handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, host, &address.sin_addr)
        let handle = handle
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(handle, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(result == 0)
        let listening = listen(handle, 1)
        try #require(listening == 0)
    }

    deinit { close(handle) }
}

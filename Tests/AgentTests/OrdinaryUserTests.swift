import Agent
import Automata
import Foundation
import Glibc
import Testing

/// Whether this machine lets a test become an ordinary user and make user namespaces; says aloud when not.
private let canBeOrdinary: Bool = {
    guard geteuid() == 0 else {
        print("SKIPPED: the tests of an agent without root start as root, to become the user nobody")
        return false
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
    process.arguments = [
        "--reuid=65534", "--regid=65534", "--clear-groups", "bwrap", "--unshare-user", "--ro-bind", "/", "/", "true",
    ]
    do {
        try process.run()
        process.waitUntilExit()
    } catch {
        print("SKIPPED: \(error)")
        return false
    }
    if process.terminationStatus != 0 { print("SKIPPED: the kernel allows no user namespaces to ordinary users") }
    return process.terminationStatus == 0
}()

/// Makes this process, all of its threads, the user nobody.
private func becomeOrdinary() throws {
    let dropped = setgroups(0, nil) == 0 && setgid(65534) == 0 && setuid(65534) == 0
    try #require(dropped)
    setenv("HOME", "/nonexistent", 1)
}

extension AgentTests {
    /// An agent without root: each test is a process of its own that becomes the user nobody first.
    @Suite(.enabled(if: canBeOrdinary)) struct OrdinaryUser {
        @Test(
            "inside bubblewrap an instance runs, is stopped gently, and sees neither the agent's state nor a way to write"
        )
        func bubblewrap() async throws {
            await #expect(processExitsWith: .success) {
                try becomeOrdinary()
                try await Workshop.use("bwrap") { workshop, host in
                    #expect(await host.isolation == .bubblewrap)
                    let curious = """
                        name: curious
                        version: "1"
                        source:
                          build: "mkdir bin; printf '#!/bin/sh\\\\necho built\\\\n' > bin/tool; chmod 755 bin/tool"
                        types:
                          main:
                            command: |
                              trap 'echo gentle; exit 0' TERM
                              tool
                              ls "${partition.directory}/../../supervisor" "${partition.directory}/../../instances"
                              touch "${release.directory}/mine" /usr/mine
                              ls /proc | grep -c '^[0-9]' ; echo ready > here
                              sleep 1000 & wait
                            ready: {command: [test, -s, here]}
                        """
                    await host.apply(workshop.order(curious))
                    try await host.reach(.running, workshop.claim())
                    func text(_ stream: LogStream) async throws -> String {
                        String(
                            decoding: try await host.logs(of: workshop.claim(), stream: stream, offset: 0, limit: 9000)
                                .bytes, as: UTF8.self)
                    }
                    #expect(try await text(.stdout).hasPrefix("built\n"))
                    let errors = try await text(.stderr)
                    #expect(errors.contains("supervisor': No such file") && errors.contains("instances': No such file"))
                    #expect(errors.split(separator: "\n").count { $0.hasSuffix("Read-only file system") } == 2)
                    await host.apply(workshop.order(curious, revision: 2, desired: .stopped))
                    try await host.reach(.stopped, workshop.claim(), revision: 2)
                    #expect(try await text(.stdout).hasSuffix("gentle\n"))
                    await host.vacate(workshop.claim())
                    try await host.reach(.destroyed, workshop.claim())
                }
            }
        }

        @Test("memcached answers from inside bubblewrap")
        func memcached() async throws {
            await #expect(processExitsWith: .success) {
                try becomeOrdinary()
                try await Workshop.use("bwrap-memcached") { workshop, host in
                    await host.apply(workshop.order(try example("memcached")))
                    let client = try Published(await host.reach(.running, workshop.claim())).client()
                    #expect(try client.ask("set key 0 0 5\r\nvalue\r\n", until: "\r\n") == "STORED\r\n")
                }
            }
        }

        @Test("PostgreSQL runs as the agent's own user")
        func postgresql() async throws {
            await #expect(processExitsWith: .success) {
                try becomeOrdinary()
                try await Workshop.use("bwrap-postgresql") { workshop, host in
                    try await Examples.usePostgreSQL(workshop, host)
                }
            }
        }

        @Test("without isolation a program that left its group is still found and killed")
        func none() async throws {
            await #expect(processExitsWith: .success) {
                try becomeOrdinary()
                try await Workshop.use("none", isolation: .none) { workshop, host in
                    let hider = sleeper.replacing(
                        "exec sleep 1000", with: "setsid sleep 1001 & echo $! > hidden; exec sleep 1000")
                    await host.apply(workshop.order(hider))
                    try await host.reach(.running, workshop.claim())
                    let path = "\(workshop.state)/partitions/p00/hidden"
                    #expect(try await eventually { FileManager.default.fileExists(atPath: path) })
                    let text = try String(contentsOfFile: path, encoding: .utf8)
                    let pid = try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))
                    await host.vacate(workshop.claim())
                    try await host.reach(.destroyed, workshop.claim())
                    #expect(!isAlive(pid))
                }
            }
        }

        @Test("isolation by users without root is refused with the remedy")
        func refused() async throws {
            await #expect(processExitsWith: .success) {
                try becomeOrdinary()
                let workshop = try Workshop("refused", isolation: .users)
                let host = InstanceHost(configuration: workshop.configuration)
                let error = await #expect(throws: AgentError.self) { try await host.start(orders: []) }
                #expect(error?.code == .noIsolation)
                #expect(error?.description.contains("--isolation bubblewrap") == true)
                try FileManager.default.removeItem(atPath: workshop.state)
            }
        }
    }
}

import Agent
import Automata
import Foundation
import Glibc
import Testing

/// A program that only waits; what it prints first is in its log.
let sleeper = """
    name: sleeper
    version: "1"
    types:
      main:
        parameters:
          type: object
          properties: {word: {type: string, default: hello}, note: {type: string, default: ""}}
        command: |
          echo "${parameters.word} from $$"
          exec sleep 1000
        publish: {word: "${parameters.word}", note: "${parameters.note}"}
        stop: {grace: 1s}
        restart: {policy: always, attempts: 3, window: 60s}
    """

extension AgentTests {
    /// Instances live on, whatever happens to the agent and to supervisord; what is not wanted goes away, whole.
    @Suite struct Life {
        @Test("after kill -9 of the agent, its successor finds the same process running and leaves it alone")
        func agentKilled() async throws {
            let workshop = try Workshop("killed")
            let state = workshop.state
            let machine = workshop.machine.description
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [state = state as String, machine = machine as String] in
                let workshop = try Workshop(state: state, machine: machine)
                let host = InstanceHost(configuration: workshop.configuration)
                try await host.start(orders: [])
                await host.apply(workshop.order(sleeper))
                try await host.reach(.running, workshop.claim())
                kill(getpid(), SIGKILL)
            }
            let pid = try workshop.pid()
            #expect(isAlive(pid))
            let successor = InstanceHost(configuration: workshop.configuration)
            try await successor.start(orders: [workshop.order(sleeper)])
            let status = try await successor.reach(.running, workshop.claim())
            #expect(status.connection == #"{"note":"","word":"hello"}"#)
            #expect(try workshop.pid() == pid)
            #expect(isAlive(pid))
            try await workshop.close(successor)
        }

        @Test("shutdown leaves instances running, and a dropped host ends by itself")
        func shutdown() async throws {
            let workshop = try Workshop("shutdown")
            var host: InstanceHost? = InstanceHost(configuration: workshop.configuration)
            try await host?.start(orders: [workshop.order(sleeper)])
            try await host?.reach(.running, workshop.claim())
            let pid = try workshop.pid()
            await host?.shutdown()
            host = nil
            #expect(isAlive(pid))
            let successor = InstanceHost(configuration: workshop.configuration)
            try await successor.start(orders: [workshop.order(sleeper)])
            try await successor.reach(.running, workshop.claim())
            #expect(try workshop.pid() == pid)
            try await workshop.close(successor)
        }

        @Test(
            "when supervisord is killed, the instance goes on, a new supervisord takes it over, and it still can be stopped"
        )
        func supervisorKilled() async throws {
            try await Workshop.use("daemon") { workshop, host in
                await host.apply(workshop.order(sleeper))
                try await host.reach(.running, workshop.claim())
                let pid = try workshop.pid()
                let first = try #require(await host.supervisorProcess)
                kill(first, SIGKILL)
                let replaced = try await eventually {
                    guard let second = await host.supervisorProcess else { return false }
                    return second != first && isAlive(second)
                }
                #expect(replaced)
                #expect(isAlive(pid))
                #expect(try workshop.pid() == pid)
                await host.apply(workshop.order(sleeper, revision: 2, desired: .stopped))
                try await host.reach(.stopped, workshop.claim(), revision: 2)
                #expect(!isAlive(pid))
            }
        }

        @Test("after a boot, supervisord starts again what was running, and the agent finds it")
        func boot() async throws {
            let workshop = try Workshop("boot")
            let host = InstanceHost(configuration: workshop.configuration)
            try await host.start(orders: [workshop.order(sleeper)])
            try await host.reach(.running, workshop.claim())
            let pid = try workshop.pid()
            await host.shutdown()
            // As a power loss would: both at once, without a word.
            let supervisor = try #require(await host.supervisorProcess)
            kill(supervisor, SIGKILL)
            kill(pid, SIGKILL)
            #expect(try await eventually { !isAlive(supervisor) && !isAlive(pid) })
            let successor = InstanceHost(configuration: workshop.configuration)
            try await successor.start(orders: [workshop.order(sleeper)])
            try await successor.reach(.running, workshop.claim())
            #expect(try workshop.pid() != pid)
            try await workshop.close(successor)
        }

        @Test("what runs without an order is stopped and removed at the start")
        func orphan() async throws {
            let workshop = try Workshop("orphan")
            let host = InstanceHost(configuration: workshop.configuration)
            try await host.start(orders: [workshop.order(sleeper)])
            try await host.reach(.running, workshop.claim())
            let pid = try workshop.pid()
            await host.shutdown()
            let successor = InstanceHost(configuration: workshop.configuration)
            try await successor.start(orders: [])
            try await successor.reach(.destroyed, workshop.claim())
            #expect(!isAlive(pid))
            let names = try FileManager.default.contentsOfDirectory(atPath: "\(workshop.state)/partitions/p00")
            #expect(names.isEmpty)
            try await workshop.close(successor)
        }

        @Test("an emptied partition holds no process and no file, however well they hid")
        func emptied() async throws {
            let hider = """
                name: hider
                version: "1"
                types:
                  main:
                    command: |
                      mkdir -p closed/deeper && echo x > closed/deeper/file && ln -s / root && chmod 000 closed
                      setsid sh -c 'trap "" TERM HUP; while :; do sleep 100; done' >/dev/null 2>&1 &
                      echo $! > hidden
                      trap '' TERM
                      while :; do sleep 100; done
                    ready: {command: [test, -s, hidden]}
                    stop: {grace: 1s}
                """
            try await Workshop.use("hider") { workshop, host in
                await host.apply(workshop.order(hider))
                try await host.reach(.running, workshop.claim())
                let path = "\(workshop.state)/partitions/p00"
                let text = try String(contentsOfFile: "\(path)/hidden", encoding: .utf8)
                let hidden = try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))
                #expect(isAlive(hidden))
                let pid = try workshop.pid()
                await host.vacate(workshop.claim())
                try await host.reach(.destroyed, workshop.claim())
                #expect(!isAlive(pid))
                #expect(!isAlive(hidden))
                #expect(try FileManager.default.contentsOfDirectory(atPath: path).isEmpty)
                let control = "\(workshop.state)/instances/p00"
                #expect(try FileManager.default.contentsOfDirectory(atPath: control).isEmpty)
                #expect(FileManager.default.fileExists(atPath: "/etc/passwd"))
            }
        }

        @Test("an instance that keeps dying is failed, with the end of its log as the reason")
        func crashLoop() async throws {
            let dying = """
                name: dying
                version: "1"
                types:
                  main:
                    command: |
                      echo "no such thing as luck" >&2
                      exit 3
                    ready: {command: [test, -e, never]}
                    restart: {policy: always, attempts: 1, window: 60s}
                """
            try await Workshop.use("dying") { workshop, host in
                await host.apply(workshop.order(dying))
                let status = try await host.reach(.failed, workshop.claim())
                #expect(status.reason.contains("ended soon after each of its starts"))
                #expect(status.reason.contains("no such thing as luck"))
                #expect(workshop.processes().allSatisfy { $0.contains("supervisord") })
            }
        }

        @Test("a running instance that is killed is started again, too often is failed")
        func killedInstance() async throws {
            let fragile = sleeper.replacing("attempts: 3", with: "attempts: 1")
            try await Workshop.use("fragile") { workshop, host in
                await host.apply(workshop.order(fragile))
                try await host.reach(.running, workshop.claim())
                let first = try workshop.pid()
                // supervisord calls an end within the first second a failed start.
                try await Task.sleep(for: .milliseconds(1200))
                kill(first, SIGKILL)
                let again = try await eventually {
                    guard let pid = try? workshop.pid(), pid != first else { return false }
                    return await host.status(of: workshop.claim())?.state == .running && isAlive(pid)
                }
                #expect(again)
                try await Task.sleep(for: .milliseconds(1200))
                kill(try workshop.pid(), SIGKILL)
                let status = try await host.reach(.failed, workshop.claim())
                #expect(status.reason.contains("ended 2 times within"))
            }
        }

        @Test("a program that ends in peace is stopped, not failed, and not run again by the next agent")
        func peacefulEnd() async throws {
            let job = """
                name: job
                version: "1"
                types:
                  main:
                    command: "echo once >> runs; sleep 1.2"
                    restart: never
                """
            let workshop = try Workshop("job")
            let host = InstanceHost(configuration: workshop.configuration)
            try await host.start(orders: [workshop.order(job)])
            let status = try await host.reach(.stopped, workshop.claim())
            #expect(status.reason.contains("ended by itself"))
            await host.shutdown()
            let successor = InstanceHost(configuration: workshop.configuration)
            try await successor.start(orders: [workshop.order(job)])
            try await successor.reach(.stopped, workshop.claim())
            let runs = try String(contentsOfFile: "\(workshop.state)/partitions/p00/runs", encoding: .utf8)
            #expect(runs == "once\n")
            try await workshop.close(successor)
        }

        @Test("an instance that is not ready in time is failed, and says what was found")
        func notReady() async throws {
            let mute = """
                name: mute
                version: "1"
                types:
                  main:
                    ports: [main]
                    command: [sleep, "1000"]
                    ready: {tcp: "${ports.main}", timeout: 500ms}
                """
            try await Workshop.use("mute") { workshop, host in
                await host.apply(workshop.order(mute))
                let status = try await host.reach(.failed, workshop.claim())
                #expect(status.reason.contains("not ready within 0.5 seconds"))
                #expect(status.reason.contains("Connection refused"))
            }
        }

        @Test("neither supervisord nor an instance holds a file of the agent open")
        func inheritsNothing() async throws {
            try await Workshop.use("files") { workshop, host in
                await host.apply(workshop.order(sleeper))
                try await host.reach(.running, workshop.claim())
                let supervisor = try #require(await host.supervisorProcess)
                for pid in [supervisor, try workshop.pid()] {
                    for name in try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd") {
                        let link =
                            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\(name)"))
                            ?? ""
                        let own = link.hasPrefix(workshop.state) || link == "/dev/null" || link == "/dev/urandom"
                        let kind = link.hasPrefix("pipe:") || link.hasPrefix("socket:") || link.hasPrefix("anon_inode:")
                        #expect(own || (pid == supervisor && kind), "\(pid) has \(name) -> \(link)")
                    }
                }
            }
        }
    }
}

import Foundation
import Testing

@testable import Lab

/// What would be done, read without doing it; and the helpers that need no network.
@Suite struct LanPlanTests {
    private let plan = LanPlan(creator: 4711, number: 3, hosts: 2, addressing: .both)

    @Test("names carry the creator's pid and the LAN's number, and are read back")
    func names() {
        #expect(plan.namespaces == ["palmier-lab-4711-3-switch", "palmier-lab-4711-3-h1", "palmier-lab-4711-3-h2"])
        #expect(plan.namespaces.allSatisfy { LanPlan.creator(of: $0) == 4711 })
        #expect(Remains.lanName(of: plan.namespaces[1]) == plan.name)
    }

    @Test(
        "foreign names are nobody's leftovers",
        arguments: ["palmier-lab", "palmier-lab-", "palmier-lab-x-1-h1", "palmier-lab-4711", "other-4711-3-h1", "h1"])
    func foreignNames(_ name: String) {
        #expect(LanPlan.creator(of: name) == nil)
    }

    @Test("each host has its own address of each kind, and none of a kind that the LAN has not")
    func addresses() {
        #expect(plan.ipv4(2) == "10.77.0.2")
        #expect(plan.ipv6(17) == "fd77:6c61:6e00::11")
        #expect(LanPlan(creator: 1, number: 1, hosts: 1, addressing: .ipv6).ipv4(1) == nil)
        #expect(LanPlan(creator: 1, number: 1, hosts: 1, addressing: .ipv4).ipv6(1) == nil)
    }

    @Test("a partition drops both directions between the two sides, and nothing else")
    func partition() {
        let rules = plan.partition([1], [2, 3])
        #expect(rules.contains(#"iifname { "port1" } oifname { "port2", "port3" } drop"#))
        #expect(rules.contains(#"iifname { "port2", "port3" } oifname { "port1" } drop"#))
        #expect(rules.contains("policy accept"))
    }

    @Test("links that are separate drop multicast DNS between them alone, in a table that healing does not know")
    func separation() {
        let rules = plan.separation([1], [2])
        #expect(rules.contains(#"iifname { "port1" } oifname { "port2" } udp dport 5353 drop"#))
        #expect(rules.contains(#"iifname { "port2" } oifname { "port1" } udp dport 5353 drop"#))
        #expect(!rules.contains("palmier_lab"))
    }
}

@Suite struct PollingTests {
    @Test("a condition that is true at once is not waited for")
    func atOnce() async throws {
        var looks = 0
        try await Polling.until("it is so", within: .zero) {
            looks += 1
            return true
        }
        #expect(looks == 1)
    }

    @Test("a value that comes later is returned")
    func later() async throws {
        var looks = 0
        let value = try await Polling.value("there is a value", within: .seconds(60), every: .milliseconds(1)) {
            looks += 1
            return looks == 5 ? "five" : nil
        }
        #expect(value == "five")
    }

    @Test("a condition that never comes true ends with an error that names it")
    func never() async throws {
        let error = await #expect(throws: LabError.self) {
            try await Polling.until("pigs fly", within: .milliseconds(20), every: .milliseconds(5)) { false }
        }
        #expect(error?.code == .timedOut)
        #expect(error?.message.contains("pigs fly") == true)
    }
}

@Suite struct CommandTests {
    @Test("a failing program is an outcome, and an error with its words when it is checked")
    func failing() async throws {
        let output = try await Command.run(["sh", "-c", "echo out; echo 'no such thing' >&2; exit 3"])
        #expect(output.exit == .exited(3))
        #expect(output.output == "out\n")
        let error = #expect(throws: LabError.self) { try output.check() }
        #expect(error?.code == .commandFailed)
        #expect(error?.message.contains("no such thing") == true)
    }

    @Test("a program that is not there is named")
    func missing() async throws {
        let error = await #expect(throws: LabError.self) { try await Command.run(["no-such-program-here"]) }
        #expect(error?.code == .notPossibleHere)
        #expect(error?.message.contains("no-such-program-here") == true)
    }

    @Test("input reaches the program, and variables too")
    func input() async throws {
        let output = try await Command.run(
            ["sh", "-c", "cat; printf %s $WORD"], environment: ["WORD": "b"], input: "a")
        #expect(output.output == "ab")
    }

    @Test("a running process's use of memory and processor can be read, a missing one's cannot")
    func reading() async throws {
        let reading = try ProcessReading(pid: ProcessInfo.processInfo.processIdentifier)
        #expect(reading.residentBytes >= reading.proportionalBytes)
        #expect(reading.processorTime > .zero)
        let error = #expect(throws: LabError.self) { try ProcessReading(pid: 4_999_999) }
        #expect(error?.code == .unreadable)
    }
}

import Agent
import Automata
import Foundation
import Glibc
import Testing

/// One machine of a test: a state directory, a host, orders; all of it is removed at the end.
///
/// Serialised by `AgentTests`: the tests start real programs on a machine with few cores.
final class Workshop: Sendable {
    let state: String
    let machine: PeerID
    let configuration: InstanceHost.Configuration

    init(
        _ name: String, isolation: Isolation = .auto, partitions: Int = 1, releaseKeptFor: Duration = .seconds(3600),
        apt: String? = nil, portsPerPartition: Int = 20
    ) throws {
        var random = SystemRandomNumberGenerator()
        machine = PeerID(high: random.next(), low: random.next())
        state = "/tmp/palmier-test-\(name)-\(machine.description.prefix(6))"
        try FileManager.default.createDirectory(
            atPath: state, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o711])
        configuration = InstanceHost.Configuration(
            stateDirectory: state, machine: machine, partitionCount: partitions, isolation: isolation,
            portsPerPartition: portsPerPartition, releaseKeptFor: releaseKeptFor,
            watchInterval: .milliseconds(100), aptConfiguration: apt)
    }

    /// The same machine as another process's workshop.
    init(state: String, machine: String, isolation: Isolation = .auto) throws {
        self.machine = try #require(PeerID(machine))
        self.state = state
        configuration = InstanceHost.Configuration(
            stateDirectory: state, machine: self.machine, partitionCount: 1, isolation: isolation,
            watchInterval: .milliseconds(100))
    }

    /// Runs a test's body with a started host; ends every process and removes every file and user in any case.
    static func use(
        _ name: String, isolation: Isolation = .auto, partitions: Int = 1, releaseKeptFor: Duration = .seconds(3600),
        apt: String? = nil, portsPerPartition: Int = 20,
        _ body: (Workshop, InstanceHost) async throws -> Void
    ) async throws {
        let workshop = try Workshop(
            name, isolation: isolation, partitions: partitions, releaseKeptFor: releaseKeptFor, apt: apt,
            portsPerPartition: portsPerPartition)
        let host = InstanceHost(configuration: workshop.configuration)
        do {
            try await host.start(orders: [])
            try await body(workshop, host)
        } catch {
            Issue.record(error)
        }
        try await workshop.close(host)
    }

    func close(_ host: InstanceHost) async throws {
        do {
            try await host.retire()
        } catch {
            Issue.record("the host could not be retired: \(error)")
        }
        let users = try String(contentsOfFile: "/etc/passwd", encoding: .utf8)
        #expect(!users.contains("palmier-\(machine.description.prefix(8))"))
        #expect(processes().isEmpty, "processes are left")
        try FileManager.default.removeItem(atPath: state)
    }

    /// Processes whose command line names the state directory.
    func processes() -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { name in
            guard let pid = Int32(name), pid != getpid(),
                let data = FileManager.default.contents(atPath: "/proc/\(name)/cmdline")
            else { return nil }
            let line = String(decoding: data.map { $0 == 0 ? 32 : $0 }, as: UTF8.self)
            return line.contains(state) ? "\(pid) \(line)" : nil
        }
    }

    func claim(partition: Int = 0, fencing: UInt64 = 1) -> ClaimReference {
        ClaimReference(machine: machine, partition: PartitionNumber(partition), fencing: FencingNumber(fencing))
    }

    func order(
        _ text: String, parameters: String = "{}", partition: Int = 0, fencing: UInt64 = 1, revision: UInt64 = 1,
        desired: DesiredState = .running, type: String = ""
    ) -> InstanceOrder {
        InstanceOrder(
            claim: claim(partition: partition, fencing: fencing),
            request: RequestKey(customer: Customer("tester"), reference: "thing"), revision: Revision(revision),
            specification: Specification(
                release: ReleaseDocument(url: "test.yaml", text: text), type: type, parameters: parameters,
                desired: desired))
    }

    /// The pid that an instance's launch script wrote.
    ///
    /// - Throws: there is none, or the script is about to write it.
    func pid(partition: Int = 0) throws -> Int32 {
        let text = try String(contentsOfFile: "\(state)/instances/p0\(partition)/pid", encoding: .utf8)
        guard let pid = text.split(separator: " ").first.flatMap({ Int32($0) }) else { throw NotWritten() }
        return pid
    }

    struct NotWritten: Error {}
}

/// The text of one of the examples.
func example(_ name: String) throws -> String {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    return try String(contentsOf: root.appending(path: "examples/\(name).yaml"), encoding: .utf8)
}

extension InstanceHost {
    /// Waits for a claim to be in a state; ends early where another final state says that it will not come.
    @discardableResult
    func reach(
        _ state: InstanceState, _ claim: ClaimReference, revision: UInt64? = nil, within bound: Duration = .seconds(60),
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> InstanceStatus {
        let deadline = ContinuousClock.now + bound
        var last: InstanceStatus?
        while ContinuousClock.now < deadline {
            last = await status(of: claim)
            if let last, last.state == state, revision == nil || last.revision.value == revision { return last }
            if let last, last.state == .failed, state != .destroyed, revision == nil || last.revision.value == revision
            {
                break
            }
            try await Task.sleep(for: .milliseconds(2))
        }
        Issue.record(
            "wanted \(state), found \(last.map { "\($0.state): \($0.reason)" } ?? "nothing")",
            sourceLocation: sourceLocation)
        throw Missed()
    }
}

struct Missed: Error {}

/// Waits for something to be so.
func eventually(within bound: Duration = .seconds(30), _ condition: () async throws -> Bool) async throws -> Bool {
    let deadline = ContinuousClock.now + bound
    while ContinuousClock.now < deadline {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(20))
    }
    return try await condition()
}

func isAlive(_ pid: Int32) -> Bool {
    guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
        let end = text.lastIndex(of: ")")
    else { return false }
    return !text[end...].hasPrefix(") Z")
}

/// The published connection parameters.
struct Published: Equatable {
    private let members: [String: String]

    init(_ status: InstanceStatus) throws {
        let object = try JSONSerialization.jsonObject(with: Data(status.connection.utf8))
        members = try #require(object as? [String: Any]).mapValues { "\($0)" }
    }

    func value(_ name: String) throws -> String { try #require(members[name]) }

    func client() throws -> Client { try Client(host: value("host"), port: value("port")) }
}

/// A client's connection over TCP that speaks text, with a bound of 10 s on each answer.
final class Client {
    private let handle: Int32

    init(host: String, port: String) throws {
        handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        let number = try #require(UInt16(port))
        address.sin_port = number.bigEndian
        let isAddress = inet_pton(AF_INET, host, &address.sin_addr) == 1
        try #require(isAddress == true)
        var bound = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(handle, SOL_SOCKET, SO_RCVTIMEO, &bound, socklen_t(MemoryLayout<timeval>.size))
        let handle = handle
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(handle, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(result == 0, "cannot connect to \(host):\(port): \(String(cString: strerror(errno)))")
    }

    deinit { close(handle) }

    /// Sends text and reads until the answer ends as wanted.
    func ask(_ text: String, until end: String) throws -> String {
        let bytes = Array(text.utf8)
        let sent = send(handle, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        try #require(sent == bytes.count)
        var answer = ""
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !answer.hasSuffix(end) {
            let count = recv(handle, &buffer, buffer.count, 0)
            try #require(count > 0, "the answer ended with \"\(answer)\"")
            answer += String(decoding: buffer[..<count], as: UTF8.self)
        }
        return answer
    }
}

import Automata
import Foundation
import Logging
import Synchronization

@testable import Discovery

/// A service with what it told, and ways to wait for more.
final class Watcher: Sendable {
    let service: DiscoveryService
    private let told: Told
    private let latest: Mutex<Advertisement>

    /// Services that are embedded on loopback, unless said otherwise.
    init(
        _ byte: UInt8, _ type: String, mode: DiscoveryMode = .embedded, interfaces: [String]? = ["lo"],
        browses: Bool = true
    ) throws {
        let told = Told()
        self.told = told
        service = try DiscoveryService(
            configuration: DiscoveryConfiguration(
                mode: mode, peer: PeerID(byte), serviceType: type, interfaces: interfaces),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            handler: { event in told.events.withLock { $0.append(event) } })
        latest = Mutex(
            Advertisement(
                peer: PeerID(byte), incarnation: Incarnation(1), name: "machine-\(String(byte, radix: 16))",
                fabric: "lab", state: .idle, endpoints: [Endpoint(host: "::", port: UInt16(byte))], capacity: 64,
                free: 8, memory: .mebibytes(64)))
        service.start()
        if browses { service.browse(.everyone) }
    }

    var events: [DiscoveryEvent] { told.events.withLock { $0 } }

    /// Publishes the next version of what was published last.
    func publish(_ change: (inout Advertisement) -> Void = { _ in }) throws {
        let next = latest.withLock { latest in
            latest.sequence += 1
            change(&latest)
            return latest
        }
        try service.publish(next)
    }

    /// The first advertisement of the peer that is as wanted, also among those told before.
    @discardableResult
    func found(_ byte: UInt8, where wanted: (Advertisement) -> Bool) async throws -> Advertisement {
        try await self.await("peer \(String(byte, radix: 16)) to be found") { events in
            for case .found(let advertisement) in events
            where advertisement.peer == PeerID(byte) && wanted(advertisement) {
                return advertisement
            }
            return nil
        }
    }

    /// Waits until the peer has vanished; it must not have vanished in the other way before.
    func vanished(_ byte: UInt8, ended: Bool) async throws {
        let how: Bool = try await self.await("peer \(String(byte, radix: 16)) to vanish") { events in
            for case .vanished(PeerID(byte), let ended) in events { return ended }
            return nil
        }
        guard how == ended else { throw NotInTime(message: "peer \(byte) vanished with ended=\(how)") }
    }

    /// Waits, at most 30 s, until `condition` gives a value of all events so far.
    @discardableResult
    func await<Value>(_ what: String, _ condition: ([DiscoveryEvent]) -> Value?) async throws -> Value {
        let deadline = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < deadline {
            if let value = condition(events) { return value }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw NotInTime(message: "waited 30 s for \(what); told so far: \(events)")
    }

    private final class Told: Sendable {
        let events = Mutex<[DiscoveryEvent]>([])
    }
}

struct NotInTime: Error, CustomStringConvertible {
    var message: String
    var description: String { message }
}

/// A `DiscoveryProbe` process, which lies next to the test's executable.
final class Probe {
    private let process = Process()
    private let input = Pipe()

    init(_ arguments: [String]) throws {
        process.executableURL = Self.executable
        process.arguments = arguments
        process.standardInput = input
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    deinit { kill() }

    /// As `kill -9`: nothing is said on the link.
    func kill() {
        guard process.isRunning else { return }
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    static let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("DiscoveryProbe")
}

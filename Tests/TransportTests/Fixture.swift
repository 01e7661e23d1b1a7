import Automata
import Foundation
import Identity
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import Transport

/// What went wrong in a test before anything was tested.
struct FixtureError: Error, CustomStringConvertible {
    let description: String
}

let systemClock: @Sendable () -> Instant = {
    Instant(nanoseconds: Int64(Date().timeIntervalSince1970 * 1_000) * 1_000_000)
}

/// A fabric that admits whoever a test needs.
struct Lab: Sendable {
    let root: FabricRoot
    let authority: Authority

    init(_ fabric: String = "lab", now: Instant = systemClock()) throws {
        root = try FabricRoot.create(name: fabric, now: now)
        authority = try root.makeAuthority(name: "alpha", now: now)
    }

    func admit(
        _ name: String, kind: IdentityKind = .machine, key: PrivateKey = PrivateKey(), lifetime: Duration? = nil,
        now: Instant = systemClock()
    ) throws -> Credential {
        let request = try SigningRequest(key: key, role: .identity(kind), name: name)
        let chain = try authority.issue(request, kind: kind, name: name, lifetime: lifetime, now: now)
        return try Credential(key: key, chain: chain, trust: authority.trust)
    }
}

/// A transport under test, and everything that it said.
final class Node: Sendable {
    let transport: PeerTransport
    let log: EventLog
    var peer: PeerID { transport.credentials.current.peer }
    var endpoint: Endpoint { transport.boundEndpoints[0] }

    init(_ transport: PeerTransport, _ log: EventLog) {
        self.transport = transport
        self.log = log
    }

    static func start(
        _ credential: Credential, port: UInt16 = 0, incarnation: UInt64 = 1, versions: ClosedRange<UInt32> = 1...1,
        clock: @escaping @Sendable () -> Instant = systemClock, limits: TransportLimits = testLimits
    ) async throws -> Node {
        let log = EventLog()
        let configuration = TransportConfiguration(
            listen: [Endpoint(host: "127.0.0.1", port: port)], incarnation: Incarnation(incarnation),
            software: "palmier test", limits: limits, seed: incarnation, versions: versions, wallClock: clock)
        let transport = try await PeerTransport.start(
            configuration, credentials: CredentialSource(credential),
            on: MultiThreadedEventLoopGroup.singleton.next(), handler: { log.append($0) })
        return Node(transport, log)
    }

    func knows(_ others: Node...) {
        for other in others { transport.learn(other.peer, [other.endpoint]) }
    }

    func stop() async { await transport.shutdown() }
}

/// The defaults, with ends that come soon.
let testLimits: TransportLimits = {
    var limits = TransportLimits()
    limits.farewellTimeout = .seconds(2)
    return limits
}()

final class EventLog: Sendable {
    private let events = Mutex<[TransportEvent]>([])

    func append(_ event: TransportEvent) { events.withLock { $0.append(event) } }
    var all: [TransportEvent] { events.withLock { $0 } }

    /// Payloads in the order of their arrival.
    var received: [[UInt8]] {
        all.compactMap { if case .received(_, let frame) = $0 { frame } else { nil } }
    }
    var connected: [PeerID] {
        all.compactMap { if case .connected(let identity, _, _) = $0 { identity.peer } else { nil } }
    }
    var disconnected: [DisconnectReason] {
        all.compactMap { if case .disconnected(_, let reason) = $0 { reason } else { nil } }
    }
    var rejections: [RejectionReason] {
        all.compactMap { if case .rejected(_, let reason) = $0 { reason } else { nil } }
    }
    var unreachable: [UnreachableReason] {
        all.compactMap {
            switch $0 {
            case .unreachable(_, let reason), .endpointUnreachable(_, let reason): reason
            default: nil
            }
        }
    }
    var dropped: Int {
        all.reduce(0) { if case .dropped(_, let frames, _) = $1 { $0 + frames } else { $0 } }
    }
}

/// Waits until a condition holds; looks every few milliseconds, and gives up after a generous bound.
func eventually(
    _ what: String, within seconds: Double = 20, sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + .seconds(seconds)
    while try await !condition() {
        guard ContinuousClock.now < end else {
            Issue.record("not within \(seconds) s: \(what)", sourceLocation: sourceLocation)
            throw FixtureError(description: what)
        }
        try await Task.sleep(for: .milliseconds(3))
    }
}

/// A port of loopback on which nothing listens: taken once and given back.
func unusedPort() async throws -> UInt16 {
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .bind(host: "127.0.0.1", port: 0).get()
    let port = try #require(channel.localAddress?.port)
    try await channel.close().get()
    return UInt16(port)
}

/// One peer's discovery as a process: it publishes, and prints a line for each event.
///
///     DiscoveryProbe id=a1 name=one mode=embedded interfaces=lo port=7001 ttl=120
///
/// With `count=1` it prints how many peers it has found instead of which, whenever that has changed. With `crowd=N` it is many
/// machines (`Crowd`).
///
/// Lines are `MILLISECONDS EVENT …`, milliseconds of the monotonic clock, which all processes of a host share. Commands
/// on standard input, one a line: `state worker`, `free 3`, `withdraw`, `stop`. It ends with standard input, after
/// `seconds=` at the latest.

import Automata
import Discovery
import Glibc
import Logging
import Synchronization

@main
struct DiscoveryProbe {
    static func main() async throws {
        let arguments = Dictionary(
            CommandLine.arguments.dropFirst().map { argument in
                let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
                return (parts[0], parts.count > 1 ? parts[1] : "")
            }, uniquingKeysWith: { _, last in last })
        alarm(UInt32(arguments["seconds"] ?? "120") ?? 120)
        if let count = arguments["crowd"].flatMap({ Int($0) }) { return try await crowd(count, arguments) }
        let peer = PeerID(UInt8(arguments["id"] ?? "1", radix: 16) ?? 1)
        var configuration = DiscoveryConfiguration(
            mode: DiscoveryMode(rawValue: arguments["mode"] ?? "auto") ?? .auto, peer: peer,
            interfaces: arguments["interfaces"]?.split(separator: ",").map(String.init))
        configuration.recordTTLSeconds = UInt32(arguments["ttl"] ?? "120") ?? 120
        configuration.serviceType = arguments["type"] ?? "_palmier._tcp"
        if let peers = Int(arguments["peers"] ?? "") { configuration.peersMax = peers }
        if let patience = Int(arguments["patience"] ?? "") { configuration.daemonPatience = .seconds(patience) }
        var logger = Logger(label: "probe") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = arguments["log"] == nil ? .notice : .debug
        let census = arguments["count"] == nil ? nil : Census()
        let service = try DiscoveryService(configuration: configuration, logger: logger) { event in
            census.map { $0.take(event) } ?? say(describe(event))
        }
        service.start()
        service.browse(BrowseScope(rawValue: arguments["browse"] ?? "") ?? .everyone)
        var advertisement = Advertisement(
            peer: peer, incarnation: Incarnation(UInt64(arguments["inc"] ?? "1") ?? 1),
            name: arguments["name"] ?? "probe", fabric: "lab",
            state: MachineState(rawValue: arguments["state"] ?? "idle") ?? .idle,
            endpoints: [Endpoint(host: "::", port: UInt16(arguments["port"] ?? "7000") ?? 7_000)],
            apiPort: arguments["api"].flatMap(UInt16.init), capacity: 8, free: 8, memory: .mebibytes(8_192))
        if arguments["publish"] != "no" { try service.publish(advertisement) }
        say("started \(peer)")
        for await line in lines() {
            let words = line.split(separator: " ").map(String.init)
            advertisement.sequence += 1
            switch words.first {
            case "state": advertisement.state = MachineState(rawValue: words[1]) ?? .idle
            case "free": advertisement.free = Int(words[1]) ?? 0
            case "ask":
                service.ask(for: .masters)
                continue
            case "withdraw":
                await service.withdraw()
                say("withdrawn")
                continue
            case "stop":
                await service.stop()
                say("stopped")
                return
            default: continue
            }
            try service.publish(advertisement)
        }
    }

    private static func crowd(_ count: Int, _ arguments: [String: String]) async throws {
        let crowd = try Crowd(
            count: count, first: Int(arguments["first"] ?? "0") ?? 0, type: arguments["type"] ?? "_palmier._tcp",
            interfaces: arguments["interfaces"]?.split(separator: ",").map(String.init) ?? [],
            port: UInt16(arguments["port"] ?? "7000") ?? 7_000, ttl: UInt32(arguments["ttl"] ?? "600") ?? 600)
        crowd.start(spread: .milliseconds(Int(arguments["spread"] ?? "0") ?? 0))
        for await line in lines() {
            let words = line.split(separator: " ")
            if words.first == "churn", words.count == 2, let count = Int(words[1]) { crowd.churn(count) }
        }
    }

    static func describe(_ event: DiscoveryEvent) -> String {
        switch event {
        case .found(let advertisement):
            "found \(advertisement.peer.description.prefix(2)) \(advertisement.name) \(advertisement.state.rawValue)"
                + " free=\(advertisement.free) seq=\(advertisement.sequence)"
                + " at=\(advertisement.endpoints.map(\.description).joined(separator: ","))"
        case .vanished(let peer, let ended): "vanished \(peer.description.prefix(2)) ended=\(ended)"
        case .status(let status): "status \(status)"
        }
    }

    static func say(_ text: String) {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        let line = Array("\(now.tv_sec * 1_000 + now.tv_nsec / 1_000_000) \(text)\n".utf8)
        // One write is one line, whichever thread writes.
        _ = write(STDOUT_FILENO, line, line.count)
    }

    /// Standard input, read on a thread of its own, since `readLine` blocks.
    static func lines() -> AsyncStream<String> {
        let (stream, continuation) = AsyncStream.makeStream(of: String.self)
        let boxed = Unmanaged.passRetained(Reader(continuation))
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                let reader = Unmanaged<Reader>.fromOpaque(context).takeRetainedValue()
                while let line = readLine() { reader.continuation.yield(line) }
                reader.continuation.finish()
                return nil
            }, boxed.toOpaque())
        return stream
    }
}

private final class Reader: Sendable {
    let continuation: AsyncStream<String>.Continuation
    init(_ continuation: AsyncStream<String>.Continuation) { self.continuation = continuation }
}

/// Counts peers; prints at most ten times a second how many there are.
private final class Census: Sendable {
    private struct Count {
        var present: Set<PeerID> = []
        var changes = 0
        var isDue = false
    }

    private let count = Mutex(Count())

    func take(_ event: DiscoveryEvent) {
        let isFirst = count.withLock { count in
            switch event {
            case .found(let advertisement):
                count.present.insert(advertisement.peer)
                count.changes += 1
            case .vanished(let peer, _): count.present.remove(peer)
            case .status: return false
            }
            defer { count.isDue = true }
            return !count.isDue
        }
        if case .status(let status) = event { DiscoveryProbe.say("status \(status)") }
        guard isFirst else { return }
        Task {
            try await Task.sleep(for: .milliseconds(100))
            let (present, changes) = count.withLock { count in
                count.isDue = false
                return (count.present.count, count.changes)
            }
            DiscoveryProbe.say("count \(present) events \(changes)")
        }
    }
}

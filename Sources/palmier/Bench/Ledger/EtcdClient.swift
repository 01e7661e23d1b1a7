import Automata
import NIOCore
import NIOPosix

/// Puts by gRPC over a few connections, as light on the processor as the ledger's client: etcd shares the machine with
/// whoever measures it.
///
/// What HTTP/2 needs for that is little: requests are all alike, so that their header never changes and no table of HPACK
/// is used; an answer is good when it has data, since gRPC sends an error as headers alone.
final class EtcdClient: Sendable {
    private let core: NIOLoopBound<EtcdWriter>
    private let loop: any EventLoop

    private init(_ core: NIOLoopBound<EtcdWriter>, _ loop: any EventLoop) {
        self.core = core
        self.loop = loop
    }

    /// - Parameter ports: of the members that are written to.
    /// - Parameter connections: to each of them.
    static func connect(
        ports: [UInt16], connections: Int, value: [UInt8], on loop: any EventLoop
    ) async throws -> EtcdClient {
        let core = await withCheckedContinuation { continuation in
            loop.execute {
                continuation.resume(returning: NIOLoopBound(EtcdWriter(loop, value: value), eventLoop: loop))
            }
        }
        for port in ports {
            for _ in 0..<connections {
                let channel = try await ClientBootstrap(group: loop).channelOption(.tcpOption(.tcp_nodelay), value: 1)
                    .connect(host: "127.0.0.1", port: Int(port)).get()
                try await loop.submit {
                    let index = core.value.add(channel)
                    try channel.pipeline.syncOperations.addHandler(EtcdFrames(core.value, index))
                }.get()
            }
        }
        return EtcdClient(core, loop)
    }

    func close() async {
        await withCheckedContinuation { continuation in
            loop.execute { [core] in
                core.value.close()
                continuation.resume()
            }
        }
    }

    /// Puts with so many clients, each sending when it is answered.
    func write(clients: Int, for duration: Duration, warming: Duration = .zero) async throws -> LoadResult {
        try await withCheckedThrowingContinuation { continuation in
            loop.execute { [core] in
                core.value.run(LoadRun(clients: clients, warming: warming, window: duration), continuation)
            }
        }
    }

    /// Puts every 10 ms to each member until one has taken it.
    func firstPut() async -> ContinuousClock.Instant {
        await withCheckedContinuation { continuation in
            loop.execute { [core] in core.value.probe(continuation) }
        }
    }

    /// Whether the member answers, leads, and knows a leader.
    func status(within limit: Duration = .seconds(2)) async -> EtcdStatus? {
        await withCheckedContinuation { continuation in
            loop.execute { [core] in core.value.status(within: limit, continuation) }
        }
    }
}

struct EtcdStatus: Sendable {
    var member: UInt64
    var leader: UInt64
    var index: UInt64
}

/// Streams on all connections of an `EtcdClient`; confined to its event loop.
final class EtcdWriter {
    private enum Purpose {
        case put(client: Int, began: ContinuousClock.Instant)
        case probe
        case status(CheckedContinuation<EtcdStatus?, Never>)
    }

    private struct Connection {
        let channel: any Channel
        var nextStream: UInt32 = 1
        var streams: [UInt32: (purpose: Purpose, data: [UInt8])] = [:]
        var isOpen = true
    }

    private let loop: any EventLoop
    private let value: [UInt8]
    private let clock = ContinuousClock()
    private var connections: [Connection] = []
    private var run: (plan: LoadRun, began: ContinuousClock.Instant, done: CheckedContinuation<LoadResult, any Error>)?
    private var result = LoadResult(count: 0, window: .zero, latencies: [])
    private var open = 0
    private var key: UInt32 = 0
    private var probing: CheckedContinuation<ContinuousClock.Instant, Never>?

    private static let putHead = http2Head("/etcdserverpb.KV/Put")
    private static let statusHead = http2Head("/etcdserverpb.Maintenance/Status")

    init(_ loop: any EventLoop, value: [UInt8]) {
        self.loop = loop
        self.value = value
    }

    func add(_ channel: any Channel) -> Int {
        connections.append(Connection(channel: channel))
        return connections.count - 1
    }

    func close() {
        for connection in connections { connection.channel.close(promise: nil) }
    }

    func run(_ plan: LoadRun, _ done: CheckedContinuation<LoadResult, any Error>) {
        precondition(run == nil, "one load at a time")
        run = (plan, clock.now, done)
        result = LoadResult(count: 0, window: plan.window, latencies: [])
        for client in 0..<plan.clients { put(client) }
    }

    func probe(_ done: CheckedContinuation<ContinuousClock.Instant, Never>) {
        probing = done
        probe()
    }

    private func probe() {
        guard probing != nil else { return }
        for index in connections.indices { send(Self.putHead, putRequest(), .probe, on: index) }
        loop.assumeIsolated().scheduleTask(in: .milliseconds(10)) { [self] in probe() }
    }

    func status(within limit: Duration, _ done: CheckedContinuation<EtcdStatus?, Never>) {
        guard let stream = send(Self.statusHead, [], .status(done), on: 0) else { return done.resume(returning: nil) }
        loop.assumeIsolated().scheduleTask(in: .nanoseconds(limit.nanoseconds)) { [self] in
            if connections[0].streams.removeValue(forKey: stream) != nil { done.resume(returning: nil) }
        }
    }

    private func put(_ client: Int) {
        open += 1
        let index = client % connections.count
        guard send(Self.putHead, putRequest(), .put(client: client, began: clock.now), on: index) != nil else {
            open -= 1
            return fail("the connection with etcd is gone")
        }
    }

    /// `PutRequest`: key, value. Ten thousand keys in turn.
    private func putRequest() -> [UInt8] {
        key = (key + 1) % 10_000
        let name = Array("bench/\(key)".utf8)
        return [0x0a, UInt8(name.count)] + name + [0x12] + varint(UInt64(value.count)) + value
    }

    @discardableResult
    private func send(_ head: [UInt8], _ message: [UInt8], _ purpose: Purpose, on index: Int) -> UInt32? {
        guard connections[index].isOpen else { return nil }
        let stream = connections[index].nextStream
        connections[index].nextStream += 2
        connections[index].streams[stream] = (purpose, [])
        var buffer = connections[index].channel.allocator.buffer(capacity: head.count + message.count + 23)
        buffer.writeFrame(.headers, flags: 0x4, stream: stream, head)
        let size = UInt32(message.count)
        buffer.writeFrame(.data, flags: 0x1, stream: stream, [0] + size.bigEndianBytes + message)
        connections[index].channel.writeAndFlush(buffer, promise: nil)
        return stream
    }

    // MARK: Answers

    func onData(_ bytes: [UInt8], _ stream: UInt32, on index: Int) {
        connections[index].streams[stream]?.data += bytes
    }

    func onEnd(_ stream: UInt32, on index: Int) {
        guard let (purpose, data) = connections[index].streams.removeValue(forKey: stream) else { return }
        let now = clock.now
        let isDone = data.count >= 5
        switch purpose {
        case .status(let done): done.resume(returning: isDone ? EtcdStatus(Array(data.dropFirst(5))) : nil)
        case .probe:
            guard isDone, let probing else { return }
            self.probing = nil
            probing.resume(returning: now)
        case .put(let client, let began):
            open -= 1
            guard let run else { return }
            guard isDone else { return fail("etcd has refused a put") }
            let start = run.began + run.plan.warming
            let end = start + run.plan.window
            if now >= start, now < end {
                result.count += 1
                result.latencies.append(now - began)
            }
            guard now >= end else { return put(client) }
            guard open == 0 else { return }
            self.run = nil
            run.done.resume(returning: result)
        }
    }

    func onClose(_ index: Int) {
        connections[index].isOpen = false
        let streams = connections[index].streams
        connections[index].streams = [:]
        for (purpose, _) in streams.values {
            switch purpose {
            case .status(let done): done.resume(returning: nil)
            case .put: fail("the connection with etcd broke")
            case .probe: continue
            }
        }
    }

    private func fail(_ why: String) {
        guard let run else { return }
        self.run = nil
        run.done.resume(throwing: LedgerBenchError(why))
    }
}

/// Splits what comes into frames, and answers those of HTTP/2 itself (RFC 9113).
private final class EtcdFrames: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let writer: EtcdWriter
    private let index: Int
    private var rest = ByteBuffer()

    init(_ writer: EtcdWriter, _ index: Int) {
        self.writer = writer
        self.index = index
    }

    func handlerAdded(context: ChannelHandlerContext) {
        var buffer = ByteBuffer(string: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        buffer.writeFrame(.settings, flags: 0, stream: 0, [])
        // As much as may ever come on the connection: answers are small, and nobody counts them.
        buffer.writeFrame(.windowUpdate, flags: 0, stream: 0, (UInt32(Int32.max) - 65_535).bigEndianBytes)
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        rest.writeBuffer(&buffer)
        while let head = rest.getBytes(at: rest.readerIndex, length: 9) {
            let count = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
            guard rest.readableBytes >= 9 + count else { break }
            rest.moveReaderIndex(forwardBy: 9)
            let payload = rest.readBytes(length: count) ?? []
            let stream = UInt32(head[5]) << 24 | UInt32(head[6]) << 16 | UInt32(head[7]) << 8 | UInt32(head[8])
            onFrame(head[3], flags: head[4], stream, payload, context)
        }
        rest.discardReadBytes()
    }

    private func onFrame(
        _ kind: UInt8, flags: UInt8, _ stream: UInt32, _ payload: [UInt8], _ context: ChannelHandlerContext
    ) {
        switch HTTP2Frame(rawValue: kind) {
        case .data:
            writer.onData(payload, stream, on: index)
            if flags & 0x1 != 0 { writer.onEnd(stream, on: index) }
        case .headers: if flags & 0x1 != 0 { writer.onEnd(stream, on: index) }
        case .reset: writer.onEnd(stream, on: index)
        case .settings where flags & 0x1 == 0: answer(.settings, [], context)
        case .ping where flags & 0x1 == 0: answer(.ping, payload, context)
        case .settings, .ping, .windowUpdate, nil: return
        }
    }

    private func answer(_ kind: HTTP2Frame, _ payload: [UInt8], _ context: ChannelHandlerContext) {
        var buffer = ByteBuffer()
        buffer.writeFrame(kind, flags: 0x1, stream: 0, payload)
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { writer.onClose(index) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

private enum HTTP2Frame: UInt8 {
    case data = 0
    case headers = 1
    case reset = 3
    case settings = 4
    case ping = 6
    case windowUpdate = 8
}

extension ByteBuffer {
    fileprivate mutating func writeFrame(_ kind: HTTP2Frame, flags: UInt8, stream: UInt32, _ payload: [UInt8]) {
        writeBytes(UInt32(payload.count).bigEndianBytes.dropFirst())
        writeBytes([kind.rawValue, flags])
        writeBytes(stream.bigEndianBytes)
        writeBytes(payload)
    }
}

extension UInt32 {
    fileprivate var bigEndianBytes: [UInt8] { Swift.withUnsafeBytes(of: bigEndian) { Array($0) } }
}

/// A request's header in HPACK without the use of any table but the fixed one (RFC 7541, appendix A).
private func http2Head(_ path: String) -> [UInt8] {
    func text(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + Array(text.utf8) }
    let post: [UInt8] = [0x83]
    let http: [UInt8] = [0x86]
    let place: [UInt8] = [0x04] + text(path)
    let authority: [UInt8] = [0x01] + text("127.0.0.1")
    let type: [UInt8] = [0x0f, 0x10] + text("application/grpc")
    let trailers: [UInt8] = [0x00] + text("te") + text("trailers")
    return post + http + place + authority + type + trailers
}

private func varint(_ number: UInt64) -> [UInt8] {
    var (rest, bytes) = (number, [UInt8]())
    while rest > 0x7f {
        bytes.append(UInt8(rest & 0x7f) | 0x80)
        rest >>= 7
    }
    return bytes + [UInt8(rest)]
}

extension EtcdStatus {
    /// `StatusResponse`: 1 header (2: member's id), 4 leader, 5 raft index.
    fileprivate init(_ bytes: [UInt8]) {
        let (numbers, parts) = Self.fields(bytes[...])
        (leader, index) = (numbers[4] ?? 0, numbers[5] ?? 0)
        member = parts[1].map { Self.fields($0).0[2] ?? 0 } ?? 0
    }

    private static func fields(_ bytes: ArraySlice<UInt8>) -> ([UInt64: UInt64], [UInt64: ArraySlice<UInt8>]) {
        var (rest, numbers, parts) = (bytes, [UInt64: UInt64](), [UInt64: ArraySlice<UInt8>]())
        func number() -> UInt64 {
            var (value, shift) = (UInt64(0), UInt64(0))
            while let byte = rest.popFirst(), shift < 64 {
                value |= UInt64(byte & 0x7f) << shift
                if byte < 0x80 { break }
                shift += 7
            }
            return value
        }
        while !rest.isEmpty {
            let tag = number()
            switch tag & 7 {
            case 0: numbers[tag >> 3] = number()
            case 2:
                let count = Int(clamping: number())
                parts[tag >> 3] = rest.prefix(count)
                rest = rest.dropFirst(count)
            default: return (numbers, parts)
            }
        }
        return (numbers, parts)
    }
}

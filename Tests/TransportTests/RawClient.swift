import Automata
import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A client that says what it likes, over TCP or TLS.
final class RawClient: Sendable {
    private let channel: any Channel

    private init(channel: any Channel) {
        self.channel = channel
    }

    static func connect(to endpoint: Endpoint, tls: TLSConfiguration?) async throws -> RawClient {
        let context = try tls.map { try NIOSSLContext(configuration: $0) }
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: context, serverHostname: nil))
                    }
                    try channel.pipeline.syncOperations.addHandler(CloseOnError())
                }
            }
            .connect(host: endpoint.host, port: Int(endpoint.port)).get()
        return RawClient(channel: channel)
    }

    var isClosed: Bool { !channel.isActive }

    func send(_ bytes: [UInt8]) {
        channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
    }

    func close() {
        channel.close(promise: nil)
    }

    private final class CloseOnError: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}

func withTemporaryDirectory<Value>(_ body: (String) throws -> Value) throws -> Value {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("palmier-transport-\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
}

public import Automata
public import Identity
public import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS

/// Asks a master's HTTP port which fabric it is of, before anything is trusted.
///
/// With a join token the root's digest is known, and the answer is proved. Without one (policies `ask` and `link`) the
/// answer is what the network says: a person compares fingerprints, or the link itself is what is trusted.
public enum RootProbe {
    /// The trust that the master shows.
    ///
    /// - Parameters:
    ///   - endpoint: of a master's HTTP server (`TLSSettings.server`).
    ///   - rootDigest: from a join token; nil takes any root.
    ///   - fabric: the name that it must have; nil takes any.
    /// - Throws: `unreachable`; `rejected` when the root is another, or whoever answers is no master of it.
    public static func trust(
        at endpoint: Endpoint, rootDigest: Digest? = nil, fabric: String? = nil, now: Instant,
        tolerance: Duration = defaultClockTolerance, timeout: Duration = .seconds(5), on eventLoop: any EventLoop
    ) async throws(TransportError) -> FabricTrust {
        let chain: [[UInt8]]
        do {
            chain = try await presentedChain(at: endpoint, timeout: timeout, on: eventLoop)
        } catch let error as TransportError {
            throw error
        } catch {
            throw TransportError(
                .unreachable, "no master answers at \(endpoint): \(UnreachableReason(connecting: error))",
                remedy: "check the address and the port, and that the master runs")
        }
        guard let root = chain.last, chain.count == 3 else {
            throw TransportError(
                .rejected, "whoever answers at \(endpoint) is no master: it shows \(chain.count) certificates, not 3",
                remedy: "check the port: users and peers have different ones")
        }
        let trust: FabricTrust
        do throws(IdentityError) {
            trust = try FabricTrust(rootBytes: root)
        } catch {
            throw TransportError(
                .rejected, "whoever answers at \(endpoint) is no master: \(error.message)", remedy: error.remedy)
        }
        if let rootDigest, rootDigest != trust.rootDigest {
            throw TransportError(
                .rejected,
                "the master at \(endpoint) is of a fabric with another root (\(trust.fingerprint)) than the token's",
                remedy: "ask for a new token; if it happens again, someone stands between you and the master")
        }
        if let fabric, fabric != trust.name {
            throw TransportError(
                .rejected, "the master at \(endpoint) is of the fabric \"\(trust.name)\", not \"\(fabric)\"",
                remedy: "name the right one with --fabric, or another address with --join")
        }
        switch trust.verify(chain, now: now, tolerance: tolerance, kinds: [.master]) {
        case .success: return trust
        case .failure(let refusal):
            throw TransportError(.rejected, "the master at \(endpoint): \(refusal.message)", remedy: refusal.remedy)
        }
    }

    /// Does a handshake that accepts everything, keeps what was shown, and closes. Nothing is sent.
    private static func presentedChain(
        at endpoint: Endpoint, timeout: Duration, on eventLoop: any EventLoop
    ) async throws -> [[UInt8]] {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv13
        // The callback below decides, or rather does not: `trust` does, with what it returns.
        configuration.certificateVerification = .noHostnameVerification
        let context = try NIOSSLContext(configuration: configuration)
        let promise = eventLoop.makePromise(of: [[UInt8]].self)
        let limit = TimeAmount.nanoseconds(timeout.nanoseconds)
        let deadline = eventLoop.scheduleTask(in: limit) { promise.fail(ChannelError.connectTimeout(limit)) }
        promise.futureResult.whenComplete { _ in deadline.cancel() }
        let bootstrap = ClientBootstrap(group: eventLoop).connectTimeout(limit).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                let tls = try NIOSSLClientHandler(context: context, serverHostname: nil) { chain, verdict in
                    promise.succeed(TLSSettings.encoded(chain))
                    verdict.succeed(NIOSSLVerificationResult.failed)
                }
                try channel.pipeline.syncOperations.addHandlers([tls, ProbeEnd(promise: promise)])
            }
        }
        bootstrap.connect(host: endpoint.host, port: Int(endpoint.port)).whenFailure { promise.fail($0) }
        return try await promise.futureResult.get()
    }

    /// Closes at the end of the handshake, however it ends.
    private final class ProbeEnd: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let promise: EventLoopPromise<[[UInt8]]>

        init(promise: EventLoopPromise<[[UInt8]]>) {
            self.promise = promise
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            // After the verdict "failed" this is the expected end, and the promise is kept already.
            promise.fail(
                TransportError(.rejected, "whoever answers does not speak TLS 1.3: \(error)", remedy: "check the port"))
            context.close(promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) {
            promise.fail(ChannelError.eof)
            context.fireChannelInactive()
        }
    }
}

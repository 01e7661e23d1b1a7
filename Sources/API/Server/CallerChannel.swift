import Automata
import Foundation
import HummingbirdCore
import Identity
import Logging
import NIOCore
import NIOSSL
import Runtime
import Synchronization

/// Who is at the other end of each open connection; entries go when their connections close.
final class CallerTable: Sendable {
    private let callers = Mutex<[ObjectIdentifier: Caller]>([:])

    subscript(channel: any Channel) -> Caller {
        callers.withLock { $0[ObjectIdentifier(channel)] } ?? .stranger(address: channel.remoteAddress)
    }

    /// Set before the first byte of a request can be read; the handshake sets it again.
    func set(_ caller: Caller, for channel: any Channel) {
        let id = ObjectIdentifier(channel)
        let isNew = callers.withLock { $0.updateValue(caller, forKey: id) == nil }
        guard isNew else { return }
        channel.closeFuture.whenComplete { [self] _ in callers.withLock { $0[id] = nil } }
    }
}

/// Finds out who connects, then lets HTTP begin.
///
/// Over TLS every certificate is taken, also a wrong one, so that its owner reads the reason in a problem document and
/// not "handshake failure"; what it may do is decided at each request. That the other end has the certificate's key is
/// TLS's own proof.
struct CallerChannel<Base: ServerChildChannel>: ServerChildChannel {
    enum Door: Sendable {
        case socket
        case tls(ServerContext)
    }

    let base: Base
    let door: Door
    let table: CallerTable

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
        channel.eventLoop.makeCompletedFuture {
            switch door {
            case .socket:
                table.set(try Self.localCaller(of: channel), for: channel)
            case .tls(let context):
                table.set(.stranger(address: channel.remoteAddress), for: channel)
                let (tls, verify) = try context.current()
                let handler = NIOSSLServerHandler(
                    context: tls,
                    customVerificationCallback: { [table] certificates, promise in
                        let chain = certificates.compactMap { try? $0.toDERBytes() }
                        if !chain.isEmpty {
                            table.set(.certified(verify(chain), address: channel.remoteAddress), for: channel)
                        }
                        promise.succeed(.certificateVerified)
                    }, configuration: .init())
                try channel.pipeline.syncOperations.addHandler(handler)
            }
        }.flatMap { base.setup(channel: channel, logger: logger) }
    }

    func handle(value: Base.Value, logger: Logger) async {
        await base.handle(value: value, logger: logger)
    }

    /// The user at the other end of a Unix socket, as the kernel noted at `connect` (unix(7), SO_PEERCRED).
    private static func localCaller(of channel: any Channel) throws -> Caller {
        guard let provider = channel as? any SocketOptionProvider else {
            throw ProblemDocument(.failed, "the socket cannot say who is at its other end")
        }
        #if os(Linux)
        let credentials: EventLoopFuture<PeerCredentials> = provider.unsafeGetSocketOption(
            level: .socket, name: .init(rawValue: SO_PEERCRED))
        // A channel of this event loop answers at once.
        var user: UInt32?
        credentials.assumeIsolated().whenSuccess { user = $0.uid }
        guard let user else {
            throw ProblemDocument(.failed, "the kernel did not say who is at the socket's other end")
        }
        return .local(user: user)
        #else
        throw ProblemDocument(.failed, "peer credentials of Unix sockets are read on Linux only")
        #endif
    }
}

/// `struct ucred` of Linux (unix(7)), which the C library shows only to those who define _GNU_SOURCE.
private struct PeerCredentials: Sendable {
    var pid: Int32 = 0
    var uid: UInt32 = 0
    var gid: UInt32 = 0
}

/// The server's TLS, made anew when the credential has been renewed, so that a renewal needs no restart.
final class ServerContext: Sendable {
    private struct Made {
        var chain: [[UInt8]]
        var context: NIOSSLContext
    }

    typealias Verify = @Sendable ([[UInt8]]) -> Result<VerifiedIdentity, IdentityRefusal>

    private let credential: @Sendable () -> Credential
    private let service: any PeerService
    private let made = Mutex<Made?>(nil)

    init(credential: @escaping @Sendable () -> Credential, service: any PeerService) {
        self.credential = credential
        self.service = service
    }

    func current() throws -> (NIOSSLContext, Verify) {
        let credential = credential()
        let verify: Verify = { [service] in credential.trust.verify($0, now: service.now) }
        let chain = credential.chain
        return try made.withLock { made in
            if let known = made, known.chain == chain { return (known.context, verify) }
            var tls = TLSConfiguration.makeServerConfiguration(
                certificateChain: [],
                privateKey: .privateKey(
                    try NIOSSLPrivateKey(bytes: credential.key.secretBytes, format: .der)))
            try tls.present(credential)
            tls.minimumTLSVersion = .tlsv13
            tls.certificateVerification = .optionalVerification
            let context = try NIOSSLContext(configuration: tls)
            made = Made(chain: chain, context: context)
            return (context, verify)
        }
    }
}

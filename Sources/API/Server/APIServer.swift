import Automata
import Foundation
import Hummingbird
import HummingbirdCore
public import Identity
public import Logging
import NIOCore
public import Runtime
public import ServiceLifecycle

/// A master's HTTP API, described by `Specs/api/openapi.yaml`; of any other machine the part about the ring.
///
/// ## Two doors
/// - **TLS** on the API port. Certificates are optional to TLS, so that whoever joins can ask, and needed for everything
///   but what is open on purpose: `/healthz`, `/readyz`, `/v1/fabric` (the public root), `POST /v1/enrolments` and its
///   polling. `/metrics` wants a certificate, or a caller on this machine.
/// - A **Unix socket**, for the local user without a certificate. Everybody may connect (mode 0666): who it is, is the
///   kernel's word. Root and the owner of the master's process are administrators, others customers `user@host`.
///   A machine that is no master has this door alone.
///
/// ## Flow
///
///     connection ─▶ CallerChannel: who is it ─▶ Route.Door: may it in ─▶ Principal: what may it ─▶ handler ─▶ PeerService
///
/// Errors are problem documents everywhere (`ProblemDocument`). It runs until its task is cancelled or the service group
/// shuts down.
public struct APIServer: Service {
    public struct Configuration: Sendable {
        /// Where to listen; all addresses, unless told otherwise.
        public var host = Self.anyHost
        /// 0 takes any free one: `started` tells which.
        public var port = 0
        /// Of the Unix socket; nil for none. At most 107 bytes (unix(7)).
        public var socketPath: String?
        /// The second half of local customers' names.
        public var hostName: String
        /// The user who is administrator besides root: whom the state belongs to.
        public var owner: UInt32
        /// The most connections over TLS at once; more wait.
        public var connectionsMax = 1_024

        public init(hostName: String, socketPath: String? = nil, port: Int = 0) {
            self.hostName = hostName
            self.socketPath = socketPath
            self.port = port
            owner = geteuid()
        }

        /// `::`, which takes IPv4, too; `0.0.0.0` where the kernel has no IPv6.
        public static var anyHost: String {
            let probe = socket(AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
            guard probe >= 0 else { return "0.0.0.0" }
            close(probe)
            return "::"
        }
    }

    private let routes: Routes
    /// nil for a machine that is no master: it has no door to the network.
    private let credential: (@Sendable () -> Credential)?
    private let started: @Sendable (Int) -> Void
    private let logger: Logger

    /// - Parameters:
    ///   - enrolment: who lets others in.
    ///   - credential: the master's own; asked at each connection, so that a renewal needs no restart.
    ///   - started: told the TLS port once it accepts connections.
    public init(
        service: any PeerService, enrolment: EnrolmentDesk, credential: @escaping @Sendable () -> Credential,
        configuration: Configuration, logger: Logger, started: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        routes = Routes(
            service: service, enrolment: enrolment, configuration: configuration, callers: CallerTable(), logger: logger
        )
        self.credential = credential
        self.started = started
        self.logger = logger
    }

    /// A machine that is no master: answers local users about the ring, through the Unix socket alone.
    public init(service: any PeerService, configuration: Configuration, logger: Logger) {
        routes = Routes(
            service: service, enrolment: nil, configuration: configuration, callers: CallerTable(), logger: logger)
        credential = nil
        started = { _ in }
        self.logger = logger
    }

    /// Serves both doors; throws when an address or the socket's path cannot be had.
    public func run() async throws {
        var quiet = logger
        // Hummingbird says "info" about every start and "error" about every end by cancellation; what fails is thrown.
        quiet.logLevel = .critical
        var services: [any Service] = []
        if let credential { services.append(tlsDoor(credential, quiet)) }
        if let path = routes.configuration.socketPath { services.append(try socketDoor(path, quiet)) }
        defer { routes.configuration.socketPath.map { _ = unlink($0) } }
        try await ServiceGroup(configuration: .init(services: services, logger: quiet)).run()
    }

    private func tlsDoor(_ credential: @escaping @Sendable () -> Credential, _ logger: Logger) -> some Service {
        let context = ServerContext(credential: credential, service: routes.service)
        let configuration = routes.configuration
        return Application(
            router: router(),
            server: HTTPServerBuilder { [table = routes.callers] responder in
                CallerChannel(
                    base: HTTP1Channel(responder: responder, configuration: .init(idleTimeout: .seconds(75))),
                    door: .tls(context), table: table)
            },
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port),
                availableConnectionsDelegate: MaximumAvailableConnections(configuration.connectionsMax)),
            onServerRunning: { [started] channel in
                if let port = channel.localAddress?.port { started(port) }
            }, logger: logger)
    }

    private func socketDoor(_ path: String, _ logger: Logger) throws(ProblemDocument) -> some Service {
        guard path.utf8.count <= 107 else {
            throw ProblemDocument(
                .invalid, "the socket's path has \(path.utf8.count) bytes, more than 107: \(path)",
                remedy: "choose a shorter state directory with --state")
        }
        return Application(
            router: router(),
            server: HTTPServerBuilder { [table = routes.callers] responder in
                CallerChannel(
                    base: HTTP1Channel(responder: responder, configuration: .init(idleTimeout: .seconds(75))),
                    door: .socket, table: table)
            }, configuration: ApplicationConfiguration(address: .unixDomainSocket(path: path)),
            onServerRunning: { [logger = self.logger] _ in
                guard chmod(path, 0o666) == 0 else {
                    return logger.warning("api.socket", metadata: ["path": "\(path)", "errno": "\(errno)"])
                }
            }, logger: logger)
    }

    /// Method and path of every route, as `Specs/api/openapi.yaml` writes them: `get /v1/nodes`.
    public static var routeList: [String] { Routes.all.map { "\($0.method.rawValue) \($0.path)" } }

    private func router() -> Router<APIContext> {
        let router = Router(context: APIContext.self)
        router.add(middleware: ProblemMiddleware(isMaster: routes.enrolment != nil, logger: logger))
        for route in routes.served {
            let path = route.path.replacing("{", with: ":").replacing("}", with: "")
            router.on(RouterPath(path), method: route.method == .get ? .get : .post) { [routes] request, context in
                let exchange = try await Exchange(
                    request, context, caller: routes.callers[context.channel], route: route)
                return try await routes.answer(route, exchange).response
            }
        }
        return router
    }
}

/// Turns every error into a problem document; what nobody expected is logged with its cause and told without it.
private struct ProblemMiddleware: RouterMiddleware {
    let isMaster: Bool
    let logger: Logger

    func handle(
        _ request: Hummingbird.Request, context: APIContext,
        next: (Hummingbird.Request, APIContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let problem as ProblemDocument {
            return Answer(problem: problem).response
        } catch let refusal as Refusal {
            return Answer(problem: ProblemDocument(refusal)).response
        } catch let error as HTTPError where error.status.code == 404 || error.status.code == 405 {
            let problem = ProblemDocument(
                .notFound, "there is no \(request.method.rawValue) \(request.uri.path)",
                remedy: isMaster
                    ? "see Specs/api/openapi.yaml"
                    : "this machine is no master: name one with --master HOST:PORT",
                status: error.status.code)
            return Answer(problem: problem).response
        } catch {
            logger.error("api.failed", metadata: ["path": "\(request.uri.path)", "error": "\(error)"])
            let problem = ProblemDocument(.failed, "the call failed inside the peer", remedy: "see its log")
            return Answer(problem: problem).response
        }
    }
}

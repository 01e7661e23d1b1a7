import Automata
import NIOCore
import Transport

extension PeerHost {
    /// Listens where it was told, else at the usual port of every address, else at any.
    static func listen(
        _ configuration: Configuration, _ credentials: CredentialSource, _ incarnation: Incarnation,
        on loop: any EventLoop, handler: @escaping @Sendable (TransportEvent) -> Void
    ) async throws -> PeerTransport {
        func start(_ endpoints: [Endpoint]) async throws(TransportError) -> PeerTransport {
            try await PeerTransport.start(
                TransportConfiguration(
                    listen: endpoints, incarnation: incarnation, software: "palmier", seed: .random(in: .min ... .max),
                    wallClock: { HostClock.wallClock }), credentials: credentials, on: loop, handler: handler)
        }
        if let listen = configuration.listen {
            do {
                return try await start(listen)
            } catch {
                // A machine without IPv6 has no `::`, which otherwise takes IPv4, too.
                let without = listen.map { $0.host == "::" ? Endpoint(host: "0.0.0.0", port: $0.port) : $0 }
                guard without != listen, let transport = try? await start(without) else { throw error }
                return transport
            }
        }
        // The well-known port belongs to the first peer of a machine; later ones are found by what they publish. A
        // machine without IPv6 has no `::`.
        for port in [Configuration.defaultPort, 0] {
            for host in ["::", "0.0.0.0"] {
                if let transport = try? await start([Endpoint(host: host, port: port)]) { return transport }
            }
        }
        return try await start([Endpoint(host: "0.0.0.0", port: 0)])
    }
}

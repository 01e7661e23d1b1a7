public import Automata
public import Identity
public import NIOCore
public import NIOSSL

/// TLS configurations made from a credential: for peers, for a master's HTTP server, for its clients.
public enum TLSSettings {
    /// What peers speak inside TLS (RFC 7301).
    static let protocolName = "palmier/1"

    /// Between peers, both directions: the other side must show a certificate.
    static func peer(_ credential: Credential, isServer: Bool) throws(TransportError) -> NIOSSLContext {
        var configuration =
            isServer
            ? TLSConfiguration.makeServerConfiguration(
                certificateChain: try certificates(of: credential, withRoot: false), privateKey: try key(of: credential)
            )
            : try identified(.makeClientConfiguration(), as: credential)
        configuration.minimumTLSVersion = .tlsv13
        configuration.certificateVerification = .noHostnameVerification
        configuration.trustRoots = .certificates([try certificate(credential.trust.rootBytes)])
        configuration.applicationProtocols = [protocolName]
        configuration.shutdownTimeout = .seconds(1)
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw bad(error)
        }
    }

    /// For a master's HTTP server: a client's certificate is optional, so that one who wants to join can ask, and is
    /// verified when it is shown. Each new connection shows the credential that is then in force.
    ///
    /// The root is sent along, so that a joiner with a token can compare its digest (`RootProbe`). Use together with
    /// `verifier`, which gives the reasons that the TLS library does not have.
    public static func server(_ source: CredentialSource) throws(TransportError) -> TLSConfiguration {
        let credential = source.current
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try certificates(of: credential, withRoot: true), privateKey: try key(of: credential))
        configuration.minimumTLSVersion = .tlsv13
        configuration.certificateVerification = .optionalVerification
        configuration.trustRoots = .certificates([try certificate(credential.trust.rootBytes)])
        configuration.sslContextCallback = { _, promise in
            do {
                let current = source.current
                var override = NIOSSLContextConfigurationOverride()
                override.certificateChain = try certificates(of: current, withRoot: true)
                override.privateKey = try key(of: current)
                promise.succeed(override)
            } catch {
                promise.fail(error)
            }
        }
        return configuration
    }

    /// For HTTP clients of masters. The host name to connect to is `masterHost(of:)` with the address given as DNS
    /// override, so that only a certificate of kind master is accepted, whatever the address.
    ///
    /// - Parameter credential: who the client is; nil for one who wants to join.
    public static func client(_ credential: Credential?, trust: FabricTrust) throws(TransportError) -> TLSConfiguration
    {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if let credential { configuration = try identified(configuration, as: credential) }
        configuration.minimumTLSVersion = .tlsv13
        configuration.certificateVerification = .fullVerification
        configuration.trustRoots = .certificates([try certificate(trust.rootBytes)])
        return configuration
    }

    /// The DNS name in the certificate of every master of the fabric.
    public static func masterHost(of trust: FabricTrust) -> String {
        CertifiedName.dnsName(of: .master, fabric: trust.name)
    }

    /// Verifies by `FabricTrust`, for handlers that take a callback.
    public static func verifier(
        _ source: CredentialSource, tolerance: Duration = defaultClockTolerance,
        kinds: Set<IdentityKind> = Set(IdentityKind.allCases), wallClock: @escaping @Sendable () -> Instant,
        onRefusal: @escaping @Sendable (IdentityRefusal) -> Void = { _ in }
    ) -> @Sendable ([NIOSSLCertificate], EventLoopPromise<NIOSSLVerificationResult>) -> Void {
        { chain, promise in
            switch source.current.trust.verify(
                encoded(chain), now: wallClock(), tolerance: tolerance, expected: nil, kinds: kinds)
            {
            case .success: promise.succeed(.certificateVerified)
            case .failure(let refusal):
                onRefusal(refusal)
                promise.succeed(.failed)
            }
        }
    }

    /// Who is at the other end of a channel whose certificate was verified by `verifier` or against the trust's root;
    /// nil when no certificate was shown, or when it has ended since. On the channel's event loop only.
    public static func identity(
        of channel: any Channel, trust: FabricTrust, now: Instant, tolerance: Duration = defaultClockTolerance
    ) -> VerifiedIdentity? {
        do {
            guard let certificate = try channel.pipeline.syncOperations.nioSSL_peerCertificate() else { return nil }
            return trust.identity(ofVerifiedLeaf: try certificate.toDERBytes(), now: now, tolerance: tolerance)
        } catch {
            return nil  // no TLS on this channel
        }
    }

    // MARK: Parts

    /// DER of each; empty when one cannot be had, which no verification accepts.
    static func encoded(_ chain: [NIOSSLCertificate]) -> [[UInt8]] {
        do {
            return try chain.map { try $0.toDERBytes() }
        } catch {
            return []
        }
    }

    private static func identified(
        _ configuration: TLSConfiguration, as credential: Credential
    ) throws(TransportError) -> TLSConfiguration {
        var configuration = configuration
        configuration.certificateChain = try certificates(of: credential, withRoot: false)
        configuration.privateKey = try key(of: credential)
        return configuration
    }

    private static func certificates(
        of credential: Credential, withRoot: Bool
    ) throws(TransportError) -> [NIOSSLCertificateSource] {
        var sources: [NIOSSLCertificateSource] = []
        for bytes in credential.chain + (withRoot ? [credential.trust.rootBytes] : []) {
            sources.append(.certificate(try certificate(bytes)))
        }
        return sources
    }

    private static func certificate(_ bytes: [UInt8]) throws(TransportError) -> NIOSSLCertificate {
        do {
            return try NIOSSLCertificate(bytes: bytes, format: .der)
        } catch {
            throw bad(error)
        }
    }

    private static func key(of credential: Credential) throws(TransportError) -> NIOSSLPrivateKeySource {
        do {
            return .privateKey(try NIOSSLPrivateKey(bytes: credential.key.secretBytes, format: .der))
        } catch {
            throw bad(error)
        }
    }

    private static func bad(_ error: any Error) -> TransportError {
        TransportError(
            .badCredential, "the TLS library does not take the credential: \(error)",
            remedy: "renew it, or join the fabric anew")
    }
}

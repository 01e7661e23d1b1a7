import Identity
import NIOSSL

extension TLSConfiguration {
    /// A client that trusts this fabric's root alone; with a credential it shows who it is.
    ///
    /// The server's name is checked too: the host in the URL is `master.FABRIC.palmier.internal`, whatever the address,
    /// so that no machine, person or instance of the fabric can pass for a master.
    static func client(of trust: FabricTrust, as credential: Credential? = nil) throws -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv13
        tls.certificateVerification = .fullVerification
        tls.trustRoots = .certificates([try NIOSSLCertificate(bytes: trust.rootBytes, format: .der)])
        if let credential { try tls.present(credential) }
        return tls
    }

    /// A client that believes nobody: for fetching a fabric's public root, which is then compared or shown.
    static func trustless() -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv13
        tls.certificateVerification = .none
        return tls
    }

    mutating func present(_ credential: Credential) throws {
        certificateChain = try credential.chain.map {
            .certificate(try NIOSSLCertificate(bytes: $0, format: .der))
        }
        privateKey = .privateKey(try NIOSSLPrivateKey(bytes: credential.key.secretBytes, format: .der))
    }
}

import API
import Automata
import Claims
import Console
import Foundation
import Identity
import Ledger
import Logging
import NIOCore
import NIOPosix
import Neighbours
import Peer
import Replication
import Runtime
import ServiceLifecycle
import Transport
import UnixSignals

/// `palmier agent` and `palmier master`: a member's process from its first start to its orderly end.
struct PeerProcess {
    let options: HostOptions
    let logger: Logger
    /// Where users connect when nothing else is said.
    static let defaultAPIPort: UInt16 = 7_424

    /// Joins if need be, then serves until SIGTERM or SIGINT.
    func run() async throws {
        let clock = HostClock()
        try FileManager.default.createDirectory(atPath: options.state.path, withIntermediateDirectories: true)
        if options.isMaster { try completeFirstMaster() }
        let membership = try await Newcomer(options: options, logger: logger).membership()
        let credentials = CredentialSource(membership.credential)
        var configuration = PeerHost.Configuration(stateDirectory: options.state.path, name: options.name)
        configuration.listen = options.listen.isEmpty ? nil : options.listen
        configuration.join = options.join + membership.seeds.filter { !options.join.contains($0) }
        configuration.discovery = options.discovery
        configuration.interfaces = options.interfaces.isEmpty ? nil : options.interfaces
        configuration.isolation = options.isolation
        configuration.memory = options.memory
        configuration.price = options.price
        configuration.peer.ledger = options.ledger
        configuration.peer.placement.heldMax = options.heldReplicas
        configuration.peer.placement.spaceMax = options.replicaSpace
        configuration.cores = options.cores
        configuration.terms = options.terms
        configuration.said = options.said
        if let notice = options.hoursNotice { configuration.peer.claims.hoursNotice = notice }
        (configuration.region, configuration.country) = (options.region, options.country)
        configuration.continent = options.continent
        configuration.peer.replication.checkpointInterval = options.checkpointInterval
        configuration.acquaintances = membership.acquaintances
        if let partitions = options.partitions {
            configuration.partitions = partitions
        } else {
            Terminal.note(
                "\(configuration.partitions) partitions (two for each core, 10 at most; change with --partitions)")
        }
        let users = options.isMaster ? try await usersDoor() : nil
        configuration.apiPort = users?.port
        let host = try await PeerHost.start(configuration, credentials: credentials, clock: clock, logger: logger)
        let addresses = host.endpoints.map(\.description).joined(separator: ", ")
        Terminal.note(
            "\(options.name) (\(host.id.fingerprint)) is in fabric \(membership.credential.fabric), at \(addresses)")

        if await host.read(\.word.isDrained) {
            Terminal.note("its owner has drained it: it takes nothing new until `palmier node undrain \(options.name)`")
        }
        if options.isMaster { try announce(options.ledger, for: await host.snapshot()) }

        var services: [any Service] = [host]
        services.append(
            Renewal(
                host: host, credentials: credentials, authority: membership.authority,
                life: options.certificateLife, directory: options.state.identity, logger: logger))
        if let authority = membership.authority, let users {
            services.append(try api(host, credentials, authority, at: users))
        } else {
            services.append(localDoor(host))
        }
        let group = ServiceGroup(
            configuration: .init(
                services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        try await group.run()
    }

    /// Says what becomes of the master's ledger, where its owner says something new of it.
    private func announce(_ wishes: LedgerWishes, for peer: Peer) throws {
        let ledger = peer.ownLedger
        try HostSettings.check(wishes, against: ledger?.described)
        guard let name = wishes.name, let ledger, ledger.books.index > .zero else { return }
        let old = peer.ledgerName(of: ledger.id)
        if name != old { Terminal.note("the ledger \"\(old)\" is called \"\(name)\" from now on") }
    }

    private func api(
        _ host: PeerHost, _ credentials: CredentialSource, _ authority: Authority, at users: Endpoint
    ) throws -> APIServer {
        let root = FabricRoot.exists(in: options.state.root) ? try FabricRoot.load(from: options.state.root) : nil
        var enrolment = EnrolmentConfiguration()
        enrolment.certificateLife = options.certificateLife
        let desk = EnrolmentDesk(service: host, authority: authority, root: root, configuration: enrolment)
        var configuration = APIServer.Configuration(
            hostName: ProcessInfo.processInfo.hostName, socketPath: options.state.socket, port: Int(users.port))
        configuration.host = users.host
        let (state, name) = (options.state.path, options.name)
        return APIServer(
            service: host, enrolment: desk, credential: { credentials.current }, configuration: configuration,
            logger: logger,
            started: { port in
                let shown =
                    ["::", "0.0.0.0"].contains(users.host)
                    ? "*:\(port)" : "\(Endpoint(host: users.host, port: UInt16(port)))"
                Terminal.note("master \(name) answers at https://\(shown) and at \(state)/api.sock")
            })
    }

    /// Answers this machine's users about the ring.
    private func localDoor(_ host: PeerHost) -> APIServer {
        let configuration = APIServer.Configuration(
            hostName: ProcessInfo.processInfo.hostName, socketPath: options.state.peerSocket)
        return APIServer(service: host, configuration: configuration, logger: logger)
    }

    /// The machine on which the fabric was created is its first master: root, authority and identity are there.
    private func completeFirstMaster() throws {
        let state = options.state
        guard !FileManager.default.fileExists(atPath: state.identity + "/chain.pem"), FabricRoot.exists(in: state.root)
        else { return }
        let root = try FabricRoot.load(from: state.root)
        let now = HostClock.wallClock
        let authority =
            Authority.exists(in: state.authority)
            ? try Authority.load(from: state.authority, trust: root.trust)
            : try root.makeAuthority(name: options.name, now: now)
        try authority.save(to: state.authority)
        let key = try PrivateKey.loadOrCreate(at: state.identity + "/key.pem")
        try authority.issueOwn(key: key, now: now).save(to: state.identity)
    }

    /// Where users connect: what was asked for, else the usual port, else any. The port must be known before it is
    /// published.
    private func usersDoor() async throws -> Endpoint {
        let wanted = options.apiListen
        let ports: [UInt16] = wanted.map { [$0.port] } ?? [PeerProcess.defaultAPIPort, 0]
        let host = wanted?.host ?? "::"
        // A machine without IPv6 has no `::`, which otherwise takes IPv4, too.
        let hosts = host == "::" ? ["::", "0.0.0.0"] : [host]
        var failure: (any Error)?
        for host in hosts {
            for port in ports {
                do {
                    let probe = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                        .bind(host: host, port: Int(port)).get()
                    let bound = probe.localAddress?.port.map { UInt16($0) }
                    try await probe.close()
                    if let bound { return Endpoint(host: host, port: bound) }
                } catch {
                    failure = failure ?? error  // the usual port may be somebody else's
                }
            }
        }
        throw Refusal(
            .failed,
            "cannot listen at \(Endpoint(host: host, port: ports[0])) for users: "
                + (failure.map { ClientError.cause($0) } ?? "no port is free"),
            remedy: "choose another address with --api-listen HOST:PORT")
    }
}

/// Renews the peer's certificate at about half its life, again and again, without a restart.
struct Renewal: Service {
    let host: PeerHost
    let credentials: CredentialSource
    let authority: Authority?
    /// How long a master's own certificates live; nil: as long as they do by themselves.
    let life: Duration?
    let directory: String
    let logger: Logger

    func run() async throws {
        let jitter = Int.random(in: 0..<1_000)
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                guard await rest(untilDue(jitter)) else { return }
                do {
                    let renewed = try await renew()
                    try renewed.save(to: directory)
                    try credentials.replace(with: renewed)
                    logger.notice("identity.renewed", metadata: ["until": "\(renewed.notAfter)"])
                } catch {
                    logger.warning("identity.renewal", metadata: ["reason": "\(error)"])
                }
                guard await rest(.seconds(5)) else { return }
            }
        }
    }

    private func untilDue(_ jitter: Int) -> Duration {
        let now = HostClock.wallClock
        // A master that is to have shorter ones begins at once.
        if authority != nil, let life, credentials.current.notAfter > now + life { return .zero }
        return max(credentials.current.renewal(jitterPerMille: jitter) - now, .zero)
    }

    private func renew() async throws -> Credential {
        let current = credentials.current
        if let authority {
            return try authority.issueOwn(key: current.key, lifetime: life, now: HostClock.wallClock)
        }
        let masters = await host.read(\.neighbours.liveMasters).flatMap { master in
            master.endpoints.prefix(2).compactMap { endpoint in
                master.apiPort.map { Endpoint(host: endpoint.host, port: $0) }
            }
        }
        let client = PalmierClient(.masters(masters, current))
        do {
            let renewed = try await client.renew(current)
            await client.shutdown()
            return renewed
        } catch {
            await client.shutdown()
            throw error
        }
    }

    /// - Returns: false when the service ends.
    private func rest(_ pause: Duration) async -> Bool {
        do {
            try await Task.sleep(for: pause)
            return true
        } catch {
            return false
        }
    }
}

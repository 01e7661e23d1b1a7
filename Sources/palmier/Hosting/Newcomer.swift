import API
import Automata
import Console
import Discovery
import Foundation
import Identity
import Logging
import Runtime
import Synchronization

/// A machine without a certificate: finds the fabric on the link or at the named addresses, asks, waits, keeps what it got.
///
/// What it learns on the way (the fabric's root, the masters) is kept: the root is believed from then on, and the masters
/// are greeted as soon as the peer runs.
struct Newcomer {
    let options: HostOptions
    let logger: Logger

    /// What a member has.
    struct Membership {
        var credential: Credential
        var authority: Authority?
        /// Masters seen while asking.
        var acquaintances: [Advertisement] = []
        /// Where the fabric is met again when discovery finds nobody.
        var seeds: [SeedAddress] = []
    }

    /// The membership on disk; asks for one when there is none.
    ///
    /// - Throws: `ClientError` when the fabric refuses; `IdentityError` when the state is damaged.
    func membership() async throws -> Membership {
        let state = options.state
        if FileManager.default.fileExists(atPath: state.identity + "/chain.pem") {
            let credential = try Credential.load(from: state.identity)
            let authority =
                options.isMaster ? try Authority.load(from: state.authority, trust: credential.trust) : nil
            if let fabric = options.fabric, fabric != credential.fabric {
                throw Refusal(
                    .refused, "\(state.path) belongs to fabric \(credential.fabric), not \(fabric)",
                    remedy: "leave --fabric out, or name another directory with --state")
            }
            return Membership(credential: credential, authority: authority)
        }
        return try await join()
    }

    private func join() async throws -> Membership {
        let key = try PrivateKey.loadOrCreate(at: options.state.identity + "/key.pem")
        let authorityKey =
            options.isMaster ? try PrivateKey.loadOrCreate(at: options.state.authority + "/key.pem") : nil
        let pinned = try? FabricTrust.load(from: options.state.identity)  // there is none at the first start
        let (sightings, found) = AsyncStream.makeStream(of: Advertisement.self, bufferingPolicy: .bufferingNewest(256))
        let discovery = try DiscoveryService(
            configuration: DiscoveryConfiguration(
                mode: options.discovery, peer: key.peer,
                interfaces: options.interfaces.isEmpty ? nil : options.interfaces),
            logger: logger
        ) { event in
            switch event {
            case .found(let advertisement): found.yield(advertisement)
            case .status(.multicastSilent(let reason)), .status(.unavailable(let reason)):
                Terminal.note("no multicast on this link: \(reason); name a master with --join HOST:PORT")
            case .status, .vanished: break
            }
        }
        discovery.start()
        discovery.browse(.masters)
        discovery.ask(for: .masters)
        let search = MasterSearch(options: options)
        let collecting = Task {  // ended below
            for await advertisement in sightings { await search.saw(advertisement) }
        }
        let lookingUp = Task {  // ended below
            repeat { await search.lookUp() } while await search.rests()
        }
        defer {
            collecting.cancel()
            lookingUp.cancel()
        }
        Terminal.note("looking for \(options.fabric.map { "fabric \($0)" } ?? "a fabric") on the link …")
        do {
            var membership = try await ask(search, key: key, authorityKey: authorityKey, pinned: pinned)
            membership.acquaintances = await search.masters
            await discovery.stop()
            return membership
        } catch {
            await discovery.stop()
            throw error
        }
    }

    /// How long after the start masters may still be found that were there all the time: an answer to a question on
    /// the link is held back for half a second at most (RFC 6762, 6), and may be lost once.
    private static let settling = Duration.seconds(3)

    private func ask(
        _ search: MasterSearch, key: PrivateKey, authorityKey: PrivateKey?, pinned: FabricTrust?
    ) async throws -> Membership {
        var silent = false
        let settled = ContinuousClock.now + Self.settling
        while true {
            try Task.checkCancellation()
            let masters = await search.apiEndpoints
            guard !masters.isEmpty || options.token != nil else {
                try await Task.sleep(for: .milliseconds(20))
                continue
            }
            let client = EnrolmentClient(
                masters: masters, fabric: options.fabric, pinned: pinned, token: options.token,
                later: { await search.apiEndpoints })
            let admitter = Mutex<String?>(nil)
            do {
                let progress: @Sendable (EnrolmentClient.Progress) -> Void = { progress in
                    Terminal.note(progress.description)
                    if case .admitted(let master) = progress { admitter.withLock { $0 = master } }
                    guard case .found(let trust, _, _) = progress else { return }
                    do {
                        try trust.save(to: options.state.identity)
                    } catch {
                        Terminal.note("the fabric's root could not be kept: \(error)")
                    }
                }
                if let authorityKey {
                    let (authority, credential) = try await client.joinAsMaster(
                        name: options.name, key: key, authorityKey: authorityKey, now: HostClock.wallClock,
                        progress: progress)
                    try authority.save(to: options.state.authority)
                    try credential.save(to: options.state.identity)
                    let seeds = seeds(admittedBy: admitter.withLock { $0 })
                    return Membership(credential: credential, authority: authority, seeds: seeds)
                }
                let credential = try await client.join(as: .machine, name: options.name, key: key, progress: progress)
                try credential.save(to: options.state.identity)
                return Membership(credential: credential, seeds: seeds(admittedBy: admitter.withLock { $0 }))
            } catch let error as ClientError where options.isMaster && error.exitCode == .refused {
                // Only where the root's key is are masters admitted, and that one may be found after others.
                while await search.apiEndpoints == masters {
                    guard ContinuousClock.now < settled else { throw error }
                    try await Task.sleep(for: .milliseconds(20))
                }
            } catch let error as ClientError where error.exitCode == .unreachable {
                if !silent { Terminal.note("\(error); still looking …") }
                silent = true
                try await Task.sleep(for: .milliseconds(500))
            }
        }
    }

    /// The peer of the master that let this machine in by a token: of the token's addresses the one that works.
    ///
    /// - Parameter master: its address for users.
    private func seeds(admittedBy master: String?) -> [SeedAddress] {
        guard let token = options.token, let host = master.flatMap({ Endpoint($0)?.host }) else { return [] }
        return token.endpoints.filter { $0.host == host }.map { .endpoint($0) }
    }
}

/// The masters that a newcomer may ask.
private actor MasterSearch {
    private let options: HostOptions
    private(set) var masters: [Advertisement] = []
    /// Where the addresses named by `--join` lead; names change, and are looked up again now and then.
    private var named: [Endpoint] = []
    private var complaint: String?

    init(options: HostOptions) {
        self.options = options
        // Addresses need no question, and no waiting for its answer.
        named = options.join.compactMap { if case .endpoint(let endpoint) = $0 { endpoint } else { nil } }
    }

    /// Names cost a question to DNS; what it cannot answer is said once.
    func lookUp() async {
        var found: [Endpoint] = []
        for address in options.join {
            do throws(SeedLookupError) {
                found += try await address.endpoints()
            } catch {
                if complaint != error.message { Terminal.note("--join \(address): \(error); still looking …") }
                complaint = error.message
            }
        }
        named = found
    }

    /// - Returns: false when the search is over.
    func rests() async -> Bool {
        do {
            try await Task.sleep(for: .seconds(5))
            return true
        } catch {
            return false
        }
    }

    func saw(_ advertisement: Advertisement) {
        guard advertisement.isMaster, !advertisement.ended, masters.count < 32,
            options.fabric == nil || options.fabric == advertisement.fabric
        else { return }
        masters.removeAll { $0.peer == advertisement.peer }
        masters.append(advertisement)
    }

    /// Where to ask: what was found, and at a named address its own port and the usual one.
    var apiEndpoints: [Endpoint] {
        let found = masters.flatMap { master in
            master.endpoints.prefix(2).compactMap { endpoint in
                master.apiPort.map { Endpoint(host: endpoint.host, port: $0) }
            }
        }
        return found + named.flatMap { [$0, Endpoint(host: $0.host, port: PeerProcess.defaultAPIPort)] }
    }
}

public import API
public import Automata
import Foundation
import Identity

/// An open way to a master, and what is kept for the next time; for what every peer answers, to the machine's own peer.
///
/// The order: what `--master` or `PALMIER_MASTER` names; the local master's socket; the masters of the person's profile
/// in turn. At the first contact over a socket the profile is made, so that later commands go on through any master.
public struct Connection: Sendable {
    public enum Way: Hashable, Sendable {
        case socket(String)
        /// The socket of a machine that is no master.
        case peer(String)
        /// The fabric's name.
        case profile(String)
    }

    public let client: PalmierClient
    public let way: Way
    private let profilesHome: String
    private let profile: Profile?
    /// What was tried before this way was taken.
    private var tried: [String] = []

    /// How old the list of masters may be before it is asked for again over the network; a guess.
    private static let mastersAgeMax = Duration.seconds(10)

    /// Finds a master.
    ///
    /// - Parameter anyPeer: every peer can answer: where no master runs, the machine's own does.
    /// - Throws: `Refusal` `unreachable` with everything that was tried.
    public static func open(
        _ choice: ConnectionChoice, anyPeer: Bool = false, now: Instant
    ) async throws -> Connection {
        if let named = choice.named {
            switch try ConnectionChoice.place(named, anyPeer: anyPeer) {
            case .socket(let path):
                if let failure = SocketProbe.failure(at: path) { throw nobody(["\(path): \(failure)"], anyPeer) }
                return connection(choice, socket: path)
            case .addresses(let endpoints):
                var profile = try profile(choice, fabric: choice.fabricNamed)
                profile.masters = endpoints
                return try await connection(choice, profile: profile, now: now)
            }
        }
        let state = choice.stateDirectory
        var tried: [String] = []
        guard let failure = SocketProbe.failure(at: state.socket) else {
            return connection(choice, socket: state.socket)
        }
        tried.append("\(state.socket): \(failure)")
        if anyPeer {
            guard let failure = SocketProbe.failure(at: state.peerSocket) else {
                return connection(choice, socket: state.peerSocket)
            }
            tried.append("\(state.peerSocket): \(failure)")
        }
        let fabrics = Profile.fabrics(in: choice.profilesHome)
        let fabric = choice.fabricNamed ?? Self.fabric(of: state)
        if fabrics.isEmpty || fabric.map({ !fabrics.contains($0) }) == true {
            tried.append("\(choice.profilesHome): no profile" + (fabric.map { " of the fabric \($0)" } ?? ""))
            throw nobody(tried, anyPeer)
        }
        let profile = try profile(choice, fabric: fabric)
        guard !profile.masters.isEmpty else {
            throw nobody(tried + ["\(profile.directory): knows no master"], anyPeer)
        }
        var connection = try await connection(choice, profile: profile, now: now)
        connection.tried = tried
        return connection
    }

    /// An error of this connection, told together with what had been tried before.
    public func completed(_ error: any Error) -> any Error {
        // A master may answer that another one is away: then all that was tried before is of no interest.
        guard !tried.isEmpty, var problem = Failure.problem(of: error), problem.refusal.code == .unreachable,
            problem.detail.hasPrefix("no master answers")
        else { return error }
        problem.detail += "\n" + tried.joined(separator: "\n")
        return problem
    }

    /// Who asks, for asking other masters beside this one.
    func credential() async throws -> Credential {
        if let profile { return profile.credential }
        return try await ownProfile().credential
    }

    /// Ends the connection. After a success, first brings the profile up to date where that is due.
    public func close(learning: Bool, now: Instant) async {
        if learning { await learn(now: now) }
        await client.shutdown()
    }

    // MARK: Finding

    private static func connection(_ choice: ConnectionChoice, socket path: String) -> Connection {
        Connection(
            client: PalmierClient(.socket(path: path)),
            way: path.hasSuffix("/peer.sock") ? .peer(path) : .socket(path),
            profilesHome: choice.profilesHome, profile: nil)
    }

    private static func connection(
        _ choice: ConnectionChoice, profile: Profile, now: Instant
    ) async throws -> Connection {
        var profile = profile
        var client = PalmierClient(.masters(profile.masters, profile.credential))
        if profile.credential.renewDue(at: now, jitterPerMille: 0), now < profile.credential.notAfter {
            do {
                profile.credential = try await client.renew(profile.credential)
                try profile.save(now: now)
                await client.shutdown()
                client = PalmierClient(.masters(profile.masters, profile.credential))
            } catch {
                // Half of its life is left: the next command tries again, `doctor` says how long it is.
            }
        }
        return Connection(
            client: client, way: .profile(profile.fabric), profilesHome: choice.profilesHome, profile: profile)
    }

    /// The profile of a fabric, or the only one there is.
    private static func profile(_ choice: ConnectionChoice, fabric: String?) throws -> Profile {
        let home = choice.profilesHome
        let fabrics = Profile.fabrics(in: home)
        if let fabric {
            guard fabrics.contains(fabric) else {
                throw Refusal(
                    .unreachable, "\(home) holds no identity of the fabric \"\(fabric)\"",
                    remedy: "run a command on a master's machine once, or redeem a token: palmier identity join TOKEN")
            }
            return try Profile.load(fabric: fabric, home: home)
        }
        guard let first = fabrics.first else {
            throw Refusal(
                .unreachable, "\(home) holds no identity: a master would not know who asks",
                remedy: "run a command on a master's machine once, or redeem a token: palmier identity join TOKEN")
        }
        guard fabrics.count == 1 else {
            throw Refusal(
                .invalid, "\(home) holds identities of several fabrics: \(fabrics.joined(separator: ", "))",
                remedy: "say which with --fabric NAME or PALMIER_FABRIC")
        }
        return try Profile.load(fabric: first, home: home)
    }

    /// The fabric that a state directory belongs to, whoever runs there.
    private static func fabric(of state: StateDirectory) -> String? {
        for directory in [state.identity, state.root] {
            do throws(IdentityError) {
                return try FabricTrust.load(from: directory).name
            } catch {
                continue  // none there, or not readable for this user
            }
        }
        return nil
    }

    private static func nobody(_ tried: [String], _ anyPeer: Bool) -> Refusal {
        Refusal(
            .unreachable, "no \(anyPeer ? "peer" : "master") answers\n" + tried.joined(separator: "\n"),
            remedy: anyPeer
                ? "start one with `palmier agent`, name its state directory or a master with --master, or run `palmier doctor`"
                : "start one with `palmier master`, name one with --master, or run `palmier doctor`")
    }

    // MARK: Keeping

    /// Keeps what the next command needs when this way is gone. A convenience: its failures are left to `doctor`.
    private func learn(now: Instant) async {
        do {
            switch way {
            case .socket: try await learnOverSocket(now: now)
            case .peer: return  // it knows nothing that a profile keeps
            case .profile: try await learnOverNetwork(now: now)
            }
        } catch {
            return
        }
    }

    private func learnOverSocket(now: Instant) async throws {
        // Each time, because the master that is known alone is the one that dies: two round trips on a local socket.
        var profile = try await ownProfile()
        let found = try await masters()
        guard found != profile.masters || profile.savedAt == nil else { return }
        profile.masters = found
        try profile.saveMasters(now: now)
    }

    /// Of the fabric whose master answers at a socket; made at the first contact.
    private func ownProfile() async throws -> Profile {
        let fabric = try await client.fabric().name
        if Profile.fabrics(in: profilesHome).contains(fabric) {
            return try Profile.load(fabric: fabric, home: profilesHome)
        }
        let key = try PrivateKey.loadOrCreate(at: "\(profilesHome)/\(fabric)/key.pem")
        let credential = try await client.becomePerson(key: key, name: Self.ownName)
        let profile = Profile(directory: "\(profilesHome)/\(fabric)", credential: credential, masters: [])
        try credential.save(to: profile.directory)
        return profile
    }

    private func learnOverNetwork(now: Instant) async throws {
        guard var profile else { return }
        let before = profile.masters
        let isOld = before.count < 2 || (profile.savedAt.map { now - $0 >= Self.mastersAgeMax || now < $0 } ?? true)
        profile.masters = await client.endpoints
        if isOld {
            for endpoint in try await masters() where !profile.masters.contains(endpoint) {
                profile.masters.append(endpoint)
            }
        }
        if isOld || profile.masters != before { try profile.saveMasters(now: now) }
    }

    /// Living masters' addresses; those of failed ones stay out until they are back.
    private func masters() async throws -> [Endpoint] {
        try await client.masters().masters.filter { $0.state == "primary" }
            .flatMap { $0.api.compactMap { Endpoint($0) } }
    }

    /// `alice@host`: how masters call a local user.
    public static var ownName: String { "\(NSUserName())@\(ProcessInfo.processInfo.hostName)" }
}

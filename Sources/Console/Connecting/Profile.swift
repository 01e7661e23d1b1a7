public import Automata
import Foundation
public import Identity

/// What a person keeps of one fabric: who the person is there, and which masters answer.
///
/// In `~/.config/palmier/FABRIC`: a credential's files and `masters.json`. Made at the first contact over a master's
/// socket, or by redeeming a token; lets every command go on through any other master.
public struct Profile: Sendable {
    private struct Masters: Codable {
        var schema = "palmier.profile/1"
        var masters: [String]
        /// Seconds since 1970, of this machine.
        var savedAt: Int64
    }

    public let directory: String
    public var credential: Credential
    /// API addresses, the one that answered last first.
    public var masters: [Endpoint]
    /// nil when it was never saved.
    public private(set) var savedAt: Instant?

    public var fabric: String { credential.fabric }

    /// More are not kept; a guess.
    private static let mastersMax = 16

    public init(directory: String, credential: Credential, masters: [Endpoint]) {
        self.directory = directory
        self.credential = credential
        self.masters = masters
    }

    /// Where all profiles of this person are.
    public static func home(environment: [String: String]) -> String {
        StateDirectory.base("XDG_CONFIG_HOME", ".config", environment) + "/palmier"
    }

    /// The fabrics that have a profile, sorted.
    public static func fabrics(in home: String) -> [String] {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: home)
        } catch {
            return []  // no directory, no profiles
        }
        return names.filter { FileManager.default.fileExists(atPath: "\(home)/\($0)/chain.pem") }.sorted()
    }

    public static func load(fabric: String, home: String) throws(IdentityError) -> Profile {
        let directory = "\(home)/\(fabric)"
        let credential = try Credential.load(from: directory)
        var profile = Profile(directory: directory, credential: credential, masters: [])
        let path = "\(directory)/masters.json"
        guard FileManager.default.fileExists(atPath: path) else { return profile }
        do {
            let masters = try JSONDecoder().decode(Masters.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
            profile.masters = masters.masters.compactMap { Endpoint($0) }
            profile.savedAt = Instant(milliseconds: masters.savedAt * 1_000)
        } catch {
            throw IdentityError(.malformed, "\(path) cannot be read: \(error)", remedy: "remove it: it is made anew")
        }
        return profile
    }

    /// Writes credential and masters.
    public mutating func save(now: Instant) throws(IdentityError) {
        try credential.save(to: directory)
        try saveMasters(now: now)
    }

    /// Writes the masters alone; in one step, so that two commands at once do no harm.
    public mutating func saveMasters(now: Instant) throws(IdentityError) {
        let kept = masters.prefix(Self.mastersMax).map(\.description)
        let path = "\(directory)/masters.json"
        do {
            let data = try JSONEncoder().encode(Masters(masters: kept, savedAt: now.milliseconds / 1_000))
            try data.write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw IdentityError(
                .storage, "cannot write \(path): \(error.localizedDescription)",
                remedy: "check its owner and the space of its file system")
        }
        savedAt = now
    }
}

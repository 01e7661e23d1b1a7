import Foundation

/// Where a host keeps everything that must survive it, and what lies where in there.
public struct StateDirectory: Hashable, Sendable {
    /// Absolute.
    public let path: String

    /// Answers local users; there while a master runs.
    public var socket: String { "\(path)/api.sock" }
    /// The same of a machine that is no master: about the ring alone.
    public var peerSocket: String { "\(path)/peer.sock" }
    /// The key above all others (`FabricRoot`); may be moved off-line.
    public var root: String { "\(path)/root" }
    /// A master's power to admit others (`Authority`).
    public var authority: String { "\(path)/authority" }
    /// Who this machine is (`Credential`).
    public var identity: String { "\(path)/identity" }
    public var settings: String { "\(path)/config.yaml" }

    public init(_ path: String) {
        let absolute = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
        self.path = URL(fileURLWithPath: absolute).standardizedFileURL.path
    }

    /// `PALMIER_STATE`, else `/var/lib/palmier` for root, else `~/.local/state/palmier` (XDG Base Directory 0.8).
    public static func standard(environment: [String: String], isRoot: Bool? = nil) -> StateDirectory {
        if let named = environment["PALMIER_STATE"], !named.isEmpty { return StateDirectory(named) }
        if isRoot ?? (geteuid() == 0) { return StateDirectory("/var/lib/palmier") }
        return StateDirectory(base("XDG_STATE_HOME", ".local/state", environment) + "/palmier")
    }

    /// A directory of the XDG specification; relative values of the variable are ignored, as it says.
    static func base(_ variable: String, _ fallback: String, _ environment: [String: String]) -> String {
        if let value = environment[variable], value.hasPrefix("/") { return value }
        return "\(environment["HOME"] ?? NSHomeDirectory())/\(fallback)"
    }
}

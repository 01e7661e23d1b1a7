public import Automata
import Foundation

/// What was said about where to ask: nothing, usually.
public struct ConnectionChoice: Sendable {
    /// `--master`: addresses, a socket or a state directory.
    public var master: String?
    /// `--state`.
    public var state: String?
    /// `--fabric`.
    public var fabric: String?
    public var environment: [String: String]

    public init(
        master: String? = nil, state: String? = nil, fabric: String? = nil, environment: [String: String]
    ) {
        self.master = master
        self.state = state
        self.fabric = fabric
        self.environment = environment
    }

    /// Where a master is asked.
    public enum Place: Hashable, Sendable {
        case socket(String)
        case addresses([Endpoint])
    }

    /// `--master`, else `PALMIER_MASTER`; nil when neither names one.
    public var named: String? {
        if let master { return master }
        return environment["PALMIER_MASTER"].flatMap { $0.isEmpty ? nil : $0 }
    }

    public var stateDirectory: StateDirectory {
        state.map { StateDirectory($0) } ?? .standard(environment: environment)
    }

    public var fabricNamed: String? {
        if let fabric { return fabric }
        return environment["PALMIER_FABRIC"].flatMap { $0.isEmpty ? nil : $0 }
    }

    public var profilesHome: String { Profile.home(environment: environment) }

    /// Reads `host:port[,host:port…]`, a socket's path, or the path of a state directory.
    ///
    /// - Parameter anyPeer: of a directory where no master answers, the machine's own peer is meant.
    public static func place(_ text: String, anyPeer: Bool = false) throws(Refusal) -> Place {
        if text.contains("/") || text == "." || text.hasSuffix(".sock") {
            var isDirectory: ObjCBool = false
            let exists = FileManager.default.fileExists(atPath: text, isDirectory: &isDirectory)
            guard exists && isDirectory.boolValue else { return .socket(text) }
            let state = StateDirectory(text)
            let isMachine =
                anyPeer && SocketProbe.failure(at: state.socket) != nil
                && SocketProbe.failure(at: state.peerSocket) == nil
            return .socket(isMachine ? state.peerSocket : state.socket)
        }
        var endpoints: [Endpoint] = []
        for part in text.split(separator: ",") {
            guard let endpoint = Endpoint(String(part)) else {
                throw Refusal(
                    .invalid, "--master: \"\(part)\" is neither HOST:PORT nor a path",
                    remedy: "write 10.0.0.1:7424, [fd00::1]:7424, or the path of a master's state directory")
            }
            endpoints.append(endpoint)
        }
        guard !endpoints.isEmpty else {
            throw Refusal(.invalid, "--master names nothing", remedy: "write HOST:PORT or a path, or leave it out")
        }
        return .addresses(endpoints)
    }
}

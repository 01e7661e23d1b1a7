import Foundation

@testable import Lab

/// Where programs run.
enum Place: Sendable, CustomStringConvertible {
    /// This machine itself; its loopback is the link.
    case machine
    case host(LabHost)

    var description: String {
        switch self {
        case .machine: "this machine"
        case .host(let host): host.name
        }
    }

    /// The preferred address.
    var address: String {
        switch self {
        case .machine: "127.0.0.1"
        case .host(let host): host.address
        }
    }

    /// Runs a program to its end.
    ///
    /// - Parameter environment: on top of this process's own.
    func run(
        _ command: [String], environment: [String: String] = [:], user: String? = nil,
        within limit: Duration = .seconds(30)
    ) async throws -> LabOutput {
        switch self {
        // `env` hands over by exec; `Command` takes names of programs, not paths.
        case .machine: try await Command.run(["env"] + command, environment: environment, within: limit)
        case .host(let host):
            try await host.run(command, environment: environment, user: user, within: limit)
        }
    }

    /// Starts a program and leaves it running; its trial ends it.
    func spawn(
        _ command: [String], environment: [String: String], user: String? = nil, log: String
    ) async throws -> LabProcess {
        switch self {
        case .machine:
            try await LabProcess.start(command, shown: command, environment: environment, log: log)
        case .host(let host):
            try await host.spawn(command, environment: environment, user: user, log: log)
        }
    }
}

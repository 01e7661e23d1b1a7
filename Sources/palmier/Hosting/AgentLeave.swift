import Agent
import ArgumentParser
import Automata
import Console
import Identity
import Logging
import Storage

/// Ends what a machine runs, for a machine that leaves for good.
struct AgentLeave: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leave", abstract: "End everything that this machine runs for the fabric.",
        discussion: Help.text(
            """
            For a machine that leaves for good, after its agent has ended: stops every instance and supervisord, empties \
            the partitions, and removes their Unix users. Keys, certificates and the books stay in the state directory.
            """,
            examples: .init("palmier agent leave", "asks for the machine's name first"),
            .init("palmier agent leave --state /srv/palmier --yes", "asks nothing")))

    @OptionGroup var flags: HostFlags
    @OptionGroup var danger: DangerOptions

    mutating func run() async throws {
        let options = try await flags.settings().options(isMaster: false)
        let credential = try Credential.load(from: options.state.identity)
        let lock = try StateLock.acquire(directory: options.state.path)
        defer { withExtendedLifetime(lock) {} }
        let what = "Everything that \(credential.name) runs in \(options.state.path) will be stopped and removed."
        guard !danger.dryRun else { return Terminal.note(what) }
        try danger.confirm(credential.name, what: what)
        let logger = Logger(label: "palmier.agent")
        let host = InstanceHost(
            configuration: .init(
                stateDirectory: options.state.path, machine: credential.peer, isolation: options.isolation,
                logger: logger))
        // Nothing is ordered any more: whatever is found is stopped and removed.
        try await host.start(orders: [])
        try await host.retire()
        Terminal.note("\(credential.name) runs nothing any more")
    }
}

import API
import ArgumentParser
import Automata
import Console
import Dispatch
import Foundation

/// No new tenants, and those that are there go elsewhere.
struct NodeDrain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain", abstract: "Have a machine take nothing new, and its instances go elsewhere.",
        discussion: Help.text(
            """
            Instances go one by one: each is started on another machine first, and ends here when it runs there; one that is \
            exclusive ends here first. What no other machine takes stays, and waits. The machine keeps to it over restarts, \
            until `palmier node undrain`. For administrators, and on the machine itself; without a name: this machine.

            With --wait the command ends when the machine is empty (0), or when the time is over (2), and prints which \
            instances are there and what each waits for. Ctrl-C leaves the drain going on.
            """,
            examples: .init("palmier node drain worker-1 --wait", "until nothing is left on it"),
            .init("palmier node drain worker-1", "begins, and returns at once")))

    @Argument(help: "A name, a fingerprint or an id; this machine when left out.", completion: Names.nodes)
    var node: String?

    @Flag(help: "Wait until the machine is empty; on a terminal that is what happens anyway.")
    var wait = false

    @Flag(help: "Do not wait, on a terminal either.")
    var detach = false

    @Option(help: ArgumentHelp("How long to wait; the drain goes on then.", valueName: "DURATION"))
    var timeout: DurationArgument = .seconds(300)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        guard !(detach && wait) else { throw ValidationError("--wait and --detach contradict each other") }
    }

    mutating func run() async throws {
        let node = node
        var document = try await NodeOwner.ask(connection, node) { try await $0.setDrained(node, true) }
        if wait || (Terminal.outputIsTerminal && !detach) { document = try await follow(document) }
        let output = output.output
        try output.write(document, names: document.tenants.map { "\($0.customer)/\($0.reference)" }) {
            NodeOwner.text(of: document, isWide: $0, output: output)
        }
        let isEmpty = document.state == MachineState.drained.rawValue
        if !isEmpty { throw Ending(.accepted) }
    }

    /// How often the machine is looked at.
    private static let step = Duration.milliseconds(500)

    private func follow(_ first: NodeDrainDocument) async throws -> NodeDrainDocument {
        let progress = ProgressLine(isSilent: output.chosen.isForPrograms)
        let interruption = interruption(progress)
        defer {
            interruption.cancel()
            progress.finish()
        }
        let clock = ContinuousClock()
        let deadline = clock.now + timeout.duration
        var document = first
        var said: Set<String> = []
        while document.state != MachineState.drained.rawValue, clock.now < deadline {
            let lines = NodeOwner.lines(of: document)
            if Terminal.errorsAreTerminal {
                progress.update(lines.joined(separator: "; "))
            } else {
                for line in lines where said.insert(line).inserted { progress.update(line) }
            }
            try await Task.sleep(for: min(Self.step, deadline - clock.now))
            do {
                let node = node
                document = try await NodeOwner.ask(connection, node) { try await $0.drainage(of: node) }
            } catch let error {
                guard let code = Failure.problem(of: error)?.refusal.code else { throw error }
                switch code {
                case .unreachable, .timedOut, .overloaded, .failed: progress.update("it does not answer; asking again")
                case .invalid, .notFound, .refused, .unsatisfiable, .conflict: throw error
                }
            }
        }
        return document
    }

    private func interruption(_ progress: ProgressLine) -> any DispatchSourceSignal {
        signal(SIGINT, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
        let name = node ?? ""
        source.setEventHandler { [progress] in
            progress.finish()
            Terminal.note(
                "the drain goes on by itself. To wait again: palmier node drain \(name) --wait; to end it: "
                    + "palmier node undrain \(name)")
            Foundation.exit(API.ExitCode.accepted.rawValue)
        }
        source.resume()
        return source
    }
}

struct NodeUndrain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "undrain", abstract: "Have a drained machine take instances again.",
        discussion: Help.text(
            """
            What is on its way to another machine and does not run there yet stays. A machine outside its owner's hours goes on \
            draining until they open.
            """,
            examples: .init("palmier node undrain worker-1", "another machine, through any master"),
            .init("palmier node undrain", "this machine")))

    @Argument(help: "A name, a fingerprint or an id; this machine when left out.", completion: Names.nodes)
    var node: String?

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let node = node
        let document = try await NodeOwner.ask(connection, node) { try await $0.setDrained(node, false) }
        let output = output.output
        try output.write(document, names: [document.node]) { NodeOwner.text(of: document, isWide: $0, output: output) }
    }
}

/// What `node drain`, `node undrain` and `node offer` have in common.
enum NodeOwner {
    /// Asks a master about a named machine, and this machine's own peer about itself.
    static func ask<Result: Sendable>(
        _ connection: ConnectionOptions, _ node: String?, _ body: (PalmierClient) async throws -> Result
    ) async throws -> Result {
        if node == nil { return try await connection.withPeer { try await body($0) } }
        return try await connection.withMaster { try await body($0) }
    }

    static func text(of document: NodeDrainDocument, isWide: Bool, output: Output) -> String {
        var text = "\(document.node) is \(document.state)"
        if !document.reason.isEmpty, !document.isDrained { text += ": it \(document.reason)" }
        guard !document.tenants.isEmpty else { return text }
        var table = Table([.plain("NAME"), .plain("PARTITION"), .plain("CUSTOMER"), .flexible("WAITS FOR")])
        for tenant in document.tenants {
            table.add([tenant.reference, tenant.partition, tenant.customer, tenant.waitsFor])
        }
        return text + "\n" + output.text(of: table, isWide: isWide)
    }

    /// One for each instance that is there.
    static func lines(of document: NodeDrainDocument) -> [String] {
        document.tenants.map { tenant in
            "\(tenant.reference) is still on \(document.node)"
                + (tenant.waitsFor.isEmpty ? "" : ": \(tenant.waitsFor)")
        }
    }
}

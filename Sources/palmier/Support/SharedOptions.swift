import API
import Accounting
public import ArgumentParser
import Automata
import Console
import Foundation

extension OutputFormat: ExpressibleByArgument {}
extension ColorChoice: ExpressibleByArgument {}
extension DesiredState: ExpressibleByArgument {}
extension MovementExport.Format: ExpressibleByArgument {}
extension Invoice.Format: ExpressibleByArgument {}

/// How results look.
struct OutputOptions: ParsableArguments {
    @Option(name: [.customShort("o"), .customLong("output")], help: "How the result is written.")
    var format: OutputFormat = .table

    @Flag(name: .customLong("json"), help: "Short for -o json.")
    var isJSON = false

    @Option(help: "When words are coloured.")
    var color: ColorChoice = .auto

    var chosen: OutputFormat { isJSON ? .json : format }

    var output: Output {
        let style = Style(
            color, isTerminal: Terminal.outputIsTerminal, environment: ProcessInfo.processInfo.environment)
        return Output(format: chosen, style: style, width: Terminal.outputWidth)
    }

    /// For what is said on standard error.
    var noteStyle: Style {
        Style(color, isTerminal: Terminal.errorsAreTerminal, environment: ProcessInfo.processInfo.environment)
    }
}

/// Which master is asked.
struct ConnectionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A master: addresses, a socket or a state directory (PALMIER_MASTER).",
            valueName: "HOST:PORT|PATH"))
    var master: String?

    @Option(
        help: ArgumentHelp("The state directory whose master is asked first (PALMIER_STATE).", valueName: "DIR"),
        completion: .directory)
    var state: String?

    @Option(help: ArgumentHelp("Which fabric, where there are several (PALMIER_FABRIC).", valueName: "NAME"))
    var fabric: String?

    var choice: ConnectionChoice {
        ConnectionChoice(
            master: master, state: state, fabric: fabric, environment: ProcessInfo.processInfo.environment)
    }

    /// Opens a connection for one act, and keeps afterwards what the next command needs.
    func withMaster<Result: Sendable>(
        _ body: (PalmierClient) async throws -> Result
    ) async throws -> Result {
        try await withConnection { try await body($0.client) }
    }

    /// The same for what is asked of several masters.
    func withConnection<Result: Sendable>(
        _ body: (Connection) async throws -> Result
    ) async throws -> Result {
        try await with(anyPeer: false, elsewhere: {}, body)
    }

    /// The same for what every peer answers: without a master here, this machine's own peer is asked.
    ///
    /// - Parameter elsewhere: called when nobody was named, nobody answers here, and another machine did.
    func withPeer<Result: Sendable>(
        elsewhere: () -> Void = {}, _ body: (PalmierClient) async throws -> Result
    ) async throws -> Result {
        try await with(anyPeer: true, elsewhere: elsewhere) { try await body($0.client) }
    }

    private func with<Result: Sendable>(
        anyPeer: Bool, elsewhere: () -> Void, _ body: (Connection) async throws -> Result
    ) async throws -> Result {
        let connection = try await Connection.open(choice, anyPeer: anyPeer, now: .wallClock)
        do {
            let result = try await body(connection)
            await connection.close(learning: true, now: .wallClock)
            if case .profile = connection.way, choice.named == nil { elsewhere() }
            return result
        } catch {
            await connection.close(learning: false, now: .wallClock)
            throw connection.completed(error)
        }
    }
}

/// For commands about requests: whose.
struct CustomerOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Whose it is, for administrators; one's own when left out.", valueName: "NAME"))
    var customer: String?
}

/// A duration such as 500ms, 90s, 5m, 2h, or whole seconds.
struct DurationArgument: ExpressibleByArgument {
    let duration: Duration
    private let text: String

    init?(argument: String) {
        guard let duration = Wording.duration(argument) else { return nil }
        self.duration = duration
        text = argument
    }

    var defaultValueDescription: String { text }

    /// A literal of ours.
    static func seconds(_ count: Int64) -> DurationArgument { DurationArgument(seconds: count) }

    private init(seconds: Int64) {
        duration = .seconds(seconds)
        text = Wording.age(seconds: seconds)
    }
}

/// Live names for shells.
enum Names {
    static let instances = CompletionKind.shellCommand("palmier complete-names instances 2>/dev/null")
    static let nodes = CompletionKind.shellCommand("palmier complete-names nodes 2>/dev/null")
    static let ledgers = CompletionKind.shellCommand("palmier complete-names ledgers 2>/dev/null")
    static let accounts = CompletionKind.shellCommand("palmier complete-names accounts 2>/dev/null")
    static let projects = CompletionKind.shellCommand("palmier complete-names projects 2>/dev/null")
    static let resources = CompletionKind.shellCommand("palmier complete-names resources 2>/dev/null")
    static let invoices = CompletionKind.shellCommand("palmier complete-names invoices 2>/dev/null")
    static let contracts = CompletionKind.shellCommand("palmier complete-names contracts 2>/dev/null")
    static let subscriptions = CompletionKind.shellCommand("palmier complete-names subscriptions 2>/dev/null")
    static let incidents = CompletionKind.shellCommand("palmier complete-names incidents 2>/dev/null")
    static let reservations = CompletionKind.shellCommand("palmier complete-names reservations 2>/dev/null")
    static let pending = CompletionKind.shellCommand("palmier complete-names pending 2>/dev/null")
}

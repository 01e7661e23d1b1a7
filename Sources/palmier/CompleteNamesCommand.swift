import API
import ArgumentParser
import Automata
import Console

/// Names for completion scripts: quick, and silent when there is nobody to ask.
struct CompleteNamesCommand: AsyncParsableCommand {
    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case instances, nodes, ledgers, pending, accounts, projects, resources, invoices
        case contracts, subscriptions, incidents, reservations
    }

    static let configuration = CommandConfiguration(
        commandName: "complete-names", abstract: "Names for completion scripts.",
        discussion: Help.text(
            examples: .init("palmier complete-names instances", "one's own instances, one a line"),
            .init("palmier complete-names nodes", "all machines, one a line")),
        shouldDisplay: false)

    @Argument(help: "Of what.")
    var kind: Kind

    @OptionGroup var connection: ConnectionOptions

    mutating func run() async throws {
        let kind = kind
        do {
            let names = try await connection.withMaster { client in
                switch kind {
                case .instances: try await client.instances().instances.map(\.reference)
                case .nodes: try await client.nodes().nodes.map(\.name)
                case .ledgers:
                    try await Self.names(of: client.ledgers())
                case .accounts: try await client.accounts(of: Self.ledger).accounts.map(\.name)
                case .projects: try await client.projects(of: Self.ledger).projects.map(\.name)
                case .resources: try await client.resources(of: Self.ledger).resources.map(\.name)
                case .invoices: try await client.openInvoices(of: Self.ledger).invoices.map(\.number)
                case .contracts: try await client.contracts(of: Self.ledger).contracts.map(\.name)
                case .subscriptions: try await client.subscriptions(of: Self.ledger).subscriptions.map(\.name)
                case .incidents: try await client.incidents(of: Self.ledger).incidents.map(\.name)
                case .reservations: try await client.reservations(of: Self.ledger).reservations.map(\.name)
                case .pending:
                    try await client.pendingAdmissions().admissions.flatMap { [$0.name, $0.fingerprint] }
                }
            }
            for name in names { Terminal.writeLine(Table.printable(name)) }
        } catch {
            // A shell that completes has no place for a message.
            throw Ending(Failure.problem(of: error)?.exitCode ?? .failed)
        }
    }

    /// Whose books are completed from: a shell does not hand over the words that come later.
    private static var ledger: String { BooksOptions.standing }

    private static func names(of document: LedgersDocument) -> [String] {
        document.ledgers.map(\.name) + document.elsewhere.map(\.name)
    }
}

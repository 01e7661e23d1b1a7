import API
import ArgumentParser
import Console

struct NodeSupplier: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "supplier", abstract: "Whose machines are: which account supplies what each does.",
        discussion: Help.text(
            """
            What instances use on a machine is owed to its supplier. Without arguments all machines are shown that have \
            one in the books.
            """,
            examples: .init("palmier node supplier worker-1 lab", "what runs on it is owed to lab"),
            .init("palmier node supplier", "whose each machine is")))

    @Argument(help: "A machine's name, fingerprint or id.", completion: Names.nodes)
    var node: String?

    @Argument(help: "The account of its owner.", completion: Names.accounts)
    var account: String?

    @OptionGroup var options: RecordOptions

    mutating func validate() throws {
        if account == nil, options.dryRun { throw ValidationError("--dry-run: say whose the machine shall be") }
    }

    mutating func run() async throws {
        if let node, let account {
            return try await options.record(.supplier(SupplierRequest(node: node, supplier: account)))
        }
        let (node, named) = (node, options.books.named)
        let document = try await options.connection.withMaster { client in
            var document = try await client.suppliers(of: named)
            guard let node else { return document }
            let machine = try NodeView.find(node, in: await client.nodes().nodes)
            document.suppliers.removeAll { $0.fingerprint != machine.fingerprint }
            return document
        }
        let output = options.output.output
        try output.write(document, names: document.suppliers.map(\.node)) {
            AccountsText.suppliers(document, isWide: $0, output: output)
        }
    }
}

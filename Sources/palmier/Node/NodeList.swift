import API
import ArgumentParser
import Console

struct NodeList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "All machines, or those that wait to be admitted.",
        discussion: Help.text(
            "AGE is the time since a machine was last heard of; with --pending, since it asked.",
            examples: .init("palmier node list", "all machines that this master knows"),
            .init("palmier node list --pending", "who waits to be admitted, with fingerprints to compare")))

    @Flag(help: "Those that wait to be admitted, masters and people too.")
    var pending = false

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        if pending { try await listPending() } else { try await listNodes() }
    }

    private func listNodes() async throws {
        let list = try await connection.withMaster { try await $0.nodes() }
        let output = output.output
        try output.write(list, names: list.nodes.map(\.name)) { isWide in
            NodeView.counts(list.nodes) + "\n"
                + output.text(of: NodeView.table(list.nodes, isWide: isWide), isWide: isWide)
        }
    }

    private func listPending() async throws {
        let list = try await connection.withMaster { try await $0.pendingAdmissions() }
        let output = output.output
        try output.write(list, names: list.admissions.map(\.fingerprint)) { isWide in
            guard !list.admissions.isEmpty else { return "nobody waits" }
            var table = Table([
                .plain("NAME"), .state("STATE"), .flexible("REASON"), .plain("WHERE"), .plain("AGE"), .plain("KIND"),
                .plain("FINGERPRINT"),
            ])
            for item in list.admissions {
                table.add([
                    item.name, item.state, item.reason, item.address, Wording.age(seconds: item.ageSeconds), item.kind,
                    item.fingerprint,
                ])
            }
            return "\(list.admissions.count) waiting\n" + output.text(of: table, isWide: isWide)
        }
    }
}

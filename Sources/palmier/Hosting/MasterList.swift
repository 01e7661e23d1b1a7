import API
import ArgumentParser
import Console

struct MasterList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "All masters.",
        discussion: Help.text(
            """
            WHERE is where users connect. AGE is the time since a master was last heard of. LEADS names the ledgers that a \
            master leads: its own, and those of masters whose place it took.
            """,
            examples: .init("palmier master list", "all masters that this one knows"),
            .init("palmier master list -o name", "their names alone")))

    /// Takes those flags of this command that it has itself, wherever they stand.
    @ParentCommand var parent: MasterCommand
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        connection.state = connection.state ?? parent.flags.state
        connection.fabric = connection.fabric ?? parent.flags.fabric
        let list = try await connection.withMaster { try await $0.masters() }
        let output = output.output
        try output.write(list, names: list.masters.map(\.name)) { isWide in
            var columns: [Table.Column] = [
                .plain("NAME"), .state("STATE"), .flexible("REASON"), .plain("WHERE"), .plain("AGE"), .plain("LEDGER"),
                .plain("LEADS"),
            ]
            if isWide { columns += [.plain("ANSWERS"), .plain("FINGERPRINT")] }
            var table = Table(columns)
            for master in list.masters {
                var cells = [
                    master.name, master.state, master.reason, master.api.first ?? "",
                    Wording.age(seconds: master.lastHeardSeconds), String(master.ledger),
                    master.leads.joined(separator: ", "),
                ]
                if isWide { cells += [master.isSelf ? "yes" : "", master.fingerprint] }
                table.add(cells)
            }
            let living = list.masters.count { $0.state != "failed" && $0.state != "left" }
            return "\(living) of \(Wording.count(list.masters.count, "master")) up\n"
                + output.text(of: table, isWide: isWide)
        }
    }
}

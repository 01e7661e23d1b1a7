import API
import ArgumentParser
import Console

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "One sentence of health, then what needs attention.",
        discussion: Help.text(
            examples: .init("palmier status", "how the fabric is"),
            .init("palmier status --all -o json", "with everybody's instances, for a script of an administrator")))

    @Flag(help: "Everybody's instances, for administrators.")
    var all = false

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let all = all
        let status = try await connection.withMaster { try await $0.status(all: all) }
        let output = output.output
        try output.write(status, names: [status.fabric]) { isWide in
            var lines = [output.style.strong(Table.printable(status.sentence))]
            if !status.attention.isEmpty {
                var table = Table([.plain("NAME"), .state("STATE"), .flexible("REASON")])
                for item in status.attention { table.add([item.subject, item.state, item.reason]) }
                lines.append(output.text(of: table, isWide: isWide))
            }
            if status.pendingAdmissions > 0 {
                lines.append("\(status.pendingAdmissions) wait to be admitted: palmier node list --pending")
            }
            var listing = Listing()
            listing.add("fabric", "\(status.fabric) (\(status.fabricFingerprint))")
            listing.add("masters", Self.counts(status.masters))
            listing.add("nodes", Self.counts(status.nodes))
            listing.add("instances", Self.counts(status.instances))
            listing.add("partitions", "\(status.partitionsFree) free of \(status.partitions)")
            listing.add("answered by", "\(status.master), ledger entry \(status.ledger), at \(status.at)")
            listing.add("not asked", status.missing.joined(separator: ", "))
            lines.append(listing.text(style: output.style))
            return lines.joined(separator: "\n")
        }
    }

    private static func counts(_ counts: [String: Int]) -> String {
        let shown = counts.filter { $0.value > 0 }.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        return shown.isEmpty ? "none" : shown.joined(separator: ", ")
    }
}

import API
import ArgumentParser
import Console

struct WarmList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "What is kept prepared, and how often it was of use.",
        discussion: Help.text(
            "SERVED requests took a prepared place over, MISSED ones found none.",
            examples: .init("palmier warm list", "one's own"),
            .init("palmier warm list -o json", "the same for a script")))

    @OptionGroup var customer: CustomerOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let customer = customer.customer
        var list = try await connection.withMaster { try await $0.instances(all: false, customer: customer) }
        list.instances.removeAll { $0.group?.warm == nil }
        let output = output.output
        let shown = list
        try output.write(shown, names: shown.instances.map(\.reference)) { isWide in
            guard !shown.instances.isEmpty else { return "nothing is kept prepared" }
            var table = Table([
                .plain("NAME"), .state("STATE"), .flexible("REASON"), .plain("PREPARED"), .plain("SERVED"),
                .plain("MISSED"), .plain("AGE"),
            ])
            for document in shown.instances {
                table.add([
                    document.reference, document.state, document.reason, GroupView.place(of: document),
                    String(document.group?.warm?.served ?? 0), String(document.group?.warm?.missed ?? 0),
                    Wording.age(seconds: document.ageSeconds),
                ])
            }
            return output.text(of: table, isWide: isWide)
        }
    }
}

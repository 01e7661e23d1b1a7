import API
import ArgumentParser
import Console

struct InstanceList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "One's own instances.",
        discussion: Help.text(
            "WHERE is machine/partition. AGE counts from the request.",
            examples: .init("palmier instance list", "one's own instances"),
            .init("palmier instance list --all -o json", "everybody's, for a script of an administrator")))

    @Flag(help: "Everybody's, for administrators.")
    var all = false

    @OptionGroup var customer: CustomerOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
        let (all, customer) = (all, customer.customer)
        let list = try await connection.withMaster { try await $0.instances(all: all, customer: customer) }
        let output = output.output
        try output.write(list, names: list.instances.map(\.reference) + list.unreachable.map(\.reference)) {
            isWide in
            let table = InstanceView.table(list.instances, unreachable: list.unreachable, isWide: isWide)
            let counts = InstanceView.counts(list)
            let isEmpty = list.instances.isEmpty && list.unreachable.isEmpty
            return isEmpty ? counts : counts + "\n" + output.text(of: table, isWide: isWide)
        }
        if !list.missing.isEmpty, !output.format.isForPrograms {
            Terminal.note("not asked, because they cannot be reached: \(list.missing.joined(separator: ", "))")
        }
    }
}

import API
import ArgumentParser
import Automata
import Console

struct ResourceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resource", abstract: "What is counted: hours, gigabytes, support.",
        discussion: Help.text(
            "What instances use, and what is subscribed, is counted as a resource, which has a unit and prices.",
            examples: .init("palmier resource define cpu-hour --unit hour --title CPU", "hours of a processor"),
            .init("palmier resource show", "all resources")),
        subcommands: [ResourceDefine.self, ResourceShow.self])
}

enum ResourceUnit: String, ExpressibleByArgument, CaseIterable {
    case piece, second, hour, day, week, month, year, megabyte, gigabyte, kilowattHour = "kilowatt-hour"
    case gigabyteHour = "gigabyte-hour"
}

struct ResourceDefine: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "define", abstract: "Define a resource, or change its title.",
        discussion: Help.text(
            "The unit stays for good, since what was counted is counted in it (rule duplicate).",
            examples: .init("palmier resource define cpu-hour --unit hour --title CPU", "hours of a processor"),
            .init("palmier resource define disk --unit gigabyte-hour --title 'Disk space'", "space over time")))

    @Argument(help: "1 to 64 ASCII letters, digits and -_.")
    var name: String

    @Option(help: "What is counted.")
    var unit: ResourceUnit

    @Option(help: ArgumentHelp("What invoices call it.", valueName: "TEXT"))
    var title: String

    @OptionGroup var options: RecordOptions

    mutating func run() async throws {
        try await options.record(.resource(ResourceDocument(name: name, title: title, unit: unit.rawValue)))
    }
}

struct ResourceShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Resources: what is counted, and in which unit.",
        discussion: Help.text(
            examples: .init("palmier resource show", "all resources"),
            .init("palmier resource show cpu-hour -o json", "one, for a script")))

    @Argument(help: "A resource's name.", completion: Names.resources)
    var name: String?

    @OptionGroup var options: LookOptions

    mutating func run() async throws {
        let name = name
        try await options.show(
            { client, ledger in
                var document = try await client.resources(of: ledger)
                guard let name else { return document }
                try Self.expect(name, in: document)
                document.resources.removeAll { $0.name != name }
                return document
            }, names: { $0.resources.map(\.name) }, human: { AccountsText.resources($0, isWide: $1, output: $2) })
    }

    /// Refuses a name that is none, with the nearest.
    static func expect(_ name: String, in document: ResourcesDocument) throws(Refusal) {
        guard !document.resources.contains(where: { $0.name == name }) else { return }
        let near = nearestName(to: name, among: document.resources.map(\.name)).map { "did you mean \"\($0)\"?" }
        throw Refusal(
            .notFound, "the ledger \(document.source.ledger) has no resource \"\(name)\"",
            remedy: near ?? "`palmier resource show` shows all", rule: "unknown-resource")
    }
}

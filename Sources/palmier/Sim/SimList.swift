import ArgumentParser
import Console

struct SimList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "The scenarios of a directory.",
        discussion: Help.text(
            examples: .init("palmier sim list", "those of the directory Simulations"),
            .init("palmier sim list Simulations -o json", "with invariants and sabotages, for a script")))

    @Argument(help: "Where scenarios are.", completion: .directory)
    var directory = "Simulations"

    @OptionGroup var output: OutputOptions

    func run() throws {
        let list = try ScenarioFiles.list(in: directory)
        let output = output.output
        try output.write(list, names: list.scenarios.map(\.file)) { isWide in
            var columns: [Table.Column] = [.plain("FILE"), .flexible("TITLE"), .plain("INVARIANTS")]
            if isWide { columns.append(.plain("SABOTAGES")) }
            var table = Table(columns)
            for item in list.scenarios {
                var cells = [item.file, item.title, item.invariants.joined(separator: " ")]
                if isWide { cells.append(item.sabotages.joined(separator: " ")) }
                table.add(cells)
            }
            return Wording.count(list.scenarios.count, "scenario") + "\n" + output.text(of: table, isWide: isWide)
        }
    }
}

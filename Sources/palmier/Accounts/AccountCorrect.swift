import API
import ArgumentParser
import Automata
import Console

struct AccountCorrect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "correct", abstract: "Correct accounts by hand: lines that add up to zero.",
        discussion: Help.text(
            """
            Above zero an account owes more, below zero it gave. Lines that do not add up to zero are refused (rule \
            unbalanced). The name is what the correction is known by: under it, it counts once.
            """,
            examples: .init(
                "palmier account correct v1 ada=5 lab=-5 --currency EUR --reason Gift", "ada owes 5 EUR more, to lab"),
            .init(
                "palmier account correct v2 lab=5 ada=-5 --currency EUR --reason U --dry-run",
                "whether it would be taken")))

    @Argument(help: "A name for the correction, as on its voucher.")
    var name: String

    @Argument(help: "ACCOUNT=AMOUNT, two or more.")
    var lines: [String]

    @Option(help: ArgumentHelp("Of all lines.", valueName: "CODE"))
    var currency: String

    @Option(help: ArgumentHelp("Why.", valueName: "TEXT"))
    var reason: String

    @OptionGroup var options: RecordOptions

    mutating func run() async throws {
        var lines: [CorrectionRequest.Line] = []
        for line in self.lines {
            guard let sign = line.lastIndex(of: "="), sign > line.startIndex else {
                throw Refusal(.invalid, "expected ACCOUNT=AMOUNT, found \"\(line.prefix(80))\"", remedy: "as in ada=5")
            }
            lines.append(.init(account: String(line[..<sign]), amount: String(line[line.index(after: sign)...])))
        }
        try await options.record(
            .correct(CorrectionRequest(name: name, lines: lines, currency: currency, reason: reason)))
    }
}

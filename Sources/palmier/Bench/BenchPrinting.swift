import API
import Console
import Lab

/// How figures are told, whatever was measured.
enum BenchPrinting {
    /// Prints the document, what falls short, and what could not be taken.
    ///
    /// - Throws: `Ending` when something could not.
    static func print(_ figures: [Figure], failures: [String], output: Output) throws {
        let document = BenchmarkDocument(machine: .current, figures: figures)
        try output.write(document, names: figures.map(\.name)) { isWide in
            table(document, isWide: isWide, output: output)
        }
        for figure in document.short {
            Terminal.note(
                "short: \(figure.name) is \(figure.value) \(figure.unit), to reach: \(figure.reach.map { "\($0)" } ?? "")"
            )
        }
        guard failures.isEmpty else {
            for failure in failures { Terminal.note("error: \(failure)") }
            throw Ending(.failed)
        }
    }

    private static func table(_ document: BenchmarkDocument, isWide: Bool, output: Output) -> String {
        var table = Table([
            .plain("FIGURE"), .plain("VALUE"), .plain("REACH"), .state("STATE"), .flexible("CONDITIONS"),
        ])
        for figure in document.figures {
            table.add([
                figure.name, "\(figure.value) \(figure.unit)", figure.reach.map { "\($0)" } ?? "",
                figure.reach == nil ? "" : figure.isReached ? "reached" : "short", figure.conditions,
            ])
        }
        let machine = document.machine
        return output.text(of: table, isWide: isWide)
            + "\n\n\(machine.cpu), \(machine.cores) cores, \(machine.memory >> 20) MiB, \(machine.kernel), \(machine.os)"
    }
}

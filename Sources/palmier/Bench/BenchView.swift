import Console
import Lab

/// What benchmarks print.
enum BenchView {
    static func table(_ document: BenchmarkDocument, isWide: Bool, output: Output) -> String {
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

    /// Says on standard error what falls short.
    static func noteShort(_ document: BenchmarkDocument) {
        for figure in document.short {
            Terminal.note(
                "short: \(figure.name) is \(figure.value) \(figure.unit), to reach: \(figure.reach.map { "\($0)" } ?? "")"
            )
        }
    }
}

import API
import ArgumentParser
import Automata
import Console
import Foundation
import Simulation

struct SimMerge: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge", abstract: "Put the parts of a divided sweep together.",
        discussion: Help.text(
            examples: .init("palmier sim merge part1.json part2.json", "the whole sweep in a line"),
            .init("palmier sim merge part1.json part2.json -o json", "the same as one document"),
            .init("palmier sim merge part1.json part2.json --report a.html", "the page of the whole sweep")))

    @Argument(
        help: "Documents of `palmier sim run --seeds … --shard … -o json`.", completion: .file(extensions: ["json"]))
    var files: [String]

    @Option(
        help: ArgumentHelp(
            "Write a page with plots and tables, and the same as .json and .csv beside it; the scenario must be where it "
                + "was.", valueName: "FILE.html"), completion: .file(extensions: ["html"]))
    var report: String?

    @OptionGroup var output: OutputOptions

    func run() throws {
        var documents: [SweepDocument] = []
        for file in files {
            do {
                documents.append(
                    try DocumentCoding.decode(SweepDocument.self, from: Data(contentsOf: URL(fileURLWithPath: file))))
            } catch {
                throw Refusal(
                    .invalid, "\(file) is no document of a sweep: \(error)",
                    remedy: "make it with `palmier sim run FILE --seeds A...B --shard i/n -o json`")
            }
        }
        let merged = try SweepDocument(merging: documents, files: files)
        if let report {
            let experiment = try merged.experiment()
            let page = ExperimentReport(
                experiment, merged, command: merged.command, circumstances: Circumstances.lines)
            try ReportFiles.write(page.html, json: page.json, csv: page.csv, to: report)
        }
        let output = output.output
        try output.write(merged, names: merged.violations.map { String($0.seed) }) { isWide in
            SimView.text(merged, isWide: isWide, output: output)
        }
        guard merged.violations.isEmpty else { throw Ending(.failed) }
    }
}

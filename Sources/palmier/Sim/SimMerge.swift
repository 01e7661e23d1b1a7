import API
import ArgumentParser
import Automata
import Console
import Foundation

struct SimMerge: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge", abstract: "Put the parts of a divided sweep together.",
        discussion: Help.text(
            examples: .init(
                "palmier sim run Simulations/overlay-chaos.yaml --seeds 1...1000 --shard 1/4 -o json > part1.json",
                "one part, on one machine of a cluster"),
            .init("palmier sim merge part*.json -o json", "the whole sweep as one document")))

    @Argument(
        help: "Documents of `palmier sim run --seeds … --shard … -o json`.", completion: .file(extensions: ["json"]))
    var files: [String]

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
        let output = output.output
        try output.write(merged, names: merged.violations.map { String($0.seed) }) { isWide in
            SimView.text(merged, isWide: isWide, output: output)
        }
        guard merged.violations.isEmpty else { throw Ending(.failed) }
    }
}

import Automata
import Console
import Foundation

/// A report's three files.
enum ReportFiles {
    static func write(_ html: String, json: Data, csv: String, to path: String) throws {
        let page = URL(fileURLWithPath: path)
        let stem = page.deletingPathExtension()
        try write(Data(html.utf8), to: page)
        try write(json, to: stem.appendingPathExtension("json"))
        try write(Data(csv.utf8), to: stem.appendingPathExtension("csv"))
        Terminal.note("report: \(path), with \(stem.lastPathComponent).json and .csv beside it")
    }

    /// - Throws: `Refusal` `invalid` when it cannot be written.
    static func write(_ data: Data, to file: URL) throws {
        do {
            try data.write(to: file)
        } catch {
            throw Refusal(
                .invalid, "\(file.path) cannot be written: \(error.localizedDescription)",
                remedy: "name a file in a directory that is there and that you can write to")
        }
    }
}

import Foundation

/// A file of seeds that are run each time: the seed, for a known bug its name, then what it found.
struct KeptSeed {
    var seed: UInt64
    var sabotage: String?

    static func kept(_ name: String) throws -> [KeptSeed] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Seeds")
        let text = try String(contentsOf: folder.appending(path: name + ".txt"), encoding: .utf8)
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { line in
            let words = line.split(separator: " ")
            guard let seed = words.first.flatMap({ UInt64($0) }) else { return nil }
            return KeptSeed(
                seed: seed, sabotage: words.count > 1 && words[1].hasSuffix(":") ? String(words[1].dropLast()) : nil)
        }
    }
}

/// The targets of `Package.swift` in their order, with the targets of ours that each depends on.
///
/// Reads the text: `swift package dump-package` would wait for the build's lock, which the running tests hold.
struct Manifest {
    struct Target {
        let name: String
        /// Made by `automata`, or the lowest one.
        let isPure: Bool
        /// Every name in the declaration after the target's own, but for products of packages.
        let mentions: [String]
    }

    /// From the bottom up; test targets left out.
    let targets: [Target]

    init(_ text: String) throws {
        guard let list = text.firstRange(of: "\n    targets: [") else {
            throw ManifestError(
                message: "Package.swift has no line `    targets: [`; teach Tests/Layering its new form")
        }
        let call = try Regex(#"\n {8}(automata|edge|\.target|\.executableTarget|\.systemLibrary)\("#)
        let product = try Regex(#"\.product\(\s*name: "[^"]*", package: "[^"]*"\)"#)
        let name = try Regex(#""([A-Za-z0-9_]+)""#)
        let body = text[list.upperBound...]
        targets = try body.matches(of: call).map { match in
            let arguments = String(Self.untilClosed(body[match.range.upperBound...])).replacing(product, with: "")
            let names = arguments.matches(of: name).compactMap { $0.output[1].substring.map { String($0) } }
            guard let own = names.first else {
                throw ManifestError(message: "a target of Package.swift has no name in `\(arguments.prefix(60))`")
            }
            let isPure = match.output[1].substring == "automata" || own == "Automata"
            return Target(name: own, isPure: isPure, mentions: Array(names.dropFirst()))
        }
    }

    var pureTargets: [String] { targets.filter { $0.isPure }.map { $0.name } }

    func isOwn(_ module: String) -> Bool { targets.contains { $0.name == module } }

    /// The targets of ours that `target` declares, from the bottom up.
    func dependencies(of target: String) -> [String] {
        guard let found = targets.first(where: { $0.name == target }) else { return [] }
        return targets.map { $0.name }.filter { found.mentions.contains($0) && $0 != target }
    }

    /// Whether `lower` stands before `upper` in the manifest.
    func isBelow(_ lower: String, _ upper: String) -> Bool {
        guard let low = targets.firstIndex(where: { $0.name == lower }),
            let high = targets.firstIndex(where: { $0.name == upper })
        else { return false }
        return low < high
    }

    /// The text up to the parenthesis that closes the one just opened. Strings of the manifest hold no parenthesis.
    private static func untilClosed(_ text: Substring) -> Substring {
        var depth = 1
        for index in text.indices {
            if text[index] == "(" { depth += 1 }
            if text[index] == ")" { depth -= 1 }
            if depth == 0 { return text[..<index] }
        }
        return text
    }
}

struct ManifestError: Error, CustomStringConvertible {
    let message: String
    var description: String { message }
}

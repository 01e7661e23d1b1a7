/// Reads sources and finds what breaks the layering.
struct LayeringChecker {
    let manifest: Manifest

    /// Modules of packages that pure targets may import: collections whose order is the same in every process.
    static let pureModules: Set<String> = ["HeapModule", "OrderedCollections", "DequeModule"]
    /// The one file of a pure target that may import more, and what.
    static let exceptions = ["Sources/Automata/Contract/Digest.swift": "Crypto"]

    /// Checks one file of a pure target.
    func violations(inPure target: String, file: String, source: String) throws -> [Violation] {
        let text = SourceText(source)
        var found = try importViolations(of: target, file: file, text: text)
        for (line, module) in try imports(in: text) where isForeign(module, to: file) {
            let allowed = manifest.dependencies(of: target) + Self.pureModules.sorted()
            found.append(
                Violation(
                    file: file, line: line, found: "import \(module)",
                    rule: "the pure target \(target) imports only lower pure targets and swift-collections",
                    remedy: "use one of \(allowed.joined(separator: ", ")), or move this code to a target that touches "
                        + "the outside"))
        }
        for rule in PurityRule.all {
            // The default boundary is Unicode's, for which `Task.sleep` is one word.
            let regex = try Regex(rule.pattern).wordBoundaryKind(.simple)
            for (index, line) in text.lines.enumerated() {
                for match in line.matches(of: regex) {
                    found.append(
                        Violation(
                            file: file, line: index + 1, found: String(line[match.range]), rule: rule.rule,
                            remedy: rule.remedy))
                }
            }
        }
        return found.sorted { $0.line < $1.line }
    }

    /// Checks the imports of our own targets by a file of any target.
    func importViolations(of target: String, file: String, text: SourceText) throws -> [Violation] {
        let lower = manifest.dependencies(of: target)
        return try imports(in: text).compactMap { line, module in
            guard manifest.isOwn(module), module != target, !lower.contains(module) else { return nil }
            let undeclared = manifest.isBelow(module, target)
            return Violation(
                file: file, line: line, found: "import \(module)",
                rule: undeclared
                    ? "\(target) does not declare that it depends on \(module)"
                    : "\(module) is not below \(target) in Package.swift, and imports go downward only",
                remedy: undeclared
                    ? "declare it in Package.swift, where a reader looks for the arrows"
                    : "move what both need to a target below both, or turn the call into an effect of the lower one")
        }
    }

    private func isForeign(_ module: String, to file: String) -> Bool {
        !Self.pureModules.contains(module) && !manifest.isOwn(module) && Self.exceptions[file] != module
    }

    private func imports(in text: SourceText) throws -> [(line: Int, module: String)] {
        let statement = try Regex(
            #"(?:^|;)\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+"#
                + #"(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(\w+)"#)
        return text.lines.enumerated().flatMap { index, line in
            line.matches(of: statement).compactMap { match in
                match.output[1].substring.map { (index + 1, String($0)) }
            }
        }
    }
}

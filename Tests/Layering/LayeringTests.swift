import Foundation
import Testing

/// The rules of `CONTRIBUTING.md` that can be seen in a source file.
@Suite struct LayeringTests {
    private let repository = Repository()

    @Test("the pure targets import, read, draw, start and print nothing that the simulator could not repeat")
    func pureTargets() throws {
        let checker = LayeringChecker(manifest: try repository.manifest())
        for target in checker.manifest.pureTargets {
            let files = try repository.sources(of: target)
            #expect(!files.isEmpty, "Sources/\(target) holds no Swift file")
            for (file, source) in files {
                for violation in try checker.violations(inPure: target, file: file, source: source) {
                    Issue.record("\(violation)")
                }
            }
        }
    }

    @Test("every target imports only targets of ours that it declares")
    func imports() throws {
        let checker = LayeringChecker(manifest: try repository.manifest())
        for target in checker.manifest.targets where !target.isPure {
            for (file, source) in try repository.sources(of: target.name) {
                let text = SourceText(source)
                for violation in try checker.importViolations(of: target.name, file: file, text: text) {
                    Issue.record("\(violation)")
                }
            }
        }
    }

    @Test("every target declares only targets that stand above it in Package.swift")
    func arrows() throws {
        let manifest = try repository.manifest()
        for target in manifest.targets {
            for lower in manifest.dependencies(of: target.name) where !manifest.isBelow(lower, target.name) {
                Issue.record(
                    """
                    Package.swift: \(target.name) depends on \(lower), which stands below it in the file; the order of \
                    the file is the order of the layers: move one of them
                    """)
            }
        }
    }

    @Test("the manifest is read right: the layers that everyone relies on are found, in their order")
    func manifest() throws {
        let manifest = try repository.manifest()
        #expect(
            manifest.pureTargets == [
                "Automata", "Overlay", "Groups", "Objects", "Neighbours", "Replication", "Claims", "Accounting",
                "Ledger", "Rendezvous", "Peer",
            ])
        #expect(manifest.dependencies(of: "Rendezvous") == ["Automata", "Claims"])
        #expect(manifest.dependencies(of: "Discovery") == ["Automata", "CAvahi", "CResolv"])
        #expect(manifest.dependencies(of: "palmier").contains("Runtime"))
        #expect(manifest.isBelow("Wire", "Runtime"))
        #expect(!manifest.isBelow("API", "Runtime"))
    }
}

/// The checkout that this test was compiled from.
struct Repository {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    func manifest() throws -> Manifest {
        try Manifest(String(contentsOf: root.appending(path: "Package.swift"), encoding: .utf8))
    }

    /// Path from the root, and text, of each Swift file of a target; none when the target has no folder.
    func sources(of target: String) throws -> [(file: String, source: String)] {
        let folder = root.appending(path: "Sources/\(target)")
        guard let walk = FileManager.default.enumerator(atPath: folder.path(percentEncoded: false)) else { return [] }
        let names = walk.compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }.sorted()
        return try names.map { name in
            ("Sources/\(target)/\(name)", try String(contentsOf: folder.appending(path: name), encoding: .utf8))
        }
    }
}

import API
import Automata
import Console
import Foundation
import Releases

/// What all measurements have in common.
struct BenchPlan: Sendable {
    /// How many joins, restarts and failures.
    var times: Int
    /// How long idleness is watched.
    var idle: Duration
    var releases: BenchReleases
    var progress: ProgressLine

    /// How many requests; the 200 for 20 joins.
    var requests: Int { times * 10 }
}

/// The two releases that are asked for.
struct BenchReleases: Sendable {
    let memcached: RequestDocument.ReleaseText
    let noop: RequestDocument.ReleaseText

    /// - Parameter directory: nil looks in the working directory and in the checkout that this program was built in.
    /// - Throws: `Refusal` when they are not found, `ReleaseError` when they cannot be read.
    init(directory: String?) async throws {
        let directory = try directory ?? Self.find()
        memcached = try await ReleaseSource.read("\(directory)/memcached.yaml").text
        noop = try await ReleaseSource.read("\(directory)/noop.yaml").text
    }

    private static func find() throws -> String {
        var folder = URL(fileURLWithPath: BenchFabric.executable).deletingLastPathComponent()
        var candidates = [FileManager.default.currentDirectoryPath]
        while folder.path != "/" {
            candidates.append(folder.path)
            folder.deleteLastPathComponent()
        }
        let names = candidates.map { "\($0)/examples" }
        if let found = names.first(where: { FileManager.default.fileExists(atPath: "\($0)/noop.yaml") }) {
            return found
        }
        throw Refusal(
            .notFound, "examples/noop.yaml is neither here nor next to the program",
            remedy: "name the directory with --examples DIR")
    }
}

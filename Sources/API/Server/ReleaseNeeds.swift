import Automata
import Claims
import Ledger
import Releases

/// What releases themselves need of a machine, read when they are asked for: ledgers and machines know conditions, not releases.
enum ReleaseNeeds {
    /// - Returns: the canonical text of the condition; empty where the release needs nothing.
    /// - Throws: where the release, or its condition, cannot be read.
    static func of(
        _ document: ReleaseDocument, _ field: String, _ shelf: ReleaseShelf
    ) throws(ProblemDocument) -> String {
        let release: Release
        do throws(ReleaseError) {
            release = try shelf.release(document)
        } catch {
            throw ProblemDocument(error)
        }
        return try Bounds.condition(release.requires, "\(field).requires")?.description ?? ""
    }

    /// Refuses a release that no machine can run under the request's own condition, and two that are too much together.
    static func check(_ specification: Specification) throws(ProblemDocument) {
        for (number, release) in specification.acceptable.enumerated() where !release.needs.isEmpty {
            let together = specification.with(number).requirements.condition
            let field = number == 0 ? "release.requires" : "orReleases[\(number - 1)].requires"
            guard together.utf8.count <= Condition.bytesMax else {
                throw ProblemDocument(
                    .invalid,
                    "\(field): with what is asked of the machine it has \(together.utf8.count) bytes, at most "
                        + "\(Condition.bytesMax) are possible",
                    remedy: "ask for less in words", field: field)
            }
            guard let condition = try Bounds.condition(together, field) else { continue }
            try Bounds.checkContradiction(of: [condition], field)
        }
    }
}

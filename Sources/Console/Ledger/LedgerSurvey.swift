public import API
public import Automata
import Identity

/// All ledgers of a fabric, each as its primary sees it: only the primary knows how far every replica has come.
///
/// Where a primary cannot be asked, what the first master knows stands.
public enum LedgerSurvey {
    /// - Parameter name: a ledger that is wanted: where the master asked does not know it, it looks for it.
    /// - Returns: what is known, and names of primaries that could not be asked.
    public static func all(
        _ connection: Connection, with name: String? = nil
    ) async throws -> (document: LedgersDocument, missing: [String]) {
        var first = try await connection.client.ledgers()
        if let name, !first.ledgers.contains(where: { [$0.name, $0.id, $0.fingerprint].contains(name) }),
            !first.elsewhere.contains(where: { [$0.name, $0.id].contains(name) })
        {
            do {
                _ = try await connection.client.ledger(name)
            } catch let refusal as Refusal where refusal.code == .notFound {
                // No replica is there, or none anywhere: who leads it is known there now, if anybody does.
                first = try await connection.client.ledgers()
            }
        }
        let primaries = primaries(to: first)
        guard !primaries.isEmpty else { return (first, []) }
        let credential: Credential
        do {
            credential = try await connection.credential()
        } catch {
            return (first, primaries)  // nobody else would know who asks; the caller says whom it could not ask
        }
        let places = try await connection.client.masters().masters
        let answers = await withTaskGroup(of: (String, LedgersDocument?).self) { group in
            for name in primaries {
                // The preferred addresses: a machine may have many, and each that does not answer costs two seconds.
                let endpoints = places.filter { $0.name == name && $0.state == "primary" }
                    .flatMap { $0.api.prefix(2).compactMap { Endpoint($0) } }
                group.addTask { (name, await ask(endpoints, credential)) }
            }
            return await group.reduce(into: [String: LedgersDocument]()) { $0[$1.0] = $1.1 }
        }
        return (
            merged(first, with: primaries.compactMap { answers[$0] }), primaries.filter { answers[$0] == nil }
        )
    }

    /// Other masters who lead something of which the first one has told, sorted.
    static func primaries(to first: LedgersDocument) -> [String] {
        let names =
            first.ledgers.filter { $0.role != "primary" }.map(\.primary) + first.elsewhere.map(\.primary)
        return Set(names).subtracting(["", first.master]).sorted()
    }

    /// Takes each ledger from its primary's answer, unless the first master knows a later view.
    static func merged(_ first: LedgersDocument, with others: [LedgersDocument]) -> LedgersDocument {
        var result = first
        for other in others {
            for ledger in other.ledgers where ledger.role == "primary" {
                if let index = result.ledgers.firstIndex(where: { $0.id == ledger.id }) {
                    let known = result.ledgers[index]
                    if known.role != "primary", !isLater(known.view, than: ledger.view) {
                        result.ledgers[index] = ledger
                    }
                } else {
                    result.ledgers.append(ledger)
                }
                result.elsewhere.removeAll { $0.id == ledger.id }
            }
        }
        let own = first.ledgers.first?.id
        result.ledgers.sort { ($0.id == own ? 0 : 1, $0.name, $0.id) < ($1.id == own ? 0 : 1, $1.name, $1.id) }
        return result
    }

    /// Compares `EPOCH.NUMBER`; what is no view is not later.
    private static func isLater(_ left: String, than right: String) -> Bool {
        let (left, right) = (parts(left), parts(right))
        guard left.count == 2, right.count == 2 else { return false }
        return (left[0], left[1]) > (right[0], right[1])
    }

    private static func parts(_ view: String) -> [UInt32] {
        view.split(separator: ".", omittingEmptySubsequences: false).compactMap { UInt32($0) }
    }

    static func ask(_ endpoints: [Endpoint], _ credential: Credential) async -> LedgersDocument? {
        guard !endpoints.isEmpty else { return nil }
        let client = PalmierClient(.masters(endpoints, credential))
        var document: LedgersDocument?
        do {
            document = try await client.ledgers()
        } catch {
            document = nil  // the caller says whom it could not ask
        }
        await client.shutdown()
        return document
    }

    /// The one ledger of a name, an id or a fingerprint.
    public static func find(_ text: String, in document: LedgersDocument) throws(Refusal) -> LedgerDocument {
        let found = document.ledgers.filter { [$0.name, $0.id, $0.fingerprint].contains(text) }
        if found.count > 1 {
            throw Refusal(
                .conflict, "\(found.count) ledgers are called \"\(text)\"",
                remedy: "say which by its id: \(found.map(\.id).joined(separator: ", "))")
        }
        if let ledger = found.first { return ledger }
        if let other = document.elsewhere.first(where: { $0.name == text || $0.id == text }) {
            throw Refusal(
                .unreachable,
                "\(document.master) holds no replica of the ledger \(other.name), and \(other.primary), which leads it, "
                    + "could not be asked",
                remedy: "ask it" + (other.api.first.map { ": --master \($0)" } ?? ""))
        }
        let known = document.ledgers.map(\.name) + document.elsewhere.map(\.name)
        throw Refusal(
            .notFound, "no ledger is called \"\(text)\"",
            remedy: nearest(to: text, among: known) ?? "`palmier ledger status` shows all")
    }

    private static func nearest(to text: String, among known: [String]) -> String? {
        nearestName(to: text, among: known).map { "did you mean \"\($0)\"?" }
    }
}

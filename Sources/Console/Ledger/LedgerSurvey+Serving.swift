public import API
public import Automata
public import Identity

/// Before a ledger is restored: whether somebody serves it.
extension LedgerSurvey {
    /// A master that leads a ledger, and in which view.
    public struct Server: Hashable, Sendable {
        public var name: String
        /// `EPOCH.NUMBER`; empty where only its name is known.
        public var view: String
    }

    /// Asks each master what it knows, those that do not answer apart.
    ///
    /// - Parameter masters: where each of them answers users.
    public static func answers(
        of masters: [[Endpoint]], _ credential: Credential
    ) async -> [LedgersDocument] {
        await withTaskGroup(of: LedgersDocument?.self) { group in
            for endpoints in masters { group.addTask { await ask(endpoints, credential) } }
            return await group.reduce(into: []) { if let document = $1 { $0.append(document) } }
        }
    }

    /// Who leads the ledger by these answers; nil: nobody, as far as they know.
    public static func server(of id: String, in answers: [LedgersDocument]) -> Server? {
        for answer in answers {
            for ledger in answer.ledgers where ledger.id == id && ledger.health != .unavailable {
                if !ledger.primary.isEmpty { return Server(name: ledger.primary, view: ledger.view) }
            }
            if let other = answer.elsewhere.first(where: { $0.id == id }) {
                return Server(name: other.primary, view: "")
            }
        }
        return nil
    }
}

public import API
public import Automata
import Identity
import Peer
public import Replication

/// Reads ledgers' logs from the masters that keep replicas: each replica from its own master, as whoever runs the command.
public struct LedgerSource: Sendable {
    /// A master that keeps a replica, and how it is asked.
    public struct Place: Sendable {
        public let name: String
        public let fingerprint: String
        fileprivate let client: PalmierClient?
        /// Why it cannot be asked; empty where it can.
        fileprivate let obstacle: String
    }

    /// All ledgers, each as its primary sees it.
    public let survey: LedgersDocument
    /// Primaries that could not be asked.
    public let unasked: [String]
    private let masters: [MasterDocument]
    private let clients: [String: PalmierClient]
    /// Why nobody but the first master can be asked; empty where all can.
    private let obstacle: String
    /// What the answering master is called by its certificate.
    private let first: String

    /// Opens ways to all masters, and closes them afterwards.
    public static func with<Result: Sendable>(
        _ connection: Connection, _ body: (LedgerSource) async throws -> Result
    ) async throws -> Result {
        let (survey, unasked) = try await LedgerSurvey.all(connection)
        let masters = try await connection.client.masters().masters
        let (made, obstacle) = await clients(of: masters, connection)
        let source = LedgerSource(
            survey: survey, unasked: unasked, masters: masters, clients: made, obstacle: obstacle,
            first: survey.master)
        do {
            let result = try await body(source)
            for client in made.values { await client.shutdown() }
            return result
        } catch {
            for client in made.values { await client.shutdown() }
            throw error
        }
    }

    /// A client for each master alone, by fingerprint: one that has several goes on with the next, and then what is taken
    /// for one replica would be another's.
    private static func clients(
        of masters: [MasterDocument], _ connection: Connection
    ) async -> (clients: [String: PalmierClient], obstacle: String) {
        var clients: [String: PalmierClient] = [:]
        if case .socket(let path) = connection.way, let own = masters.first(where: \.isSelf) {
            clients[own.fingerprint] = PalmierClient(.socket(path: path))
        }
        let credential: Credential
        do {
            credential = try await connection.credential()
        } catch {
            return (clients, "this user has no identity to ask it with: \(error)")
        }
        for master in masters where clients[master.fingerprint] == nil {
            // The preferred addresses: a machine may have many, and each that does not answer costs two seconds.
            let endpoints = master.api.prefix(2).compactMap { Endpoint($0) }
            guard master.state == "primary", !endpoints.isEmpty else { continue }
            clients[master.fingerprint] = PalmierClient(.masters(endpoints, credential))
        }
        return (clients, "")
    }

    // MARK: Which

    /// The one ledger of a name, an id or a fingerprint; of none, the one that the answering master has founded.
    public func ledger(_ name: String?) throws(Refusal) -> LedgerDocument {
        if let name { return try LedgerSurvey.find(name, in: survey) }
        guard let own = survey.ledgers.first else {
            throw Refusal(
                .notFound, "\(survey.master) holds no ledger", remedy: "say which: `palmier ledger status` shows all")
        }
        return own
    }

    /// What ledgers are called.
    public var names: [PeerID: String] {
        var names: [PeerID: String] = [:]
        for (id, name) in survey.ledgers.map({ ($0.id, $0.name) }) + survey.elsewhere.map({ ($0.id, $0.name) }) {
            if let id = PeerID(id) { names[id] = name }
        }
        return names
    }

    /// Who keeps replicas of a ledger, the master that answered first in front, then its primary.
    public func places(of ledger: LedgerDocument) -> [Place] {
        let places = ledger.members.map { member in
            let client = clients[member.fingerprint]
            let master = masters.first { $0.fingerprint == member.fingerprint }
            let why =
                switch (member.state, master?.state) {
                case ("left", _), (_, "left"): "it has left"
                case ("failed", _), (_, "failed"): "it does not answer"
                default: master == nil ? "\(first) does not know where it is" : obstacle
                }
            return Place(
                name: member.name, fingerprint: member.fingerprint, client: client,
                obstacle: why.isEmpty ? "no address of it is known" : why)
        }
        let own = masters.first(where: \.isSelf)?.fingerprint
        return places.filter { $0.fingerprint == own } + places.filter { $0.fingerprint != own }
    }

    // MARK: Asking

    /// Asks what a ledger's books say: the master that answered first, where it keeps a replica, and after it the others,
    /// until one knows it. A replica may be a moment behind, or tell its own administrators alone.
    ///
    /// - Parameter body: takes a client and the ledger's id.
    /// - Throws: what the first one said that knows the ledger; `unreachable`, when nobody can be asked.
    public func ask<Result: Sendable>(
        _ ledger: LedgerDocument, _ body: (PalmierClient, String) async throws -> Result
    ) async throws -> Result {
        let places = places(of: ledger)
        var failures: [ClientError] = []
        for place in places {
            guard let client = place.client else { continue }
            do {
                return try await body(client, ledger.id)
            } catch let error as ClientError where [.unreachable, .notFound].contains(error.exitCode) {
                failures.append(error)
            }
        }
        if let failure = failures.first(where: { $0.exitCode == .notFound }) ?? failures.first { throw failure }
        throw Refusal(
            .unreachable,
            "nobody who keeps the ledger \(ledger.name) can be asked: "
                + places.map { "\($0.name): \($0.obstacle)" }.joined(separator: ", "),
            remedy: "start one of them, or ask a master that knows it, with --master")
    }

    // MARK: Reading

    /// Asks for the log of a ledger, page by page.
    ///
    /// - Parameter start: the place in front of the first entry wanted.
    /// - Parameter step: takes a page, and says behind which place to go on; nil ends it.
    /// - Throws: `ClientError` when the master cannot be asked, or answers what it was not asked; what `step` throws.
    public func read(
        _ ledger: LedgerDocument, at place: Place, after start: OpNumber = .zero,
        _ step: (LedgerAudit.Stretch) async throws -> OpNumber?
    ) async throws {
        guard let client = place.client else {
            throw ClientError(.unreachable, place.obstacle, remedy: "start \(place.name), then repeat the command")
        }
        var after = start
        while true {
            let page = try await client.ledgerEntries(of: ledger.id, after: after.value)
            guard page.ledger == ledger.id, page.masterFingerprint == place.fingerprint, page.after == after.value
            else {
                throw ClientError(
                    .failed,
                    "\(page.master) answered for \(place.name), of the ledger \(page.name) behind entry \(page.after)",
                    remedy: "repeat the command")
            }
            let stretch = LedgerAudit.Stretch(
                first: OpNumber(page.first), commit: OpNumber(page.commit), entries: try page.decoded(),
                damaged: page.damaged.map { OpNumber($0) })
            if stretch.entries.isEmpty, stretch.damaged == nil, let next = page.next, next > after.value {
                after = OpNumber(next)  // the log's beginning is not kept
                continue
            }
            guard let next = try await step(stretch), next > after else { return }
            after = next
        }
    }
}

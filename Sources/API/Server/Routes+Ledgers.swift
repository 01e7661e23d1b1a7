import Automata
import Identity
import Ledger
import Peer
import Replication
import Runtime
import Wire

/// Ledgers: how they stand, and what their logs say.
extension Routes {
    static let ledgerRoutes: [Route] = [
        Route(.get, "/v1/ledgers") { routes, _, _ in try Answer(await routes.views().ledgers) },
        Route(.get, "/v1/ledgers/{ledger}") { routes, exchange, _ in
            let text = try exchange.part("ledger")
            return try Answer(await routes.views(of: text).ledger(named: text))
        },
        Route(.get, "/v1/ledgers/{ledger}/entries", query: ["after", "limit"]) { routes, exchange, who in
            try await routes.entries(exchange, Self.known(who))
        },
    ]

    /// This peer as it is when a ledger is known here: one that is not is looked for on the ring, and who leads it is asked.
    ///
    /// - Parameter text: a name or an id.
    func views(of text: String) async -> Views {
        let views = await views()
        guard !views.knows(ledger: text), (1...63).contains(text.utf8.count) else { return views }
        let question = PeerID(text).map { LedgerQuestion.ledger($0) } ?? .name(text)
        guard case .ledgers(let words) = await service.call(.ledger(question)), !words.isEmpty else { return views }
        // Until one that is named has answered: two seconds at most, a moment mostly.
        for _ in 0..<100 {
            let views = await self.views()
            if views.knows(ledger: text) { return views }
            do { try await Task.sleep(for: .milliseconds(20)) } catch { return views }
        }
        return await self.views()
    }

    /// What the log of a ledger says, from this master's own disk.
    private func entries(_ exchange: Exchange, _ who: Principal) async throws -> Answer {
        let (ledger, own) = try await readable(exchange.part("ledger"), by: who)
        let after = UInt64(try exchange.integer("after", in: 0...Int64.max - 1) ?? 0)
        let limit = try exchange.integer("limit", in: 1...Int64(LedgerEntriesDocument.countMax))
        guard let id = PeerID(ledger.id),
            let page = try await service.entries(
                of: id, after: OpNumber(after), limit: limit.map { Int($0) } ?? LedgerEntriesDocument.countMax,
                bytesMax: LedgerEntriesDocument.bytesMax)
        else {
            throw ProblemDocument(
                .notFound, "\(ledger.master) holds no replica of the ledger \(ledger.name) any more",
                remedy: "`palmier ledger status` shows who does", field: "ledger")
        }
        let through = page.entries.last?.op.value ?? after
        var next: UInt64?
        if page.damaged == nil, through < page.commit.value {
            // Nothing follows what was asked for where the log's beginning is not kept.
            next = page.entries.isEmpty ? (after + 1 < page.first.value ? page.first.value - 1 : nil) : through
        }
        return try Answer(
            LedgerEntriesDocument(
                ledger: ledger.id, name: ledger.name, master: ledger.master, masterFingerprint: own.fingerprint,
                commit: page.commit.value, first: page.first.value, after: after, through: through, next: next,
                damaged: page.damaged?.value, entries: Base64.encode(Array(page.entries.packed))))
    }

    /// The one ledger of a name. The look at the peer ends here: one that lasts makes the peer copy what it changes.
    private func readable(_ name: String, by who: Principal) async throws(ProblemDocument) -> (LedgerDocument, PeerID) {
        let views = await views()
        try requireReader(who, views)
        return (try views.ledger(named: name), views.peer.id)
    }

    /// Entries tell everything about everybody: administrators alone read them.
    ///
    /// Besides this master's own those count whom another ledger that is kept here notes as administrators: its master has
    /// the same entries on its disk, and may ask here itself. So one person can read all replicas of a ledger.
    private func requireReader(_ who: Principal, _ views: Views) throws(ProblemDocument) {
        if let member = who.member, member.kind == .person,
            views.peer.ledgers.contains(where: { ledger in
                ledger.books.admissions.contains {
                    $0.peer == member.peer && $0.kind == EnrolmentDesk.administrator
                }
            })
        {
            return
        }
        try who.requireAdministrator("read a ledger's entries")
    }
}

public import Automata
public import Replication

/// What all files together have of one ledger, and which of them it goes on with.
public struct LedgerFinding: Sendable {
    public let ledger: PeerID
    /// What it is called, as far as the files tell; else after its founder.
    public let name: String
    /// The file that knows most.
    public internal(set) var chosen: LedgerRemains
    /// All others.
    public let others: [LedgerRemains]

    /// Entries that the chosen file does not give back, and another one does.
    public internal(set) var mended: [OpNumber] = []

    /// - Parameter remains: of one ledger.
    /// - Parameter calls: its founder's name.
    /// - Returns: nil when there is nothing.
    init?(_ remains: [LedgerRemains], calls: String) {
        guard let best = Remains.best(of: remains.map(\.remains)) else { return nil }
        chosen = remains[best]
        ledger = chosen.ledger
        others = remains.indices.filter { $0 != best }.map { remains[$0] }
        name = chosen.name ?? remains.lazy.compactMap(\.name).first ?? calls
    }

    /// Members whose very storage is among the files.
    public var present: [Member] {
        let stores = Set(([chosen] + others).map(\.remains.store))
        return chosen.remains.membership.members.filter { stores.contains($0.store) }
    }

    /// Whether nothing can be lost, since the files are a majority's: better started than restored, where that can be.
    public var isMajority: Bool {
        let membership = chosen.remains.membership
        return !membership.members.isEmpty && present.count >= membership.quorum
    }

    /// - Throws: `Refusal`: what is in the way, and how to go on.
    public func restart(as member: Member, at now: Instant, givesUpDamaged: Bool) throws(Refusal) -> Restart {
        do throws(Restart.Problem) {
            return try Restart(of: chosen.remains, as: member, at: now, givesUpDamaged: givesUpDamaged)
        } catch {
            switch error {
            case .empty:
                throw Refusal(
                    .refused, "\(chosen.source) has no entry of the ledger \(name): nothing was written there yet",
                    remedy: "name what another replica has left with --from")
            case .damaged(let places):
                let shown =
                    places.prefix(5).map(\.description).joined(separator: ", ") + (places.count > 5 ? ", …" : "")
                let isEnd = places.first == OpNumber(1)
                throw Refusal(
                    .failed,
                    "\(chosen.source) does not give back \(places.count) of its \(chosen.remains.op) entries (\(shown))",
                    remedy: "name what another replica has left with a further --from"
                        + (isEnd
                            ? ""
                            : "; where nothing else is left, --cut-damaged gives up all entries from \(places[0]) on"))
            case .exhausted(let epoch):
                throw Refusal(
                    .failed, "epoch \(epoch) is the last one that there is",
                    remedy: "this is a defect, please report it")
            }
        }
    }
}

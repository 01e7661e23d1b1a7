public import API
public import Accounting
public import Automata
import Replication

extension LedgerSource {
    /// Recomputes a ledger's books from one replica; where that ends early, the next one goes on behind the last entry.
    ///
    /// Every entry is held against the one in front, so it does not matter who tells it.
    ///
    /// - Parameters:
    ///   - until: entries that were made later are left out.
    ///   - each: takes what each entry moved, in order, with the books behind it.
    /// - Throws: what every replica said, when none gives the rest; what is wrong with an entry.
    public func replay(
        _ ledger: LedgerDocument, until: Instant? = nil, progress: ProgressLine,
        _ each: (History) throws -> Void = { _ in }
    ) async throws -> LedgerReplay {
        guard let id = PeerID(ledger.id) else {
            throw Refusal(.failed, "\"\(ledger.id)\" is no ledger's id", remedy: "use one version of palmier")
        }
        var replay = LedgerReplay(of: id)
        var failures: [any Error] = []
        for place in places(of: ledger) {
            do {
                var isOver = false
                try await read(ledger, at: place, after: replay.op) { stretch in
                    for entry in stretch.entries {
                        if let until, entry.at > until {
                            isOver = true
                            return nil
                        }
                        guard let history = replay.take(entry) else { throw Self.broken(entry.op, place, ledger) }
                        try each(history)
                    }
                    guard stretch.damaged == nil else { throw Self.damaged(replay.op.next, place, ledger) }
                    progress.update("\(ledger.name): entry \(replay.op) of \(stretch.commit)")
                    return replay.op < stretch.commit ? replay.op : nil
                }
                if isOver || replay.op.value >= ledger.commit {
                    try refuseUnknown(replay, ledger)
                    return replay
                }
                failures.append(Self.short(replay.op, place, ledger))
            } catch let error as CancellationError {
                throw error
            } catch {
                failures.append(error)
            }
        }
        throw failure(of: failures, ledger)
    }

    private func refuseUnknown(_ replay: LedgerReplay, _ ledger: LedgerDocument) throws(Refusal) {
        guard replay.unknown > 0 else { return }
        throw Refusal(
            .failed, "\(replay.unknown) entries of the ledger \(ledger.name) are of a later version of palmier",
            remedy: "use the palmier that runs on the masters")
    }

    private static func broken(_ op: OpNumber, _ place: Place, _ ledger: LedgerDocument) -> Refusal {
        Refusal(
            .failed, "\(place.name): entry \(op) of the ledger \(ledger.name) is not what its digest says",
            remedy: "`palmier ledger verify \(ledger.name)` says what holds")
    }

    private static func damaged(_ op: OpNumber, _ place: Place, _ ledger: LedgerDocument) -> Refusal {
        Refusal(
            .failed, "\(place.name): entry \(op) of the ledger \(ledger.name) cannot be read from its disk",
            remedy: "`palmier ledger verify \(ledger.name)` says what holds")
    }

    private static func short(_ op: OpNumber, _ place: Place, _ ledger: LedgerDocument) -> Refusal {
        Refusal(
            .unreachable, "\(place.name): has the ledger \(ledger.name) up to entry \(op) of \(ledger.commit)",
            remedy: "`palmier ledger status \(ledger.name)` shows who has more")
    }

    /// What nobody could give, as one problem: what is wrong with an entry before who was not there.
    private func failure(of failures: [any Error], _ ledger: LedgerDocument) -> any Error {
        let problems = failures.compactMap { Failure.problem(of: $0) }
        guard problems.count == failures.count,
            let worst = problems.first(where: { $0.refusal.code != .unreachable })
                ?? problems.first
        else {
            return failures.first
                ?? Refusal(
                    .unreachable, "nobody keeps a replica of the ledger \(ledger.name), as far as it is known here",
                    remedy: "`palmier ledger status` shows all")
        }
        var problem = worst
        problem.detail = problems.map(\.detail).joined(separator: "\n")
        return problem
    }
}

import Automata

/// What is being asked for, and from whom.
struct Fetching: Sendable {
    var source: PeerID
    var askedAt: Instant
    /// Asked, and not answered.
    var isWaiting = true
    /// Where the source's log ended at its last answer.
    var end: OpNumber?
    /// Those who write come first: the next question waits for a while.
    var isResting = false
    /// Of the view that is adopted: entries behind the executed ones, which replace this log's end all at once.
    var staged: [LogEntry] = []
    /// How much of a checkpoint has come.
    var pieceBytes: UInt64 = 0
    /// The view in which they were staged, and by whom.
    var stagedIn: View?
}

/// Entries that this log lacks: single ones, the log of a later view, or all there is (VRR, section 5.2).
extension Replica {
    struct Entries {
        var entries: [LogEntry]
        var after: OpNumber
        var commit: OpNumber
        var op: OpNumber
        var isNormal: Bool
    }

    /// Follows a later view than that of this log. The log stays as it is until that view's is here: a vote may need it.
    mutating func adopt(_ view: View, from source: PeerID, at now: Instant, into effects: inout [Effect]) {
        if view > self.view || status != .adopting {
            leave(into: &effects)
            self.view = max(view, self.view)
            status = .adopting
            heardBeat = 0
            heardCommit = .zero
            effects.append(.following(self.view, primary: primary))
            if configuration.sabotage.contains(.cutFirst), committed < log.last {
                log.cut(after: committed)
                write(cutAfter: committed, into: &effects)
            }
        }
        hearPrimary(at: now)
        if fetching == nil { fetch(from: source, at: now, into: &effects) }
    }

    mutating func fetch(from source: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard fetching == nil, fenced == nil else { return }
        fetching = Fetching(source: source, askedAt: now)
        ask(at: now, into: &effects)
    }

    private mutating func ask(at now: Instant, into effects: inout [Effect]) {
        guard let source = fetching?.source else { return }
        fetching?.askedAt = now
        fetching?.isWaiting = true
        send(.fetch(after: firstLacking), to: source, into: &effects)
    }

    /// Behind which entries are asked for: in this view's own log, its readable end; else what is executed or staged.
    private var firstLacking: OpNumber {
        if let staged = fetching?.staged.last { return staged.op }
        guard status == .normal, membership.epoch == view.epoch else { return committed }
        return log.firstDamaged(after: committed).map { $0.previous } ?? log.last
    }

    /// Nobody has answered: another one may.
    mutating func fetchElsewhere(at now: Instant, into effects: inout [Effect]) {
        guard let source = fetching?.source else { return }
        let others = others.filter { $0 != source }
        fetching = Fetching(source: random.pick(others) ?? source, askedAt: now)
        ask(at: now, into: &effects)
    }

    /// The next question, if the last answer was of use; else another one is asked when this one says no more.
    private mutating func goOn(behind asked: OpNumber, at now: Instant, into effects: inout [Effect]) {
        guard firstLacking > asked else {
            fetching?.isWaiting = true
            return
        }
        fetchMore(at: now, into: &effects)
    }

    /// The next question, unless the disk is behind.
    mutating func fetchMore(at now: Instant, into effects: inout [Effect]) {
        guard fetching?.isWaiting == false, fetching?.isResting == false, writes.count < 2 * configuration.writesMax
        else { return }
        ask(at: now, into: &effects)
    }

    /// While the others go on writing, whoever catches up leaves them most of the time: as long as it comes nearer by half of
    /// what it is given.
    private mutating func rest(after answer: Entries, at now: Instant, into effects: inout [Effect]) {
        guard let fetching else { return }
        let grown = answer.op.value - min(answer.op.value, fetching.end?.value ?? answer.op.value)
        self.fetching?.end = answer.op
        let rest = configuration.fetchRest * (now - fetching.askedAt).nanoseconds
        guard grown > 0, UInt64(answer.entries.count) >= 2 * grown, rest > 0, !fetching.isResting else { return }
        self.fetching?.isResting = true
        effects.append(.set(.fetch, at: now + min(.nanoseconds(rest), configuration.fetchPatience)))
    }

    mutating func onRested(at now: Instant, into effects: inout [Effect]) {
        fetching?.isResting = false
        fetchMore(at: now, into: &effects)
    }

    // MARK: At the source

    mutating func onFetch(
        _ after: OpNumber, in view: View, from sender: Member, into effects: inout [Effect]
    ) {
        let isSameView = isInViewsLog && view == self.view
        let end = isSameView ? log.last : committed
        if after.next < firstKept, after < committed {
            effects.append(.readPiece(nil, offset: 0, bytesMax: configuration.pieceBytesMax, for: sender.peer))
        } else if after < log.base, after < end {
            // Behind that, the disk may still have what an earlier view left there.
            let token = ReadToken(peer: sender.peer, after: after, view: view)
            effects.append(.read(token, through: durable.commit, bytesMax: configuration.fetchBytesMax))
        } else {
            let entries = log.entries(
                after: after, through: end, max: configuration.fetchEntriesMax,
                bytesMax: configuration.fetchBytesMax)
            give(entries, after: after, to: sender.peer, into: &effects)
        }
    }

    mutating func onEntriesRead(_ token: ReadToken, _ entries: [LogEntry], into effects: inout [Effect]) {
        give(entries, after: token.after, to: token.peer, into: &effects)
    }

    private func give(
        _ entries: [LogEntry], after: OpNumber, to peer: PeerID, into effects: inout [Effect]
    ) {
        let answer = ReplicaMessage.Body.entries(
            entries, after: after, commit: committed, op: log.last, isNormal: isInViewsLog)
        send(answer, to: peer, into: &effects)
    }

    /// Whether this log is the view's. That of a new primary is not until it is durable: after a crash it may lead the same view
    /// with another one.
    private var isInViewsLog: Bool { status == .normal && leading?.isStarted != false }

    // MARK: At who lacks them

    mutating func onEntries(
        _ answer: Entries, in view: View, from sender: Member, at now: Instant, into effects: inout [Effect]
    ) {
        mend(answer.entries.filter { $0.op <= min(answer.commit, committed) }, into: &effects)
        guard leading == nil else { return repair(answer, into: &effects) }
        if view > self.view, answer.isNormal { adopt(view, from: sender.peer, at: now, into: &effects) }
        considerFence(answer, in: view, from: sender, into: &effects)
        guard fenced == nil else { return fetching = nil }  // whatever is given does not fit
        let isAsked = fetching?.source == sender.peer
        if isAsked {
            rest(after: answer, at: now, into: &effects)
            // Who has nothing to give is not asked again at once.
            fetching?.isWaiting = answer.entries.isEmpty
            fetching?.askedAt = now
        }
        let staged = fetching?.stagedIn == view ? fetching?.staged ?? [] : []
        let before = committed
        let asked = firstLacking
        install(staged + answer.entries, committedThrough: answer.commit, at: now, into: &effects)
        guard isAsked, !isDiskFailing else { return }
        switch status {
        case .changing:
            if committed > before { fetchMore(at: now, into: &effects) }
            if committed >= answer.commit { fetching = nil }
            elect(at: now, into: &effects)
        case .normal:
            if answer.isNormal, view == self.view {
                heardCommit = max(heardCommit, answer.commit)
                extend(answer.entries, at: now, into: &effects)
            }
            if log.last >= answer.op || view != self.view {
                fetching = nil
            } else {
                goOn(behind: asked, at: now, into: &effects)
            }
        case .adopting:
            stage(staged + answer.entries, answer, in: view, asked: asked, at: now, into: &effects)
        }
    }

    /// What is committed is right, whatever this log has there: it may be written over it at once.
    private mutating func install(
        _ entries: [LogEntry], committedThrough commit: OpNumber, at now: Instant, into effects: inout [Effect]
    ) {
        let reached = take(entries.filter { $0.op <= commit }, mayCut: true, into: &effects)
        execute(through: reached, at: now, into: &effects)
    }

    /// In this very view: what follows the log's end, and what could not be read.
    private mutating func extend(_ entries: [LogEntry], at now: Instant, into effects: inout [Effect]) {
        _ = take(entries, mayCut: false, into: &effects)
        execute(through: min(heardCommit, log.last), at: now, into: &effects)
    }

    /// Puts entries behind the executed ones, as far as each follows.
    ///
    /// - Returns: how far the log is theirs.
    private mutating func take(
        _ entries: [LogEntry], mayCut: Bool, into effects: inout [Effect]
    ) -> OpNumber {
        var cut: OpNumber?
        var taken: [LogEntry] = []
        var mended: [LogEntry] = []
        var reached = committed
        for entry in entries where entry.op > committed {
            guard let previous = log.digest(at: entry.op.previous), entry.follows(previous) else { break }
            if let slot = log.slot(entry.op), slot.digest == nil || slot.digest == entry.digest {
                if slot.entry == nil {
                    log.mend(entry)
                    mended.append(entry)
                }
            } else {
                if entry.op <= log.last {
                    guard mayCut else { break }
                    log.cut(after: entry.op.previous)
                    cut = cut ?? entry.op.previous
                }
                log.append(entry)
                taken.append(entry)
            }
            reached = entry.op
        }
        if !taken.isEmpty || !mended.isEmpty {
            write(cutAfter: cut, entries: taken, mended: mended, into: &effects)
        }
        return reached
    }

    /// A primary's own disk has lost an entry.
    private mutating func repair(_ answer: Entries, into effects: inout [Effect]) {
        var mended: [LogEntry] = []
        for entry in answer.entries where entry.op > committed && entry.op <= log.last && log[entry.op] == nil {
            guard log.slot(entry.op)?.digest == entry.digest else { continue }
            log.mend(entry)
            mended.append(entry)
        }
        if !mended.isEmpty { write(mended: mended, into: &effects) }
    }

    /// Entries of the view's log that are not committed yet: kept aside until all are there.
    private mutating func stage(
        _ entries: [LogEntry], _ answer: Entries, in view: View, asked: OpNumber, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard answer.isNormal, view == self.view, membership.epoch == view.epoch else {
            fetching?.staged = []
            return goOn(behind: asked, at: now, into: &effects)
        }
        guard var digest = log.digest(at: committed) else { return }
        var staged: [LogEntry] = []
        for entry in entries where entry.op > committed {
            guard entry.op.value == committed.value + UInt64(staged.count) + 1, entry.follows(digest) else { break }
            staged.append(entry)
            digest = entry.digest
        }
        let reached = OpNumber(committed.value + UInt64(staged.count))
        guard committed >= answer.commit, reached >= answer.op else {
            fetching?.staged = staged
            fetching?.stagedIn = view
            return goOn(behind: asked, at: now, into: &effects)
        }
        heardCommit = answer.commit
        follow(with: staged, at: now, into: &effects)
    }

    /// Behind what is executed the log is this from here on, in one write.
    mutating func replaceTail(with tail: [LogEntry], into effects: inout [Effect]) {
        // What was executed once is what stands there, readable or not: it is mended and never cut.
        let same = tail.prefix { entry in
            guard let slot = log.slot(entry.op) else { return false }
            return slot.entry?.digest == entry.digest || (slot.entry == nil && entry.op <= executedBefore)
        }
        let end = OpNumber(committed.value + UInt64(same.count))
        let cut = end < log.last ? end : nil
        log.cut(after: end)
        let mended = same.filter { log[$0.op] == nil }
        for entry in mended { log.mend(entry) }
        let fresh = Array(tail.dropFirst(same.count))
        for entry in fresh { log.append(entry) }
        write(cutAfter: cut, entries: fresh, mended: mended, into: &effects)
    }
}

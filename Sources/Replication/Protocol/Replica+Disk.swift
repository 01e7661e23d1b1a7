import Automata

/// A write that is ordered and not durable yet.
struct PendingWrite: Sendable {
    var write: JournalWrite
    /// Where the log ends with it.
    var last: OpNumber
}

/// What waits for the disk, and what the disk has lost.
extension Replica {
    mutating func write(
        cutAfter: OpNumber? = nil, entries: [LogEntry] = [], mended: [LogEntry] = [], into effects: inout [Effect]
    ) {
        let write = JournalWrite(
            number: nextWrite, cutAfter: cutAfter, entries: entries, mended: mended,
            state: HardState(view: view, lastNormal: lastNormal, commit: max(committed, executedBefore)))
        nextWrite = nextWrite.next
        writes.append(PendingWrite(write: write, last: log.last))
        if !isDiskFailing { orderWrites(into: &effects) }
    }

    /// Those that the disk was not told of.
    private mutating func orderWrites(into effects: inout [Effect]) {
        for pending in writes where pending.write.number > orderedThrough {
            effects.append(.write(pending.write))
            orderedThrough = pending.write.number
        }
    }

    mutating func onWritten(through number: WriteNumber, at now: Instant, into effects: inout [Effect]) {
        let done = writes.prefix { $0.write.number <= number }
        guard let newest = done.last else { return }
        durable = newest.write.state
        durableOp = newest.last
        writes.removeFirst(done.count)
        isDiskFailing = false
        orderWrites(into: &effects)
        proceed(at: now, into: &effects)
    }

    /// Says what could not be said before it was durable.
    private mutating func proceed(at now: Instant, into effects: inout [Effect]) {
        switch status {
        case .changing: vote(at: now, into: &effects)
        case .adopting: fetchMore(at: now, into: &effects)
        case .normal where leading == nil:
            acknowledge(into: &effects)
            if fetching != nil { fetchMore(at: now, into: &effects) }
        case .normal:
            if leading?.isStarted == false { start(into: &effects) }
            considerCommit(at: now, into: &effects)
            flush(at: now, into: &effects)
        }
    }

    /// How far the log is committed is written by the way; when all is quiet, for its own sake.
    mutating func keepHint(into effects: inout [Effect]) {
        guard writes.isEmpty, durable.commit < committed else { return }
        write(into: &effects)
    }

    mutating func onWriteFailed(from number: WriteNumber, at now: Instant, into effects: inout [Effect]) {
        guard writes.contains(where: { $0.write.number >= number }) else { return }
        isDiskFailing = true
        effects.append(.set(.disk, at: now + configuration.heartbeat))
        if leading != nil { handOver(at: now, into: &effects) }
    }

    mutating func retryWrites(at now: Instant, into effects: inout [Effect]) {
        guard isDiskFailing, let first = writes.first else { return }
        orderedThrough = first.write.number.previous
        orderWrites(into: &effects)
    }

    mutating func onDamaged(_ op: OpNumber, at now: Instant, into effects: inout [Effect]) {
        if let entry = log[op] {
            write(mended: [entry], into: &effects)
        } else if op <= committed, !damage.contains(op) {
            damage.append(op)
            damage.sort()
            askForDamaged(into: &effects)
        }
    }

    /// Asks one of the others for what the disk has lost; another one the next time.
    mutating func askForDamaged(into effects: inout [Effect]) {
        let lost = damage.first ?? log.firstDamaged(after: committed)
        guard let lost, let peer = random.pick(others) else { return }
        effects.append(.report(.damaged(damage.isEmpty ? [lost] : damage)))
        send(.fetch(after: lost.previous), to: peer, into: &effects)
        // Others may have it, and not know that it is committed: a fetch does not give it.
        let places = damagedBefore
        if !places.isEmpty { send(.want(places), to: peer, into: &effects) }
    }

    /// Places that an earlier life has executed, and this one cannot read.
    private var damagedBefore: [LogPlace] {
        guard leading == nil, committed < executedBefore else { return [] }
        return zip(committed.value + 1...executedBefore.value, log.slots(after: committed))
            .filter { $0.1.entry == nil }
            .prefix(configuration.fetchEntriesMax)
            .map { LogPlace(op: OpNumber($0.0), digest: $0.1.digest, isReadable: false) }
    }

    /// Takes what an earlier life has executed and the disk has lost: an entry is the one that stood there when its digest is
    /// known, or when a readable one behind it follows.
    mutating func recover(with given: [LogEntry], at now: Instant, into effects: inout [Effect]) {
        guard leading == nil, committed < executedBefore, var previous = log.digest(at: committed) else { return }
        var found: [LogEntry] = []
        var sure = 0
        var op = committed.next
        while let slot = log.slot(op), op.previous <= executedBefore {
            if let entry = slot.entry {
                guard entry.follows(previous) else { break }
                sure = found.count
                previous = entry.digest
            } else {
                guard let entry = given.first(where: { $0.op == op }), entry.follows(previous),
                    slot.digest == nil || slot.digest == entry.digest
                else { break }
                found.append(entry)
                if slot.digest != nil { sure = found.count }
                previous = entry.digest
            }
            op = op.next
        }
        guard sure > 0 else { return }
        let mended = Array(found.prefix(sure))
        for entry in mended { log.mend(entry) }
        write(mended: mended, into: &effects)
        effects += mended.map { .report(.mended($0.op)) }
        execute(through: executedBefore, at: now, into: &effects)
    }

    /// All other members that are not known to be away; if that is nobody, all.
    var others: [PeerID] {
        let others = membership.members.map(\.peer).filter { $0 != own.peer }
        let present = others.filter { !suspects.contains($0) }
        return present.isEmpty ? others : present
    }

    /// Executed entries that the disk had lost go back to their places.
    mutating func mend(_ entries: [LogEntry], into effects: inout [Effect]) {
        guard !damage.isEmpty else { return }
        let mended = entries.filter { damage.contains($0.op) }
        guard !mended.isEmpty else { return }
        damage.removeAll { op in mended.contains { $0.op == op } }
        write(mended: mended, into: &effects)
        effects += mended.map { .report(.mended($0.op)) }
    }
}

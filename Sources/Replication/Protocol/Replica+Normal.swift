public import Automata
import OrderedCollections

/// The normal case: the primary orders, backups follow, a majority commits (VRR, section 4.1).
extension Replica {
    // MARK: Requests, at the primary

    mutating func onRequest(_ request: ClientRequest, at now: Instant, into effects: inout [Effect]) {
        guard leading != nil else {
            effects.append(.answer(request.id, elsewhere))
            return
        }
        if !configuration.sabotage.contains(.skipSessions) {
            guard leading?.underWay[request.id.session] != request.id.number else { return }  // it will be answered
            if let known = known(request.id) {
                effects.append(.answer(request.id, known))
                return
            }
        }
        if let busy = busy ?? tooLarge(request.operation) {
            effects.append(.answer(request.id, busy))
            return
        }
        leading?.underWay[request.id.session] = request.id.number
        leading?.queue.append(Leading.Proposal(request: request.id, operation: request.operation))
        flush(at: now, into: &effects)
    }

    /// What is to be said of a request that is not to be executed; nil when it is new.
    private func known(_ request: RequestID) -> ClientAnswer? {
        let last = sessions[request.session]
        if let last, last.number == request.number { return .committed(last.op) }
        let newest = max(last?.number ?? 0, leading?.underWay[request.session] ?? 0)
        guard request.number > newest else { return .stale }
        return newest == 0 && request.number != 1 ? .sessionExpired : nil
    }

    mutating func onProposal(_ operation: [UInt8], at now: Instant, into effects: inout [Effect]) {
        guard leading != nil else {
            effects.append(.refused(operation, elsewhere))
            return
        }
        if let busy = busy ?? tooLarge(operation) {
            effects.append(.refused(operation, busy))
            return
        }
        leading?.queue.append(Leading.Proposal(request: nil, operation: operation))
        flush(at: now, into: &effects)
    }

    var elsewhere: ClientAnswer {
        let primary = primary
        return .elsewhere(view, primary: primary == own ? nil : primary)
    }

    /// Why nothing more is taken now.
    private var busy: ClientAnswer? {
        if isDiskFailing { return .busy("the disk is full") }
        let count = leading?.queue.count ?? 0
        return count < configuration.queueMax ? nil : .busy("\(count) requests wait")
    }

    private func tooLarge(_ operation: [UInt8]) -> ClientAnswer? {
        guard operation.count > configuration.operationBytesMax else { return nil }
        return .tooLarge(bytes: operation.count, max: configuration.operationBytesMax)
    }

    /// Gives what waits its place in the log: at once when disk and majority are idle, else together with what comes meanwhile.
    mutating func flush(at now: Instant, into effects: inout [Effect]) {
        guard leading?.isGathering == false else { return }
        leading?.batches.removeAll { $0 <= committed }
        while writes.count < configuration.writesMax, !isDiskFailing, let batch = nextBatch(at: now) {
            append(batch, into: &effects)
        }
    }

    private mutating func nextBatch(at now: Instant) -> [LogEntry]? {
        guard let leader = leading, !leader.queue.isEmpty, !leader.isReconfiguring, leader.isStarted,
            log.last.value - committed.value < UInt64(configuration.uncommittedMax),
            leader.batches.count < configuration.batchesMax || leader.queue.count >= configuration.batchEntriesEnough
        else { return nil }
        var batch: [LogEntry] = []
        var bytes = 0
        for proposal in leader.queue.prefix(configuration.batchEntriesMax) {
            bytes += proposal.operation.count
            guard batch.isEmpty || bytes <= configuration.batchBytesMax else { break }
            // The request that opens a session is empty.
            let body: LogEntry.Body =
                proposal.request?.number == 1 ? .none : .operation(proposal.operation)
            batch.append(next(body, request: proposal.request, behind: batch.last, at: now))
        }
        leading?.queue.removeFirst(batch.count)
        if let last = batch.last { leading?.batches.append(last.op) }
        return batch
    }

    func next(_ body: LogEntry.Body, request: RequestID? = nil, behind last: LogEntry? = nil, at now: Instant)
        -> LogEntry
    {
        guard let previous = last?.digest ?? log.digest(at: log.last) else {
            preconditionFailure("a primary's log ends with an entry that cannot be read: \(log.last)")
        }
        let at = max(last?.at ?? log[log.last]?.at ?? lastAt, now)
        return LogEntry(
            after: previous, op: (last?.op ?? log.last).next, view: view, at: at, request: request, body: body)
    }

    /// To the disk and to the followers side by side.
    mutating func append(_ batch: [LogEntry], into effects: inout [Effect]) {
        let after = log.last
        for entry in batch { log.append(entry) }
        write(entries: batch, into: &effects)
        prepare(batch, after: after, into: &effects)
    }

    mutating func prepare(_ entries: [LogEntry], after: OpNumber, into effects: inout [Effect]) {
        guard let followers = leading?.followers.keys else { return }
        leading?.beat += 1
        for peer in followers {
            send(.prepare(entries, after: after, commit: committed, beat: leading?.beat ?? 0), to: peer, into: &effects)
        }
    }

    // MARK: Backups

    struct Prepare {
        var entries: [LogEntry]
        var after: OpNumber
        var commit: OpNumber
        var beat: UInt64
    }

    mutating func onPrepare(
        _ prepare: Prepare, in view: View, from sender: Member, at now: Instant, into effects: inout [Effect]
    ) {
        guard view >= self.view else { return correct(sender, in: view, into: &effects) }
        guard !isForeign(sender, leading: view) else {
            effects.append(.report(.rejected("prepare in view \(view), which it does not lead", from: sender.peer)))
            return
        }
        guard view == self.view, status == .normal else {
            return adopt(view, from: sender.peer, at: now, into: &effects)
        }
        hearPrimary(at: now)
        heardBeat = max(heardBeat, prepare.beat)
        heardCommit = max(heardCommit, prepare.commit)
        let fresh = prepare.entries.drop { $0.op <= log.last }
        if prepare.after > log.last {
            fetch(from: sender.peer, at: now, into: &effects)
        } else if !fresh.isEmpty {
            var taken: [LogEntry] = []
            for entry in fresh {
                guard entry.op == log.last.next, let digest = log.digest(at: log.last), entry.follows(digest) else {
                    effects.append(.report(.rejected("entry \(entry.op) does not follow", from: sender.peer)))
                    break
                }
                log.append(entry)
                taken.append(entry)
            }
            if !taken.isEmpty { write(entries: taken, into: &effects) }
        }
        let early = configuration.sabotage.contains(.applyEarly)
        execute(through: early ? log.last : heardCommit, at: now, into: &effects)
        if prepare.entries.isEmpty {
            keepHint(into: &effects)
            acknowledge(into: &effects)
        } else if configuration.sabotage.contains(.earlyAcknowledgement) {
            send(.prepareOK(log.last, beat: heardBeat), to: sender.peer, into: &effects)
        }
    }

    /// The sender leads a view that is over. Where a later one was promised here, it must come along: this replica cannot go
    /// back, and those who wished for the later view may have heard the earlier one's primary after all.
    private mutating func correct(_ sender: Member, in view: View, into effects: inout [Effect]) {
        if status == .changing, view.epoch == self.view.epoch, durable.view == self.view, isMember,
            membership.contains(sender), let vote = ownVote
        {
            send(.vote(vote), to: sender.peer, into: &effects)
        } else {
            refuse(sender, of: view.epoch, into: &effects)
        }
    }

    /// Whether the sender is known not to be the primary of this view.
    func isForeign(_ sender: Member, leading view: View) -> Bool {
        guard let primary = membership.primary(of: view) else { return false }
        return primary != sender
    }

    mutating func hearPrimary(at now: Instant) {
        heardAt = now
        changes = 0
        if wished != nil {
            wished = nil
            wishes[own.peer] = nil
        }
    }

    /// Tells the primary how far this log is durable.
    func acknowledge(into effects: inout [Effect]) {
        guard status == .normal, leading == nil, durable.lastNormal == view, let peer = followed, peer != own.peer
        else { return }
        send(.prepareOK(acknowledgeable, beat: heardBeat), to: peer, into: &effects)
    }

    /// Who leads: by the membership, or, for one who does not know it yet, whoever said so.
    private var followed: PeerID? {
        guard membership.epoch == view.epoch else { return fetching?.source }
        return primary?.peer
    }

    /// Durable and readable without a gap.
    var acknowledgeable: OpNumber {
        guard let damaged = log.firstDamaged(after: committed) else { return durableOp }
        return min(durableOp, damaged.previous)
    }

    // MARK: Commit

    mutating func onPrepareOK(
        _ op: OpNumber, beat: UInt64, in view: View, from sender: Member, at now: Instant, into effects: inout [Effect]
    ) {
        guard view == self.view, leading != nil else {
            if view < self.view { refuse(sender, of: view.epoch, into: &effects) }
            return
        }
        guard op <= log.last, beat <= leading?.beat ?? 0 else {
            effects.append(.report(.rejected("prepareOK \(op), beat \(beat)", from: sender.peer)))
            return
        }
        guard var follower = leading?.followers[sender.peer] else {
            return refuse(sender, of: view.epoch, into: &effects)
        }
        if follower.store != sender.store { follower = Leading.Follower(store: sender.store, heardAt: now) }
        follower.op = max(follower.op, op)
        follower.beat = max(follower.beat, beat)
        follower.heardAt = now
        leading?.followers[sender.peer] = follower
        considerCommit(at: now, into: &effects)
        considerReadings(into: &effects)
        flush(at: now, into: &effects)
    }

    /// The largest number that a majority of the members has reached.
    func byMajority<Number: Comparable>(own: Number, none: Number, _ number: (Leading.Follower) -> Number) -> Number {
        let numbers = membership.members.map { member in
            if member == self.own { return own }
            guard let follower = leading?.followers[member.peer], follower.store == member.store else { return none }
            return number(follower)
        }
        return numbers.sorted(by: >)[membership.quorum - 1]
    }

    mutating func considerCommit(at now: Instant, into effects: inout [Effect]) {
        guard leading != nil, isMember else { return }
        let durable = durable.lastNormal == view ? durableOp : .zero
        var op = byMajority(own: durable, none: .zero) { $0.op }
        if configuration.sabotage.contains(.commitByMinority) { op = durable }
        execute(through: max(op, committed), at: now, into: &effects)
        flush(at: now, into: &effects)
    }

    /// Executes what is committed, as far as it is here: what an earlier life has executed is, too.
    mutating func execute(through op: OpNumber, at now: Instant, into effects: inout [Effect]) {
        let op = max(op, executedBefore)
        while committed < op, let entry = log[committed.next] {
            committed = entry.op
            lastAt = entry.at
            sessions.apply(entry, sessionsMax: configuration.sessionsMax)
            effects.append(.committed(entry))
            if leading != nil, let request = entry.request {
                if leading?.underWay[request.session] == request.number { leading?.underWay[request.session] = nil }
                effects.append(.answer(request, .committed(entry.op)))
            }
            if let membership = entry.body.membership {
                enter(membership, at: entry.op, known: op, now: now, into: &effects)
            }
            if configuration.checkpointInterval > 0, committed.value % configuration.checkpointInterval == 0, let head {
                effects.append(.checkpoint(head))
            }
        }
        log.trim(through: committed, keeping: configuration.cachedMax)
        if let leader = leading, !leader.isTold, committed >= leader.barrier {
            leading?.isTold = true
            effects.append(.leading(view))
        }
    }

    /// What is known at the last executed entry.
    public var head: CheckpointHead? {
        log.digest(at: committed).map {
            CheckpointHead(
                op: committed, digest: $0, at: lastAt, membership: membership, membershipOp: membershipOp,
                sessions: sessions.listed)
        }
    }

    // MARK: Reads

    mutating func onConfirm(_ id: ReadID, at now: Instant, into effects: inout [Effect]) {
        guard let leader = leading, leader.isTold else {
            effects.append(.unconfirmed(id, elsewhere))
            return
        }
        if membership.members.count == 1 || configuration.sabotage.contains(.staleRead) {
            effects.append(.confirmed(id))
            return
        }
        guard leader.readings.count < configuration.queueMax else {
            effects.append(.unconfirmed(id, .busy("\(leader.readings.count) reads wait")))
            return
        }
        // One question at a time: those who come meanwhile share the next one.
        let isAsking = leader.readings.contains { $0.beat <= leader.beat }
        leading?.readings.append(Leading.Reading(id: id, beat: leader.beat + 1))
        if !isAsking { prepare([], after: log.last, into: &effects) }
    }

    mutating func considerReadings(into effects: inout [Effect]) {
        guard let leader = leading, !leader.readings.isEmpty else { return }
        let beat = byMajority(own: leader.beat, none: 0) { $0.beat }
        let answered = leader.readings.prefix { $0.beat <= beat }
        guard !answered.isEmpty else { return }
        leading?.readings.removeFirst(answered.count)
        effects += answered.map { .confirmed($0.id) }
        if leader.readings.count > answered.count { prepare([], after: log.last, into: &effects) }
    }

    // MARK: Signs of life

    mutating func onBeat(at now: Instant, into effects: inout [Effect]) {
        guard let leader = leading else { return }
        let majority = byMajority(own: now, none: .zero) { $0.heardAt }
        guard membership.members.count == 1 || now - majority < configuration.silence else {
            return handOver(at: now, into: &effects)  // it hears no majority: perhaps they do not hear it
        }
        if leader.isStarted {
            prepare([], after: log.last, into: &effects)
        } else {
            start(into: &effects)
        }
        keepHint(into: &effects)
        scheduleBeat(at: now, into: &effects)
    }

    mutating func scheduleBeat(at now: Instant, into effects: inout [Effect]) {
        let isQuiet = committed == log.last && leading?.readings.isEmpty == true && leading?.isStarted == true
        effects.append(.set(.beat, at: now + (isQuiet ? configuration.heartbeat : configuration.resend)))
    }

    /// What lets a peer go that has a replica and is no member any more; nil while it may be needed, or this one does not lead.
    ///
    /// One that was away hears it when it speaks of the epoch that it knows; one that was there all the time knows the new
    /// epoch, and says nothing in it.
    public func release(of peer: PeerID) -> ReplicaMessage? {
        guard status == .normal, leading != nil, membership.epoch == view.epoch, committed > membershipOp,
            !membership.contains(peer), leading?.followers[peer] == nil, isMember
        else { return nil }
        return ReplicaMessage(store: own.store, view: view, body: .retire(epoch: view.epoch))
    }

    /// The sender's view is over; where it is no member any more, and not needed, it may go.
    func refuse(_ sender: Member, of epoch: UInt32, into effects: inout [Effect]) {
        guard status == .normal, membership.epoch == view.epoch else { return }
        let isCovered = committed > membershipOp || configuration.sabotage.contains(.earlyRetirement)
        if epoch < view.epoch, !membership.contains(sender), leading?.followers[sender.peer] == nil, isCovered, isMember
        {
            send(.retire(epoch: view.epoch), to: sender.peer, into: &effects)
        } else {
            send(.stale, to: sender.peer, into: &effects)
        }
    }
}

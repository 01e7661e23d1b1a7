import Automata
import OrderedCollections

/// From one primary to the next (VRR, section 4.2).
extension Replica {
    // MARK: Wishes

    mutating func onSuspected(_ peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        // What is said to a dead peer is refused as well: only the first refusal is news.
        guard suspects.insert(peer).inserted else { return }
        if fetching?.source == peer { fetchElsewhere(at: now, into: &effects) }
        guard isMember, primary?.peer == peer else { return }
        wish(at: now, into: &effects)
    }

    mutating func onAbdicate(_ view: View, from sender: Member, at now: Instant, into effects: inout [Effect]) {
        guard view >= self.view else { return refuse(sender, of: view.epoch, into: &effects) }
        guard view == self.view, primary == sender, isMember else { return }
        wish(at: now, into: &effects)
    }

    mutating func onSilence(at now: Instant, into effects: inout [Effect]) {
        let silence = silence()
        let isFollowing = isMember && status != .changing && leading == nil
        guard isFollowing, now - heardAt < configuration.silence else {
            effects.append(.set(.silence, at: now + silence))
            return isFollowing ? wish(at: now, into: &effects) : ()
        }
        // From the last sign of life on: from here on, twice as much silence might pass before it is noticed.
        effects.append(.set(.silence, at: heardAt + silence))
    }

    /// Would have the next view whose primary is not known to be away.
    mutating func wish(at now: Instant, into effects: inout [Effect]) {
        guard isMember, !isDiskFailing else { return }
        var next = view.next
        for _ in membership.members {
            guard let primary = membership.primary(of: next), suspects.contains(primary.peer) else { break }
            next = next.next
        }
        wished = max(wished ?? next, next)
        tellWish(into: &effects)
        considerWishes(at: now, into: &effects)
    }

    /// What has become of a majority's wish is told as well: others may not have heard them all.
    private mutating func tellWish(into effects: inout [Effect]) {
        guard isMember, let wished = wished ?? (status == .changing ? view : nil) else { return }
        wishes[own.peer] = wished
        for member in membership.members where member.peer != own.peer {
            effects.append(.send(ReplicaMessage(store: own.store, view: wished, body: .wish), to: member.peer))
        }
    }

    mutating func onWish(_ view: View, from sender: Member, at now: Instant, into effects: inout [Effect]) {
        if view.epoch > self.view.epoch {
            return adopt(.first(of: view.epoch), from: sender.peer, at: now, into: &effects)
        }
        if view.epoch == self.view.epoch, membership.epoch < view.epoch {
            return fetch(from: sender.peer, at: now, into: &effects)  // it knows the epoch's members
        }
        guard view.epoch == self.view.epoch, membership.epoch == view.epoch, membership.contains(sender) else {
            return refuse(sender, of: view.epoch, into: &effects)
        }
        guard view > self.view else {
            // Behind, or deaf to us.
            if leading?.isStarted == true { sendStart(to: sender.peer, into: &effects) }
            return
        }
        wishes[sender.peer] = view
        considerWishes(at: now, into: &effects)
    }

    /// Enters the latest view that a majority wishes for.
    private mutating func considerWishes(at now: Instant, into effects: inout [Effect]) {
        let views = membership.members.map { wishes[$0.peer] ?? .zero }.sorted(by: >)
        let wanted = views[membership.quorum - 1]
        if wanted > view { change(to: wanted, at: now, into: &effects) }
    }

    // MARK: Votes

    /// Promises the view: nothing of an earlier one is answered any more.
    private mutating func change(to view: View, at now: Instant, into effects: inout [Effect]) {
        leave(into: &effects)
        self.view = view
        status = .changing
        heardBeat = 0
        heardCommit = .zero
        if let wished, wished <= view { self.wished = nil }
        candidate = nil
        changes += 1
        effects.append(.following(view, primary: primary))
        effects.append(.set(.change, at: now + patience()))
        write(into: &effects)
        if configuration.sabotage.contains(.earlyVote) { vote(isDurable: true, at: now, into: &effects) }
        if let primary, suspects.contains(primary.peer) { wish(at: now, into: &effects) }
    }

    /// Gives up leading and fetching.
    mutating func leave(keepsFetching: Bool = false, into effects: inout [Effect]) {
        if !keepsFetching { fetching = nil }
        fetching?.staged = []
        candidate = nil
        guard let leader = leading else { return }
        leading = nil
        for proposal in leader.queue {
            if let request = proposal.request {
                effects.append(.answer(request, elsewhere))
            } else {
                effects.append(.refused(proposal.operation, elsewhere))
            }
        }
        effects += leader.readings.map { .unconfirmed($0.id, elsewhere) }
    }

    mutating func vote(isDurable: Bool = false, at now: Instant, into effects: inout [Effect]) {
        guard status == .changing, durable.view == view || isDurable, isMember, let primary, let vote = ownVote
        else { return }
        if primary == own {
            candidate = candidate ?? Candidate()
            candidate?.votes[own] = vote
            elect(at: now, into: &effects)
        } else {
            send(.vote(vote), to: primary.peer, into: &effects)
        }
    }

    var ownVote: Vote? {
        log.digest(at: committed).map { digest in
            var tail: [LogPlace] = []
            var op = committed.next
            while op <= log.last {
                let slot = log.slot(op)
                tail.append(LogPlace(op: op, digest: slot?.digest, isReadable: slot?.entry != nil))
                op = op.next
            }
            return Vote(lastNormal: lastNormal, op: log.last, commit: committed, commitDigest: digest, tail: tail)
        }
    }

    mutating func onVote(
        _ vote: Vote, in view: View, from sender: Member, at now: Instant, into effects: inout [Effect]
    ) {
        if view.epoch > self.view.epoch {
            return adopt(.first(of: view.epoch), from: sender.peer, at: now, into: &effects)
        }
        guard view >= self.view, membership.contains(sender), isMember else {
            return refuse(sender, of: view.epoch, into: &effects)
        }
        // Whoever votes has seen a majority's wishes.
        if view > self.view { change(to: view, at: now, into: &effects) }
        guard primary == own else { return }
        if leading?.isStarted == true { return sendStart(to: sender.peer, into: &effects) }
        guard status == .changing else { return }
        candidate = candidate ?? Candidate()
        candidate?.votes[sender] = vote
        elect(at: now, into: &effects)
    }

    // MARK: The new primary

    /// Who gave entries, and whether one of them was lacking.
    struct Gift {
        var from: PeerID
        var isNew: Bool
    }

    /// Makes the view's log of a majority's votes, as far as the entries are here; asks for the others.
    ///
    /// - Parameter gift: what made it look again; then only the giver is asked for more, and only if what it gave was of use.
    ///   Each gift answered by a question to every holder would be two the next time, and four then.
    mutating func elect(after gift: Gift? = nil, at now: Instant, into effects: inout [Effect]) {
        guard status == .changing, let candidate, candidate.votes[own] != nil else { return }
        switch candidate.verdict(membership, sabotage: configuration.sabotage) {
        case .tooFew: return
        case .undecided(let op): effects.append(.report(.undecided(op)))
        case .log(let commit, let digest, let source, let tail):
            if configuration.sabotage.contains(.ownLog) { return lead(with: nil, at: now, into: &effects) }
            guard reach(commit, digest, from: source, at: now, into: &effects) else { return }
            collect(tail, after: gift, at: now, into: &effects)
        }
    }

    /// Brings what is committed up to there.
    private mutating func reach(
        _ commit: OpNumber, _ digest: Digest, from source: PeerID, at now: Instant, into effects: inout [Effect]
    ) -> Bool {
        if committed < commit, log.digest(at: commit) == digest { execute(through: commit, at: now, into: &effects) }
        guard committed < commit, status == .changing else { return status == .changing }
        if fetching == nil { fetch(from: source, at: now, into: &effects) }
        return false
    }

    private mutating func collect(
        _ tail: [Candidate.Place], after gift: Gift?, at now: Instant, into effects: inout [Effect]
    ) {
        var entries: [LogEntry] = []
        var missing: [PeerID: [LogPlace]] = [:]
        var holders: [PeerID] = []
        var previous = log.digest(at: committed)
        for place in tail where place.op > committed {
            let entry = log[place.op].flatMap { $0.digest == place.digest ? $0 : nil }
            if place.isGuessed, let entry, let previous, !entry.follows(previous) { return }
            if let entry = entry ?? given(place, behind: previous) {
                entries.append(entry)
            } else if let holder = place.holders.first(where: { $0 != own.peer }) {
                if missing[holder] == nil { holders.append(holder) }
                missing[holder, default: []].append(
                    LogPlace(op: place.op, digest: place.digest, isReadable: false))
            } else {
                return  // readable when it was voted for, and not any more
            }
            previous = place.digest
        }
        for holder in holders where gift.map({ $0.isNew && $0.from == holder }) ?? true {
            send(.want(missing[holder] ?? []), to: holder, into: &effects)
        }
        if missing.isEmpty { lead(with: entries, at: now, into: &effects) }
    }

    /// What another one gave for this place, when it is what its digest says.
    private func given(_ place: Candidate.Place, behind previous: Digest?) -> LogEntry? {
        guard let entry = candidate?.collected[place.digest], let previous, entry.op == place.op,
            entry.follows(previous)
        else { return nil }
        return entry
    }

    mutating func onWant(_ places: [LogPlace], from sender: Member, into effects: inout [Effect]) {
        var bytes = 0
        var entries: [LogEntry] = []
        for place in places {
            guard let entry = log[place.op], place.digest.map({ $0 == entry.digest }) ?? true else { continue }
            bytes += entry.size
            guard entries.isEmpty || bytes <= configuration.fetchBytesMax else { break }
            entries.append(entry)
        }
        if !entries.isEmpty { send(.given(entries), to: sender.peer, into: &effects) }
    }

    mutating func onGiven(_ entries: [LogEntry], from sender: Member, at now: Instant, into effects: inout [Effect]) {
        recover(with: entries, at: now, into: &effects)
        guard status == .changing, candidate != nil, membership.contains(sender) else { return }
        let before = candidate?.collected.count ?? 0
        for entry in entries { candidate?.collected[entry.digest] = entry }
        let isNew = candidate?.collected.count ?? 0 > before
        elect(after: Gift(from: sender.peer, isNew: isNew), at: now, into: &effects)
    }

    /// Begins the view as its primary.
    ///
    /// - Parameter tail: what stands behind the executed entries from here on; nil leaves what is there.
    mutating func lead(with tail: [LogEntry]?, at now: Instant, into effects: inout [Effect]) {
        status = .normal
        lastNormal = view
        heardAt = now
        if let tail { replaceTail(with: tail, into: &effects) } else { write(into: &effects) }
        leading = Leading(barrier: log.last)
        for member in membership.members where member.peer != own.peer {
            leading?.followers[member.peer] = Leading.Follower(heardAt: now)
        }
        candidate = nil
        fetching = nil
        wished = nil
        wishes = [:]
        var op = committed.next
        while let entry = log[op] {
            if let request = entry.request { leading?.underWay[request.session] = request.number }
            if entry.body.membership != nil { leading?.isReconfiguring = true }
            op = op.next
        }
        scheduleBeat(at: now, into: &effects)
    }

    /// The view's log is durable here: the others may take it over.
    mutating func start(into effects: inout [Effect]) {
        guard durable.lastNormal == view, let leader = leading else { return }
        leading?.isStarted = true
        for peer in leader.followers.keys { sendStart(to: peer, into: &effects) }
    }

    private func sendStart(to peer: PeerID, into effects: inout [Effect]) {
        guard let digest = log.digest(at: log.last) else { return }
        send(.startView(log.last, digest, commit: committed), to: peer, into: &effects)
    }

    // MARK: The others

    mutating func onStartView(
        _ op: OpNumber, _ digest: Digest, _ commit: OpNumber, in view: View, from sender: Member, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard view >= self.view else { return refuse(sender, of: view.epoch, into: &effects) }
        guard !isForeign(sender, leading: view) else {
            effects.append(.report(.rejected("startView of view \(view), which it does not lead", from: sender.peer)))
            return
        }
        guard view > self.view || status != .normal else {
            hearPrimary(at: now)
            if op > log.last { fetch(from: sender.peer, at: now, into: &effects) }
            return acknowledge(into: &effects)
        }
        guard membership.epoch == view.epoch, log.digest(at: op) == digest, op >= committed,
            log.isReadable(after: committed, through: op)
        else { return adopt(view, from: sender.peer, at: now, into: &effects) }
        leave(into: &effects)
        self.view = view
        heardCommit = commit
        let tail = log.entries(after: committed, through: op, max: .max, bytesMax: .max)
        follow(with: tail, at: now, into: &effects)
    }

    /// A backup of the view, with this log behind what is executed, as soon as it is written.
    mutating func follow(with tail: [LogEntry], at now: Instant, into effects: inout [Effect]) {
        status = .normal
        lastNormal = view
        fetching = nil
        heardBeat = 0
        wishes = [:]
        hearPrimary(at: now)
        replaceTail(with: tail, into: &effects)
        effects.append(.following(view, primary: primary))
        execute(through: min(heardCommit, log.last), at: now, into: &effects)
    }

    /// The sender is in a later view, or in another epoch.
    mutating func onStale(_ view: View, from sender: Member, at now: Instant, into effects: inout [Effect]) {
        guard view > self.view else { return }
        adopt(view, from: sender.peer, at: now, into: &effects)
    }

    // MARK: Time

    mutating func onChangeLate(at now: Instant, into effects: inout [Effect]) {
        guard status == .changing, isMember else { return }
        effects.append(.set(.change, at: now + patience()))
        wish(at: now, into: &effects)
    }

    mutating func onResend(at now: Instant, into effects: inout [Effect]) {
        effects.append(.set(.resend, at: now + configuration.resend))
        tellWish(into: &effects)
        vote(at: now, into: &effects)
        if fetching?.isResting == true, now - (fetching?.askedAt ?? now) >= configuration.fetchPatience {
            onRested(at: now, into: &effects)
        }
        if let fetching, fetching.isWaiting, now - fetching.askedAt >= configuration.fetchPatience {
            fetchElsewhere(at: now, into: &effects)
        }
        // Members of an epoch that is over are asked, too, how it ended.
        let isBehind = status == .adopting || (leading == nil && membership.epoch < view.epoch)
        if isBehind, fetching == nil, let peer = random.pick(others) {
            fetch(from: peer, at: now, into: &effects)
        }
        askForDamaged(into: &effects)
    }

    /// Leads no more, and says so: others take over within a round trip.
    mutating func handOver(at now: Instant, into effects: inout [Effect]) {
        guard leading != nil, membership.members.count > 1 else { return }
        broadcast(.abdicate, into: &effects)
        leave(into: &effects)
        effects.append(.following(view, primary: nil))
        wish(at: now, into: &effects)
    }
}

import Accounting
import Automata
import OrderedCollections

/// Away from a machine that is to be rid of its tenants, without a gap where the request allows two at once.
///
///     leaving ─▶ allocate attempt n+1 ─▶ found ─▶ propose succeeding ─▶ committed ─▶ order (repeated until ordered)
///     report running ─▶ committed ─▶ propose moved ─▶ committed ─▶ release the old claim
///     failed, refused, lease out ─▶ propose dropped ─▶ committed ─▶ release, search again later
///     exclusive: found ─▶ release the old claim (repeated until released) ─▶ propose lost ─▶ attempt n+1 as ever
///     prepared, not started: the same without a search, since nothing is missed that does not run
extension RequestKeeper {
    // MARK: What machines say

    mutating func onLeaving(
        _ claims: [ClaimReference], _ leaving: Leaving?, from machine: PeerID, at now: Instant,
        into effects: inout [Effect]
    ) {
        for claim in claims where claim.machine == machine {
            guard !claim.fencing.isBooking else {
                if let leaving { onPlaceVoid(claim, "its machine \(leaving)", at: now, into: &effects) }
                continue
            }
            guard let request = books.request(placedBy: claim) else { continue }
            guard request.placement == claim else {
                if let leaving { drop(request, "\(name(of: request.successor)) \(leaving), too", into: &effects) }
                continue
            }
            guard let leaving else {
                guard moves[request.key]?.isOwn != true else { continue }
                withdraw(request, at: now, into: &effects)
                lookAtRelations(of: request.key, at: now, into: &effects)
                continue
            }
            let isKnown = moves[request.key] != nil
            var move = moves[request.key] ?? Move(leaving, heard: now)
            (move.leaving, move.heard, move.isWithdrawn, move.isOwn) = (leaving, now, false, false)
            moves[request.key] = move
            moving.insert(request.key)
            if request.isPrepared, request.successor == nil, !move.isStopping {
                moves[request.key]?.isStopping = true
                pursueMove(request.key, at: now, into: &effects)
            } else if !isKnown {
                pursueMove(request.key, at: now, into: &effects)
            }
        }
    }

    /// It may stay after all. What is being stopped goes on to be: its machine may be emptying its partition already.
    mutating func withdraw(_ request: Request, at now: Instant, into effects: inout [Effect]) {
        guard let move = moves[request.key], !move.isStopping else { return }
        moves[request.key]?.isWithdrawn = true
        if request.successor != nil {
            drop(request, "its machine takes tenants again", into: &effects)
        } else if move.placing == nil {
            forgetMove(of: request.key)
        }
    }

    /// The placement's lease was renewed: a machine that says nothing of leaving beside it has taken that back.
    mutating func onStaying(_ request: Request, at now: Instant, into effects: inout [Effect]) {
        guard let move = moves[request.key], !move.isOwn, now - move.heard > configuration.lease else { return }
        withdraw(request, at: now, into: &effects)
    }

    mutating func renewSuccessor(of request: Request, at now: Instant, into effects: inout [Effect]) -> Bool {
        guard moves[request.key]?.isDropping != true else { return false }
        moves[request.key, default: Move(nil, heard: now)].leaseEnds = now + configuration.lease
        effects.append(.set(.successorLease(request.key), at: now + configuration.lease))
        return true
    }

    // MARK: Toward the move

    /// Does what brings the move nearer to its end; safe to call at any time.
    mutating func pursueMove(_ key: RequestKey, at now: Instant, into effects: inout [Effect]) {
        guard let request = books.requests[key], let placement = request.placement, let move = moves[key],
            let item = work[key], !item.ending, !item.losing, request.specification.desired != .destroyed
        else { return }
        if move.isStopping {
            effects.append(.release(placement))
            effects.append(.set(.move(key), at: now + configuration.resend))
            return
        }
        guard let successor = request.successor else { return seekSuccessor(of: request, at: now, into: &effects) }
        if request.isSuccessorReady || configuration.sabotage.contains(.releaseBeforeReady) {
            promote(request, into: &effects)
        } else if successor.status.state == .failed, successor.status.revision >= request.revision {
            let reason = "\(name(of: successor)): \(successor.status.reason)"
            drop(request, "it failed on \(reason)", into: &effects)
        } else if move.isWithdrawn {
            drop(request, "its machine takes tenants again", into: &effects)
        } else if move.ordered != request.revision {
            let order = InstanceOrder(
                claim: successor.claim, request: key, revision: request.revision, specification: request.chosen)
            effects.append(.order(order, lease: configuration.lease))
            effects.append(.set(.move(key), at: now + configuration.resend))
        }
    }

    private mutating func seekSuccessor(of request: Request, at now: Instant, into effects: inout [Effect]) {
        let key = request.key
        guard var move = moves[key], move.placing == nil, !move.isWithdrawn else { return }
        if move.isOwn, books.broken(of: request) == nil { return forgetMove(of: key) }
        guard now >= move.notBefore else { return effects.append(.set(.move(key), at: move.notBefore)) }
        guard let placement = request.placement else { return }
        let doubled = configuration.searchFirst * (1 << min(move.searches, 10))
        move.searches += 1
        let (others, missing) = standings(of: request)
        if let missing {
            move.unmet = "\(missing.reference) has no machine, and \(missing) is asked"
            moves[key] = move
            return seekLater(key, at: now, into: &effects)
        }
        var (requirements, pledge) = (request.chosen.requirements, PeerID?.none)
        switch way(of: request, turn: move.searches, at: now) {
        case .anywhere: requirements.reservation = nil
        case .at(let machine): (requirements.machine, pledge) = (machine.description, machine)
        case .later(let reason):
            move.unmet = reason
            moves[key] = move
            return seekLater(key, at: now, into: &effects)
        }
        moves[key] = move
        // A machine that has the placement would take the next attempt for news that this one is over.
        let elsewhere = Relation(isApart: true, scope: .host, reference: key.reference)
        let standings = others + [Standing(relation: elsewhere, machine: placement.machine, place: request.place)]
        effects.append(
            .allocate(key, request.newest.next, requirements, standings, Pressing(machine: pledge)))
        effects.append(.set(.move(key), at: now + configuration.searchLast + min(doubled, configuration.searchLast)))
    }

    private func seekLater(_ key: RequestKey, at now: Instant, into effects: inout [Effect]) {
        guard let move = moves[key] else { return }
        let doubled = configuration.searchFirst * (1 << min(move.searches, 10))
        effects.append(.set(.move(key), at: max(move.notBefore, now + min(doubled, configuration.searchLast))))
    }

    /// - Returns: whether the claim is for a request that moves, so that nobody else need look at it.
    mutating func onFoundSuccessor(
        _ key: RequestKey, _ attempt: Attempt, _ claim: ClaimReference, _ place: Place, at now: Instant,
        into effects: inout [Effect]
    ) -> Bool {
        guard let request = books.requests[key], let placement = request.placement, let move = moves[key],
            attempt == request.newest.next, request.successor == nil, move.placing == nil, !move.isWithdrawn,
            request.specification.desired != .destroyed, work[key]?.ending != true, work[key]?.losing != true,
            claim.machine != placement.machine
        else { return false }
        guard !request.specification.exclusive else {
            // The machine that was found keeps its partition for a moment: attempt n+1 asks there first, as likely as not.
            if !move.isStopping {
                moves[key]?.isStopping = true
                pursueMove(key, at: now, into: &effects)
            }
            return true
        }
        if let relation = books.violated(of: request, on: claim.machine, at: place) {
            effects.append(.release(claim))
            moves[key]?.unmet = "\(place.name) is not \(relation)"
            seekLater(key, at: now, into: &effects)
        } else if let breach = books.budgetBreach(key, on: claim.machine, isSuccessor: true, at: now) {
            effects.append(.release(claim))
            moves[key]?.unmet = "both would run for a moment, and \(breach.text)"
            seekLater(key, at: now, into: &effects)
        } else {
            moves[key]?.placing = claim
            effects.append(.propose(.succeeding(key, attempt, claim, place)))
        }
        return true
    }

    /// - Returns: whether the search was for a request that moves.
    mutating func onNoSuccessor(
        _ key: RequestKey, _ attempt: Attempt, _ none: NoMachine, at now: Instant, into effects: inout [Effect]
    ) -> Bool {
        guard let request = books.requests[key], request.placement != nil, attempt == request.newest.next,
            moves[key] != nil
        else { return false }
        moves[key]?.unmet = none.reason
        seekLater(key, at: now, into: &effects)
        return true
    }

    private mutating func promote(_ request: Request, into effects: inout [Effect]) {
        guard let successor = request.successor, moves[request.key]?.isPromoting != true else { return }
        moves[request.key]?.isPromoting = true
        effects.append(.propose(.moved(request.key, successor.attempt)))
    }

    mutating func drop(_ request: Request, _ reason: String, into effects: inout [Effect]) {
        guard let successor = request.successor, let move = moves[request.key], !move.isDropping, !move.isPromoting
        else { return }
        moves[request.key]?.isDropping = true
        effects.append(.propose(.dropped(request.key, successor.attempt, reason: reason)))
    }

    // MARK: What the log says

    mutating func onSucceeding(
        _ key: RequestKey, _ claim: ClaimReference, at now: Instant, into effects: inout [Effect]
    ) {
        var move = moves[key] ?? Move(nil, heard: now)
        if move.placing == claim { move.placing = nil }
        guard let request = books.requests[key], request.successor?.claim == claim else {
            if !keeps(claim, for: key) { effects.append(.release(claim)) }
            if case .refused(let breach)? = books.outcome { move.unmet = breach.text }
            guard moves[key] != nil else { return }
            moves[key] = move
            if move.isWithdrawn { forgetMove(of: key) } else { seekLater(key, at: now, into: &effects) }
            return
        }
        (move.searches, move.unmet, move.ordered, move.reportProposed) = (0, "", nil, 0)
        (move.isPromoting, move.isDropping) = (false, false)
        move.leaseEnds = now + configuration.lease
        moves[key] = move
        moving.insert(key)
        effects.append(.set(.successorLease(key), at: now + configuration.lease))
        awaitHoldEnd(of: key, at: now, into: &effects)
        pursueMove(key, at: now, into: &effects)
    }

    /// The successor has become the placement.
    ///
    /// - Parameter old: what was the placement.
    mutating func onMoved(
        _ key: RequestKey, from old: ClaimReference, at now: Instant, into effects: inout [Effect]
    ) {
        let move = moves[key]
        forgetMove(of: key)
        var item = work[key] ?? Work()
        (item.losing, item.extending) = (false, false)
        item.ordered = move?.ordered
        item.leaseEnds = move?.leaseEnds ?? now + configuration.lease
        item.reportProposed = move?.reportProposed ?? 0
        work[key] = item
        // One that is lost is made good by the old machine's next renewal, which the books know nothing of.
        effects.append(.release(old))
        effects.append(.set(.lease(key), at: item.leaseEnds ?? now))
        onHold(of: key, at: now, into: &effects)
        notifyWaiters(of: key, into: &effects)
        pursue(key, at: now, into: &effects)
        lookAtRelations(of: key, at: now, into: &effects)
        lookAtRelations(to: key, at: now, into: &effects)
    }

    /// - Parameter old: what was the successor.
    mutating func onDropped(
        _ key: RequestKey, _ old: ClaimReference, because reason: String, at now: Instant, into effects: inout [Effect]
    ) {
        effects.append(.release(old))
        guard var move = moves[key] else { return }
        guard !move.isWithdrawn else { return forgetMove(of: key) }
        (move.isDropping, move.isPromoting, move.ordered, move.leaseEnds) = (false, false, nil, nil)
        move.reportProposed = 0
        let doubled = configuration.succeedFirst * (1 << min(move.failures, 10))
        move.failures += 1
        move.notBefore = now + min(doubled, configuration.succeedLast)
        move.unmet = reason
        moves[key] = move
        effects.append(.set(.move(key), at: move.notBefore))
    }

    mutating func onMoveRefused(_ fact: Fact, _ key: RequestKey, at again: Instant, into effects: inout [Effect]) {
        switch fact {
        case .succeeding: moves[key]?.placing = nil
        case .moved: moves[key]?.isPromoting = false
        case .dropped: moves[key]?.isDropping = false
        default: return
        }
        effects.append(.set(.move(key), at: again))
    }

    mutating func forgetMove(of key: RequestKey) {
        moves[key] = nil
        moving.remove(key)
    }

    /// A new primary knows of successors by the books, and hears from their placements' machines why.
    mutating func resumeMove(of request: Request, at now: Instant, into effects: inout [Effect]) {
        guard request.successor != nil else { return }
        var move = Move(nil, heard: now)
        move.leaseEnds = now + configuration.lease
        moves[request.key] = move
        moving.insert(request.key)
        effects.append(.set(.successorLease(request.key), at: now + configuration.lease))
        pursueMove(request.key, at: now, into: &effects)
    }

    // MARK: Timers

    mutating func onSuccessorLease(_ key: RequestKey, at now: Instant, into effects: inout [Effect]) {
        guard let request = books.requests[key], let successor = request.successor, let ends = moves[key]?.leaseEnds,
            now >= ends
        else { return }
        let machine = unreachable[successor.claim.machine] ?? name(of: successor)
        drop(request, "\(machine) was not heard of for \(configuration.lease)", into: &effects)
    }

    // MARK: Words

    /// Why the request moves and what it waits for; empty: it does not.
    func words(forMoveOf request: Request) -> String {
        guard let move = moves[request.key], let claim = request.placement, !move.isWithdrawn else { return "" }
        let machine = request.place.name.isEmpty ? claim.machine.fingerprint : request.place.name
        let why =
            move.isOwn ? move.leaving?.detail ?? "" : "\(machine) \(move.leaving?.description ?? "is to be rid of it")"
        if let successor = request.successor {
            return
                "\(why): attempt \(successor.attempt) is \(successor.status.state.rawValue) on \(name(of: successor))"
        }
        if move.isStopping, request.isPrepared { return "\(why): it is prepared anew elsewhere" }
        if move.isStopping { return "\(why): it is stopped first, since it is exclusive" }
        return "\(why): " + (move.unmet.isEmpty ? "another machine is looked for" : move.unmet)
    }

    private func name(of successor: Successor?) -> String {
        guard let successor else { return "its machine" }
        return successor.place.name.isEmpty ? successor.claim.machine.fingerprint : successor.place.name
    }
}

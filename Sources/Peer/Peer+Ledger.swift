import Accounting
public import Automata
import Claims
import Ledger
import Neighbours
import Rendezvous
import Replication

// Replicas of ledgers among the other parts.

extension Peer {
    func index(of ledger: PeerID) -> Int? { ledgers.firstIndex { $0.id == ledger } }

    /// The ledger, when its primary is here.
    func led(_ ledger: PeerID) -> LedgerDesk? { index(of: ledger).flatMap { ledgers[$0].desk } }

    /// Ledgers whose primary is here.
    var led: [PeerID] { ledgers.filter(\.isLeading).map(\.id) }

    /// Feeds one input; what its effects feed back comes after all of them, so that orders keep their order.
    mutating func replica(
        _ ledger: PeerID, _ input: Replica.Input, at now: Instant, into effects: inout [Effect]
    ) {
        guard let index = index(of: ledger) else { return }
        ledgers[index].inbox.append(input)
        guard !ledgers[index].isBusy else { return }
        ledgers[index].isBusy = true
        let before = ledgers[index].books.index
        while let index = self.index(of: ledger), !ledgers[index].inbox.isEmpty {
            let input = ledgers[index].inbox.removeFirst()
            for effect in ledgers[index].replica.effects(of: input, at: now) {
                perform(effect, of: ledger, at: now, into: &effects)
            }
        }
        guard let index = self.index(of: ledger) else { return }
        ledgers[index].isBusy = false
        if ledger == id, ledgers[index].isLeading, ledgers[index].books.index != before {
            describe(at: now, into: &effects)  // once for all that was committed together
        }
    }

    private mutating func perform(
        _ effect: Replica.Effect, of ledger: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        switch effect {
        case .write(let write): effects.append(.ledger(ledger, .write(write)))
        case .read(let token, let through, let bytesMax):
            effects.append(.ledger(ledger, .read(token, through: through, bytesMax: bytesMax)))
        case .send(let message, let peer):
            send(.replica(HeldLedger.group(of: ledger), message), to: peer, at: now, into: &effects)
        case .set(let timer, let due): effects.append(.set(.replica(ledger, timer), at: due))
        case .committed(let entry): onCommitted(entry, of: ledger, at: now, into: &effects)
        case .refused(let operation, let answer):
            if let fact = coding.decode(operation) { onRefused(fact, answer, of: ledger, at: now, into: &effects) }
        case .leading(let view): open(ledger, view, at: now, into: &effects)
        case .following(let view, let primary):
            close(ledger, at: now, into: &effects)
            if let primary { note(ledger, view, primary.peer, at: now, into: &effects) }
        case .confirmed(let id):
            if let input = takeUnconfirmed(id, of: ledger) { requests(ledger, input, at: now, into: &effects) }
        case .unconfirmed(let id, _):
            guard case .call(let id, let call)? = takeUnconfirmed(id, of: ledger) else { return }
            route(.answered(id, .request(.elsewhere(call.key))), at: now, into: &effects)
        case .membership:
            tellRegister(of: ledger, at: now, into: &effects)
            place(ledger, at: now, into: &effects)
        case .install:
            // Ledgers keep all of their entries, so nobody is sent a checkpoint in their place.
            replica(ledger, .installed(nil), at: now, into: &effects)
        case .retired:
            guard let index = index(of: ledger) else { return }
            close(ledger, at: now, into: &effects)
            ledgers.remove(at: index)
            effects.append(.ledger(ledger, .erase))
        case .answer(let id, let answer):
            guard let index = index(of: ledger), let asker = ledgers[index].askers.removeValue(forKey: id) else {
                return
            }
            send(.ledgerAnswer(HeldLedger.group(of: ledger), id, answer), to: asker, at: now, into: &effects)
        case .report(.fenced(let op, let view)): effects.append(.news(ledger, .fenced(op, by: view)))
        case .checkpoint(let head):
            if let checkpoint = index(of: ledger).flatMap({ ledgers[$0].checkpoint(at: head) }) {
                effects.append(.ledger(ledger, .checkpoint(checkpoint)))
            }
        case .readPiece, .stage, .notReconfigured, .report: return
        }
    }

    /// A master executes an operation of its own on the log, once however often it sends it.
    mutating func onRequest(
        _ group: GroupID, _ request: ClientRequest, from peer: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        let ledger = PeerID(high: group.high, low: group.low)
        guard let index = index(of: ledger), ledgers[index].isLeading else {
            let lead = primaries[ledger]
            let answer = ClientAnswer.elsewhere(lead?.view ?? .zero, primary: nil)
            return send(.ledgerAnswer(group, request.id, answer), to: peer, at: now, into: &effects)
        }
        if peer != ledger, peer != id, case .described? = coding.decode(request.operation) {
            let why = "its rules are for the master to say that has founded it (rule: \(CallRouter.founderOnly))"
            return send(.ledgerAnswer(group, request.id, .busy(why)), to: peer, at: now, into: &effects)
        }
        ledgers[index].askers[request.id] = peer
        gather(.request(request), for: ledger, at: now, into: &effects)
    }

    // MARK: To lead, and to lead no more

    private mutating func open(_ ledger: PeerID, _ view: View, at now: Instant, into effects: inout [Effect]) {
        note(ledger, view, id, at: now, into: &effects)
        guard let index = index(of: ledger), !ledgers[index].isLeading else {
            tellRegister(of: ledger, at: now, into: &effects)
            return describe(at: now, into: &effects)  // another view or epoch of its own
        }
        ledgers[index].open()
        for neighbour in neighbours.all {
            let advertisement = neighbour.advertisement
            if neighbour.isLive {
                finder(ledger, .offered(Offer(advertisement)), at: now, into: &effects)
            } else {
                let input = RequestKeeper.Input.machine(
                    advertisement.peer, name: advertisement.name, reachable: false)
                requests(ledger, input, at: now, into: &effects)
            }
        }
        finder(ledger, .offered(claims.offer), at: now, into: &effects)
        tellDirectory(of: ledger, at: now, into: &effects)
        requests(ledger, .started, at: now, into: &effects)
        if ledger == id { considerWishes(at: now, into: &effects) }
        place(ledger, at: now, into: &effects)
        route(.leads(ledger, id), at: now, into: &effects)
        tellRegister(of: ledger, at: now, into: &effects)
        describe(at: now, into: &effects)
    }

    private mutating func close(_ ledger: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard let index = index(of: ledger), ledgers[index].isLeading else { return }
        let open = ledgers[index].desk?.openCalls ?? []
        ledgers[index].close()
        for (id, key) in open { route(.answered(id, .request(.elsewhere(key))), at: now, into: &effects) }
        route(.follows(ledger), at: now, into: &effects)
        tellRegister(of: ledger, at: now, into: &effects)
        describe(at: now, into: &effects)
    }

    /// Somebody leads the ledger in this view.
    mutating func note(
        _ ledger: PeerID, _ view: View, _ peer: PeerID, members: Int? = nil, name: String? = nil, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard primaries.note(ledger, view, peer, members: members, name: name) else { return }
        if claims.seeks(ledger) { claims(.led(ledger), at: now, into: &effects) }
        guard isMaster else { return }
        tellDirectories(at: now, into: &effects)
        if peer != id { route(.leads(ledger, peer), at: now, into: &effects) }
    }

    /// To whom what concerns the ledger goes.
    public func primary(of ledger: PeerID) -> PeerID {
        led(ledger) != nil ? id : primaries[ledger]?.peer ?? ledger
    }

    /// How many keep the ledger, as far as it is known here.
    func members(of ledger: PeerID) -> Int {
        index(of: ledger).map { ledgers[$0].replica.membership.members.count } ?? primaries[ledger]?.members ?? 1
    }

    // MARK: What the desk asks

    /// Handles the input when a majority has said that this replica still leads.
    mutating func confirmed(
        _ ledger: PeerID, _ input: RequestKeeper.Input, at now: Instant, into effects: inout [Effect]
    ) {
        guard let index = index(of: ledger), let read = ledgers[index].desk?.wait(with: input) else { return }
        replica(ledger, .confirm(read), at: now, into: &effects)
    }

    private mutating func takeUnconfirmed(_ id: Replica.ReadID, of ledger: PeerID) -> RequestKeeper.Input? {
        index(of: ledger).flatMap { ledgers[$0].desk?.unconfirmed.removeValue(forKey: id) }
    }

    mutating func propose(_ fact: Fact, to ledger: PeerID, at now: Instant, into effects: inout [Effect]) {
        gather(.propose(coding.encode(fact)), for: ledger, at: now, into: &effects)
    }

    /// What comes to a ledger in one turn of the host's loop shares a batch: the timer fires when the turn is over.
    private mutating func gather(
        _ input: Replica.Input, for ledger: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        if let index = index(of: ledger), !ledgers[index].isGathering {
            ledgers[index].isGathering = true
            replica(ledger, .gather, at: now, into: &effects)
            effects.append(.set(.gathered(ledger), at: now))
        }
        replica(ledger, input, at: now, into: &effects)
    }

    mutating func onGathered(_ ledger: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard let index = index(of: ledger) else { return }
        ledgers[index].isGathering = false
        replica(ledger, .gathered, at: now, into: &effects)
    }

    private mutating func onCommitted(
        _ committed: LogEntry, of ledger: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        guard let index = index(of: ledger) else { return }
        guard ledgers[index].isLeading else {
            if ledgers[index].apply(committed, coding) { onDescribed(ledger, at: now, into: &effects) }
            return
        }
        guard let entry = Entry(committed, coding) else {
            ledgers[index].desk?.requests.skip(
                to: LedgerIndex(committed.op.value), isUnknown: committed.body.isOperation)
            return
        }
        requests(ledger, .committed(entry), at: now, into: &effects)
        let fact = entry.fact
        if case .noted(let key, _) = fact { directory(ledger, .noted(key), at: now, into: &effects) }
        for free in ledgers[index].desk?.release(fact) ?? [] {
            send(free.message, from: ledger, to: free.to, at: now, into: &effects)
        }
        if calls.isRecording {
            let breach: Refusal? =
                if case .accounting = fact, case .refused(let breach)? = ledgers[index].desk?.requests.books.outcome {
                    Refusal(breach)
                } else { nil }
            route(.committed(entry, of: ledger, breach), at: now, into: &effects)
        }
        if case .described = fact { onDescribed(ledger, at: now, into: &effects) }
    }

    private mutating func onRefused(
        _ fact: Fact, _ answer: ClientAnswer, of ledger: PeerID, at now: Instant, into effects: inout [Effect]
    ) {
        guard let index = index(of: ledger), ledgers[index].isLeading else {
            return route(.refused(fact, nil), at: now, into: &effects)
        }
        let refusal = Refusal(answer)
        ledgers[index].desk?.drop(fact)
        if case .noted(let key, _) = fact { return directory(ledger, .noted(key), at: now, into: &effects) }
        requests(ledger, .refused(fact, refusal), at: now, into: &effects)
        route(.refused(fact, refusal), at: now, into: &effects)
    }
}

extension Refusal {
    /// Why a ledger takes nothing now; nil: another replica may.
    fileprivate init?(_ answer: ClientAnswer) {
        switch answer {
        case .elsewhere: return nil
        case .tooLarge(let bytes, let max):
            self.init(
                .invalid, "what is to be written has \(bytes) bytes, at most \(max) are possible",
                remedy: "put large parameters where the instance can fetch them, and hand over their address")
        case .busy(let why):
            self.init(.overloaded, "the ledger takes nothing now: \(why)", remedy: "repeat it in a moment")
        case .committed, .sessionExpired, .stale: return nil
        }
    }
}

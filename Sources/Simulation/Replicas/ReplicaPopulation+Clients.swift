import Automata
import Replication

/// Clients: each makes one call at a time, to whomever it takes for the primary, and asks again until it has an answer.
extension ReplicaPopulation {
    /// What a client waits for before it asks again.
    private static let patience: Int64 = 300_000_000
    /// After which it gives a reading up.
    private static let readPatience: Int64 = 3_000_000_000

    mutating func clientDelay() -> Int64 { clientDraw.within(50_000...2_000_000) }

    mutating func anyone(among group: Int) -> UInt32 {
        first(of: group) + UInt32(clientDraw.below(mix.hosts))
    }

    mutating func act(_ index: Int, _ core: inout World) {
        let think = think(of: index)
        core.note(
            at: core.now + clientDraw.within(think.lowerBound.nanoseconds...think.upperBound.nanoseconds),
            Note.client.rawValue, slot: UInt32(index))
        guard let call = clients[index].call else {
            guard core.now < plan.over - Self.quietTime else { return }
            return begin(index, &core)
        }
        guard core.now - call.askedAt > Self.patience else { return }
        if case .read = call.what, core.now - call.began > Self.readPatience {
            clients[index].call = nil
            clients[index].target = anyone(among: clients[index].group)
            return count("reading given up")
        }
        if clientDraw.below(2) == 0 { clients[index].target = anyone(among: clients[index].group) }
        ask(index, &core)
    }

    /// When faults are over: soon, until each has what it is owed; then now and then, to see that it stays so.
    private func think(of index: Int) -> ClosedRange<Duration> {
        guard isCalm else { return settings.think }
        return clients[index].doneCalm < Self.answersOwed
            ? .milliseconds(20)...(.milliseconds(200)) : .seconds(1)...(.seconds(4))
    }

    private mutating func begin(_ index: Int, _ core: inout World) {
        calls += 1
        let what: ReplicaClient.What
        if clients[index].number > 0, clientDraw.below(10) < 3 {
            nextRead += 1
            what = .read(Replica.ReadID(nextRead << 16 | UInt64(index)))
            // Some ask whoever takes itself for the primary, even if it is not any more.
            let leading = peers(of: clients[index].group).filter { hosts[Int($0)].replica?.isLeading == true }
            if !leading.isEmpty { clients[index].target = leading[clientDraw.below(leading.count)] }
        } else {
            clients[index].number += 1
            let id = RequestID(session: clients[index].session, number: clients[index].number)
            let operation = clients[index].number == 1 ? [] : ReplicatedBooks.operation(&clientDraw)
            what = .write(ClientRequest(id: id, operation: operation))
        }
        clients[index].call = ReplicaClient.Call(
            what: what, began: core.now, floor: records[clients[index].group].floor, askedAt: core.now)
        ask(index, &core)
    }

    private mutating func ask(_ index: Int, _ core: inout World) {
        guard let what = clients[index].call?.what else { return }
        clients[index].call?.askedAt = core.now
        guard !isLost(core) else { return }
        run(.asked(what, client: index), at: clients[index].target, after: clientDelay(), &core)
    }

    private mutating func isLost(_ core: World) -> Bool {
        let loss = core.network.loss
        return loss > 0 && clientDraw.chance(loss)
    }

    // MARK: At the host

    mutating func asked(_ what: ReplicaClient.What, by client: Int, at peer: UInt32, _ core: inout World) {
        guard hosts[Int(peer)].replica != nil else { return clients[client].target = anyone(among: group(of: peer)) }
        switch what {
        case .write(let request): feed(.request(request), to: peer, &core)
        case .read(let id): feed(.confirm(id), to: peer, &core)
        }
    }

    mutating func answer(_ id: RequestID, _ answer: ClientAnswer, from peer: UInt32, _ core: inout World) {
        guard let client = sessions[id.session], !isLost(core) else { return }
        run(.answer(id, answer, from: peer, client: client), at: peer, after: clientDelay(), &core)
    }

    mutating func confirm(_ id: Replica.ReadID, at peer: UInt32, _ core: inout World) {
        let client = Int(id.value & 0xffff)
        guard !isLost(core) else { return }
        let host = hosts[Int(peer)]
        run(
            .state(id, host.executed, host.books, from: peer, client: client), at: peer,
            after: clientDelay(), &core)
    }

    // MARK: At the client

    mutating func arrive(_ errand: ReplicaErrand, _ core: inout World) {
        switch errand {
        case .answer(let id, let answer, let peer, let client):
            guard case .write(let request)? = clients[client].call?.what, request.id == id else { return }
            arrive(answer, to: request, at: client, from: peer, &core)
        case .state(let id, let op, let books, let peer, let client):
            guard let call = clients[client].call, case .read(id) = call.what else { return }
            count("read")
            let group = clients[client].group
            accuse(
                records[group].read(books, at: op, since: call.floor, of: name(peer)), [peer], &core)
            finish(client)
        case .noState(let id, let client):
            guard case .read(id)? = clients[client].call?.what else { return }
            clients[client].call = nil
            clients[client].target = anyone(among: clients[client].group)
        case .input, .asked: preconditionFailure("not for a client")
        }
    }

    private mutating func arrive(
        _ answer: ClientAnswer, to request: ClientRequest, at client: Int, from peer: UInt32, _ core: inout World
    ) {
        guard let call = clients[client].call else { return }
        let group = clients[client].group
        switch answer {
        case .committed(let op):
            accuse(records[group].answered(request.id, with: op, since: call.floor), [peer], &core)
            clients[client].target = peer
            finish(client)
        case .elsewhere(_, let primary):
            clients[client].target = primary.flatMap { core.number(of: $0.peer) } ?? anyone(among: group)
            clients[client].call?.askedAt = .min / 2
        case .busy: return
        case .tooLarge, .sessionExpired, .stale:
            accuse(
                .init(invariant: "I3", summary: "\(name(peer)) answered \(request.id) with \(answer)"), [peer], &core)
        }
    }

    private mutating func finish(_ client: Int) {
        clients[client].call = nil
        clients[client].done += 1
        if isCalm { clients[client].doneCalm += 1 }
    }
}

import Automata
import Claims
import Ledger
import Neighbours
import Objects
import Overlay
import Peer
import Replication
import Wire

/// A peer's effects, in their order, and its disk.
extension PeerPopulation {
    /// Performs effects in order: none waits for the disk.
    mutating func perform(_ effects: inout [Peer.Effect], of host: UInt32, _ core: inout World) {
        for effect in effects { perform(effect, of: host, &core) }
        setOtherTimers(of: host, &core)
    }

    private mutating func write(
        _ write: MachineWrite, _ number: UInt64, of host: UInt32, _ core: inout World
    ) {
        hosts[Int(host)].writing.append((write, number))
        let isHasty = sabotage == .hastySend
        if isHasty { tell(host, .persisted(number), &core) }
        let latency = isHasty ? 5_000_000_000 : diskLatency()
        core.note(at: core.now + latency, Note.synced.rawValue, peer: host)
    }

    mutating func onSynced(_ host: UInt32, _ core: inout World) {
        guard let write = hosts[Int(host)].writing.first else { return }
        guard takesWrite(host) else {
            // As the real host: the same again, until the disk takes it.
            core.note(at: core.now + 1_000_000_000 + diskLatency(), Note.synced.rawValue, peer: host)
            return
        }
        hosts[Int(host)].writing.removeFirst()
        hosts[Int(host)].disk.commit(write.write)
        if sabotage != .hastySend { give(.persisted(write.number), to: host, &core) }
    }

    private mutating func diskLatency() -> Int64 {
        diskDraw.within(settings.disk.latency.lowerBound.nanoseconds...settings.disk.latency.upperBound.nanoseconds)
    }

    private mutating func takesWrite(_ host: UInt32) -> Bool {
        if hosts[Int(host)].isDiskFull {
            reached["disk full", default: 0] += 1
            return false
        }
        guard writeFailures > 0, diskDraw.chance(writeFailures) else { return true }
        reached["write failed", default: 0] += 1
        return false
    }

    mutating func crashDisk(of host: UInt32) {
        let (writing, storing) = (hosts[Int(host)].writing.map(\.write), hosts[Int(host)].storing)
        let harm = hosts[Int(host)].disk.crash(
            writing: writing, journal: hosts[Int(host)].journal, storing: storing, rot: isHealed ? 0 : rot,
            draw: &diskDraw)
        for (path, count) in [
            ("unsynced write lost", harm.lost), ("torn write cut", harm.torn), ("object corrupt", harm.rotten),
        ] where count > 0 {
            reached[path, default: 0] += count
        }
    }

    private mutating func perform(_ effect: Peer.Effect, of host: UInt32, _ core: inout World) {
        switch effect {
        case .persist(let order, let number): write(order, number, of: host, &core)
        case .send(let message, let peer): send(message, from: host, to: peer, &core)
        case .set(.overlay(.acknowledgements), let due): core.setTimer(0, of: host, at: due)
        case .set(.overlay(.upkeep), let due): core.setTimer(1, of: host, at: due)
        case .set(let timer, let due):
            if sabotage == .deafTimers, case .requests(_, let timer) = timer {
                switch timer {
                case .search, .order, .move: return
                case .lease, .successorLease, .hold, .bill, .press, .wait, .scale, .place, .reservation: break
                }
            }
            hosts[Int(host)].timers.set(timer, at: due)
        case .remember, .rememberRing: run(.hint(effect), at: storeDone(host, core), of: host, &core)
        case .report(let notice): if case .failed = notice { reached["peer called failed", default: 0] += 1 }
        case .publish(let advertisement): publish(advertisement, from: host, &core)
        case .browse(let scope): browse(scope, at: host, &core)
        case .apply(let order):
            if placers != nil { notePlaced(order.request, &core) }
            apply(order, on: host, &core)
        case .vacate(let claim): vacate(claim, on: host, &core)
        case .leaseEnds(let claim, let end): holdLease(of: claim, until: end, on: host, &core)
        case .readLog(let id, _, _):
            tell(host, .logRead(id, .success(LogPiece(bytes: [], nextOffset: 0))), &core)
        case .answer(let id, let result): run(.answered(id, result), at: core.now, of: host, &core)
        case .ringAnswer(let id, let result):
            if objectUsers.knows(id) || seekers.knows(id) {
                run(.ringAnswered(id, result), at: core.now, of: host, &core)
            }
        case .group(let effect): onGroup(effect, at: host, &core)
        case .object(let order): store(order, of: host, &core)
        case .ledger(let ledger, let order): onOrder(order, for: ledger, of: host, &core)
        // What a peer knows of others' addresses is asked where it connects.
        case .learn, .delivered, .news: return
        }
    }

    // MARK: Ledgers on the disk

    private mutating func onOrder(_ order: LedgerOrder, for ledger: PeerID, of host: UInt32, _ core: inout World) {
        switch order {
        case .open:
            let log = hosts[Int(host)].disk.logs[ledger] ?? LogDisk(store: store(of: ledger, at: host))
            hosts[Int(host)].disk.logs[ledger] = log
            let state = log.restored(ledger, blueprint.coding)
            tell(host, .opened(ledger, state), after: diskLatency(), &core)
        case .write(let write):
            hosts[Int(host)].journal.append(LedgerWrite(ledger: ledger, write: write))
            if sabotage == .hastySend { tell(host, .ledger(ledger, .written(through: write.number)), &core) }
            guard hosts[Int(host)].journal.count == 1 else { return }
            let latency = sabotage == .hastySend ? 5_000_000_000 : diskLatency()
            core.note(at: core.now + latency, Note.journalled.rawValue, peer: host)
        case .read(let token, let through, let bytesMax):
            let log = hosts[Int(host)].disk.logs[ledger]
            let entries = log?.read(after: token.after, through: through, bytesMax: bytesMax) ?? []
            tell(host, .ledger(ledger, .entriesRead(token, entries)), after: diskLatency(), &core)
        case .checkpoint(let checkpoint):
            // Written in pieces beside the log: it takes longer than a write, and a crash meanwhile leaves nothing of it.
            let done = core.now + 3 * settings.disk.latency.upperBound.nanoseconds
            run(.checkpoint(ledger, checkpoint), at: done, of: host, &core)
        case .erase:
            hosts[Int(host)].journal.removeAll { $0.ledger == ledger }
            hosts[Int(host)].disk.logs[ledger] = nil
        }
    }

    mutating func keep(_ checkpoint: LedgerCheckpoint, of ledger: PeerID, at host: UInt32) {
        guard !hosts[Int(host)].isDiskFull else { return }
        let books = sabotage == .lossyCheckpoint ? checkpoint.books.withoutRequests : checkpoint.books
        let copy = LogDisk.Checkpoint(head: checkpoint.head, books: books.encoded())
        if hosts[Int(host)].disk.logs[ledger]?.keep(copy) == true { reached["checkpoint kept", default: 0] += 1 }
    }

    /// A storage that is made anew is another one.
    func store(of ledger: PeerID, at host: UInt32) -> StoreID {
        StoreID((ledger.high ^ UInt64(host)) &* 0x9e37_79b9_7f4a_7c15 &+ UInt64(hosts[Int(host)].lives))
    }

    /// One sync for all that waits.
    mutating func onJournalled(_ host: UInt32, _ core: inout World) {
        let journal = hosts[Int(host)].journal
        hosts[Int(host)].journal = []
        let takesWrites = takesWrite(host)
        var told: Set<PeerID> = []  // looked up only
        if takesWrites { for item in journal { hosts[Int(host)].disk.apply(item) } }
        for item in takesWrites ? journal.reversed() : journal where told.insert(item.ledger).inserted {
            if !takesWrites {
                give(.ledger(item.ledger, .writeFailed(from: item.write.number)), to: host, &core)
            } else if sabotage != .hastySend {
                give(.ledger(item.ledger, .written(through: item.write.number)), to: host, &core)
            }
        }
    }

    // MARK: Objects on the disk

    /// One after the other, each taking its time; nothing else waits for them.
    private mutating func store(_ order: Peer.ObjectOrder, of host: UInt32, _ core: inout World) {
        if case .write(let object) = order { hosts[Int(host)].storing.append(object) }
        run(.store(order), at: storeDone(host, core), of: host, &core)
    }

    private mutating func storeDone(_ host: UInt32, _ core: borrowing World) -> Int64 {
        let done = max(core.now, hosts[Int(host)].storeFree) + diskLatency()
        hosts[Int(host)].storeFree = done
        return done
    }

    /// A disk that takes no write loses the hint; the next one replaces it.
    mutating func keep(_ hint: Peer.Effect, of host: UInt32) {
        if takesWrite(host) { hosts[Int(host)].disk.keep(hint) }
    }

    mutating func carryOut(_ order: Peer.ObjectOrder, of host: UInt32, _ core: inout World) {
        switch order {
        case .write(let object):
            hosts[Int(host)].storing.removeAll { $0.id == object.id }
            let isDurable = takesWrite(host)
            if isDurable {
                hosts[Int(host)].disk.objects[object.id] = Disk.Copy(bytes: object.bytes)
                objectUsers.isDurable(object, at: host)
            }
            give(.objectWritten(object.id, durable: isDurable), to: host, &core)
        case .erase(let key):
            checkErased(key, at: host, &core)
            hosts[Int(host)].disk.objects[key] = nil
        case .read(let key, let token):
            give(.objectRead(token, hosts[Int(host)].disk.contents(of: key)), to: host, &core)
        }
    }
}

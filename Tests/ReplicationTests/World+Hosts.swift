import Automata

@testable import Replication

/// Processes, their disks, and what they send.
extension World {
    // MARK: Nodes

    mutating func create(_ index: Int, founds: Bool) {
        let store = StoreID(random.next())
        let own = Member(peer: Self.peer(index), store: store)
        nodes[index].disk = Disk(store: store)
        let seeded = SeededRandom(seed: random.next())
        nodes[index].replica =
            founds
            ? Replica(founding: own, genesis: genesis, configuration: settings.configuration, random: seeded)
            : Replica(learning: own, genesis: genesis, configuration: settings.configuration, random: seeded)
        nodes[index].executed = .zero
        nodes[index].state = genesis
        feed(.started, to: index)
    }

    mutating func crash(_ index: Int, losesDisk: Bool = false, back: Duration?) {
        guard nodes[index].isUp else { return }
        nodes[index].isUp = false
        nodes[index].life += 1
        nodes[index].replica = nil
        nodes[index].timers = [:]
        nodes[index].isTold = false
        // Of what was under way the first so many transactions are there.
        let kept = random.below(nodes[index].orders.count + 1)
        for order in nodes[index].orders.prefix(nodes[index].isFull ? 0 : kept) { _ = nodes[index].disk?.apply(order) }
        nodes[index].orders = []
        if losesDisk {
            let store = nodes[index].disk?.store
            nodes[index].disk = settings.keepsStore ? store.map { Disk(store: $0) } : nil
            reached["disk lost", default: 0] += 1
        }
        reached["crash", default: 0] += 1
        let peer = Self.peer(index)
        for other in nodes.indices where other != index && nodes[other].isUp && random.chance(perMille: 700) {
            schedule(.input(.suspected(peer), other, life: nodes[other].life), in: .milliseconds(2))
        }
        if let back { schedule(.restart(index), in: back) }
    }

    mutating func restart(_ index: Int) {
        guard !nodes[index].isUp else { return }
        nodes[index].isUp = true
        guard var disk = nodes[index].disk else { return }
        if settings.forgetsView {
            disk.state.view = .first(of: disk.state.view.epoch); disk.state.lastNormal = disk.state.view
        }
        var replay = Replay(
            from: disk.checkpoint?.head ?? .empty(genesis: genesis),
            sessionsMax: settings.configuration.sessionsMax)
        var state = disk.checkpoint?.state ?? genesis
        while replay.head.op < disk.state.commit, let entry = disk.rows[replay.head.op.next]?.entry, replay.apply(entry)
        {
            state = entry.digest
        }
        var tail: [LogSlot] = []
        var op = replay.head.op.next
        while op <= disk.last {
            tail.append(disk.rows[op] ?? LogSlot(damaged: nil))
            op = op.next
        }
        nodes[index].disk = disk
        nodes[index].executed = replay.head.op
        nodes[index].state = state
        let restored = RestoredReplica(
            store: disk.store, state: disk.state, head: replay.head, tail: tail, firstKept: disk.firstKept)
        nodes[index].replica = Replica(
            restored: restored, peer: Self.peer(index), configuration: settings.configuration,
            random: SeededRandom(seed: random.next()))
        feed(.started, to: index)
        // What the scrubbing of the disk finds.
        for op in disk.rows.keys.sorted() where disk.rows[op]?.entry == nil && op <= replay.head.op {
            feed(.damaged(op), to: index)
        }
    }

    mutating func feed(_ input: Replica.Input, to index: Int) {
        guard nodes[index].replica != nil else { return }
        var effects: [Replica.Effect] = []
        nodes[index].replica?.handle(input, at: Instant(nanoseconds: now), into: &effects)
        for effect in effects { carryOut(effect, of: index) }
    }

    private mutating func carryOut(_ effect: Replica.Effect, of index: Int) {
        let life = nodes[index].life
        switch effect {
        case .write(let write):
            order(.write(write), index)
        case .read(let token, let through, let bytesMax):
            var entries: [LogEntry] = []
            var op = token.after.next
            var bytes = 0
            while op <= through, let entry = nodes[index].disk?.rows[op]?.entry, bytes < bytesMax {
                entries.append(entry)
                bytes += entry.size
                op = op.next
            }
            schedule(.input(.entriesRead(token, entries), index, life: life), in: diskDelay())
        case .send(let message, let peer): send(message, from: index, to: node(peer))
        case .set(let timer, let at):
            nodes[index].timers[timer] = at.nanoseconds
            schedule(.timer(timer, index, life: life, due: at.nanoseconds), at: at.nanoseconds)
        case .committed(let entry): executed(entry, at: index)
        case .answer(let id, let answer): answered(id, answer, by: index)
        case .refused, .report(.rejected), .report(.damaged), .membership, .notReconfigured: return
        case .report(.fenced(let op, let view)):
            preconditionFailure("fenced at \(op) by \(view), and nothing was restarted")
        case .report(.undecided): reached["undecided", default: 0] += 1
        case .report(.mended): reached["mended", default: 0] += 1
        case .confirmed(let id): confirmed(id, by: index)
        case .unconfirmed(let id, _): unconfirmed(id)
        case .leading: reached["led", default: 0] += 1
        case .following: return
        case .checkpoint(let head):
            guard let state = nodes[index].state else { return }
            precondition(state == head.digest, "the state is not that of the checkpoint")
            order(.checkpoint(head, state), index)
        case .readPiece(_, _, _, let peer):
            let piece = nodes[index].disk?.checkpoint.map {
                CheckpointPiece(head: $0.head, offset: 0, bytes: $0.state.bytes, total: 32)
            }
            schedule(.input(.pieceRead(peer, piece), index, life: life), in: diskDelay())
        case .stage(let piece): nodes[index].staged = piece
        case .install(let head):
            guard let piece = nodes[index].staged, piece.head == head else { return feed(.installed(nil), to: index) }
            order(.install(piece), index)
        case .retired:
            reached["retired", default: 0] += 1
            nodes[index].replica = nil
            nodes[index].disk = nil
            nodes[index].orders = []
            nodes[index].timers = [:]
            nodes[index].life += 1
        }
    }

    private mutating func diskDelay() -> Duration { random.duration(in: .microseconds(100)...(.milliseconds(3))) }

    private mutating func order(_ order: Order, _ index: Int) {
        nodes[index].orders.append(order)
        if nodes[index].orders.count == 1 { schedule(.disk(index, life: nodes[index].life), in: diskDelay()) }
    }

    /// One sync for all that waits.
    mutating func complete(_ index: Int) {
        let life = nodes[index].life
        let orders = nodes[index].orders
        nodes[index].orders = []
        var isDropped = false
        for order in orders where nodes[index].life == life {
            if isTold {
                print(Double(now) / 1e9, index + 1, "does", order.words, "behind", nodes[index].disk?.last.value ?? 0)
            }
            switch order {
            case .write(let write):
                guard !isDropped else { continue }
                if nodes[index].isFull {
                    reached["full", default: 0] += 1
                    isDropped = true
                    feed(.writeFailed(from: write.number), to: index)
                    continue
                }
                if let problem = nodes[index].disk?.apply(order) { check(false, "\(index) \(problem)") }
                feed(.written(through: write.number), to: index)
            case .install(let piece):
                guard !isDropped, !nodes[index].isFull, let state = Digest(bytes: piece.bytes) else {
                    feed(.installed(nil), to: index)
                    continue
                }
                reached["installed", default: 0] += 1
                _ = nodes[index].disk?.apply(order)
                nodes[index].executed = piece.head.op
                nodes[index].state = state
                let known = history[piece.head.op]
                check(known == nil || known == state, "I3 \(index) installed another state at \(piece.head.op)")
                feed(.installed(piece.head), to: index)
            case .checkpoint:
                guard !isDropped, !nodes[index].isFull else { continue }
                _ = nodes[index].disk?.apply(order)
                guard settings.prunes, let op = nodes[index].disk?.checkpoint?.head.op else { continue }
                reached["pruned", default: 0] += 1
                nodes[index].disk?.prune(through: OpNumber(op.value - min(op.value, 4)))
                if let kept = nodes[index].disk?.firstKept { feed(.kept(from: kept), to: index) }
            }
        }
    }

    private mutating func send(_ message: ReplicaMessage, from sender: Int, to target: Int) {
        guard !cuts.contains([sender, target]), !random.chance(perMille: settings.loss * (isCalm ? 0 : 1)) else {
            return
        }
        schedule(
            .message(message, from: sender, to: target), in: random.duration(in: .microseconds(50)...settings.delay))
        if !isCalm, random.chance(perMille: settings.repeats) {
            schedule(
                .message(message, from: sender, to: target),
                in: random.duration(in: .microseconds(50)...(settings.delay * 20)))
        }
    }
}

extension World.Disk {
    /// - Returns: what is wrong with it.
    mutating func apply(_ order: World.Order) -> String? {
        switch order {
        case .write(let write): return apply(write)
        case .install(let piece):
            guard let state = Digest(bytes: piece.bytes) else { return "no checkpoint" }
            checkpoint = (piece.head, state)
            prune(through: piece.head.op)
            last = max(last, piece.head.op)
            return nil
        case .checkpoint(let head, let state):
            guard head.op <= last else { return "a checkpoint at \(head.op) behind the log's end" }
            checkpoint = (head, state)
            return nil
        }
    }

    private mutating func apply(_ write: JournalWrite) -> String? {
        state = write.state
        if let cut = write.cutAfter {
            for op in rows.keys where op > cut { rows[op] = nil }
            last = min(last, cut)
        }
        for entry in write.entries {
            guard entry.op == last.next else { return "\(entry.op) is written after \(last)" }
            rows[entry.op] = LogSlot(entry)
            last = entry.op
        }
        for entry in write.mended where entry.op <= last { rows[entry.op] = LogSlot(entry) }
        return nil
    }

    mutating func prune(through op: OpNumber) {
        for row in rows.keys where row <= op { rows[row] = nil }
        firstKept = max(firstKept, op.next)
    }
}

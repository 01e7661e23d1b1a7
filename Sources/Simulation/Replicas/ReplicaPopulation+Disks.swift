import Automata
import Replication

/// Disks: they take orders one after the other, sync all that waits at once, fail, fill up, crash, rot and get lost.
///
/// What faults destroy stays within what the protocol promises to survive: of no entry a majority's copies. So an
/// accusation needs no second thought whether it could have been kept.
extension ReplicaPopulation {
    mutating func order(_ order: DiskOrder, _ peer: UInt32, _ core: inout World) {
        hosts[Int(peer)].orders.append(order)
        if hostBug == .lyingDisk, case .write(let write) = order {
            run(
                .input(.written(through: write.number), generation: hosts[Int(peer)].generation), at: peer,
                after: 20_000, &core)
        }
        beginSync(peer, &core)
    }

    private mutating func beginSync(_ peer: UInt32, _ core: inout World) {
        guard !hosts[Int(peer)].isSyncing, !hosts[Int(peer)].orders.isEmpty else { return }
        hosts[Int(peer)].isSyncing = true
        let latency = settings.disk.latency
        var delay = diskDraw.within(latency.lowerBound.nanoseconds...latency.upperBound.nanoseconds)
        if !isCalm, mix.slow > 0, diskDraw.chance(mix.slow) {
            delay *= 100
            count("slow sync")
        }
        core.note(
            at: core.now + delay, Note.synced.rawValue, peer: peer, slot: hosts[Int(peer)].generation)
    }

    func readDelay() -> Int64 { settings.disk.latency.lowerBound.nanoseconds + 100_000 }

    /// All that waited is durable, or the disk took nothing of it.
    mutating func sync(_ peer: UInt32, _ core: inout World) {
        let orders = hosts[Int(peer)].orders
        let generation = hosts[Int(peer)].generation
        hosts[Int(peer)].orders = []
        let fails =
            hosts[Int(peer)].isFull || (!isCalm && mix.failures > 0 && diskDraw.chance(mix.failures))
        if fails {
            failed(orders, peer, &core)
        } else {
            for order in orders where hosts[Int(peer)].generation == generation && !core.isOver {
                done(order, peer, &core)
            }
        }
        guard hosts[Int(peer)].generation == generation else { return }
        hosts[Int(peer)].isSyncing = false
        beginSync(peer, &core)
    }

    private mutating func failed(_ orders: [DiskOrder], _ peer: UInt32, _ core: inout World) {
        count(hosts[Int(peer)].isFull ? "disk full" : "sync failed")
        var isTold = false
        for order in orders {
            switch order {
            case .write(let write) where !isTold:
                isTold = true
                feed(.writeFailed(from: write.number), to: peer, &core)
            case .install: feed(.installed(nil), to: peer, &core)
            case .write, .checkpoint: continue
            }
        }
    }

    private mutating func done(_ order: DiskOrder, _ peer: UInt32, _ core: inout World) {
        if let problem = hosts[Int(peer)].disk?.apply(order) {
            // Others have executed what this disk did not take yet: the next checkpoint comes.
            if case .checkpoint = order { return count("checkpoint refused") }
            accuse(.init(invariant: "agreement", summary: "\(name(peer)): \(problem)"), [peer], &core)
        }
        switch order {
        case .write(let write):
            if hostBug != .lyingDisk { feed(.written(through: write.number), to: peer, &core) }
        case .install(let head, let bytes):
            count("installed")
            tell(core, "\(name(peer)) takes the checkpoint at \(head.op)")
            guard let books = try? ReplicatedBooks(checkpoint: bytes) else {
                return accuse(
                    .init(invariant: "agreement", summary: "\(name(peer)) was given a checkpoint that is none"), [peer],
                    &core)
            }
            hosts[Int(peer)].executed = head.op
            if hostBug != .staleBooks { hosts[Int(peer)].books = books }
            let group = group(of: peer)
            accuse(
                records[group].checkpoint(head, books: hosts[Int(peer)].books, of: name(peer)), [peer], &core)
            feed(.installed(head), to: peer, &core)
        case .checkpoint(let head, _):
            guard mix.prunes, head.op.value > 4 else { return }
            count("pruned")
            // A few stay for those who are a little late.
            hosts[Int(peer)].disk?.prune(through: OpNumber(head.op.value - 4))
            if let kept = hosts[Int(peer)].disk?.firstKept { feed(.kept(from: kept), to: peer, &core) }
        }
    }

    mutating func read(
        _ token: Replica.ReadToken, through: OpNumber, bytesMax: Int, _ peer: UInt32, _ core: inout World
    ) {
        var entries: [LogEntry] = []
        var bytes = 0
        var op = token.after.next
        while op <= through, bytes < bytesMax, let entry = hosts[Int(peer)].disk?.rows[op]?.entry {
            entries.append(entry)
            bytes += entry.size
            op = op.next
        }
        run(
            .input(.entriesRead(token, entries), generation: hosts[Int(peer)].generation), at: peer,
            after: readDelay(), &core)
    }

    // MARK: Starts and crashes

    /// Of what was under way the first so many transactions are there.
    mutating func crashDisk(of peer: UInt32) {
        let orders = hosts[Int(peer)].orders
        guard !orders.isEmpty else { return }
        let kept = hosts[Int(peer)].isFull ? 0 : diskDraw.below(orders.count + 1)
        for order in orders.prefix(kept) { _ = hosts[Int(peer)].disk?.apply(order) }
        if kept < orders.count { count("write lost") }
    }

    mutating func restore(_ peer: UInt32, _ core: inout World) {
        let group = group(of: peer)
        if configuration.sabotage.contains(.forgetView) { hosts[Int(peer)].disk?.forgetView() }
        if hostBug == .skipDamage, let first = hosts[Int(peer)].disk?.damaged.first {
            hosts[Int(peer)].disk?.cut(after: OpNumber(first.value - 1))
        }
        guard let disk = hosts[Int(peer)].disk,
            let restored = disk.restored(genesis: genesis[group], sessionsMax: configuration.sessionsMax)
        else { preconditionFailure("the disk of \(name(peer)) has no checkpoint that can be read") }
        let head = restored.replica.head
        hosts[Int(peer)].endProcess()
        hosts[Int(peer)].books = restored.books
        hosts[Int(peer)].executed = head.op
        if hostBug == .replayTwice, let entry = disk.rows[head.op]?.entry { hosts[Int(peer)].books.execute(entry) }
        hosts[Int(peer)].replica = Replica(
            restored: restored.replica, peer: core.id(of: peer), configuration: configuration,
            random: replicaDraw.generator())
        accuse(records[group].disk(disk, through: disk.state.commit, of: name(peer)), [peer], &core)
        accuse(records[group].state(hosts[Int(peer)].books, at: head.op, of: name(peer)), [peer], &core)
        tell(core, "\(name(peer)) is back at \(disk.state), \(head.op) of \(disk.last)")
        feed(.started, to: peer, &core)
        for op in disk.damaged where op <= head.op { feed(.damaged(op), to: peer, &core) }
    }

    // MARK: Damage

    private static var scrubPeriod: Int64 { 15_000_000_000 }

    /// Looks through all disks for rows that cannot be read.
    mutating func scrub(_ core: inout World) {
        core.note(at: core.now + Self.scrubPeriod, Note.scrub.rawValue)
        for peer in hosts.indices.map({ UInt32($0) }) where core.isUp(peer) {
            guard core.network.states[Int(peer)].stalledUntil <= core.now else { continue }
            for op in hosts[Int(peer)].disk?.damaged ?? [] { feed(.damaged(op), to: peer, &core) }
        }
    }

    /// One disk of the group goes bad: at once, while its process runs, or when it crashes next.
    mutating func spoil(group: Int, _ core: World) {
        let there = peers(of: group).filter { hosts[Int($0)].disk != nil }
        guard !there.isEmpty, !isCalm else { return }
        let peer = there[diskDraw.below(there.count)]
        if diskDraw.below(3) == 0 { spoilRows(of: peer, core) } else { hosts[Int(peer)].isAiling = true }
    }

    /// Some rows of a disk become unreadable, those at the log's end most of all.
    mutating func spoilRows(of peer: UInt32, _ core: World) {
        let group = group(of: peer)
        let members = records[group].membership
        hosts[Int(peer)].isAiling = false
        guard !isCalm, allAreThere(members), isSettled(group) || allAreThere(records[group].formerMembership),
            let disk = hosts[Int(peer)].disk, disk.last.value > 3
        else { return }
        let there = peers(of: group)
        var op = disk.firstKept
        while op <= disk.last {
            let isNearEnd = op.value + 8 > disk.last.value
            if diskDraw.chance(isNearEnd ? 0.3 : 0.01) {
                let others = there.count { $0 != peer && hosts[Int($0)].disk?.damaged.contains(op) == true }
                if others + 1 <= members.members.count - members.quorum {
                    hosts[Int(peer)].disk?.spoil(op, knowsDigest: diskDraw.below(2) == 0)
                    count("row damaged")
                }
            }
            op = op.next
        }
        tell(core, "rows of \(name(peer)) are damaged: \(hosts[Int(peer)].disk?.damaged.map(\.value) ?? [])")
    }

    /// Whether a majority of the newest epoch has all of the earlier ones, so that those are needed no more.
    private func isSettled(_ group: Int) -> Bool {
        let record = records[group]
        let settled = record.membership.members.count { member in
            peers(of: group).contains { host in
                hosts[Int(host)].disk.map { $0.store == member.store && isSettled($0, record) } ?? false
            }
        }
        return settled >= record.membership.quorum
    }

    private func isSettled(_ disk: ReplicaDisk, _ record: GroupRecord) -> Bool {
        disk.last > record.membershipOp && disk.state.lastNormal.epoch >= record.membership.epoch
    }

    /// Whether no member has lost its disk.
    private func allAreThere(_ membership: Membership) -> Bool {
        membership.members.allSatisfy { member in hosts.contains { $0.disk?.store == member.store } }
    }

    // MARK: Losses

    /// The disk is empty from here on, if the group survives that.
    mutating func loseDisk(of peer: UInt32, _ core: World) {
        guard mayLoseDisk(of: peer, core) else {
            count("disk spared")
            return
        }
        count("disk lost")
        tell(core, "\(name(peer)) has lost its disk")
        let store = hosts[Int(peer)].disk?.store
        hosts[Int(peer)].disk = configuration.sabotage.contains(.amnesia) ? store.map { ReplicaDisk(store: $0) } : nil
        hosts[Int(peer)].lostAt = core.now
    }

    /// Only where the others of the newest epoch are a majority that has all of the earlier ones, and of every membership
    /// that may yet come; and not before whoever cares for the members could see the last loss.
    private func mayLoseDisk(of peer: UInt32, _ core: World) -> Bool {
        let group = group(of: peer)
        let record = records[group]
        let membership = record.membership
        let recently = core.now - mix.replaceAfter - 10_000_000_000
        guard !isCalm, peers(of: group).allSatisfy({ hosts[Int($0)].lostAt < recently }),
            peers(of: group).allSatisfy({ hosts[Int($0)].disk?.damaged.isEmpty ?? true })
        else { return false }
        let settled = others(of: peer, among: membership.members) { isSettled($0, record) }
        guard settled >= membership.quorum else { return false }
        return administrators[group].proposed.allSatisfy { members in
            others(of: peer, among: members) { _ in true } >= members.count / 2 + 1
        }
    }

    private func others(
        of peer: UInt32, among members: [Member], _ holds: (ReplicaDisk) -> Bool
    ) -> Int {
        let group = group(of: peer)
        return members.count { member in
            peers(of: group).contains { host in
                guard host != peer, let disk = hosts[Int(host)].disk else { return false }
                return disk.store == member.store && holds(disk)
            }
        }
    }
}

import Automata
import Peer
import Replication
import Wire

/// What replicas are told, and what they order.
extension ReplicaPopulation {
    static let timers: [Replica.Timer] = [.beat, .silence, .change, .resend, .disk, .fetch]

    private static func number(of timer: Replica.Timer) -> Int {
        switch timer {
        case .beat: 0
        case .silence: 1
        case .change: 2
        case .resend: 3
        case .disk: 4
        case .fetch: 5
        }
    }

    mutating func create(_ peer: UInt32, founds: Bool, _ core: inout World) {
        let own = Member(peer: core.id(of: peer), store: StoreID(replicaDraw.bits()))
        let genesis = genesis[group(of: peer)]
        hosts[Int(peer)].endProcess()
        hosts[Int(peer)].disk = ReplicaDisk(store: own.store)
        let random = replicaDraw.generator()
        hosts[Int(peer)].replica =
            founds
            ? Replica(founding: own, genesis: genesis, configuration: configuration, random: random)
            : Replica(learning: own, genesis: genesis, configuration: configuration, random: random)
        tell(core, "\(name(peer)) begins as \(own)")
        feed(.started, to: peer, &core)
    }

    mutating func feed(_ input: Replica.Input, to peer: UInt32, _ core: inout World) {
        var effects: [Replica.Effect] = []
        guard hosts[Int(peer)].replica?.handle(input, at: core.localNow(peer), into: &effects) != nil else { return }
        let generation = hosts[Int(peer)].generation
        for effect in effects where !core.isOver && hosts[Int(peer)].generation == generation {
            carryOut(effect, of: peer, &core)
        }
    }

    /// Nothing here tells the replica anything at once: its next input comes when all its orders are carried out.
    private mutating func carryOut(_ effect: Replica.Effect, of peer: UInt32, _ core: inout World) {
        switch effect {
        case .write(let write): order(.write(write), peer, &core)
        case .read(let token, let through, let bytesMax):
            read(token, through: through, bytesMax: bytesMax, peer, &core)
        case .send(let message, let id): send(message, from: peer, to: id, &core)
        case .set(let timer, let due): core.setTimer(Self.number(of: timer), of: peer, at: due)
        case .committed(let entry): execute(entry, at: peer, &core)
        case .answer(let id, let given): answer(id, given, from: peer, &core)
        case .confirmed(let id): confirm(id, at: peer, &core)
        case .unconfirmed(let id, _):
            let client = Int(id.value & 0xffff)
            run(.noState(id, client: client), at: peer, after: clientDelay(), &core)
        case .leading(let view):
            count("led")
            tell(core, "\(name(peer)) leads \(view)")
        case .following(let view, let primary):
            tell(core, "\(name(peer)) follows \(primary.map { "\($0)" } ?? "nobody") in \(view)")
        case .membership(let membership): tell(core, "\(name(peer)) is in epoch \(membership.epoch)")
        case .checkpoint(let head): checkpoint(head, at: peer, &core)
        case .readPiece(let op, let offset, let bytesMax, let asking):
            readPiece(op, offset: offset, bytesMax: bytesMax, for: asking, peer, &core)
        case .stage(let piece): stage(piece, at: peer)
        case .install(let head): install(head, at: peer, &core)
        case .notReconfigured(let why): tell(core, "\(name(peer)) changes no members: \(why)")
        case .retired(let epoch):
            count("retired")
            tell(core, "\(name(peer)) is not needed in epoch \(epoch)")
            hosts[Int(peer)].endProcess()
            hosts[Int(peer)].disk = nil
        case .report(.undecided): count("undecided")
        case .report(.mended): count("mended")
        case .report(.damaged), .report(.rejected), .report(.fenced), .refused: return
        }
    }

    private mutating func send(
        _ message: ReplicaMessage, from peer: UInt32, to id: PeerID, _ core: inout World
    ) {
        guard let target = core.number(of: id) else {
            core.counters.sent &+= 1
            core.counters.toNobody &+= 1
            return
        }
        let kind = ReplicaKinds.kind(of: message)
        let bytes = ReplicaKinds.bytes(of: message)
        guard encodes else { return core.send(message, kind: kind, bytes: bytes, from: peer, to: target) }
        guard passesTheWire(message, from: peer, &core) else { return }
        core.send(message, kind: kind, bytes: bytes, from: peer, to: target)
    }

    /// Whether the receiver reads on the wire what was said; of a sender that speaks a later version, too.
    private mutating func passesTheWire(_ message: ReplicaMessage, from peer: UInt32, _ core: inout World) -> Bool {
        // What is said to all is said to one after the other, and is the same bytes for each.
        let isLater = hosts[Int(peer)].speaksLater
        if let lastPassed, lastPassed.isLater == isLater, lastPassed.message == message { return true }
        let group = GroupID(high: UInt64(group(of: peer)) + 1, low: plan.seed)
        var bytes = PeerMessage.replica(group, message).encoded()
        if isLater {
            bytes = hostBug == .reusedField ? LaterWire.wronglyGrown(bytes) : LaterWire.grown(bytes)
        }
        do {
            let read = try PeerMessage(decoding: bytes)
            if case .replica(group, message) = read {
                lastPassed = (message, isLater)
                return true
            }
            watch.checker.report(
                "codec", "a replica's message is another one after the wire: \(message) became \(read)", [peer], &core)
        } catch {
            watch.checker.report("codec", "a replica's own message does not decode: \(error)", [peer], &core)
        }
        return false
    }

    private mutating func execute(_ entry: LogEntry, at peer: UInt32, _ core: inout World) {
        let group = group(of: peer)
        let membership = records[group].membership
        core.trace.add(entry.digest.first)
        let (problem, isFirst) = records[group].executed(
            entry, after: hosts[Int(peer)].executed, by: name(peer))
        accuse(problem, [peer], &core)
        if isFirst, !membership.members.isEmpty { checkMajority(of: membership, for: entry, peer, &core) }
        hosts[Int(peer)].executed = entry.op
        hosts[Int(peer)].books.execute(entry)
        if records[group].membership.epoch > membership.epoch {
            administrators[group].settled(records[group].membership)
            tell(core, "the members are \(records[group].membership)")
        }
    }

    /// What is executed is on the disks of a majority, but for disks that were lost since.
    private mutating func checkMajority(
        of membership: Membership, for entry: LogEntry, _ peer: UInt32, _ core: inout World
    ) {
        var have = 0
        for member in membership.members {
            guard let host = core.number(of: member.peer), let disk = hosts[Int(host)].disk, disk.store == member.store
            else {
                have += 1  // It may have had it.
                continue
            }
            if entry.op < disk.firstKept { have += 1 }
            if let row = disk.rows[entry.op], row.digest == entry.digest || row.digest == nil { have += 1 }
        }
        guard have < membership.quorum else { return }
        let summary =
            "\(name(peer)) executed \(entry.op), which is on \(have) disks of \(membership.members.count) members"
        accuse(.init(invariant: "I3", summary: summary), [peer], &core)
    }

    // MARK: Checkpoints

    private mutating func checkpoint(_ head: CheckpointHead, at peer: UInt32, _ core: inout World) {
        let host = hosts[Int(peer)]
        guard head.op == host.executed else {
            return accuse(
                .init(
                    invariant: "agreement",
                    summary: "\(name(peer)) would keep a checkpoint at \(head.op), and has executed \(host.executed)"),
                [peer], &core)
        }
        accuse(records[host.group].checkpoint(head, books: host.books, of: name(peer)), [peer], &core)
        order(.checkpoint(head, host.books.checkpoint), peer, &core)
    }

    private mutating func readPiece(
        _ op: OpNumber?, offset: UInt64, bytesMax: Int, for asking: PeerID, _ peer: UInt32, _ core: inout World
    ) {
        var piece: CheckpointPiece?
        if let kept = hosts[Int(peer)].disk?.checkpoint, op == nil || kept.head.op == op,
            offset <= UInt64(kept.books.count)
        {
            piece = CheckpointPiece(
                head: kept.head, offset: offset, bytes: Array(kept.books.dropFirst(Int(offset)).prefix(bytesMax)),
                total: UInt64(kept.books.count))
        }
        run(
            .input(.pieceRead(asking, piece), generation: hosts[Int(peer)].generation), at: peer, after: readDelay(),
            &core)
    }

    private mutating func stage(_ piece: CheckpointPiece, at peer: UInt32) {
        if piece.offset == 0 {
            hosts[Int(peer)].staged = (piece.head, piece.bytes, piece.total)
        } else if let staged = hosts[Int(peer)].staged, staged.head == piece.head,
            UInt64(staged.bytes.count) == piece.offset
        {
            hosts[Int(peer)].staged?.bytes += piece.bytes
        } else {
            hosts[Int(peer)].staged = nil
        }
    }

    private mutating func install(_ head: CheckpointHead, at peer: UInt32, _ core: inout World) {
        guard let staged = hosts[Int(peer)].staged, staged.head == head, UInt64(staged.bytes.count) == staged.total
        else {
            return run(
                .input(.installed(nil), generation: hosts[Int(peer)].generation), at: peer, after: readDelay(), &core)
        }
        order(.install(head, staged.bytes), peer, &core)
    }
}

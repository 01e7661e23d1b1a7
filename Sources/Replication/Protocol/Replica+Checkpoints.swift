import Automata

/// Where the log's beginning is not kept, a checkpoint stands for it.
extension Replica {
    // MARK: At the source

    mutating func onPieceRead(_ piece: CheckpointPiece?, for peer: PeerID, into effects: inout [Effect]) {
        if let piece { send(.checkpoint(piece), to: peer, into: &effects) }
    }

    mutating func onFetchPiece(_ op: OpNumber, _ offset: UInt64, from sender: Member, into effects: inout [Effect]) {
        effects.append(.readPiece(op, offset: offset, bytesMax: configuration.pieceBytesMax, for: sender.peer))
    }

    // MARK: At who lacks the beginning

    mutating func onPiece(
        _ piece: CheckpointPiece, from sender: Member, at now: Instant, into effects: inout [Effect]
    ) {
        guard fetching?.source == sender.peer, leading == nil, piece.head.op > committed else { return }
        if log.digest(at: piece.head.op) == piece.head.digest,
            log.isReadable(after: committed, through: piece.head.op)
        {
            // All of it is here, and right.
            execute(through: piece.head.op, at: now, into: &effects)
            fetching?.isWaiting = false
            return fetchMore(at: now, into: &effects)
        }
        let offset = piece.offset == 0 ? 0 : fetching?.pieceBytes ?? 0
        guard piece.offset == offset, !piece.bytes.isEmpty || piece.total == 0 else { return }
        let received = offset + UInt64(piece.bytes.count)
        fetching?.pieceBytes = received
        fetching?.askedAt = now
        effects.append(.stage(piece))
        if received >= piece.total {
            guard writes.isEmpty else { return }  // the disk has not taken what stands in front; asked again later
            isInstalling = true
            effects.append(.install(piece.head))
        } else {
            send(.fetchPiece(piece.head.op, offset: received), to: sender.peer, into: &effects)
        }
    }

    mutating func onInstalled(_ head: CheckpointHead?, at now: Instant, into effects: inout [Effect]) {
        guard isInstalling else { return }
        isInstalling = false
        fetching?.pieceBytes = 0
        fetching?.askedAt = now
        guard let head else { return }
        // What stands behind is kept unless it is known not to follow: it may have been acknowledged.
        let keepsTail =
            log.digest(at: head.op).map { $0 == head.digest } ?? log[head.op.next]?.follows(head.digest) ?? true
        let tail = keepsTail ? log.slots(after: head.op) : []
        let hadMore = log.last > head.op
        log = ReplicaLog(base: head.op, digest: head.digest, slots: tail)
        committed = head.op
        lastAt = head.at
        sessions = SessionTable(head.sessions)
        firstKept = head.op.next
        damage = []
        write(cutAfter: hadMore && !keepsTail ? head.op : nil, into: &effects)
        enter(head.membership, at: head.membershipOp, known: head.op, now: now, into: &effects)
        fetching?.isWaiting = false
        fetchMore(at: now, into: &effects)
    }
}

import Automata
import Foundation
import Replication
import SwiftProtobuf
import WireSchema

extension WireReplicaMessage {
    init(_ group: GroupID, _ message: ReplicaMessage) {
        self.init()
        self.group = group.data
        store = message.store.value
        epoch = message.view.epoch
        number = message.view.number
        switch message.body {
        case .prepare(let entries, let after, let commit, let beat):
            prepare = .with {
                $0.entries = entries.packed
                $0.after = after.value
                $0.commit = commit.value
                $0.beat = beat
            }
        case .prepareOK(let op, let beat):
            prepareOk = .with {
                $0.op = op.value
                $0.beat = beat
            }
        case .wish: wish = WireEmpty()
        case .vote(let it): vote = WireReplicaVote(it)
        case .startView(let op, let digest, let commit):
            startView = .with {
                $0.op = op.value
                $0.digest = Data(digest.bytes)
                $0.commit = commit.value
            }
        case .abdicate: abdicate = WireEmpty()
        case .fetch(let after): fetch = after.value
        case .entries(let entries, let after, let commit, let op, let isNormal):
            self.entries = .with {
                $0.entries = entries.packed
                $0.after = after.value
                $0.commit = commit.value
                $0.op = op.value
                $0.isNormal = isNormal
            }
        case .checkpoint(let piece): checkpoint = WireReplicaCheckpoint(piece)
        case .fetchPiece(let op, let offset):
            fetchPiece = .with {
                $0.op = op.value
                $0.offset = offset
            }
        case .want(let places): want = places.packed
        case .given(let entries): given = entries.packed
        case .stale: stale = WireEmpty()
        case .retire(let epoch): retire = epoch
        }
    }

    func decoded() throws(WireError) -> ReplicaMessage {
        ReplicaMessage(
            store: StoreID(store), view: try replicaView(epoch: epoch, number: number), body: try decodedBody())
    }

    private func decodedBody() throws(WireError) -> ReplicaMessage.Body {
        switch kind {
        case .prepare(let it): try it.decoded()
        case .prepareOk(let it):
            .prepareOK(try replicaOp(it.op, "a prepared op"), beat: try counter(it.beat, "a beat"))
        case .wish: .wish
        case .vote(let it): .vote(try it.decoded())
        case .startView(let it):
            .startView(
                try replicaOp(it.op, "a view's op"), try digest(it.digest, "a view's digest"),
                commit: try replicaOp(it.commit, "a commit"))
        case .abdicate: .abdicate
        case .fetch(let after): .fetch(after: try replicaOp(after, "what is fetched"))
        case .entries(let it): try it.decoded()
        case .checkpoint(let it): .checkpoint(try it.decoded())
        case .fetchPiece(let it):
            .fetchPiece(
                try replicaOp(it.op, "a checkpoint's op"), offset: try counter(it.offset, "a piece's offset"))
        case .want(let places): .want(try [LogPlace](packed: places, "wanted places"))
        case .given(let entries): .given(try [LogEntry](packed: entries, max: WireBounds.replicaEntriesMax))
        case .stale: .stale
        case .retire(let epoch): .retire(epoch: try Wire.number(epoch, "an epoch", 1...UInt32(Int32.max)))
        case nil: throw noKind("a replica's message", unknownFields)
        }
    }
}

extension WireReplicaPrepare {
    func decoded() throws(WireError) -> ReplicaMessage.Body {
        .prepare(
            try [LogEntry](packed: entries, max: WireBounds.prepareEntriesMax),
            after: try replicaOp(after, "what a prepare follows"), commit: try replicaOp(commit, "a commit"),
            beat: try counter(beat, "a beat"))
    }
}

extension WireReplicaEntries {
    func decoded() throws(WireError) -> ReplicaMessage.Body {
        .entries(
            try [LogEntry](packed: entries, max: WireBounds.replicaEntriesMax),
            after: try replicaOp(after, "what entries follow"), commit: try replicaOp(commit, "a commit"),
            op: try replicaOp(op, "a log's end"), isNormal: isNormal)
    }
}

extension WireReplicaVote {
    init(_ vote: Vote) {
        self.init()
        lastNormalEpoch = vote.lastNormal.epoch
        lastNormalNumber = vote.lastNormal.number
        op = vote.op.value
        commit = vote.commit.value
        commitDigest = Data(vote.commitDigest.bytes)
        tail = vote.tail.packed
    }

    func decoded() throws(WireError) -> Vote {
        let op = try replicaOp(op, "a vote's op")
        let commit = try replicaOp(commit, "a vote's commit")
        let tail = try [LogPlace](packed: tail, "a vote's places")
        guard commit <= op, op.value - commit.value == UInt64(tail.count),
            zip(tail, commit.value...).allSatisfy({ $0.op.value == $1 + 1 })
        else {
            throw WireError(
                .outOfBounds, "a vote has \(tail.count) places, not each one behind \(commit) up to \(op) in order")
        }
        return Vote(
            lastNormal: try replicaView(epoch: lastNormalEpoch, number: lastNormalNumber), op: op, commit: commit,
            commitDigest: try digest(commitDigest, "a vote's digest"), tail: tail)
    }
}

extension [LogPlace] {
    private static let bytesEach = 41
    private static let noDigest = [UInt8](repeating: 0, count: 32)

    /// Of each: the op, what is known (0 nothing, 1 the digest, 2 the entry), the digest or zeros.
    var packed: Data {
        Data(packed: count * Self.bytesEach) { writer in
            for place in self {
                writer.write(place.op.value)
                writer.write(place.digest == nil ? 0 : place.isReadable ? 2 : 1 as UInt8)
                writer.write(place.digest?.bytes ?? Self.noDigest)
            }
        }
    }

    init(packed data: Data, _ what: StaticString) throws(WireError) {
        self = try data.unpacked(what, max: WireBounds.placesMax, bytesEach: Self.bytesEach) {
            (reader) throws(WireError) in
            let op = OpNumber(try counter(try reader.read(), "a place's op", from: 1))
            let known = try reader.read(as: UInt8.self)
            let digest = try reader.readDigest()
            guard known <= 2 else {
                throw WireError(.unknownKind, "a place of kind \(known) is unknown to this version")
            }
            return LogPlace(op: op, digest: known == 0 ? nil : digest, isReadable: known == 2)
        }
    }
}

// MARK: Words

func replicaOp(_ value: UInt64, _ what: StaticString) throws(WireError) -> OpNumber {
    OpNumber(try counter(value, what))
}

func replicaView(epoch: UInt32, number: UInt32) throws(WireError) -> View {
    View(
        epoch: try Wire.number(epoch, "an epoch", 0...UInt32(Int32.max)),
        number: try Wire.number(number, "a view's number", 0...UInt32(Int32.max)))
}

func replicaInstant(milliseconds: Int64) throws(WireError) -> Instant {
    Instant(milliseconds: try number(milliseconds, "an entry's instant", 0...Instant.distantFuture.milliseconds))
}

extension GroupID {
    var data: Data {
        Data(packed: 16) { writer in
            writer.write(high)
            writer.write(low)
        }
    }

    init(decoding data: Data) throws(WireError) {
        self = try data.unpacked("a group's id") { (reader) throws(WireError) in
            GroupID(high: try reader.read(), low: try reader.read())
        }
    }
}

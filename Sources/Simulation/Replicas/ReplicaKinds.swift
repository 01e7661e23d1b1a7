import Automata
import Peer
import Replication
import Wire

/// How the engine counts, hashes and weighs what replicas say.
enum ReplicaKinds {
    static let names = [
        "prepare", "beat", "prepare-ok", "wish", "vote", "start-view", "abdicate", "fetch", "entries", "checkpoint",
        "fetch-piece", "want", "given", "stale", "retire",
    ]

    static func kind(of message: ReplicaMessage) -> Int {
        switch message.body {
        case .prepare(let entries, _, _, _): entries.isEmpty ? 1 : 0
        case .prepareOK: 2
        case .wish: 3
        case .vote: 4
        case .startView: 5
        case .abdicate: 6
        case .fetch: 7
        case .entries: 8
        case .checkpoint: 9
        case .fetchPiece: 10
        case .want: 11
        case .given: 12
        case .stale: 13
        case .retire: 14
        }
    }

    /// The numbers in it, and the digests of entries, which cover all of them.
    static func digest(of message: ReplicaMessage) -> UInt64 {
        var hash = message.store.value
        func add(_ word: UInt64) { hash = (hash ^ word) &* 0x9e37_79b9_7f4a_7c15 ^ (hash >> 29) }
        add(UInt64(message.view.epoch) << 32 | UInt64(message.view.number))
        switch message.body {
        case .prepare(let entries, let after, let commit, let beat):
            entries.forEach { add($0.digest.first) }
            [after.value, commit.value, beat].forEach(add)
        case .prepareOK(let op, let beat): [op.value, beat].forEach(add)
        case .wish, .abdicate, .stale: add(1)
        case .vote(let vote):
            [vote.op.value, vote.commit.value, vote.commitDigest.first].forEach(add)
            add(UInt64(vote.lastNormal.epoch) << 32 | UInt64(vote.lastNormal.number))
            vote.tail.forEach { add($0.digest.map(\.first) ?? 0) }
        case .startView(let op, let digest, let commit): [op.value, digest.first, commit.value].forEach(add)
        case .fetch(let after): add(after.value)
        case .entries(let entries, let after, let commit, let op, let isNormal):
            entries.forEach { add($0.digest.first) }
            [after.value, commit.value, op.value, isNormal ? 1 : 0].forEach(add)
        case .checkpoint(let piece):
            [piece.head.op.value, piece.head.digest.first, piece.offset, piece.bytes.fingerprint].forEach(add)
        case .fetchPiece(let op, let offset): [op.value, offset].forEach(add)
        case .want(let places): places.forEach { add($0.op.value) }
        case .given(let entries): entries.forEach { add($0.digest.first) }
        case .retire(let epoch): add(UInt64(epoch))
        }
        return hash
    }

    static func bytes(of message: ReplicaMessage) -> Int {
        switch message.body {
        case .prepare(let entries, _, _, _), .entries(let entries, _, _, _, _), .given(let entries):
            entries.reduce(60) { $0 + $1.size }
        case .checkpoint(let piece): 150 + 40 * piece.head.sessions.count + piece.bytes.count
        case .vote(let vote): 120 + 41 * vote.tail.count
        case .want(let places): 60 + 41 * places.count
        case .prepareOK, .wish, .startView, .abdicate, .fetch, .fetchPiece, .stale, .retire: 100
        }
    }
}

/// A version of the wire to come: its messages say more than this one knows (Specs/wire/entries.md, rule 1).
enum LaterWire {
    /// Behind a message that holds a `ReplicaMessage`: the same field again, in which stands only a field that nobody knows yet.
    /// Protocol Buffers merge the two, so it is as if the field stood in the first one.
    static func grown(_ bytes: [UInt8]) -> [UInt8] {
        // Field 10, of bytes, four of them: field 900, a number of two bytes.
        bytes + [10 << 3 | 2, 4, 0xa0, 0x38, 0x96, 0x01]
    }

    /// A bug: the new field has the number of the epoch.
    static func wronglyGrown(_ bytes: [UInt8]) -> [UInt8] { bytes + [10 << 3 | 2, 2, 3 << 3, 9] }
}

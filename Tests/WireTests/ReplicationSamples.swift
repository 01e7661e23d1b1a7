import Automata
import Peer
import Replication

enum ReplicaKind: CaseIterable {
    case prepare, heartbeat, prepareOK, wish, vote, startView, abdicate, fetch, entries, checkpoint, fetchPiece, want
    case given, stale, retire

    init(_ message: ReplicaMessage) {
        self =
            switch message.body {
            case .prepare(let entries, _, _, _): entries.isEmpty ? .heartbeat : .prepare
            case .prepareOK: .prepareOK
            case .wish: .wish
            case .vote: .vote
            case .startView: .startView
            case .abdicate: .abdicate
            case .fetch: .fetch
            case .entries: .entries
            case .checkpoint: .checkpoint
            case .fetchPiece: .fetchPiece
            case .want: .want
            case .given: .given
            case .stale: .stale
            case .retire: .retire
            }
    }

    var body: ReplicaMessage.Body {
        switch self {
        case .prepare: .prepare(logEntries, after: OpNumber(40), commit: OpNumber(39), beat: 7)
        case .heartbeat: .prepare([], after: .zero, commit: .zero, beat: UInt64(Int64.max))
        case .prepareOK: .prepareOK(OpNumber(43), beat: 7)
        case .wish: .wish
        case .vote:
            .vote(
                Vote(
                    lastNormal: View(epoch: 2, number: 3), op: OpNumber(43), commit: OpNumber(40),
                    commitDigest: genesis,
                    tail: [
                        LogPlace(op: OpNumber(41), digest: logEntries[0].digest, isReadable: true),
                        LogPlace(op: OpNumber(42), digest: logEntries[1].digest, isReadable: false),
                        LogPlace(op: OpNumber(43), digest: nil, isReadable: false),
                    ]))
        case .startView: .startView(OpNumber(43), logEntries[2].digest, commit: OpNumber(40))
        case .abdicate: .abdicate
        case .fetch: .fetch(after: .zero)
        case .entries:
            .entries([logEntries[0]], after: OpNumber(40), commit: OpNumber(40), op: OpNumber(43), isNormal: true)
        case .checkpoint:
            .checkpoint(CheckpointPiece(head: checkpointHead, offset: 5, bytes: [0, 0xFF], total: 8))
        case .fetchPiece: .fetchPiece(OpNumber(40), offset: 7)
        case .want: .want([LogPlace(op: OpNumber(42), digest: logEntries[1].digest, isReadable: false)])
        case .given: .given([logEntries[2], logEntries[0]])
        case .stale: .stale
        case .retire: .retire(epoch: 3)
        }
    }

    var sample: ReplicaMessage {
        ReplicaMessage(store: StoreID(0x5701), view: View(epoch: 2, number: 4), body: body)
    }

    var message: PeerMessage { .replica(group, sample) }
}

enum ClientKind: CaseIterable {
    case request, committed, elsewhere, elsewhereNobody, busy, tooLarge, sessionExpired, stale

    init(_ answer: ClientAnswer) {
        self =
            switch answer {
            case .committed: .committed
            case .elsewhere(_, .some): .elsewhere
            case .elsewhere(_, nil): .elsewhereNobody
            case .busy: .busy
            case .tooLarge: .tooLarge
            case .sessionExpired: .sessionExpired
            case .stale: .stale
            }
    }

    var message: PeerMessage {
        switch self {
        case .request: .ledgerRequest(group, ClientRequest(id: requestID, operation: [1, 2, 3]))
        case .committed: answer(.committed(OpNumber(1)))
        case .elsewhere: answer(.elsewhere(View(epoch: 1, number: 2), primary: replicaMembers[1]))
        case .elsewhereNobody: answer(.elsewhere(.zero, primary: nil))
        case .busy: answer(.busy("10000 requests wait"))
        case .tooLarge: answer(.tooLarge(bytes: 2_000_000, max: 983_040))
        case .sessionExpired: answer(.sessionExpired)
        case .stale: answer(.stale)
        }
    }

    private func answer(_ answer: ClientAnswer) -> PeerMessage { .ledgerAnswer(group, requestID, answer) }
}

let group = GroupID(high: 0x0123_4567_89AB_CDEF, low: 1)
let genesis = Digest(of: Array("genesis".utf8))
let requestID = RequestID(session: SessionID(high: .max, low: 1), number: 2)
let replicaMembers = [
    Member(peer: alpha, store: StoreID(1)), Member(peer: beta, store: StoreID(.max)),
    Member(peer: PeerID(0xC3), store: StoreID(3)),
]
let logEntries = chain(
    [
        (nil, .none), (requestID, .operation(Array("put".utf8))),
        (nil, .reconfigure(Membership(epoch: 3, members: replicaMembers))),
    ],
    after: OpNumber(40))
let checkpointHead = CheckpointHead(
    op: OpNumber(40), digest: genesis, at: Instant(milliseconds: 1_790_000_000_123),
    membership: Membership(epoch: 2, members: replicaMembers), membershipOp: OpNumber(12),
    sessions: [
        CheckpointHead.Session(id: SessionID(high: 1, low: 2), number: 3, op: OpNumber(38)),
        CheckpointHead.Session(id: SessionID(high: .max, low: 0), number: 1, op: OpNumber(40)),
    ])

func chain(_ bodies: [(RequestID?, LogEntry.Body)], after op: OpNumber) -> [LogEntry] {
    var digest = genesis
    return bodies.enumerated().map { index, entry in
        let entry = LogEntry(
            after: digest, op: OpNumber(op.value + UInt64(index) + 1), view: View(epoch: 2, number: 4), at: someInstant,
            request: entry.0, body: entry.1)
        digest = entry.digest
        return entry
    }
}

/// Entries with an operation of so many bytes.
func chain(_ count: Int, bytes: Int) -> [LogEntry] {
    chain(
        (0..<count).map {
            (
                RequestID(session: SessionID(high: UInt64($0), low: 1), number: 2),
                .operation([UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: bytes))
            )
        }, after: .zero)
}

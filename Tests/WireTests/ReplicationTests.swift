import Automata
import Foundation
import Peer
import Replication
import SwiftProtobuf
import Testing
import WireSchema

@testable import Wire

@Suite("The replicas' messages are bounded, and their entries exact")
struct ReplicationTests {
    @Test("an entry is 85 bytes and its body, at most what it is counted as")
    func entryBytes() throws {
        #expect(logEntries.map { $0.encoded().count } == [85, 88, 85 + 8 + 3 * 24])
        for entry in logEntries { #expect(entry.encoded().count <= entry.size) }
        let prepare = ReplicaMessage.Body.prepare(chain(1, bytes: 300), after: .zero, commit: .zero, beat: 1)
        #expect(encoded(prepare).count == 385 + 40)
        #expect(encoded(ReplicaKind.heartbeat.body).count <= 50)
    }

    @Test("entries and heads on a disk are the ones that were written", arguments: logEntries)
    func disk(_ entry: LogEntry) throws {
        #expect(try LogEntry(decoding: entry.encoded()) == entry)
        #expect(try CheckpointHead(decoding: checkpointHead.encoded()) == checkpointHead)
        let empty = CheckpointHead.empty(genesis: genesis)
        #expect(try CheckpointHead(decoding: empty.encoded()) == empty)
    }

    @Test("an entry keeps the digest that it claims, so that its receiver finds out what was changed")
    func claimedDigest() throws {
        let entry = logEntries[1]
        #expect(entry.follows(logEntries[0].digest))
        for place in [0, 39, 43, 47, 55, 60, 68, 79, 85] {
            var bytes = entry.encoded()
            bytes[place] ^= 1
            let changed = try LogEntry(decoding: bytes)
            #expect(changed.digest == (place == 0 ? changed.digest : entry.digest))
            #expect(!changed.follows(logEntries[0].digest), "byte \(place)")
        }
    }

    @Test("an entry that is cut anywhere, or goes on, is refused")
    func cutEntries() {
        for entry in logEntries {
            let whole = entry.encoded()
            for count in 0..<whole.count {
                let error = #expect(throws: WireError.self) { try LogEntry(decoding: Array(whole[..<count])) }
                #expect(error?.code == (count == 0 ? .missing : .malformed), "\(count) bytes")
            }
            #expect(throws: WireError.self) { try LogEntry(decoding: whole + [0]) }
            #expect(throws: WireError.self) { try LogEntry(decoding: whole + whole) }
        }
    }

    @Test("the fullest message of each kind fits into a frame and reads back as it was written")
    func fullest() throws {
        let places = (1...20_000).map { LogPlace(op: OpNumber($0), digest: genesis, isReadable: true) }
        let sessions = (1...10_000).map {
            CheckpointHead.Session(id: SessionID(high: .max, low: $0), number: $0, op: OpNumber($0))
        }
        var head = checkpointHead
        head.op = OpNumber(10_000)
        head.sessions = sessions
        head.membership = Membership(
            epoch: 1, members: ids(7).map { Member(peer: $0, store: StoreID(.max)) })
        let largest = [UInt8](repeating: 0xA5, count: WireBounds.operationBytesMax)
        let bodies: [ReplicaMessage.Body] = [
            .prepare(chain(256, bytes: largest.count / 256), after: .zero, commit: .zero, beat: 1),
            .prepare(chain(1, bytes: largest.count), after: .zero, commit: .zero, beat: 1),
            .entries(
                chain((0..<12_000).map { _ in (nil, .none) }, after: .zero), after: .zero, commit: .zero, op: .zero,
                isNormal: true),
            .given(chain(1, bytes: largest.count)), .want(places),
            .vote(
                Vote(lastNormal: .zero, op: OpNumber(20_000), commit: .zero, commitDigest: genesis, tail: places)),
            .checkpoint(
                CheckpointPiece(
                    head: head, offset: 0, bytes: [UInt8](repeating: 1, count: 640 << 10), total: UInt64(Int64.max))),
        ]
        for body in bodies { try roundTrips(.replica(group, message(body))) }
        try roundTrips(.ledgerRequest(group, ClientRequest(id: requestID, operation: largest)))
    }

    @Test("1,000 drawn messages read back as they were written", arguments: 0..<4 as Range<UInt64>)
    func drawn(seed: UInt64) throws {
        var random = SeededRandom.stream(seed: seed, "wire: replication")
        for _ in 0..<250 { try roundTrips(.replica(draw(&random), drawMessage(&random))) }
    }

    @Test("a reason longer than its bound is cut, and sizes beyond a number's are the largest")
    func cutting() throws {
        let long = PeerMessage.ledgerAnswer(group, requestID, .busy(String(repeating: "ä", count: 5_000)))
        guard case .ledgerAnswer(_, _, .busy(let reason)) = try PeerMessage(decoding: long.encoded()) else {
            Issue.record("it is another message")
            return
        }
        #expect(reason.hasSuffix("…") && reason.utf8.count <= WireBounds.reasonBytesMax)
        let large = PeerMessage.ledgerAnswer(group, requestID, .tooLarge(bytes: .max, max: -1))
        let bound = Int(WireBounds.numberMax)
        #expect(
            try PeerMessage(decoding: large.encoded())
                == .ledgerAnswer(group, requestID, .tooLarge(bytes: bound, max: 0)))
    }

    @Test("masters alone are members and clients; anybody may be answered")
    func rights() {
        for kind in ReplicaKind.allCases { #expect(kind.message.isMastersOnly) }
        for kind in ClientKind.allCases { #expect(kind.message.isMastersOnly == (kind == .request)) }
    }

    @Test("a message with a field of tomorrow is read without it: only entries have no room for any")
    func unknownField() throws {
        let vote = ReplicaKind.vote.message
        var wire = try WirePeerMessage(serializedBytes: vote.encoded())
        let tomorrow: [UInt8] = [0xC0, 0x3E, 1]
        try wire.replica.vote.merge(serializedBytes: tomorrow)
        try wire.replica.merge(serializedBytes: tomorrow)
        let bytes: [UInt8] = try wire.serializedBytes()
        #expect(bytes.count == vote.encoded().count + 6)
        #expect(try PeerMessage(decoding: bytes) == vote)
    }

    @Test("a group's id is 32 digits")
    func groupID() {
        #expect("\(group)" == "0123456789abcdef0000000000000001")
        #expect(GroupID(high: 0, low: .max) < group)
    }

    // MARK: Helpers

    private func message(_ body: ReplicaMessage.Body) -> ReplicaMessage {
        ReplicaMessage(store: StoreID(1), view: View(epoch: 1, number: 0), body: body)
    }

    private func encoded(_ body: ReplicaMessage.Body) -> [UInt8] {
        PeerMessage.replica(group, message(body)).encoded()
    }

    private func roundTrips(_ message: PeerMessage) throws {
        let bytes = message.encoded()
        #expect(bytes.count <= WireBounds.messageBytesMax)
        let isSame = try PeerMessage(decoding: bytes) == message
        #expect(isSame, "\(bytes.count) bytes read back as something else")
    }

    private func draw(_ random: inout SeededRandom) -> GroupID { GroupID(high: random.next(), low: random.next()) }

    private func drawOp(_ random: inout SeededRandom) -> OpNumber { OpNumber(random.next() >> 1 | 1) }

    private func drawView(_ random: inout SeededRandom) -> View {
        View(epoch: UInt32(random.next() >> 33), number: UInt32(random.next() >> 33))
    }

    private func drawBytes(_ random: inout SeededRandom, below bound: Int) -> [UInt8] {
        (0..<random.below(bound)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    private func drawDigest(_ random: inout SeededRandom) -> Digest { Digest(of: drawBytes(&random, below: 9)) }

    private func drawMembership(_ random: inout SeededRandom) -> Membership {
        Membership(
            epoch: UInt32(random.next() >> 33) | 1,
            members: (0...random.below(7)).map { Member(peer: PeerID(UInt8($0)), store: StoreID(random.next())) })
    }

    private func drawEntries(_ random: inout SeededRandom) -> [LogEntry] {
        (0..<random.below(20)).map { _ in
            let body: LogEntry.Body =
                switch random.below(4) {
                case 0: .none
                case 1: .reconfigure(drawMembership(&random))
                default: .operation(drawBytes(&random, below: 400))
                }
            let session = SessionID(high: random.next(), low: random.next())
            return LogEntry(
                op: drawOp(&random), view: drawView(&random),
                at: Instant(milliseconds: Int64(random.below(1 << 40))),
                request: random.chance(perMille: 300)
                    ? nil : RequestID(session: session, number: drawOp(&random).value),
                body: body, claiming: drawDigest(&random))
        }
    }

    private func drawPlaces(_ random: inout SeededRandom, after op: OpNumber) -> [LogPlace] {
        (0..<random.below(40)).map { index in
            let isReadable = random.chance(perMille: 500)
            return LogPlace(
                op: OpNumber(op.value + UInt64(index) + 1),
                digest: isReadable || random.chance(perMille: 500) ? drawDigest(&random) : nil, isReadable: isReadable)
        }
    }

    private func drawMessage(_ random: inout SeededRandom) -> ReplicaMessage {
        ReplicaMessage(store: StoreID(random.next()), view: drawView(&random), body: drawBody(&random))
    }

    private func drawBody(_ random: inout SeededRandom) -> ReplicaMessage.Body {
        let op = drawOp(&random)
        let kinds = ReplicaKind.allCases
        switch kinds[random.below(kinds.count)] {
        case .prepare:
            return .prepare(drawEntries(&random), after: op, commit: drawOp(&random), beat: drawOp(&random).value)
        case .prepareOK: return .prepareOK(op, beat: drawOp(&random).value)
        case .vote:
            let commit = OpNumber(random.next() >> 2)
            let tail = drawPlaces(&random, after: commit)
            return .vote(
                Vote(
                    lastNormal: drawView(&random), op: tail.last?.op ?? commit, commit: commit,
                    commitDigest: drawDigest(&random), tail: tail))
        case .startView: return .startView(op, drawDigest(&random), commit: drawOp(&random))
        case .fetch: return .fetch(after: op)
        case .entries:
            return .entries(
                drawEntries(&random), after: op, commit: drawOp(&random), op: drawOp(&random),
                isNormal: random.chance(perMille: 500))
        case .checkpoint:
            var head = checkpointHead
            head.membership = drawMembership(&random)
            let bytes = drawBytes(&random, below: 1_000)
            let offset = random.next() >> 2
            return .checkpoint(
                CheckpointPiece(head: head, offset: offset, bytes: bytes, total: offset + UInt64(bytes.count)))
        case .fetchPiece: return .fetchPiece(op, offset: random.next() >> 1)
        case .want: return .want(drawPlaces(&random, after: .zero))
        case .given: return .given(drawEntries(&random))
        case .retire: return .retire(epoch: UInt32(random.next() >> 33) | 1)
        case .heartbeat, .wish, .abdicate, .stale: return kinds[random.below(kinds.count)].body
        }
    }
}

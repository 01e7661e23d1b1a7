import Automata
import Foundation
import Peer
import Replication
import WireSchema

@testable import Wire

/// One violation each of what replication.proto and entries.md allow.
enum ReplicationViolations {
    static func all() throws -> [RefusalTests.Violation] {
        try [ofHeads(), ofEntries(), ofMemberships(), ofPlaces(), ofCheckpoints(), ofClients()].flatMap { $0 }
    }

    /// Where a part of an entry stands.
    private enum Offset {
        static let op = 32
        static let epoch = 40
        static let number = 44
        static let at = 48
        static let session = 56
        static let request = 72
        static let kind = 80
        static let length = 81
    }

    private static let beyond = UInt64(1) << 63

    static func ofHeads() throws -> [RefusalTests.Violation] {
        let wish = ReplicaKind.wish.message
        let prepare = ReplicaKind.prepare.message
        let entries = ReplicaKind.entries.message
        let start = ReplicaKind.startView.message
        return [
            try .init("no group", .missing, of: wish) { $0.replica.group = Data() },
            try .init("a short group", .malformed, of: wish) { $0.replica.group = Data(count: 15) },
            try .init("a long group", of: wish) { $0.replica.group = Data(count: 17) },
            try .init("an epoch without successor", of: wish) { $0.replica.epoch = 1 << 31 },
            try .init("a view without successor", of: wish) { $0.replica.number = 1 << 31 },
            try .init("nothing said", .missing, of: wish) { $0.replica.kind = nil },
            try .init("a prepare far off", of: prepare) { $0.replica.prepare.after = beyond },
            try .init("a commit without successor", of: prepare) { $0.replica.prepare.commit = beyond },
            try .init("a beat without successor", of: prepare) { $0.replica.prepare.beat = beyond },
            try .init("an acknowledgement far off", of: ReplicaKind.prepareOK.message) {
                $0.replica.prepareOk.op = beyond
            },
            try .init("an answered beat far off", of: ReplicaKind.prepareOK.message) {
                $0.replica.prepareOk.beat = beyond
            },
            try .init("a view's op far off", of: start) { $0.replica.startView.op = beyond },
            try .init("a view's commit far off", of: start) { $0.replica.startView.commit = beyond },
            try .init("a view without digest", of: start) { $0.replica.startView.digest = Data() },
            try .init("a fetch far off", of: ReplicaKind.fetch.message) { $0.replica.fetch = beyond },
            try .init("entries far off", of: entries) { $0.replica.entries.after = beyond },
            try .init("entries' commit far off", of: entries) { $0.replica.entries.commit = beyond },
            try .init("a log's end far off", of: entries) { $0.replica.entries.op = beyond },
            try .init("epoch 0 retires", of: ReplicaKind.retire.message) { $0.replica.retire = 0 },
            try .init("an epoch that retires, without successor", of: ReplicaKind.retire.message) {
                $0.replica.retire = 1 << 31
            },
        ]
    }

    static func ofEntries() throws -> [RefusalTests.Violation] {
        let prepare = ReplicaKind.prepare.message
        func entry(
            _ description: String, _ code: WireError.Code = .outOfBounds, at offset: Int, _ bytes: [UInt8]
        ) throws -> RefusalTests.Violation {
            try .init(description, code, of: prepare) { $0.replica.prepare.entries.put(bytes, at: offset) }
        }
        return [
            try entry("op 0", at: Offset.op, [0, 0, 0, 0, 0, 0, 0, 0]),
            try entry("an op without successor", at: Offset.op, [0x80]),
            try entry("an entry's epoch", at: Offset.epoch, [0x80]),
            try entry("an entry's view", at: Offset.number, [0x80]),
            try entry("an instant before the epoch", at: Offset.at, [0xFF]),
            try entry("an instant beyond all", at: Offset.at, [0x7F]),
            try entry("a session whose request has no number", at: Offset.session, [1]),
            try entry("a request far off", at: Offset.request, [0x80]),
            try entry("an entry of tomorrow", .unknownKind, at: Offset.kind, [3]),
            try entry("nothing of one byte", at: Offset.length, [0, 0, 0, 1]),
            try entry("an operation beyond the end", .malformed, at: Offset.kind, [1, 0, 0, 0xEE, 0]),
            try entry("an operation of 960 KiB and one", at: Offset.kind, [1, 0, 0x0F, 0, 1]),
            try .init("half an entry", .malformed, of: prepare) { $0.replica.prepare.entries.removeLast() },
            try .init("an entry and a byte", .malformed, of: prepare) { $0.replica.prepare.entries.append(0) },
            try .init("257 entries", of: prepare) {
                $0.replica.prepare.entries = chain(257, bytes: 1).packed
            },
            try .init("12,001 entries", of: ReplicaKind.entries.message) {
                $0.replica.entries.entries = chain((0...12_000).map { _ in (nil, .none) }, after: .zero).packed
            },
            try .init("12,001 given", of: ReplicaKind.given.message) {
                $0.replica.given = chain((0...12_000).map { _ in (nil, .none) }, after: .zero).packed
            },
        ]
    }

    static func ofMemberships() throws -> [RefusalTests.Violation] {
        func reconfigure(_ description: String, _ membership: Membership) throws -> RefusalTests.Violation {
            try .init(description, of: ReplicaKind.given.message) {
                $0.replica.given = chain([(nil, .reconfigure(membership))], after: .zero).packed
            }
        }
        func uneven(_ description: String, _ length: [UInt8]) throws -> RefusalTests.Violation {
            try .init(description, of: ReplicaKind.given.message) {
                $0.replica.given =
                    chain([(nil, .reconfigure(Membership(epoch: 1, members: replicaMembers)))], after: .zero)
                    .packed
                $0.replica.given.put(length, at: Offset.length)
            }
        }
        let eight = ids(8).map { Member(peer: $0, store: StoreID(1)) }
        return [
            try reconfigure("eight members", Membership(epoch: 1, members: eight)),
            try reconfigure("no members", Membership(epoch: 1, members: [])),
            try reconfigure("epoch 0 of somebody", Membership(epoch: 0, members: replicaMembers)),
            try reconfigure("epoch 0 of nobody", .unknown),
            try reconfigure("an epoch beyond all", Membership(epoch: .max, members: replicaMembers)),
            try reconfigure("a peer twice", Membership(epoch: 1, members: [replicaMembers[0], replicaMembers[0]])),
            try uneven("a membership and a byte", [0, 0, 0, 81]),
            try uneven("a membership of seven bytes", [0, 0, 0, 7]),
            try uneven("a membership of 960 MiB", [0x3C, 0, 0, 0x08]),
        ]
    }

    static func ofPlaces() throws -> [RefusalTests.Violation] {
        let vote = ReplicaKind.vote.message
        let want = ReplicaKind.want.message
        let places = (1...20_001).map { LogPlace(op: OpNumber($0), digest: nil, isReadable: false) }
        return [
            try .init("a vote without digest", of: vote) { $0.replica.vote.commitDigest = Data(count: 31) },
            try .init("a vote of an endless view", of: vote) { $0.replica.vote.lastNormalNumber = .max },
            try .init("a vote of an endless epoch", of: vote) { $0.replica.vote.lastNormalEpoch = .max },
            try .init("a vote far off", of: vote) { $0.replica.vote.op = beyond },
            try .init("a vote's commit far off", of: vote) { $0.replica.vote.commit = beyond },
            try .init("a vote that ends before its commit", of: vote) { $0.replica.vote.op = 39 },
            try .init("a vote without its places", of: vote) { $0.replica.vote.tail = Data() },
            try .init("a vote with a place too many", of: vote) { $0.replica.vote.op = 42 },
            try .init("a vote's places out of order", of: vote) {
                $0.replica.vote.tail.put([42], at: 7)
                $0.replica.vote.tail.put([41], at: 41 + 7)
            },
            try .init("20,001 places", of: vote) {
                $0.replica.vote.commit = 0
                $0.replica.vote.op = 20_001
                $0.replica.vote.tail = places.packed
            },
            try .init("20,001 wanted", of: want) { $0.replica.want = places.packed },
            try .init("half a place", .malformed, of: want) { $0.replica.want.removeLast() },
            try .init("place 0", of: want) { $0.replica.want.put([UInt8](repeating: 0, count: 8), at: 0) },
            try .init("a place far off", of: want) { $0.replica.want.put([0x80], at: 0) },
            try .init("a place of tomorrow", .unknownKind, of: want) { $0.replica.want.put([3], at: 8) },
        ]
    }

    static func ofCheckpoints() throws -> [RefusalTests.Violation] {
        let piece = ReplicaKind.checkpoint.message
        func head(
            _ description: String, _ code: WireError.Code = .outOfBounds, _ change: (inout WireReplicaHead) -> Void
        ) throws -> RefusalTests.Violation {
            try .init(description, code, of: piece) { change(&$0.replica.checkpoint.head) }
        }
        return [
            try .init("no head", .missing, of: piece) { $0.replica.checkpoint.clearHead() },
            try .init("a checkpoint beyond all", of: piece) { $0.replica.checkpoint.total = beyond },
            try .init("an offset beyond the checkpoint", of: piece) { $0.replica.checkpoint.offset = 9 },
            try .init("a piece beyond the checkpoint", of: piece) { $0.replica.checkpoint.offset = 7 },
            try head("a checkpoint far off") { $0.op = beyond },
            try head("a checkpoint without digest") { $0.digest = Data() },
            try head("a checkpoint before the epoch") { $0.atMilliseconds = -1 },
            try head("a checkpoint beyond all instants") { $0.atMilliseconds = .max },
            try head("an epoch without successor") { $0.epoch = 1 << 31 },
            try head("members of epoch 0") { $0.epoch = 0 },
            try head("nobody in epoch 2") { $0.members = Data() },
            try head("half a member", .malformed) { $0.members.removeLast() },
            try head("eight members") {
                $0.members = Data(packed: 8 * 24) { writer in
                    for peer in ids(8) { writer.write(Member(peer: peer, store: StoreID(1))) }
                }
            },
            try head("a member twice") { $0.members.append(contentsOf: $0.members.prefix(24)) },
            try head("a membership of tomorrow") { $0.membershipOp = 41 },
            try head("half a session", .malformed) { $0.sessions.removeLast() },
            try head("a session without request") { $0.sessions.put([UInt8](repeating: 0, count: 8), at: 16) },
            try head("a session's request far off") { $0.sessions.put([0x80], at: 16) },
            try head("a session at op 0") { $0.sessions.put([UInt8](repeating: 0, count: 8), at: 24) },
            try head("a session behind the checkpoint") { $0.sessions.put([41], at: 63) },
            try head("sessions out of order") { $0.sessions.put([40], at: 31) },
            try head("10,001 sessions") {
                $0.op = 10_001
                $0.sessions = Data(packed: 10_001 * 32) { writer in
                    let one: UInt64 = 1
                    for op in one...10_001 {
                        for word in [one, one, one, op] { writer.write(word) }
                    }
                }
            },
            try .init("a piece of a checkpoint far off", of: ReplicaKind.fetchPiece.message) {
                $0.replica.fetchPiece.op = beyond
            },
            try .init("a piece far off", of: ReplicaKind.fetchPiece.message) { $0.replica.fetchPiece.offset = beyond },
        ]
    }

    static func ofClients() throws -> [RefusalTests.Violation] {
        let request = ClientKind.request.message
        let elsewhere = ClientKind.elsewhere.message
        let tooLarge = ClientKind.tooLarge.message
        return [
            try .init("a request of no group", .missing, of: request) { $0.ledgerRequest.group = Data() },
            try .init("a request without name", .missing, of: request) { $0.ledgerRequest.clearID() },
            try .init("request 0", of: request) { $0.ledgerRequest.id.number = 0 },
            try .init("a request without successor", of: request) { $0.ledgerRequest.id.number = beyond },
            try .init("a request of 960 KiB and one", of: request) {
                $0.ledgerRequest.operation = Data(count: (960 << 10) + 1)
            },
            try .init("an answer of no group", .missing, of: elsewhere) { $0.ledgerAnswer.group = Data() },
            try .init("an answer to nothing", .missing, of: elsewhere) { $0.ledgerAnswer.clearID() },
            try .init("an answer to request 0", of: elsewhere) { $0.ledgerAnswer.id.number = 0 },
            try .init("no answer", .missing, of: elsewhere) { $0.ledgerAnswer.kind = nil },
            try .init("committed at 0", of: ClientKind.committed.message) { $0.ledgerAnswer.committed = 0 },
            try .init("committed far off", of: ClientKind.committed.message) { $0.ledgerAnswer.committed = beyond },
            try .init("an endless view", of: elsewhere) { $0.ledgerAnswer.elsewhere.number = .max },
            try .init("an endless epoch", of: elsewhere) { $0.ledgerAnswer.elsewhere.epoch = .max },
            try .init("a primary that is nobody", .missing, of: elsewhere) {
                $0.ledgerAnswer.elsewhere.primary = Data()
            },
            try .init("a primary without storage", .malformed, of: elsewhere) {
                $0.ledgerAnswer.elsewhere.primary = Data(count: 16)
            },
            try .init("two primaries", of: elsewhere) { $0.ledgerAnswer.elsewhere.primary = Data(count: 48) },
            try .init("a reason of 4 KiB and one", of: ClientKind.busy.message) {
                $0.ledgerAnswer.busy = RefusalTests.long(4_097)
            },
            try .init("a negative size", of: tooLarge) { $0.ledgerAnswer.tooLarge.bytes = -1 },
            try .init("a largest size beyond all", of: tooLarge) { $0.ledgerAnswer.tooLarge.max = .max },
        ]
    }
}

extension Data {
    fileprivate mutating func put(_ bytes: [UInt8], at offset: Int) {
        let start = startIndex + offset
        replaceSubrange(start..<start + bytes.count, with: bytes)
    }
}

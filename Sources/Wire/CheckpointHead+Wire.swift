import Automata
import Foundation
public import Replication
import SwiftProtobuf
import WireSchema

extension CheckpointHead {
    /// For a disk.
    public func encoded() -> [UInt8] { WireReplicaHead(self).bytes() }

    public init(decoding bytes: [UInt8]) throws(WireError) {
        self = try WireReplicaHead(parsing: bytes).decoded()
    }
}

extension WireReplicaHead {
    init(_ head: CheckpointHead) {
        self.init()
        op = head.op.value
        digest = Data(head.digest.bytes)
        atMilliseconds = head.at.milliseconds
        epoch = head.membership.epoch
        members = Data(packed: head.membership.members.count * Member.packedBytes) { writer in
            for member in head.membership.members { writer.write(member) }
        }
        membershipOp = head.membershipOp.value
        sessions = Data(packed: head.sessions.count * CheckpointHead.Session.packedBytes) { writer in
            for session in head.sessions {
                writer.write(session.id.high)
                writer.write(session.id.low)
                writer.write(session.number)
                writer.write(session.op.value)
            }
        }
    }

    func decoded() throws(WireError) -> CheckpointHead {
        let members = try members.unpacked(
            "members", max: WireBounds.membersMax, bytesEach: Member.packedBytes
        ) { (reader) throws(WireError) in try reader.readMember() }
        let op = try replicaOp(op, "a checkpoint's op")
        let membershipOp = try replicaOp(membershipOp, "a membership's op")
        guard membershipOp <= op else {
            throw WireError(.outOfBounds, "a membership of op \(membershipOp) is in a checkpoint of op \(op)")
        }
        return CheckpointHead(
            op: op, digest: try Wire.digest(digest, "a checkpoint's digest"),
            at: try replicaInstant(milliseconds: atMilliseconds),
            membership: try Membership(
                checked: members, epoch: try number(epoch, "an epoch", 0...UInt32(Int32.max))),
            membershipOp: membershipOp, sessions: try decodedSessions(through: op))
    }

    private func decodedSessions(through end: OpNumber) throws(WireError) -> [CheckpointHead.Session] {
        var last = OpNumber.zero
        return try sessions.unpacked(
            "sessions", max: WireBounds.sessionsMax, bytesEach: CheckpointHead.Session.packedBytes
        ) { (reader) throws(WireError) in
            let id = SessionID(high: try reader.read(), low: try reader.read())
            let number = try counter(try reader.read(), "a request's number", from: 1)
            let op = OpNumber(try reader.read())
            guard op > last, op <= end else {
                throw WireError(
                    .outOfBounds, "a session's last entry is \(op), allowed is what is behind \(last), up to \(end)")
            }
            last = op
            return CheckpointHead.Session(id: id, number: number, op: op)
        }
    }
}

extension CheckpointHead.Session {
    fileprivate static let packedBytes = 32
}

extension WireReplicaCheckpoint {
    init(_ piece: CheckpointPiece) {
        self.init()
        head = WireReplicaHead(piece.head)
        offset = piece.offset
        bytes = Data(piece.bytes)
        total = piece.total
    }

    func decoded() throws(WireError) -> CheckpointPiece {
        let total = try counter(total, "a checkpoint's size")
        let offset = try number(offset, "a piece's offset", 0...total)
        guard UInt64(bytes.count) <= total - offset else {
            throw WireError(.outOfBounds, "\(bytes.count) bytes at \(offset) go beyond a checkpoint's \(total)")
        }
        return CheckpointPiece(
            head: try required(hasHead, head, "a checkpoint's head").decoded(), offset: offset, bytes: Array(bytes),
            total: total)
    }
}

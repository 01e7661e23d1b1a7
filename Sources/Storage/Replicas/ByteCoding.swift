import Automata
import Replication

/// Writes numbers, the largest byte first, and what is made of them.
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    mutating func add(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func add(_ group: GroupID) {
        add(group.high)
        add(group.low)
    }

    mutating func add(_ digest: Digest) { bytes += digest.bytes }

    mutating func add(_ membership: Membership) {
        add(membership.epoch)
        add(UInt32(membership.members.count))
        for member in membership.members {
            add(member.peer.high)
            add(member.peer.low)
            add(member.store.value)
        }
    }

    mutating func add(_ head: CheckpointHead) {
        add(head.op.value)
        add(head.digest)
        add(head.at.nanoseconds)
        add(head.membership)
        add(head.membershipOp.value)
        add(UInt32(head.sessions.count))
        for session in head.sessions {
            add(session.id.high)
            add(session.id.low)
            add(session.number)
            add(session.op.value)
        }
    }
}

/// Reads the same; nil where the bytes end too early.
struct ByteReader {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { offset == bytes.count }

    mutating func number<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) -> Number? {
        let size = MemoryLayout<Number>.size
        guard bytes.count - offset >= size else { return nil }
        defer { offset += size }
        return bytes.withUnsafeBytes { Number(bigEndian: $0.loadUnaligned(fromByteOffset: offset, as: Number.self)) }
    }

    mutating func group() -> GroupID? {
        guard let high = number(UInt64.self), let low = number(UInt64.self) else { return nil }
        return GroupID(high: high, low: low)
    }

    mutating func digest() -> Digest? {
        guard bytes.count - offset >= 32 else { return nil }
        defer { offset += 32 }
        return Digest(bytes: Array(bytes[offset..<offset + 32]))
    }

    mutating func membership() -> Membership? {
        guard let epoch = number(UInt32.self), let count = number(UInt32.self), fits(count, 24) else { return nil }
        var members: [Member] = []
        for _ in 0..<count {
            guard let high = number(UInt64.self), let low = number(UInt64.self), let store = number(UInt64.self) else {
                return nil
            }
            members.append(Member(peer: PeerID(high: high, low: low), store: StoreID(store)))
        }
        return Membership(epoch: epoch, members: members)
    }

    mutating func head() -> CheckpointHead? {
        guard let op = number(UInt64.self), let digest = digest(), let at = number(Int64.self),
            let membership = membership(), let membershipOp = number(UInt64.self), let count = number(UInt32.self),
            fits(count, 32)
        else { return nil }
        var sessions: [CheckpointHead.Session] = []
        sessions.reserveCapacity(Int(count))
        for _ in 0..<count {
            guard let high = number(UInt64.self), let low = number(UInt64.self), let last = number(UInt64.self),
                let op = number(UInt64.self)
            else { return nil }
            sessions.append(.init(id: SessionID(high: high, low: low), number: last, op: OpNumber(op)))
        }
        return CheckpointHead(
            op: OpNumber(op), digest: digest, at: Instant(nanoseconds: at), membership: membership,
            membershipOp: OpNumber(membershipOp), sessions: sessions)
    }

    /// Whether so many can follow: what is damaged may name any count.
    private func fits(_ count: UInt32, _ size: Int) -> Bool { Int(count) <= (bytes.count - offset) / size }
}

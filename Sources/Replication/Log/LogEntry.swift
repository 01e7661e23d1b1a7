public import Automata

/// One entry of a replicated log. It never changes: a view change carries it over as it is.
///
/// Its digest covers itself and the digest before it, so that two logs with one digest at one place are the same up to
/// there.
public struct LogEntry: Hashable, Sendable {
    public enum Body: Hashable, Sendable {
        /// Nothing: it opens a session, or an epoch.
        case none
        case operation([UInt8])
        /// The last entry of its epoch: who makes the next one.
        case reconfigure(Membership)
    }

    public let op: OpNumber
    /// In which it was made.
    public let view: View
    /// When its primary made it, in whole milliseconds; not before that of the entry in front.
    public let at: Instant
    /// Who asked; nil for what the primary itself wanted.
    public let request: RequestID?
    public let body: Body
    public let digest: Digest

    /// Makes the entry that follows another.
    ///
    /// - Parameter previous: the digest of the entry in front, or the log's genesis.
    public init(after previous: Digest, op: OpNumber, view: View, at: Instant, request: RequestID?, body: Body) {
        self.op = op
        self.view = view
        self.at = Instant(milliseconds: at.milliseconds)
        self.request = request
        self.body = body
        digest = Self.digest(previous, op, view, self.at, request, body)
    }

    /// An entry as it was read from a wire or a disk; not checked yet.
    public init(
        op: OpNumber, view: View, at: Instant, request: RequestID?, body: Body, claiming digest: Digest
    ) {
        self.op = op
        self.view = view
        self.at = at
        self.request = request
        self.body = body
        self.digest = digest
    }

    /// Whether it is what its digest says, and follows an entry with that digest.
    public func follows(_ previous: Digest) -> Bool {
        digest == Self.digest(previous, op, view, at, request, body)
    }

    /// About what it takes on a wire.
    public var size: Int {
        switch body {
        case .none: 96
        case .operation(let bytes): 96 + bytes.count
        case .reconfigure(let membership): 96 + 24 * membership.members.count
        }
    }

    private static func digest(
        _ previous: Digest, _ op: OpNumber, _ view: View, _ at: Instant, _ request: RequestID?, _ body: Body
    ) -> Digest {
        // Every replica computes it of every entry: in room on the stack, where the entry is not large.
        withUnsafeTemporaryAllocation(byteCount: Digest.byteCount + 6 * 8 + body.byteCount, alignment: 1) { room in
            var input = DigestInput(room)
            input.add(previous)
            input.add(op.value)
            input.add(UInt64(view.epoch) << 32 | UInt64(view.number))
            input.add(UInt64(bitPattern: at.milliseconds))
            input.add(request?.session.high ?? 0)
            input.add(request?.session.low ?? 0)
            input.add(request?.number ?? 0)
            switch body {
            case .none: input.add(0 as UInt8)
            case .operation(let operation):
                input.add(1 as UInt8)
                input.add(operation)
            case .reconfigure(let membership):
                input.add(2 as UInt8)
                input.add(UInt64(membership.epoch))
                for member in membership.members {
                    input.add(member.peer.high)
                    input.add(member.peer.low)
                    input.add(member.store.value)
                }
            }
            return input.digest
        }
    }
}

extension LogEntry.Body {
    /// What it adds to what is digested.
    fileprivate var byteCount: Int {
        switch self {
        case .none: 1
        case .operation(let bytes): 1 + bytes.count
        case .reconfigure(let membership): 9 + 24 * membership.members.count
        }
    }

    var membership: Membership? {
        if case .reconfigure(let membership) = self { membership } else { nil }
    }
}

/// Fills room of just the right size with what is digested; numbers have eight bytes, the largest first.
private struct DigestInput {
    private let room: UnsafeMutableRawBufferPointer
    private var count = 0

    init(_ room: UnsafeMutableRawBufferPointer) { self.room = room }

    mutating func add(_ digest: Digest) {
        digest.write(to: UnsafeMutableRawBufferPointer(rebasing: room[count...]))
        count += Digest.byteCount
    }

    mutating func add(_ number: UInt64) {
        room.storeBytes(of: number.bigEndian, toByteOffset: count, as: UInt64.self)
        count += 8
    }

    mutating func add(_ byte: UInt8) {
        room[count] = byte
        count += 1
    }

    mutating func add(_ bytes: [UInt8]) {
        UnsafeMutableRawBufferPointer(rebasing: room[count...]).copyBytes(from: bytes)
        count += bytes.count
    }

    var digest: Digest {
        precondition(count == room.count, "\(count) bytes are digested, in room for \(room.count)")
        return Digest(of: UnsafeRawBufferPointer(room))
    }
}

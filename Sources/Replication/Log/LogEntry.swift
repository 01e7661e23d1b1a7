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
        var bytes: [UInt8] = []
        bytes.reserveCapacity(96 + body.count)
        bytes += previous.bytes
        bytes.append(op.value)
        bytes.append(UInt64(view.epoch) << 32 | UInt64(view.number))
        bytes.append(UInt64(bitPattern: at.milliseconds))
        bytes.append(request?.session.high ?? 0)
        bytes.append(request?.session.low ?? 0)
        bytes.append(request?.number ?? 0)
        switch body {
        case .none: bytes.append(0 as UInt8)
        case .operation(let operation):
            bytes.append(1 as UInt8)
            bytes += operation
        case .reconfigure(let membership):
            bytes.append(2 as UInt8)
            bytes.append(UInt64(membership.epoch))
            for member in membership.members {
                bytes += member.peer.bytes
                bytes.append(member.store.value)
            }
        }
        return Digest(of: bytes)
    }
}

extension LogEntry.Body {
    fileprivate var count: Int {
        if case .operation(let bytes) = self { bytes.count } else { 0 }
    }

    var membership: Membership? {
        if case .reconfigure(let membership) = self { membership } else { nil }
    }
}

extension [UInt8] {
    /// Eight bytes, the largest first.
    fileprivate mutating func append(_ number: UInt64) {
        Swift.withUnsafeBytes(of: number.bigEndian) { append(contentsOf: $0) }
    }
}

import Automata
public import Foundation
public import Replication

// The layout of a replicated log's entries (Specs/wire/entries.md): what a digest covers, and nothing else. It has no room
// for a later version's fields, since a reader that does not know a field could not check the digest.

extension LogEntry {
    /// For a disk.
    public func encoded() -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: packedBytes) { buffer, count in
            var writer = PackedWriter(UnsafeMutableRawBufferPointer(buffer))
            writer.write(self)
            count = writer.offset
        }
    }

    /// Reads one entry. It keeps the digest that it claims; whether that is right is to be asked with `follows`.
    public init(decoding bytes: [UInt8]) throws(WireError) {
        let entries = try bytes.withUnsafeBytes {
            $0.unpacked("an entry's bytes", max: 1, bytesEach: bytes.count, LogEntry.init(from:))
        }.get()
        guard let entry = entries.first else { throw WireError(.missing, "an entry is missing") }
        self = entry
    }

    /// Without its body.
    static let packedBytesMin = 85

    var packedBytes: Int {
        switch body {
        case .none: Self.packedBytesMin
        case .operation(let operation): Self.packedBytesMin + operation.count
        case .reconfigure(let membership): Self.packedBytesMin + 8 + membership.members.count * Member.packedBytes
        }
    }

    init(from reader: inout PackedReader) throws(WireError) {
        let digest = try reader.readDigest()
        let op = try counter(try reader.read(), "an entry's op", from: 1)
        let view = try replicaView(epoch: try reader.read(), number: try reader.read())
        let at = try replicaInstant(milliseconds: try reader.read())
        let session = SessionID(high: try reader.read(), low: try reader.read())
        let number = try counter(try reader.read(), "a request's number")
        guard number > 0 || session == SessionID(high: 0, low: 0) else {
            throw WireError(.outOfBounds, "a request of session \(session) has number 0, the first is 1")
        }
        self.init(
            op: OpNumber(op), view: view, at: at,
            request: number > 0 ? RequestID(session: session, number: number) : nil, body: try Body(from: &reader),
            claiming: digest)
    }
}

extension LogEntry.Body {
    fileprivate init(from reader: inout PackedReader) throws(WireError) {
        let kind = try reader.read(as: UInt8.self)
        let count = Int(try reader.read(as: UInt32.self))
        switch kind {
        case 0:
            guard count == 0 else { throw WireError(.outOfBounds, "an entry with nothing in it has \(count) bytes") }
            self = .none
        case 1:
            guard count <= WireBounds.operationBytesMax else {
                throw WireError(
                    .outOfBounds,
                    "an operation has \(count) bytes, at most \(WireBounds.operationBytesMax) are allowed")
            }
            self = .operation(try reader.read(count))
        case 2: self = .reconfigure(try Membership(from: &reader, bytes: count))
        default:
            // What it means is not known, and so neither what its digest covers: nothing may be taken over from the message.
            throw WireError(.unknownKind, "an entry of kind \(kind) is unknown to this version")
        }
    }
}

extension Membership {
    fileprivate init(from reader: inout PackedReader, bytes count: Int) throws(WireError) {
        let (members, rest) = (count - 8).quotientAndRemainder(dividingBy: Member.packedBytes)
        guard rest == 0, count >= 8 else {
            throw WireError(.outOfBounds, "a membership has \(count) bytes, those are 8 and 24 for each member")
        }
        let epoch = try number(try reader.read(as: UInt64.self), "a new epoch", 1...UInt64(Int32.max))
        guard members <= WireBounds.membersMax else { throw Self.tooMany(members) }
        var list: [Member] = []
        for _ in 0..<members { list.append(try reader.readMember()) }
        try self.init(checked: list, epoch: UInt32(epoch))
    }

    /// - Throws: unless each peer is there once, and somebody is, but for epoch 0.
    init(checked members: [Member], epoch: UInt32) throws(WireError) {
        guard members.count <= WireBounds.membersMax else { throw Self.tooMany(members.count) }
        guard members.isEmpty == (epoch == 0) else {
            throw WireError(.outOfBounds, "epoch \(epoch) has \(members.count) members")
        }
        guard members.indices.allSatisfy({ index in !members[..<index].contains { $0.peer == members[index].peer } })
        else { throw WireError(.outOfBounds, "a peer is a member twice in epoch \(epoch)") }
        self.init(epoch: epoch, members: members)
    }

    private static func tooMany(_ count: Int) -> WireError {
        WireError(.outOfBounds, "\(count) are members, at most \(WireBounds.membersMax) are allowed")
    }
}

extension Member {
    static let packedBytes = 24
}

extension PackedWriter {
    mutating func write(_ entry: LogEntry) {
        write(entry.digest.bytes)
        write(entry.op.value)
        write(entry.view.epoch)
        write(entry.view.number)
        write(entry.at.milliseconds)
        write(entry.request?.session.high ?? 0)
        write(entry.request?.session.low ?? 0)
        write(entry.request?.number ?? 0)
        switch entry.body {
        case .none:
            write(0 as UInt8)
            write(0 as UInt32)
        case .operation(let operation):
            write(1 as UInt8)
            write(UInt32(operation.count))
            write(operation)
        case .reconfigure(let membership):
            write(2 as UInt8)
            write(UInt32(8 + membership.members.count * Member.packedBytes))
            write(UInt64(membership.epoch))
            for member in membership.members { write(member) }
        }
    }
}

extension [LogEntry] {
    /// One behind the other, as messages carry them.
    public var packed: Data {
        Data(packed: reduce(0) { $0 + $1.packedBytes }) { writer in
            for entry in self { writer.write(entry) }
        }
    }

    /// Reads them back. Each keeps the digest that it claims; whether that is right is to be asked with `follows`.
    ///
    /// - Parameter max: the most that are taken.
    /// - Throws: for what is cut short, out of bounds, or of a later version.
    public init(packed data: Data, max: Int) throws(WireError) {
        self = try data.unpacked("entries", max: max, bytesEach: LogEntry.packedBytesMin, LogEntry.init(from:))
    }
}

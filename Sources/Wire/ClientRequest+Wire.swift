import Automata
import Foundation
import Replication
import SwiftProtobuf
import WireSchema

extension WireClientRequest {
    init(_ group: GroupID, _ request: ClientRequest) {
        self.init()
        self.group = group.data
        id = WireReplicaRequestID(request.id)
        operation = Data(request.operation)
    }

    func decoded() throws(WireError) -> ClientRequest {
        ClientRequest(
            id: try required(hasID, id, "a request's name").decoded(),
            operation: try blob(operation, "an operation", max: WireBounds.operationBytesMax))
    }
}

extension WireReplicaRequestID {
    init(_ id: RequestID) {
        self.init()
        sessionHigh = id.session.high
        sessionLow = id.session.low
        number = id.number
    }

    func decoded() throws(WireError) -> RequestID {
        RequestID(
            session: SessionID(high: sessionHigh, low: sessionLow),
            number: try counter(number, "a request's number", from: 1))
    }
}

extension WireClientAnswer {
    init(_ group: GroupID, _ id: RequestID, _ answer: ClientAnswer) {
        self.init()
        self.group = group.data
        self.id = WireReplicaRequestID(id)
        switch answer {
        case .committed(let op): committed = op.value
        case .elsewhere(let view, let primary):
            elsewhere = .with {
                $0.epoch = view.epoch
                $0.number = view.number
                if let primary { $0.primary = Data(packed: Member.packedBytes) { $0.write(primary) } }
            }
        case .busy(let reason): busy = cut(reason)
        case .tooLarge(let bytes, let max):
            tooLarge = .with {
                $0.bytes = Self.bounded(bytes)
                $0.max = Self.bounded(max)
            }
        case .sessionExpired: sessionExpired = WireEmpty()
        case .stale: stale = WireEmpty()
        }
    }

    /// A size for people, brought into the schema's bounds.
    private static func bounded(_ bytes: Int) -> Int64 { Int64(min(max(bytes, 0), Int(WireBounds.numberMax))) }

    func decodedID() throws(WireError) -> RequestID {
        try required(hasID, id, "a request's name").decoded()
    }

    func decoded() throws(WireError) -> ClientAnswer {
        switch kind {
        case .committed(let op): .committed(OpNumber(try counter(op, "a request's op", from: 1)))
        case .elsewhere(let it): try it.decoded()
        case .busy(let reason): .busy(try text(reason, "a reason", bytes: 0...WireBounds.reasonBytesMax))
        case .tooLarge(let it):
            .tooLarge(
                bytes: Int(try number(it.bytes, "an operation's size", 0...WireBounds.numberMax)),
                max: Int(try number(it.max, "the largest operation's size", 0...WireBounds.numberMax)))
        case .sessionExpired: .sessionExpired
        case .stale: .stale
        case nil: throw noKind("an answer", unknownFields)
        }
    }
}

extension WireClientElsewhere {
    func decoded() throws(WireError) -> ClientAnswer {
        .elsewhere(
            try replicaView(epoch: epoch, number: number),
            primary: hasPrimary
                ? try primary.unpacked("a primary") { (reader) throws(WireError) in try reader.readMember() } : nil)
    }
}

public import Peer
import Replication
import SwiftProtobuf
import WireSchema

extension PeerMessage {
    public func encoded() -> [UInt8] {
        var message = WirePeerMessage()
        switch self {
        case .neighbour(let it): message.neighbour = WireNeighbourMessage(it)
        case .claim(let it, let stamp):
            message.claim = WireClaimMessage(it)
            if let ledger = stamp.ledger { message.claim.ledger = ledger.data }
            (message.claim.epoch, message.claim.view) = (stamp.view.epoch, stamp.view.number)
        case .directory(let it, let from, let to):
            message.directory = WireDirectoryMessage(it)
            if let from { message.directory.from = from.data }
            if let to { message.directory.to = to.data }
        case .call(let number, let call, let ledger):
            message.call = .with {
                $0.number = number
                $0.call = WireCall(call)
                if let ledger { $0.ledger = ledger.data }
            }
        case .result(let number, let result):
            message.result = .with {
                $0.number = number
                $0.result = WireResult(result)
            }
        case .overlay(let it, let contacts):
            message.overlay = WireOverlayMessage(it)
            message.contacts = [WireContact](contacts)
        case .group(let it, let contacts):
            message.group = WireGroupMessage(it)
            message.contacts = [WireContact](contacts)
        case .object(let it, let contacts):
            message.object = WireObjectMessage(it)
            message.contacts = [WireContact](contacts)
        case .found(let routed): message.found = WireRouted(routed)
        case .replica(let group, let it): message.replica = WireReplicaMessage(group, it)
        case .ledgerRequest(let group, let request): message.ledgerRequest = WireClientRequest(group, request)
        case .ledgerAnswer(let group, let id, let answer):
            message.ledgerAnswer = WireClientAnswer(group, id, answer)
        case .register(let it): message.register = WireRegisterMessage(it)
        case .rendezvous(let it, let ledger, let contacts):
            message.rendezvous = WireRendezvousMessage(it, of: ledger)
            message.contacts = [WireContact](contacts)
        case .holder(let ledger, let it): message.holder = WireHolderMessage(it, of: ledger)
        }
        return message.bytes()
    }

    /// Reads what another peer says; everything in it is checked.
    public init(decoding bytes: [UInt8]) throws(WireError) {
        guard bytes.count <= WireBounds.messageBytesMax else {
            throw WireError(
                .outOfBounds, "a message has \(bytes.count) bytes, at most \(WireBounds.messageBytesMax) are allowed")
        }
        let message = try WirePeerMessage(parsing: bytes)
        self =
            switch message.kind {
            case .neighbour(let it): .neighbour(try it.decoded())
            case .claim(let it):
                .claim(
                    try it.decoded(),
                    LedgerStamp(
                        ledger: try optionalPeer(it.ledger, "a claim's ledger"),
                        view: View(epoch: it.epoch, number: it.view)))
            case .directory(let it):
                .directory(
                    try it.decoded(), from: try optionalPeer(it.from, "a ledger"),
                    to: try optionalPeer(it.to, "a ledger"))
            case .call(let it):
                .call(
                    number: it.number, try required(it.hasCall, it.call, "a call").decoded(),
                    of: try optionalPeer(it.ledger, "a call's ledger"))
            case .result(let it):
                .result(number: it.number, try required(it.hasResult, it.result, "a result").decoded())
            case .overlay(let it): .overlay(try it.decoded(), contacts: try message.contacts.decoded())
            case .group(let it): .group(try it.decoded(), contacts: try message.contacts.decoded())
            case .object(let it): .object(try it.decoded(), contacts: try message.contacts.decoded())
            case .found(let it): .found(try it.decoded())
            case .replica(let it): .replica(try GroupID(decoding: it.group), try it.decoded())
            case .ledgerRequest(let it): .ledgerRequest(try GroupID(decoding: it.group), try it.decoded())
            case .ledgerAnswer(let it):
                .ledgerAnswer(try GroupID(decoding: it.group), try it.decodedID(), try it.decoded())
            case .register(let it): .register(try it.decoded())
            case .rendezvous(let it):
                .rendezvous(
                    try it.decoded(), of: try peer(it.ledger, "a rendezvous's ledger"),
                    contacts: try message.contacts.decoded())
            case .holder(let it): .holder(try peer(it.ledger, "a holder's ledger"), try it.decoded())
            case nil: throw noKind("a message", message.unknownFields)
            }
    }
}

import Automata
import Neighbours
import Objects
import Overlay
import Peer
import Replication
import Wire

/// How the engine counts, hashes and weighs the messages of whole peers: those of the overlay as `OverlayKinds` does.
enum PeerKinds {
    static let names =
        ["lookup", "found"] + OverlayKinds.names.dropFirst()
        + [
            "neighbour", "claim", "directory", "call", "result", "group", "object", "replica", "client",
            "ledger register", "rendezvous",
        ]
    /// The kinds before it are what lookups themselves cost.
    static let lookupKinds = 2

    @inline(__always)
    static func kind(of message: borrowing PeerMessage) -> Int {
        switch message {
        case .overlay(let message, _):
            let kind = OverlayKinds.kind(of: message)
            return kind == OverlayKinds.lookup ? 0 : kind + 1
        case .found: return 1
        case .neighbour: return 19
        case .claim: return 20
        case .directory: return 21
        case .call: return 22
        case .result: return 23
        case .group: return 24
        case .object: return 25
        case .replica: return 26
        case .ledgerRequest, .ledgerAnswer: return 27
        case .register, .holder: return 28
        case .rendezvous: return 29
        }
    }

    /// Of what is not the overlay's, the bytes on the wire are hashed: it is rare, and says more than a word can.
    @inline(__always)
    static func digest(of message: borrowing PeerMessage) -> UInt64 {
        switch message {
        case .overlay(let message, let contacts):
            OverlayKinds.digest(of: message) &+ UInt64(contacts.count) &* 0x9e37_79b9_7f4a_7c15
        case .neighbour, .claim, .directory, .call, .result, .group, .object, .found, .replica, .ledgerRequest,
            .ledgerAnswer, .register, .rendezvous, .holder:
            hash(copy message)
        }
    }

    private static func hash(_ message: PeerMessage) -> UInt64 {
        message.encoded().reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    }

    /// The same whether messages pass as values or as bytes.
    @inline(__always)
    static func bytes(of message: borrowing PeerMessage) -> Int {
        switch message {
        case .overlay(let message, let contacts): OverlayKinds.bytes(of: message) + 36 * contacts.count
        case .neighbour(.probe), .neighbour(.alive), .neighbour(.goodbye): 60
        case .object(.store(_, let object, _), _): 80 + object.bytes.count
        case .object(.contents(_, let bytes), _): 60 + bytes.count
        case .replica(_, let message): bytes(of: message)
        case .ledgerRequest(_, let request): 60 + request.operation.count
        case .neighbour, .claim, .directory, .call, .result, .group, .object, .found, .ledgerAnswer, .register,
            .rendezvous, .holder:
            200
        }
    }

    private static func bytes(of message: ReplicaMessage) -> Int {
        switch message.body {
        case .prepare(let entries, _, _, _), .entries(let entries, _, _, _, _), .given(let entries):
            entries.reduce(60) { $0 + $1.size }
        case .checkpoint(let piece): 150 + 40 * piece.head.sessions.count + piece.bytes.count
        case .vote(let vote): 120 + 41 * vote.tail.count
        case .want(let places): 60 + 41 * places.count
        case .prepareOK, .wish, .startView, .abdicate, .fetch, .fetchPiece, .stale, .retire: 100
        }
    }
}

extension Checker {
    /// What the receiver reads of a message on the wire; nil when that ended the run.
    mutating func reread<Message>(_ message: PeerMessage, _ core: inout Core<Message>) -> PeerMessage? {
        do {
            let read = try PeerMessage(decoding: message.encoded())
            if read == message { return read }
            report("codec", "a peer's message is another one after the wire: \(message) became \(read)", [], &core)
        } catch {
            report("codec", "a peer's own message does not decode: \(error)", [], &core)
        }
        return nil
    }
}

public import Automata
public import Claims
public import Groups
public import Ledger
public import Neighbours
public import Objects
public import Overlay
public import Rendezvous
public import Replication

/// Everything that one peer says to another.
public enum PeerMessage: Hashable, Sendable {
    case neighbour(NeighbourMessage)
    case claim(ClaimMessage, LedgerStamp)
    /// From one ledger's primary to another's; nil: the ledger that the sender, or the receiver, has founded.
    case directory(DirectoryMessage, from: PeerID?, to: PeerID?)
    /// Asks another peer to answer for it, from the ledger of that id; nil: from the one that it has founded, or from all that
    /// it leads, or as a machine. `number` is the asker's own.
    case call(number: UInt64, Call, of: PeerID?)
    case result(number: UInt64, CallResult)
    /// `contacts`: where the peers are that the message names, as far as the sender knows; at most 128.
    case overlay(OverlayMessage, contacts: [PeerContact])
    case group(GroupMessage, contacts: [PeerContact])
    case object(ObjectMessage, contacts: [PeerContact])
    /// To a lookup's origin, from the root of its key: the message as it came.
    case found(Routed)
    /// From one replica of a log to another: whether the sender is a member is the replica's to check.
    case replica(GroupID, ReplicaMessage)
    /// Asks a replica to execute an operation; the answer names the request.
    case ledgerRequest(GroupID, ClientRequest)
    case ledgerAnswer(GroupID, RequestID, ClientAnswer)
    case register(RegisterMessage)
    /// To a ledger's primary: what came of a search for a request of that ledger.
    case rendezvous(RendezvousMessage, of: PeerID, contacts: [PeerContact])
    case holder(PeerID, HolderMessage)
}

extension PeerMessage {
    /// Whether only a master may say this: the host drops it from a peer whose certificate says that it is none (I7).
    public var isMastersOnly: Bool {
        switch self {
        case .directory, .call, .replica, .ledgerRequest, .holder: true
        case .register(let message):
            switch message {
            case .keep, .survey: true
            case .near, .kept, .ask, .told: false
            }
        case .claim(let message, _):
            switch message {
            case .claim, .order, .release, .renewed, .lapsed, .acknowledged: true
            case .granted, .refused, .ordered, .orderRefused, .released, .renew, .report, .leaving, .outranked,
                .measured:
                false
            }
        case .neighbour(let message):
            switch message {
            case .masters, .failed, .recovered: true
            case .hello, .probe, .alive, .goodbye: false
            }
        case .result, .overlay, .group, .object, .found, .ledgerAnswer, .rendezvous: false
        }
    }
}

/// What a user asks of a master, and a master of a peer that knows.
public enum Call: Hashable, Sendable {
    case request(RequestCall)
    /// Open requests of one customer, or of all; a forwarded one answers for the ledgers that are led there.
    case list(Customer?)
    /// A piece of an instance's log, by the request that it runs for.
    case log(RequestKey, LogQuery)
    /// The same, asked of the machine by the primary of the ledger that made the claim.
    case tenantLog(ClaimReference, LogQuery)
    /// The last claims that a machine has heard of, asked of it by a master: why it has no work.
    case seenClaims(PeerID)
    /// What the owner of a machine orders, asked of it by a master; nil: only how it stands. Answered when it is on its disk.
    case owner(PeerID, OwnerOrder?)
    /// Puts a fact that concerns no request into a ledger: an admission or a token into the own one, an act of the books
    /// into any.
    case record(Fact)
}

/// Which part of an instance's output.
public struct LogQuery: Hashable, Sendable {
    public enum Stream: String, Hashable, Sendable, CaseIterable {
        case output, errors
    }

    public var stream: Stream
    /// Bytes from the log's beginning; negative counts from its end.
    public var offset: Int64
    /// At most 256 KiB are answered.
    public var bytesMax: Int

    public init(stream: Stream, offset: Int64, bytesMax: Int) {
        self.stream = stream
        self.offset = offset
        self.bytesMax = bytesMax
    }
}

/// A piece of a log, and where the next one begins.
public struct LogPiece: Hashable, Sendable {
    public var bytes: [UInt8]
    public var nextOffset: Int64

    public init(bytes: [UInt8], nextOffset: Int64) {
        self.bytes = bytes
        self.nextOffset = nextOffset
    }
}

public enum CallResult: Hashable, Sendable {
    case request(RequestAnswer)
    /// Requests, and the names of masters that could not be asked for theirs.
    case requests([Request], missing: [String])
    case log(LogPiece)
    /// The newest last; at most `ClaimHistory.linesMax`.
    case seenClaims([ClaimHistory.Line])
    case owner(OwnerReport)
    /// It is in the ledger at this place.
    case recorded(LedgerIndex)
    /// This peer does not lead the ledger concerned.
    case elsewhere(PeerID)
    case refused(Refusal)
}

extension Call {
    /// The request that the call is about, where it is about one.
    var key: RequestKey? {
        switch self {
        case .request(let call): call.key
        case .log(let key, _): key
        case .list, .tenantLog, .seenClaims, .owner, .record: nil
        }
    }

    /// How long an answer may be held back by the call's own wish.
    public var patience: Duration {
        switch self {
        case .request(.ask(_, _, _, let wait)), .request(.read(_, let wait)): wait?.timeout ?? .zero
        case .list, .log, .tenantLog, .seenClaims, .owner, .record: .zero
        }
    }
}

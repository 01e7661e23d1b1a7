public import Automata
public import Claims

/// What a ledger's primary asks of whoever stands nearest to the request's key: find a machine for an attempt.
public struct Allocation: Hashable, Sendable {
    public var asked: ClaimRequest
    public var ledger: PeerID
    /// Its primary, who is told what came of it.
    public var origin: PeerID
    /// Where that stands.
    public var near: Place

    public init(asked: ClaimRequest, ledger: PeerID, origin: PeerID, near: Place) {
        self.asked = asked
        self.ledger = ledger
        self.origin = origin
        self.near = near
    }

    /// Whether a search for the other is one for this.
    func isSame(as other: Allocation) -> Bool {
        asked.isSame(as: other.asked) && ledger == other.ledger && origin == other.origin && near == other.near
    }

    /// Where the rendezvous of a request is.
    public static func key(of request: RequestKey) -> PeerID {
        // The length keeps apart what would be one text.
        let text = "palmier request \(request.customer.name.utf8.count) \(request)"
        return PeerID(publicKeyDigest: Digest(of: text.utf8))
    }
}

/// A machine that has granted a claim which waits for the ledger's word, and how good it is under the request's policy.
public struct Candidate: Hashable, Sendable {
    public var claim: ClaimReference
    public var place: Place
    /// The smaller, the better; at most `rankMax` numbers.
    public var rank: [Int64]
    /// Nothing is granted yet: the tenant of that claim gives way.
    public var isPledge: Bool

    public static let rankMax = 16

    public init(claim: ClaimReference, place: Place, rank: [Int64], isPledge: Bool = false) {
        self.isPledge = isPledge
        self.claim = claim
        self.place = place
        self.rank = rank
    }
}

/// What a rendezvous tells a request's ledger.
public enum RendezvousMessage: Hashable, Sendable {
    /// Best first; all of them hold for a moment, and one is needed.
    case found(RequestKey, Attempt, [Candidate])
    case nobody(RequestKey, Attempt, NoMachine)
    /// A tenant gives way to the attempt there: the ledger asks that machine itself.
    case pledged(RequestKey, Attempt, machine: PeerID)

    public static let candidatesMax = 8
}

/// How an allocation and a candidate are written into what the groups carry: the codec lies above the pure targets.
public struct VisitCoding: Sendable {
    public let allocation: @Sendable (Allocation) -> [UInt8]
    /// nil: not one that this version can read.
    public let decodeAllocation: @Sendable ([UInt8]) -> Allocation?
    public let candidate: @Sendable (Candidate) -> [UInt8]
    public let decodeCandidate: @Sendable ([UInt8]) -> Candidate?

    public init(
        allocation: @escaping @Sendable (Allocation) -> [UInt8],
        decodeAllocation: @escaping @Sendable ([UInt8]) -> Allocation?,
        candidate: @escaping @Sendable (Candidate) -> [UInt8],
        decodeCandidate: @escaping @Sendable ([UInt8]) -> Candidate?
    ) {
        self.allocation = allocation
        self.decodeAllocation = decodeAllocation
        self.candidate = candidate
        self.decodeCandidate = decodeCandidate
    }
}

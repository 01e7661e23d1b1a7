import Automata
import Claims
public import Rendezvous
import SwiftProtobuf
import WireSchema

extension VisitCoding {
    /// As their Protocol Buffers messages (`Specs/wire/peer.proto`).
    public static let wire = VisitCoding(
        allocation: { WireAllocation($0).bytes() },
        decodeAllocation: { bytes in
            // What a later version asks, this one does not grant.
            guard let message = try? WireAllocation(parsing: bytes) else { return nil }
            return try? message.decoded()
        },
        candidate: { WireCandidate($0).bytes() },
        decodeCandidate: { bytes in
            guard let message = try? WireCandidate(parsing: bytes) else { return nil }
            return try? message.decoded()
        })
}

extension WireAllocation {
    init(_ allocation: Allocation) {
        self.init()
        asked = WireClaim(allocation.asked)
        ledger = allocation.ledger.data
        origin = allocation.origin.data
        if allocation.near != .unknown { near = WirePlace(allocation.near) }
    }

    func decoded() throws(WireError) -> Allocation {
        Allocation(
            asked: try required(hasAsked, asked, "what is allocated").decoded(),
            ledger: try peer(ledger, "an allocation's ledger"), origin: try peer(origin, "an allocation's origin"),
            near: hasNear ? try near.decoded() : .unknown)
    }
}

extension WireCandidate {
    init(_ candidate: Candidate) {
        self.init()
        claim = WireClaimReference(candidate.claim)
        if candidate.place != .unknown { place = WirePlace(candidate.place) }
        rank = Array(candidate.rank.prefix(Candidate.rankMax))
        pledge = candidate.isPledge
    }

    func decoded() throws(WireError) -> Candidate {
        guard rank.count <= Candidate.rankMax else {
            throw WireError(.outOfBounds, "a candidate has \(rank.count) ranks, at most \(Candidate.rankMax) are read")
        }
        return Candidate(
            claim: try required(hasClaim, claim, "a candidate's claim").decoded(),
            place: hasPlace ? try place.decoded() : .unknown, rank: rank, isPledge: pledge)
    }
}

extension WireRendezvousMessage {
    init(_ message: RendezvousMessage, of home: PeerID) {
        self.init()
        ledger = home.data
        switch message {
        case .found(let key, let attempt, let candidates):
            found = .with {
                $0.request = WireRequestKey(key)
                $0.attempt = attempt.value
                $0.candidates = candidates.prefix(RendezvousMessage.candidatesMax).map { WireCandidate($0) }
            }
        case .nobody(let key, let attempt, let none):
            nobody = .with {
                $0.request = WireRequestKey(key)
                $0.attempt = attempt.value
                $0.reason = cut(none.reason)
                $0.hopeless = none.isHopeless
            }
        case .pledged(let key, let attempt, let machine):
            pledged = .with {
                $0.request = WireRequestKey(key)
                $0.attempt = attempt.value
                $0.machine = machine.data
            }
        }
    }

    func decoded() throws(WireError) -> RendezvousMessage {
        switch kind {
        case .found(let it):
            .found(
                try required(it.hasRequest, it.request, "what was found for").decoded(), try attempt(it.attempt),
                try list(it.candidates, "candidates", max: RendezvousMessage.candidatesMax) {
                    (candidate) throws(WireError) in try candidate.decoded()
                })
        case .nobody(let it):
            .nobody(
                try required(it.hasRequest, it.request, "what was not found").decoded(), try attempt(it.attempt),
                NoMachine(
                    reason: try text(it.reason, "a reason", bytes: 0...WireBounds.reasonBytesMax),
                    isHopeless: it.hopeless))
        case .pledged(let it):
            .pledged(
                try required(it.hasRequest, it.request, "what a tenant gives way for").decoded(),
                try attempt(it.attempt), machine: try peer(it.machine, "whose tenant gives way"))
        case nil: throw noKind("a rendezvous's message", unknownFields)
        }
    }
}

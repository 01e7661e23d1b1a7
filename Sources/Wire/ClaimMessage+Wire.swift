import Automata
import Claims
import SwiftProtobuf
import WireSchema

extension WireClaimMessage {
    init(_ message: ClaimMessage) {
        self.init()
        switch message {
        case .claim(let asked): claim = WireClaim(asked)
        case .order(let order, let lease):
            self.order = .with {
                $0.order = WireInstanceOrder(order)
                $0.leaseMilliseconds = bounded(lease)
            }
        case .release(let claim): release = WireClaimReference(claim)
        case .renewed(let claims, let lease, let echo, let shares):
            renewed = .with {
                $0.claims = claims.map { WireClaimReference($0) }
                $0.leaseMilliseconds = bounded(lease)
                $0.echoNanoseconds = echo.nanoseconds
                $0.shares = shares.map { WireProjectShare($0) }
            }
        case .lapsed(let claims): lapsed = .with { $0.claims = claims.map { WireClaimReference($0) } }
        case .acknowledged(let claim, let sequence):
            acknowledged = .with {
                $0.claim = WireClaimReference(claim)
                $0.sequence = sequence
            }
        case .granted(let key, let attempt, let claim, let place):
            granted = .with {
                $0.request = WireRequestKey(key)
                $0.attempt = attempt.value
                $0.claim = WireClaimReference(claim)
                if place != .unknown { $0.place = WirePlace(place) }
            }
        case .refused(let key, let attempt, let reasons):
            refused = .with {
                $0.request = WireRequestKey(key)
                $0.attempt = attempt.value
                $0.reasons = reasons.map { WireMismatch($0) }
            }
        case .ordered(let claim, let revision):
            ordered = .with {
                $0.claim = WireClaimReference(claim)
                $0.revision = revision.value
            }
        case .orderRefused(let claim, let reason):
            orderRefused = .with {
                $0.claim = WireClaimReference(claim)
                $0.reason = WireOrderRefusal(reason)
            }
        case .released(let claim): released = WireClaimReference(claim)
        case .renew(let claims, let echo):
            renew = .with {
                $0.claims = claims.map { WireClaimReference($0) }
                $0.echoNanoseconds = echo.nanoseconds
            }
        case .report(let claim, let sequence, let status):
            report = .with {
                $0.claim = WireClaimReference(claim)
                $0.sequence = sequence
                $0.status = WireInstanceStatus(status)
            }
        case .leaving(let claims, let why):
            leaving = .with {
                $0.claims = claims.map { WireClaimReference($0) }
                if let why { $0.leaving = WireLeaving(why) }
            }
        case .outranked(let claim, let other):
            outranked = .with {
                $0.claim = WireClaimReference(claim)
                $0.by = WireOutranking(other)
            }
        case .measured(let gauges): measured = .with { $0.gauges = gauges.map { WireGauge($0) } }
        }
    }

    func decoded() throws(WireError) -> ClaimMessage {
        switch kind {
        case .claim(let it): .claim(try it.decoded())
        case .order(let it):
            .order(
                try required(it.hasOrder, it.order, "an order").decoded(),
                lease: try duration(milliseconds: it.leaseMilliseconds, "a lease"))
        case .release(let claim): .release(try claim.decoded())
        case .renewed(let it):
            .renewed(
                try decode(it.claims), lease: try duration(milliseconds: it.leaseMilliseconds, "a lease"),
                echo: try instant(it.echoNanoseconds, "an echo"),
                shares: try list(it.shares, "shares of projects") { (share) throws(WireError) in try share.decoded() })
        case .lapsed(let it): .lapsed(try decode(it.claims))
        case .acknowledged(let it):
            .acknowledged(
                try reference(it.hasClaim, it.claim), sequence: try counter(it.sequence, "a report's number"))
        case .granted(let it):
            .granted(
                try key(it.hasRequest, it.request), try attempt(it.attempt), try reference(it.hasClaim, it.claim),
                it.hasPlace ? try it.place.decoded() : .unknown)
        case .refused(let it):
            .refused(
                try key(it.hasRequest, it.request), try attempt(it.attempt),
                try list(it.reasons, "reasons") { (reason) throws(WireError) in try reason.decoded() })
        case .ordered(let it): .ordered(try reference(it.hasClaim, it.claim), try revision(it.revision))
        case .orderRefused(let it):
            .orderRefused(try reference(it.hasClaim, it.claim), try it.reason.decoded())
        case .released(let claim): .released(try claim.decoded())
        case .renew(let it): .renew(try decode(it.claims), echo: try instant(it.echoNanoseconds, "an echo"))
        case .report(let it):
            .report(
                try reference(it.hasClaim, it.claim), sequence: try counter(it.sequence, "a report's number"),
                try required(it.hasStatus, it.status, "a report's status").decoded())
        case .leaving(let it): .leaving(try decode(it.claims), it.hasLeaving ? try it.leaving.decoded() : nil)
        case .outranked(let it):
            .outranked(
                try reference(it.hasClaim, it.claim),
                by: try required(it.hasBy, it.by, "whom a placement gives way to").decoded())
        case .measured(let it):
            .measured(
                try list(it.gauges, "gauges", max: ClaimMessage.gaugesMax) { (gauge) throws(WireError) in
                    try gauge.decoded()
                })
        case nil: throw noKind("a message about a claim", unknownFields)
        }
    }

    private func key(_ isThere: Bool, _ key: WireRequestKey) throws(WireError) -> RequestKey {
        try required(isThere, key, "a claim's request").decoded()
    }

    private func reference(_ isThere: Bool, _ claim: WireClaimReference) throws(WireError) -> ClaimReference {
        try required(isThere, claim, "the claim that a message is about").decoded()
    }

    private func decode(_ claims: [WireClaimReference]) throws(WireError) -> [ClaimReference] {
        try list(claims, "claims") { (claim) throws(WireError) in try claim.decoded() }
    }
}

extension WireClaim {
    init(_ asked: ClaimRequest) {
        self.init()
        request = WireRequestKey(asked.request)
        attempt = asked.attempt.value
        requirements = WireRequirements(asked.requirements)
        standings = asked.standings.map { standing in
            .with {
                $0.relation = WireRelation(standing.relation)
                $0.machine = standing.machine.data
                $0.place = WirePlace(standing.place)
            }
        }
        if let release = asked.release { self.release = release }
        if let share = asked.share { self.share = WireProjectShare(share) }
        presses = asked.presses
    }

    func decoded() throws(WireError) -> ClaimRequest {
        ClaimRequest(
            request: try required(hasRequest, request, "a claim's request").decoded(),
            attempt: try Wire.attempt(attempt),
            requirements: try required(hasRequirements, requirements, "a claim's requirements").decoded(),
            standings: try list(standings, "standings", max: ClaimRequest.standingsMax) {
                (it) throws(WireError) in
                Standing(
                    relation: try required(it.hasRelation, it.relation, "a standing's relation").decoded(),
                    machine: try peer(it.machine, "a standing's machine"),
                    place: it.hasPlace ? try it.place.decoded() : .unknown)
            },
            release: hasRelease ? release : nil, share: hasShare ? try share.decoded() : nil, presses: presses)
    }
}

extension WireOrderRefusal {
    init(_ refusal: OrderRefusal) {
        self =
            switch refusal {
            case .unknownPartition: .unknownPartition
            case .fenced: .fenced
            case .expired: .expired
            case .foreign: .foreign
            }
    }

    func decoded() throws(WireError) -> OrderRefusal {
        switch self {
        case .unknownPartition: .unknownPartition
        case .fenced: .fenced
        case .expired: .expired
        case .foreign: .foreign
        case .unspecified, .UNRECOGNIZED: throw noCase("an order's refusal", rawValue)
        }
    }
}

extension WireMismatch {
    init(_ mismatch: Mismatch) {
        self.init()
        code = mismatch.code.rawValue
        wanted = mismatch.wanted
        found = mismatch.found
        lasting = mismatch.isLasting
    }

    func decoded() throws(WireError) -> Mismatch {
        guard let kind else {
            let bytes = 0...Mismatch.textBytesMax
            let word = try text(code, "a refusal's code", bytes: 1...WireBounds.labelBytesMax)
            guard let code = Mismatch.Code(rawValue: word) else {
                return Mismatch(.other, wanted: word, isLasting: lasting)
            }
            return Mismatch(
                code, wanted: try text(wanted, "what was wanted", bytes: bytes),
                found: try text(found, "what was found", bytes: bytes), isLasting: lasting)
        }
        return switch kind {
        case .otherMachine(let it):
            Mismatch(.otherMachine, wanted: try name(it.wanted), found: try name(it.name), isLasting: true)
        case .notAccepting: Mismatch(.notAccepting, found: MachineState.draining.rawValue)
        case .noFreePartition: Mismatch(.full)
        case .memory(let it):
            Mismatch(.short, wanted: "\(ByteCount(it.wantedBytes)) of memory", found: "\(ByteCount(it.freeBytes))")
        case .price(let it):
            Mismatch(
                .tooDear, wanted: Decimal6(it.most).description, found: Decimal6(it.asked).description, isLasting: true)
        case .staleAttempt(let it):
            Mismatch(.staleAttempt, wanted: "attempt \(it.attempt)", found: "attempt \(it.newest)")
        }
    }

    private func name(_ value: String) throws(WireError) -> String {
        try text(value, "a machine's name", bytes: 0...WireBounds.nameBytesMax)
    }
}

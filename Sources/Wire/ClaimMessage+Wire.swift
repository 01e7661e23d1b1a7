import Automata
import Claims
import SwiftProtobuf
import WireSchema

extension WireClaimMessage {
    init(_ message: ClaimMessage) {
        self.init()
        switch message {
        case .claim(let key, let attempt, let requirements):
            claim = .with {
                $0.request = WireRequestKey(key)
                $0.attempt = attempt.value
                $0.requirements = WireRequirements(requirements)
            }
        case .order(let order, let lease):
            self.order = .with {
                $0.order = WireInstanceOrder(order)
                $0.leaseMilliseconds = bounded(lease)
            }
        case .release(let claim): release = WireClaimReference(claim)
        case .renewed(let claims, let lease, let echo):
            renewed = .with {
                $0.claims = claims.map { WireClaimReference($0) }
                $0.leaseMilliseconds = bounded(lease)
                $0.echoNanoseconds = echo.nanoseconds
            }
        case .lapsed(let claims): lapsed = .with { $0.claims = claims.map { WireClaimReference($0) } }
        case .acknowledged(let claim, let sequence):
            acknowledged = .with {
                $0.claim = WireClaimReference(claim)
                $0.sequence = sequence
            }
        case .granted(let key, let attempt, let claim):
            granted = .with {
                $0.request = WireRequestKey(key)
                $0.attempt = attempt.value
                $0.claim = WireClaimReference(claim)
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
        }
    }

    func decoded() throws(WireError) -> ClaimMessage {
        switch kind {
        case .claim(let it):
            .claim(
                try key(it.hasRequest, it.request), try attempt(it.attempt),
                try required(it.hasRequirements, it.requirements, "a claim's requirements").decoded())
        case .order(let it):
            .order(
                try required(it.hasOrder, it.order, "an order").decoded(),
                lease: try duration(milliseconds: it.leaseMilliseconds, "a lease"))
        case .release(let claim): .release(try claim.decoded())
        case .renewed(let it):
            .renewed(
                try decode(it.claims), lease: try duration(milliseconds: it.leaseMilliseconds, "a lease"),
                echo: try instant(it.echoNanoseconds, "an echo"))
        case .lapsed(let it): .lapsed(try decode(it.claims))
        case .acknowledged(let it):
            .acknowledged(
                try reference(it.hasClaim, it.claim), sequence: try counter(it.sequence, "a report's number"))
        case .granted(let it):
            .granted(
                try key(it.hasRequest, it.request), try attempt(it.attempt), try reference(it.hasClaim, it.claim))
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
        switch mismatch {
        case .otherMachine(let wanted, let name):
            otherMachine = .with {
                $0.wanted = wanted
                $0.name = name
            }
        case .notAccepting(let name): notAccepting = name
        case .noFreePartition(let name): noFreePartition = name
        case .memory(let name, let wanted, let free):
            memory = .with {
                $0.name = name
                $0.wantedBytes = wanted.bytes
                $0.freeBytes = free.bytes
            }
        case .price(let name, let most, let asked):
            price = .with {
                $0.name = name
                $0.most = most
                $0.asked = asked
            }
        case .staleAttempt(let attempt, let newest):
            staleAttempt = .with {
                $0.attempt = attempt.value
                $0.newest = newest.value
            }
        }
    }

    func decoded() throws(WireError) -> Mismatch {
        switch kind {
        case .otherMachine(let it): .otherMachine(wanted: try name(it.wanted), name: try name(it.name))
        case .notAccepting(let machine): .notAccepting(name: try name(machine))
        case .noFreePartition(let machine): .noFreePartition(name: try name(machine))
        case .memory(let it):
            .memory(
                name: try name(it.name),
                wanted: ByteCount(try number(it.wantedBytes, "memory asked for", 0...WireBounds.memoryBytesMax)),
                free: ByteCount(
                    try number(
                        it.freeBytes, "memory left", -WireBounds.memoryLeftBytesMax...WireBounds.memoryLeftBytesMax)))
        case .price(let it):
            .price(
                name: try name(it.name), most: try number(it.most, "a price", 0...WireBounds.numberMax),
                asked: try number(it.asked, "a price", 0...WireBounds.numberMax))
        case .staleAttempt(let it): .staleAttempt(try attempt(it.attempt), newest: try attempt(it.newest))
        case nil: throw noKind("a reason", unknownFields)
        }
    }

    private func name(_ value: String) throws(WireError) -> String {
        try text(value, "a machine's name", bytes: 0...WireBounds.nameBytesMax)
    }
}

import Automata
import Foundation
public import Ledger
import SwiftProtobuf
import WireSchema

extension Entry {
    /// The entry's bytes, its unknown fields behind those that are known.
    public func encoded() -> [UInt8] {
        var message = WireEntry()
        message.index = index.value
        message.atNanoseconds = at.nanoseconds
        message.fact = WireFact(fact)
        return message.bytes() + unknownFields
    }

    /// Reads an entry; unknown fields at its top level are kept.
    public init(decoding bytes: [UInt8]) throws(WireError) {
        let message = try WireEntry(parsing: bytes)
        self.init(
            index: LedgerIndex(try counter(message.index, "an entry's index", from: 1)),
            at: try instant(message.atNanoseconds, "an entry's instant"),
            fact: try required(message.hasFact, message.fact, "an entry's fact").decoded(),
            unknownFields: Array(message.unknownFields.data))
    }
}

extension WireFact {
    init(_ fact: Fact) {
        self.init()
        switch fact {
        case .requested(let key, let specification):
            let fact = WireRequested.with {
                $0.request = WireRequestKey(key)
                $0.specification = WireSpecification(specification)
            }
            if specification.group == nil { requested = fact } else { grouped = fact }
        case .changed(let key, let specification, let revision):
            let fact = WireChanged.with {
                $0.request = WireRequestKey(key)
                $0.specification = WireSpecification(specification)
                $0.revision = revision.value
            }
            if specification.group == nil { changed = fact } else { regrouped = fact }
        case .scaled(let key, let revision, let decision):
            scaled = .with {
                $0.request = WireRequestKey(key)
                $0.revision = revision.value
                $0.decision = WireScaleDecision(decision, withInstant: false)
            }
        case .adopted(let key, let attempt, let from):
            adopted = .with {
                $0.request = WireRequestKey(key)
                $0.attempt = attempt.value
                $0.from = WireRequestKey(from)
            }
        case .chose(let key, let attempt, let choice):
            chose = .with {
                $0.request = WireRequestKey(key)
                $0.attempt = attempt.value
                $0.choice = WireReleaseChoice(choice)
            }
        case .placed(let key, let attempt, let claim, let place):
            placed = .with {
                $0.request = WireRequestKey(key)
                $0.attempt = attempt.value
                $0.claim = WireClaimReference(claim)
                if place != .unknown { $0.place = WirePlace(place) }
            }
        case .reported(let key, let claim, let sequence, let status):
            reported = .with {
                $0.request = WireRequestKey(key)
                $0.claim = WireClaimReference(claim)
                $0.sequence = sequence
                $0.status = WireInstanceStatus(status)
            }
        case .extended(let key, let claim):
            extended = .with {
                $0.request = WireRequestKey(key)
                $0.claim = WireClaimReference(claim)
            }
        case .lost(let key, let attempt, let reason):
            lost = .with {
                $0.request = WireRequestKey(key)
                $0.attempt = attempt.value
                $0.reason = cut(reason)
            }
        case .succeeding(let key, let attempt, let claim, let place):
            succeeding = .with {
                $0.request = WireRequestKey(key)
                $0.attempt = attempt.value
                $0.claim = WireClaimReference(claim)
                if place != .unknown { $0.place = WirePlace(place) }
            }
        case .moved(let key, let attempt):
            moved = .with {
                $0.request = WireRequestKey(key)
                $0.attempt = attempt.value
            }
        case .dropped(let key, let attempt, let reason):
            dropped = .with {
                $0.request = WireRequestKey(key)
                $0.attempt = attempt.value
                $0.reason = cut(reason)
            }
        case .gaveWay(let key, let attempt, let other):
            gaveWay = .with {
                $0.request = WireRequestKey(key)
                $0.attempt = attempt.value
                $0.by = WireOutranking(other)
            }
        case .booked(let key, let attempt, let claim, let place):
            booked = .with {
                $0.request = WireRequestKey(key)
                $0.attempt = attempt.value
                $0.claim = WireClaimReference(claim)
                if place != .unknown { $0.place = WirePlace(place) }
            }
        case .unbooked(let key, let attempt, let reason):
            unbooked = .with {
                $0.request = WireRequestKey(key)
                $0.attempt = attempt.value
                $0.reason = cut(reason)
            }
        case .ended(let key): ended = WireRequestKey(key)
        case .noted(let key, let home): noted = WireNoted(key, home)
        case .forgotten(let key, let home): forgotten = WireNoted(key, home)
        case .admitted(let admission):
            admitted = WireAdmission(admission)
        case .invited(let token, let expires):
            invited = .with {
                $0.token = Data(token.bytes)
                $0.expiresNanoseconds = expires.nanoseconds
            }
        case .redeemed(let token, let peer):
            redeemed = .with {
                $0.token = Data(token.bytes)
                $0.by = peer.data
            }
        case .accounting(let act): accounting = WireAct(act)
        case .described(let description): described = WireDescribed(description)
        }
    }

    func decoded() throws(WireError) -> Fact {
        switch kind {
        case .requested(let fact), .grouped(let fact):
            .requested(
                try key(fact.hasRequest, fact.request), try specification(fact.hasSpecification, fact.specification))
        case .scaled(let fact):
            .scaled(
                try key(fact.hasRequest, fact.request), try revision(fact.revision),
                try required(fact.hasDecision, fact.decision, "a decision").decoded(withInstant: false))
        case .adopted(let fact):
            .adopted(
                try key(fact.hasRequest, fact.request), try attempt(fact.attempt),
                from: try required(fact.hasFrom, fact.from, "who gives a place").decoded())
        case .chose(let fact):
            .chose(
                try key(fact.hasRequest, fact.request), try attempt(fact.attempt),
                try required(fact.hasChoice, fact.choice, "a choice").decoded())
        case .changed(let fact), .regrouped(let fact):
            .changed(
                try key(fact.hasRequest, fact.request), try specification(fact.hasSpecification, fact.specification),
                try revision(fact.revision))
        case .placed(let fact):
            .placed(
                try key(fact.hasRequest, fact.request), try attempt(fact.attempt), try claim(fact.hasClaim, fact.claim),
                fact.hasPlace ? try fact.place.decoded() : .unknown)
        case .reported(let fact):
            .reported(
                try key(fact.hasRequest, fact.request), try claim(fact.hasClaim, fact.claim),
                sequence: try counter(fact.sequence, "a report's number"),
                try required(fact.hasStatus, fact.status, "a report's status").decoded())
        case .extended(let fact):
            .extended(try key(fact.hasRequest, fact.request), try claim(fact.hasClaim, fact.claim))
        case .lost(let fact):
            .lost(
                try key(fact.hasRequest, fact.request), try attempt(fact.attempt),
                reason: try text(fact.reason, "a reason", bytes: 0...WireBounds.reasonBytesMax))
        case .succeeding(let fact):
            .succeeding(
                try key(fact.hasRequest, fact.request), try attempt(fact.attempt), try claim(fact.hasClaim, fact.claim),
                fact.hasPlace ? try fact.place.decoded() : .unknown)
        case .moved(let fact): .moved(try key(fact.hasRequest, fact.request), try attempt(fact.attempt))
        case .dropped(let fact):
            .dropped(
                try key(fact.hasRequest, fact.request), try attempt(fact.attempt),
                reason: try text(fact.reason, "a reason", bytes: 0...WireBounds.reasonBytesMax))
        case .gaveWay(let fact):
            .gaveWay(
                try key(fact.hasRequest, fact.request), try attempt(fact.attempt),
                to: try required(fact.hasBy, fact.by, "whom a placement gives way to").decoded())
        case .booked(let fact):
            .booked(
                try key(fact.hasRequest, fact.request), try attempt(fact.attempt), try claim(fact.hasClaim, fact.claim),
                fact.hasPlace ? try fact.place.decoded() : .unknown)
        case .unbooked(let fact):
            .unbooked(
                try key(fact.hasRequest, fact.request), try attempt(fact.attempt),
                reason: try text(fact.reason, "a reason", bytes: 0...WireBounds.reasonBytesMax))
        case .ended(let key): .ended(try key.decoded())
        case .noted(let fact): .noted(try key(fact.hasRequest, fact.request), home: try peer(fact.home, "a home"))
        case .forgotten(let fact):
            .forgotten(try key(fact.hasRequest, fact.request), home: try peer(fact.home, "a home"))
        case .admitted(let fact): .admitted(try fact.decoded())
        case .invited(let fact):
            .invited(
                token: try digest(fact.token, "a token"),
                expires: try instant(fact.expiresNanoseconds, "a token's end"))
        case .redeemed(let fact):
            .redeemed(token: try digest(fact.token, "a token"), by: try peer(fact.by, "a token's user"))
        case .accounting(let act): .accounting(try act.decoded())
        case .described(let description): .described(try description.decoded())
        case nil: throw noKind("a fact", unknownFields)
        }
    }

    private func key(_ isThere: Bool, _ key: WireRequestKey) throws(WireError) -> RequestKey {
        try required(isThere, key, "a fact's request").decoded()
    }

    private func claim(_ isThere: Bool, _ claim: WireClaimReference) throws(WireError) -> ClaimReference {
        try required(isThere, claim, "a fact's claim").decoded()
    }

    private func specification(
        _ isThere: Bool, _ specification: WireSpecification
    ) throws(WireError) -> Specification {
        try required(isThere, specification, "a fact's specification").decoded()
    }
}

extension WireDescribed {
    init(_ description: LedgerDescription) {
        self.init()
        name = description.name
        wanted = UInt32(clamping: description.wanted)
        minimum = UInt32(clamping: description.minimum)
        absenceMilliseconds = description.absence.milliseconds
    }

    func decoded() throws(WireError) -> LedgerDescription {
        let wanted = try number(wanted, "replicas wanted", 0...UInt32(LedgerDescription.replicasMax))
        let absences = LedgerDescription.absences
        return LedgerDescription(
            name: try text(name, "a ledger's name", bytes: 0...LedgerDescription.nameBytesMax), wanted: Int(wanted),
            minimum: Int(try number(minimum, "the least number of replicas", 0...wanted)),
            absence: .milliseconds(
                try number(
                    absenceMilliseconds, "how long a replica may be away",
                    absences.lowerBound.milliseconds...absences.upperBound.milliseconds)))
    }
}

extension WireNoted {
    init(_ key: RequestKey, _ home: PeerID) {
        self.init()
        request = WireRequestKey(key)
        self.home = home.data
    }
}

extension WireAdmission {
    init(_ admission: Admission) {
        self.init()
        peer = admission.peer.data
        kind = admission.kind
        name = admission.name
        by = admission.by
    }

    func decoded() throws(WireError) -> Admission {
        Admission(
            peer: try Wire.peer(peer, "an admitted peer"),
            kind: try text(kind, "an admission's kind", bytes: 0...WireBounds.labelBytesMax),
            name: try text(name, "an admitted name", bytes: 0...WireBounds.nameBytesMax),
            by: try text(by, "who admitted", bytes: 0...WireBounds.authorBytesMax))
    }
}

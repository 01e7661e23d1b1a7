import Automata
import Claims
import Ledger
import Neighbours
import Overlay
import Peer
import Rendezvous
import Replication

/// One message of every kind that there is.
///
/// A new case of a message does not compile here until `init` names its kind, and that kind not until it has a sample.
struct Sample: Sendable, CustomStringConvertible {
    let name: String
    let message: PeerMessage
    var description: String { name }

    static let all: [Sample] =
        NeighbourKind.allCases.map { Sample(name: "neighbour-\($0)", message: .neighbour($0.sample)) }
        + ClaimKind.allCases.map { Sample(name: "claim-\($0)", message: .claim($0.sample, LedgerStamp())) }
        + DirectoryKind.allCases.map {
            Sample(name: "directory-\($0)", message: .directory($0.sample, from: nil, to: nil))
        }
        + CallKind.allCases.map { Sample(name: "call-\($0)", message: .call(number: 7, $0.sample, of: nil)) }
        + ResultKind.allCases.map { Sample(name: "result-\($0)", message: .result(number: .max, $0.sample)) }
        + OverlayKind.allCases.map { Sample(name: "overlay-\($0)", message: $0.message) }
        + GroupKind.allCases.map { Sample(name: "group-\($0)", message: $0.message) }
        + ObjectKind.allCases.map { Sample(name: "object-\($0)", message: $0.message) }
        + [Sample(name: "found", message: .found(foundRouted))]
        + ReplicaKind.allCases.map { Sample(name: "replica-\($0)", message: $0.message) }
        + ClientKind.allCases.map { Sample(name: "client-\($0)", message: $0.message) }
        + RegisterKind.allCases.map { Sample(name: "register-\($0)", message: .register($0.sample)) }
        + HolderKind.allCases.map { Sample(name: "holder-\($0)", message: .holder(beta, $0.sample)) }

    /// Of ledgers that are led by others than those that have founded them: kinds that are there already, with more in them.
    static let led: [Sample] = [
        Sample(name: "neighbour-helloPrimary", message: .neighbour(.hello(primary))),
        Sample(name: "neighbour-helloPlaced", message: .neighbour(.hello(placed))),
        Sample(name: "neighbour-helloOffered", message: .neighbour(.hello(offered))),
        Sample(name: "claim-bound", message: .claim(.claim(boundClaim), stamp)),
        Sample(name: "claim-placed", message: .claim(.granted(key, .first, claim, somePlace), stamp)),
        Sample(
            name: "rendezvous-found",
            message: .rendezvous(
                .found(key, Attempt(2), [Candidate(claim: claim, place: somePlace, rank: [-1, .max])]), of: beta,
                contacts: [])),
        Sample(
            name: "rendezvous-nobody",
            message: .rendezvous(
                .nobody(key, .first, NoMachine(reason: "all are full", isHopeless: false)), of: beta, contacts: [])),
        Sample(name: "result-moving", message: .result(number: 1, .request(.request(movingRequest)))),
        Sample(name: "neighbour-helloDrained", message: .neighbour(.hello(drained))),
        Sample(name: "call-owner-drain", message: .call(number: 1, .owner(beta, .drain), of: nil)),
        Sample(name: "call-owner-undrain", message: .call(number: 1, .owner(beta, .undrain), of: nil)),
        Sample(name: "call-owner-reset", message: .call(number: 1, .owner(beta, .resetOffer), of: nil)),
        Sample(
            name: "rendezvous-pledged",
            message: .rendezvous(.pledged(key, Attempt(2), machine: alpha), of: beta, contacts: [])),
        Sample(name: "claim-of-ledger", message: .claim(.released(claim), stamp)),
        Sample(name: "directory-of-ledgers", message: .directory(.hold([key]), from: beta, to: alpha)),
        Sample(name: "call-of-ledger", message: .call(number: 7, .request(.read(key, wait: nil)), of: beta)),
    ]

    /// The part of a message that has one kind for each of its cases.
    static func area(of message: PeerMessage) -> String {
        switch message {
        case .neighbour(let it): "neighbour-\(NeighbourKind(it))"
        case .claim(let it, _): "claim-\(ClaimKind(it))"
        case .directory(let it, _, _): "directory-\(DirectoryKind(it))"
        case .call(_, let it, _): "call-\(CallKind(it))"
        case .result(_, let it): "result-\(ResultKind(it))"
        case .overlay(let it, _): "overlay-\(OverlayKind(it))"
        case .group(let it, _): "group-\(GroupKind(it))"
        case .object(let it, _): "object-\(ObjectKind(it))"
        case .found: "found"
        case .replica(_, let it): "replica-\(ReplicaKind(it))"
        case .ledgerRequest: "client-request"
        case .ledgerAnswer(_, _, let it): "client-\(ClientKind(it))"
        case .register(let it): "register-\(RegisterKind(it))"
        case .rendezvous: "rendezvous"
        case .holder(_, let it): "holder-\(HolderKind(it))"
        }
    }
}

// MARK: Words

let alpha = PeerID(0xA1)
let beta = PeerID(high: 0x0123_4567_89AB_CDEF, low: .max)
let key = RequestKey(customer: Customer("root@host"), reference: "cache")
let otherKey = RequestKey(customer: Customer("Zoë"), reference: "web/1")
let claim = ClaimReference(machine: beta, partition: PartitionNumber(3), fencing: FencingNumber(41))
let specification = Specification(
    release: ReleaseDocument(url: "file:examples/memcached.yaml", text: "name: memcached\n"), type: "default",
    parameters: #"{"memory":64}"#,
    requirements: Requirements(memory: .mebibytes(64), machine: "m1", priceMax: 0), desired: .running, exclusive: true)
let bare = Specification(release: ReleaseDocument(url: "", text: ""), desired: .stopped)
let grouped: Specification = {
    var grouped = specification
    grouped.group = GroupTerms(count: 3, spread: .lan, scale: "min=1, max=9, metric=requests, target=100")
    return grouped
}()
let warmGrouped: Specification = {
    var grouped = specification
    grouped.group = GroupTerms(count: 0, isWarm: true, forecast: "chance=95%, ceiling=0.5, max=4")
    return grouped
}()
let membered: Specification = {
    var member = bare
    member.membership = GroupMembership(group: "web", isWarm: true, metric: "requests")
    return member
}()
/// With all that a group can say of itself.
let warmGroup: Request = {
    var arrivals = Arrivals(since: .zero)
    (arrivals.hour, arrivals.count, arrivals.served, arrivals.missed) = (497_222, 2, 5, 1)
    arrivals.profile[3] = 2_500_000
    arrivals.recent = [.zero, someInstant]
    arrivals.preparing = .milliseconds(1_500)
    return Request(
        key: otherKey, specification: warmGrouped, revision: Revision(4), attempt: .first, placement: nil,
        status: InstanceStatus(state: .waiting), statusSequence: 0, requestedAt: .zero, changedAt: someInstant,
        decisions: [
            ScaleDecision(kind: .asked, from: 0, to: 1, reason: "asked for", at: .zero),
            ScaleDecision(kind: .limited, from: 1, to: 1, reason: "max=1 is reached", at: someInstant),
        ], arrivals: arrivals)
}()
let adopted = Request(
    key: key, specification: membered, revision: Revision(3), attempt: .first, placement: claim, status: status,
    statusSequence: 1, requestedAt: .zero, changedAt: someInstant,
    adoption: Request.Adoption(from: otherKey, revision: Revision(3)))
let status = InstanceStatus(
    state: .running, reason: "", connection: #"{"port":11211}"#, revision: Revision(2))
let order = InstanceOrder(claim: claim, request: key, revision: Revision(2), specification: specification)
let tenant = TenantRecord(
    order: order, attempt: Attempt(2), home: alpha, leaseEnds: .distantFuture, vacating: true)
let someInstant = Instant(nanoseconds: 1_790_000_000_123_456_789)
let advertisement = Advertisement(
    peer: alpha, incarnation: Incarnation(1_790_000_000_000), sequence: 12, name: "büro", fabric: "lab", state: .worker,
    endpoints: [Endpoint(host: "fe80::1", port: 4_711), Endpoint(host: "büro.local", port: 65_535)], apiPort: 443,
    capacity: 4, free: 2, memory: .mebibytes(900), price: 3, ledger: .zero, ended: true)
let stamp = LedgerStamp(ledger: beta, view: View(epoch: 3, number: 70_000))
let primary: Advertisement = {
    var primary = advertisement
    primary.leads = [
        LedgerLead(ledger: alpha, epoch: 1, view: 0, members: 1),
        LedgerLead(ledger: beta, epoch: 3, view: .max, members: 5),
    ]
    primary.takesReplicas = true
    return primary
}()
let placed: Advertisement = {
    var placed = primary
    (placed.region, placed.network) = ("eu-west", "192.0.2.0/24")
    return placed
}()
let offered: Advertisement = {
    var offered = plainAdvertisement
    (offered.region, offered.network, offered.cores, offered.gpus) = ("eu-west", "192.0.2.0/24", -1, 2)
    offered.facts = MachineFacts(
        architecture: "x86-64", cores: 8, memory: .mebibytes(16_384), disk: ByteCount(250_000_000_000), gpus: 2,
        gpuModel: "NVIDIA A100-SXM4-40GB", kernel: "6.1.0", isolation: ["none", "users"], hasIPv4: true, hasIPv6: true,
        country: "fr", continent: "eu", load: 175,
        terms: OwnerTerms(
            rates: .init(core: 10_000, memory: 2_000, gpu: 1_000_000), hours: OwnerHours("19:00-07:00"),
            memoryMax: .zero, coresMax: 4), installed: [1, .max])
    return offered
}()
let drained: Advertisement = {
    var drained = plainAdvertisement
    (drained.state, drained.capacity, drained.free) = (.drained, 2, 2)
    return drained
}()
let plainAdvertisement = Advertisement(peer: beta, incarnation: Incarnation(0), name: "m", fabric: "f")
let request = Request(
    key: key, specification: specification, revision: Revision(2), attempt: Attempt(3), placement: claim,
    status: status, statusSequence: 9, requestedAt: .zero, changedAt: someInstant)
let unplaced = Request(
    key: otherKey, specification: specification, revision: .first, attempt: .first, placement: nil,
    status: InstanceStatus(state: .unsatisfiable, reason: "no machine"), statusSequence: 0,
    requestedAt: someInstant, changedAt: someInstant)
/// With everything that a request can be while it moves.
let movingRequest: Request = {
    var patient = specification
    (patient.exclusive, patient.patience) = (false, .seconds(300))
    let next = ClaimReference(machine: alpha, partition: PartitionNumber(0), fencing: FencingNumber(1))
    return Request(
        key: key, specification: patient, revision: Revision(2), attempt: Attempt(3), placement: claim,
        place: somePlace, status: status, statusSequence: 9, requestedAt: .zero, changedAt: someInstant,
        newest: Attempt(6),
        successor: Successor(
            attempt: Attempt(6), claim: next, place: somePlace, status: InstanceStatus(state: .starting),
            statusSequence: 2), moving: "box drains: attempt 6 is starting on m1")
}()
let offerWord: OfferWord = {
    var word = OfferWord()
    (word.price, word.coreRate, word.memoryRate, word.gpuRate) = (0, 10_000, 1, 1 << 53)
    (word.hours, word.memoryMax, word.coresMax) = (OwnerHours("19:00-07:00"), .zero, 4)
    (word.region, word.country, word.continent) = ("eu-west", "fr", "")
    return word
}()
let ownerReport = OwnerReport(
    state: .drained, word: OwnerWord(isDrained: true, offer: offerWord), offer: OfferWord(offered),
    leaving: Leaving(reason: .drained),
    tenants: [OwnerReport.Tenant(request: key, home: alpha, claim: claim, isVacating: true)])
let foundRouted = Routed(
    key: beta, origin: alpha, number: 77, hops: 2, application: .probe, payload: [1], trace: [alpha, beta])
let query = LogQuery(stream: .errors, offset: -4_096, bytesMax: 65_536)
let refusal = Refusal(.conflict, "cache is at revision 3", remedy: "read it again")
let tokenDigest = Digest(of: Array("token".utf8))

// MARK: Kinds

enum NeighbourKind: CaseIterable {
    case hello, masters, probe, alive, failed, recovered, goodbye

    init(_ message: NeighbourMessage) {
        self =
            switch message {
            case .hello: .hello
            case .masters: .masters
            case .probe: .probe
            case .alive: .alive
            case .failed: .failed
            case .recovered: .recovered
            case .goodbye: .goodbye
            }
    }

    var sample: NeighbourMessage {
        switch self {
        case .hello: .hello(advertisement)
        case .masters: .masters([advertisement, plainAdvertisement])
        case .probe: .probe(nonce: .max)
        case .alive: .alive(nonce: 0)
        case .failed: .failed(beta, Incarnation(7))
        case .recovered: .recovered(alpha, Incarnation(UInt64(Int64.max)))
        case .goodbye: .goodbye
        }
    }
}

enum ClaimKind: CaseIterable {
    case claim, order, release, renewed, lapsed, acknowledged, granted, refused, ordered, orderRefused, released, renew
    case report, measured, leaving, unfit, staying, claimOfProject, renewedWithShares, refusedForRoom, outranked
    case claimOfPlace, claimOfReservation, leavingForReservation, refusedForReservation

    init(_ message: ClaimMessage) {
        self =
            switch message {
            case .claim(let asked) where asked.requirements.booking != nil: .claimOfPlace
            case .claim(let asked) where asked.requirements.reservation != nil: .claimOfReservation
            case .claim(let asked): asked.share == nil ? .claim : .claimOfProject
            case .order: .order
            case .release: .release
            case .renewed(_, _, _, let shares): shares.isEmpty ? .renewed : .renewedWithShares
            case .lapsed: .lapsed
            case .acknowledged: .acknowledged
            case .granted: .granted
            case .refused(_, _, let reasons):
                switch reasons.first?.code {
                case .yielding: .refusedForRoom
                case .reserved: .refusedForReservation
                default: .refused
                }
            case .ordered: .ordered
            case .orderRefused: .orderRefused
            case .released: .released
            case .renew: .renew
            case .report: .report
            case .measured: .measured
            case .leaving(_, .some(let leaving)):
                switch leaving.reason {
                case .reserved: .leavingForReservation
                case .unfit: .unfit
                case .drained, .hours: .leaving
                }
            case .leaving(_, nil): .staying
            case .outranked: .outranked
            }
    }

    var sample: ClaimMessage {
        switch self {
        case .claim: .claim(ClaimRequest(request: key, attempt: Attempt(3), requirements: specification.requirements))
        case .order: .order(Samples.order, lease: .milliseconds(30_500))
        case .release: .release(Samples.claim)
        case .renewed: .renewed([Samples.claim], lease: .seconds(30), echo: someInstant)
        case .lapsed: .lapsed([Samples.claim, Samples.claim])
        case .acknowledged: .acknowledged(Samples.claim, sequence: 4)
        case .granted: .granted(otherKey, .first, Samples.claim, .unknown)
        case .refused: .refused(key, .first, Mismatch.samples)
        case .ordered: .ordered(Samples.claim, Revision(5))
        case .orderRefused: .orderRefused(Samples.claim, .fenced)
        case .released: .released(Samples.claim)
        case .renew: .renew([], echo: .zero)
        case .report: .report(Samples.claim, sequence: 1, status)
        case .measured:
            .measured([
                Gauge(claim: Samples.claim, metric: "cpu", millionths: 930_000),
                Gauge(claim: Samples.claim, metric: "requests", millionths: Gauge.millionthsMax),
            ])
        case .leaving: .leaving([Samples.claim], Leaving(reason: .hours, within: .milliseconds(299_500)))
        case .unfit: .leaving([Samples.claim], Leaving(reason: .unfit, detail: "has 4 cpu, cpu >= 8 asked"))
        case .leavingForReservation:
            .leaving([Samples.claim], Leaving(reason: .reserved, within: .seconds(300), reservation: "demo"))
        case .refusedForReservation: .refused(key, .first, [Mismatch(.reserved, found: "demo")])
        case .claimOfPlace:
            .claim(
                ClaimRequest(
                    request: Samples.place, attempt: .first,
                    requirements: Requirements(condition: "cpu >= 2", booking: Samples.terms)))
        case .claimOfReservation:
            .claim(ClaimRequest(request: key, attempt: .first, requirements: Requirements(reservation: "demo")))
        case .staying: .leaving([Samples.claim, Samples.claim], nil)
        case .claimOfProject:
            .claim(
                ClaimRequest(
                    request: key, attempt: Attempt(3), requirements: specification.requirements, share: Samples.share,
                    presses: true))
        case .renewedWithShares:
            .renewed(
                [Samples.claim], lease: .seconds(30), echo: someInstant,
                shares: [ProjectShare(), Samples.share])
        case .refusedForRoom:
            .refused(key, .first, [Mismatch(.yielding, found: "one of the project thesis"), Mismatch(.outranked)])
        case .outranked: .outranked(Samples.claim, by: Samples.outranking)
        }
    }
}

/// Names that a kind's own cases hide.
enum Samples {
    static let claim = WireTests.claim
    static let order = WireTests.order
    static let grouped = WireTests.grouped
    static let ofSeveral: Specification = {
        var several = bare
        several.releaseNeeds = "architecture = arm64"
        several.others = [
            AcceptableRelease(document: ReleaseDocument(url: "file:b.yaml", text: "name: b"), needs: "gpu >= 1")
        ]
        return several
    }()
    static let share = ProjectShare(project: "thesis", held: 7, weight: 1_000)
    static let place = RequestKey(placeOf: "demo", number: 2)
    static let booked = ClaimReference(
        machine: beta, partition: PartitionNumber(3), fencing: FencingNumber(FencingNumber.firstBooking.value + 7))
    static let terms = BookingTerms(
        reservation: "demo", from: Instant(milliseconds: 1_800_000_000_000),
        until: Instant(milliseconds: 1_800_003_600_000))
    static let outranking = Outranking(ledger: beta, name: "m2", share: share)
}

extension Mismatch {
    /// Codes that came later have samples of their own, so that this one's bytes stay.
    static let samples = Code.allCases.filter { ![.other, .yielding, .outranked, .reserved].contains($0) }.map { code in
        Mismatch(code, wanted: "cpu >= 4", found: "cpu = 2", isLasting: code == .requirement)
    }
}

extension ClaimHistory.Line {
    /// One of each outcome.
    static let samples: [ClaimHistory.Line] = [
        .granted(PartitionNumber(0)), .granted(PartitionNumber(3)), .confirmed,
        .refused([
            Mismatch(.requirement, wanted: "cpu >= 4", found: "cpu = 2", isLasting: true), Mismatch(.full),
        ]), .outdone, .expired,
    ].enumerated().map { number, outcome in
        ClaimHistory.Line(
            request: number % 2 == 0 ? key : otherKey, attempt: Attempt(UInt32(number + 1)), home: alpha,
            at: someInstant + .seconds(Int64(number)), outcome: outcome)
    }
}

let somePlace = Place(name: "box", network: "192.0.2.0/24", region: "eu-west", country: "fr", continent: "eu")

/// With everything that a claim can ask.
let boundClaim = ClaimRequest(
    request: key, attempt: .first,
    requirements: Requirements(
        memory: .mebibytes(64), priceMax: 20_000, condition: "cpu >= 4 and region = eu-west", policy: "price, load",
        relations: Relation.Scope.allCases.map { Relation(isApart: $0 != .country, scope: $0, reference: "web") }),
    standings: [
        Standing(
            relation: Relation(isApart: true, scope: .lan, reference: "web"), machine: PeerID(0xA5), place: somePlace)
    ], release: 0x0123_4567_89AB_CDEF)

enum DirectoryKind: CaseIterable {
    case hold, drop, holdNoted, dropNoted, heldBy

    init(_ message: DirectoryMessage) {
        self =
            switch message {
            case .hold: .hold
            case .drop: .drop
            case .holdNoted: .holdNoted
            case .dropNoted: .dropNoted
            case .heldBy: .heldBy
            }
    }

    var sample: DirectoryMessage {
        switch self {
        case .hold: .hold([key, otherKey])
        case .drop: .drop([key])
        case .holdNoted: .holdNoted([otherKey])
        case .dropNoted: .dropNoted([])
        case .heldBy:
            .heldBy([
                Holding(key: key, holder: beta, isSettled: true),
                Holding(key: otherKey, holder: alpha, isSettled: false),
            ])
        }
    }
}

enum CallKind: CaseIterable {
    case ask, askBriefly, askGroup, read, list, listAll, log, tenantLog, seenClaims, record, owner, ownerOrder

    init(_ call: Call) {
        self =
            switch call {
            case .request(.ask(_, let specification, _, _)) where specification.group != nil: .askGroup
            case .request(.ask(_, _, _, .some)): .ask
            case .request(.ask(_, _, _, nil)): .askBriefly
            case .request(.read): .read
            case .list(.some): .list
            case .list(nil): .listAll
            case .log: .log
            case .tenantLog: .tenantLog
            case .seenClaims: .seenClaims
            case .record: .record
            case .owner(_, nil): .owner
            case .owner(_, .some): .ownerOrder
            }
    }

    var sample: Call {
        switch self {
        case .ask:
            .request(
                .ask(
                    key, specification, basedOn: Revision(0), wait: Wait(until: .running, timeout: .milliseconds(1_500))
                ))
        case .askBriefly: .request(.ask(otherKey, bare, basedOn: nil, wait: nil))
        case .askGroup: .request(.ask(otherKey, grouped, basedOn: Revision(3), wait: nil))
        case .read: .request(.read(key, wait: Wait(until: .destroyed, timeout: .zero)))
        case .list: .list(Customer("root@host"))
        case .listAll: .list(nil)
        case .log: .log(key, query)
        case .tenantLog: .tenantLog(claim, LogQuery(stream: .output, offset: 0, bytesMax: 1))
        case .seenClaims: .seenClaims(beta)
        case .record: .record(FactKind.admitted.sample)
        case .owner: .owner(beta, nil)
        case .ownerOrder: .owner(alpha, .offer(offerWord))
        }
    }
}

enum ResultKind: CaseIterable {
    case request, group, member, gone, moved, requestRefused, requestElsewhere, requests, log, seenClaims, recorded,
        elsewhere, refused
    case refusedByRule, owner

    init(_ result: CallResult) {
        self =
            switch result {
            case .request(.request(let request)):
                request.isGroup ? .group : request.adoption == nil ? .request : .member
            case .request(.gone): .gone
            case .request(.moved): .moved
            case .request(.refused): .requestRefused
            case .request(.elsewhere): .requestElsewhere
            case .requests: .requests
            case .log: .log
            case .seenClaims: .seenClaims
            case .recorded: .recorded
            case .elsewhere: .elsewhere
            case .refused(let refusal): refusal.rule.isEmpty ? .refused : .refusedByRule
            case .owner: .owner
            }
    }

    var sample: CallResult {
        switch self {
        case .owner: .owner(ownerReport)
        case .request: .request(.request(WireTests.request))
        case .group: .request(.request(warmGroup))
        case .member: .request(.request(adopted))
        case .gone: .request(.gone(key))
        case .moved: .request(.moved(key, beta))
        case .requestRefused: .request(.refused(refusal))
        case .requests: .requests([WireTests.request, unplaced], missing: ["m3"])
        case .log: .log(LogPiece(bytes: [0, 0xFF, 0x0A], nextOffset: 3))
        case .seenClaims: .seenClaims(ClaimHistory.Line.samples)
        case .requestElsewhere: .request(.elsewhere(key))
        case .recorded: .recorded(LedgerIndex(42))
        case .elsewhere: .elsewhere(beta)
        case .refused: .refused(Refusal(.timedOut, "m1 did not answer in time"))
        case .refusedByRule:
            .refused(
                Refusal(.notFound, "these books have no account x", remedy: "open it", rule: "unknown-account"))
        }
    }
}

enum FactKind: CaseIterable {
    case requested, changed, placed, reported, extended, lost, ended, noted, forgotten, admitted, invited, redeemed
    case accounting, described, succeeding, moved, dropped, gaveWay, grouped, regrouped, scaled, adopted
    case requestedOfSeveral, chose, booked, unbooked

    init(_ fact: Fact) {
        self =
            switch fact {
            case .requested(_, let specification):
                specification.group != nil ? .grouped : specification.others.isEmpty ? .requested : .requestedOfSeveral
            case .chose: .chose
            case .changed(_, let specification, _): specification.group == nil ? .changed : .regrouped
            case .scaled: .scaled
            case .adopted: .adopted
            case .placed: .placed
            case .reported: .reported
            case .extended: .extended
            case .lost: .lost
            case .ended: .ended
            case .noted: .noted
            case .forgotten: .forgotten
            case .admitted: .admitted
            case .invited: .invited
            case .redeemed: .redeemed
            case .accounting: .accounting
            case .described: .described
            case .succeeding: .succeeding
            case .moved: .moved
            case .dropped: .dropped
            case .gaveWay: .gaveWay
            case .booked: .booked
            case .unbooked: .unbooked
            }
    }

    var sample: Fact {
        switch self {
        case .requested: .requested(key, specification)
        case .changed: .changed(otherKey, bare, Revision(2))
        case .placed: .placed(key, Attempt(2), claim, .unknown)
        case .reported: .reported(key, claim, sequence: 3, status)
        case .extended: .extended(key, claim)
        case .lost: .lost(key, Attempt(2), reason: "the lease ran out")
        case .ended: .ended(key)
        case .succeeding: .succeeding(key, Attempt(3), claim, somePlace)
        case .moved: .moved(key, Attempt(3))
        case .dropped: .dropped(key, Attempt(3), reason: "it failed")
        case .noted: .noted(key, home: beta)
        case .forgotten: .forgotten(key, home: alpha)
        case .admitted: .admitted(Admission(peer: beta, kind: "machine", name: "m1", by: "link"))
        case .invited: .invited(token: tokenDigest, expires: someInstant)
        case .redeemed: .redeemed(token: tokenDigest, by: alpha)
        case .accounting: .accounting(ActKind.used.sample)
        case .grouped: .requested(otherKey, Samples.grouped)
        case .regrouped: .changed(otherKey, warmGrouped, Revision(2))
        case .scaled:
            .scaled(
                otherKey, Revision(3),
                ScaleDecision(
                    kind: .up, from: 2, to: GroupTerms.countMax, reason: "cpu 93 % is above 60 %", at: .zero))
        case .adopted: .adopted(key, Attempt(2), from: otherKey)
        case .requestedOfSeveral: .requested(key, Samples.ofSeveral)
        case .chose: .chose(key, Attempt(2), ReleaseChoice(number: 1, reason: "file:a.yaml: no machine has it"))
        case .described:
            .described(LedgerDescription(name: "lab", wanted: 4, minimum: 1, absence: .seconds(600)))
        case .gaveWay: .gaveWay(key, Attempt(2), to: Samples.outranking)
        case .booked: .booked(Samples.place, Attempt(2), Samples.booked, somePlace)
        case .unbooked: .unbooked(Samples.place, Attempt(2), reason: "its machine drains")
        }
    }

    var entry: Entry { Entry(index: LedgerIndex(17), at: someInstant, fact: sample) }
}

import Automata
import Claims
import Foundation
import Ledger
import Peer
import SwiftProtobuf
import WireSchema

extension WireResult {
    init(_ result: CallResult) {
        self.init()
        switch result {
        case .request(.request(let request)): self.request = WireRequest(request)
        case .request(.gone(let key)): gone = WireRequestKey(key)
        case .request(.moved(let key, let home)):
            moved = .with {
                $0.request = WireRequestKey(key)
                $0.home = home.data
            }
        case .request(.refused(let refusal)): requestRefused = WireRefusal(refusal)
        case .requests(let requests, let missing): self.requests = WireRequestList(requests, missing: missing)
        case .log(let piece):
            log = .with {
                $0.bytes = Data(piece.bytes)
                $0.nextOffset = piece.nextOffset
            }
        case .seenClaims(let lines): seenClaims = .with { $0.claims = lines.map { WireSeenClaim($0) } }
        case .owner(let report): owner = WireOwnerReport(report)
        case .request(.elsewhere(let key)): requestElsewhere = WireRequestKey(key)
        case .elsewhere(let ledger): elsewhere = ledger.data
        case .recorded(let index): recorded = index.value
        case .refused(let refusal): refused = WireRefusal(refusal)
        }
    }

    func decoded() throws(WireError) -> CallResult {
        switch kind {
        case .request(let request): .request(.request(try request.decoded()))
        case .gone(let key): .request(.gone(try key.decoded()))
        case .moved(let it):
            .request(
                .moved(
                    try required(it.hasRequest, it.request, "a moved request").decoded(), try peer(it.home, "a home")))
        case .requestRefused(let refusal): .request(.refused(try refusal.decoded()))
        case .requests(let requests): try requests.decoded()
        case .log(let it):
            .log(
                LogPiece(
                    bytes: try it.checked(),
                    nextOffset: try number(it.nextOffset, "a log's offset", 0...WireBounds.numberMax)))
        case .seenClaims(let it):
            .seenClaims(
                try list(it.claims, "claims", max: ClaimHistory.linesMax) { (claim) throws(WireError) in
                    try claim.decoded()
                })
        case .owner(let report): .owner(try report.decoded())
        case .requestElsewhere(let key): .request(.elsewhere(try key.decoded()))
        case .elsewhere(let ledger): .elsewhere(try peer(ledger, "a ledger"))
        case .recorded(let index): .recorded(LedgerIndex(try counter(index, "a ledger's index")))
        case .refused(let refusal): .refused(try refusal.decoded())
        case nil: throw noKind("a result", unknownFields)
        }
    }
}

extension WireLogPiece {
    func checked() throws(WireError) -> [UInt8] {
        _ = try number(bytes.count, "a log's piece", 0...WireBounds.logBytesMax)
        return Array(bytes)
    }
}

extension WireRequestList {
    init(_ requests: [Request], missing: [String]) {
        self.init()
        var indices: [ReleaseDocument: UInt32] = [:]  // looked up only
        for request in requests {
            let document = request.specification.release
            let index = indices[document] ?? UInt32(clamping: releases.count)
            if indices.updateValue(index, forKey: document) == nil { releases.append(WireReleaseDocument(document)) }
            self.requests.append(WireRequest(request, release: index))
        }
        self.missing = missing
    }

    func decoded() throws(WireError) -> CallResult {
        let documents = try list(releases, "releases", max: WireBounds.requestsMax) { (release) throws(WireError) in
            try release.decoded()
        }
        return .requests(
            try list(requests, "requests", max: WireBounds.requestsMax) { (request) throws(WireError) in
                try request.decoded(runningOneOf: documents)
            },
            missing: try list(missing, "missing masters") { (name) throws(WireError) in
                try text(name, "a master's name", bytes: 0...WireBounds.nameBytesMax)
            })
    }
}

extension WireRequest {
    /// - Parameter release: where a list tells the release; nil for a request by itself.
    init(_ request: Request, release: UInt32? = nil) {
        self.init()
        key = WireRequestKey(request.key)
        specification = WireSpecification(request.specification, withRelease: release == nil)
        revision = request.revision.value
        attempt = request.attempt.value
        if let placement = request.placement { self.placement = WireClaimReference(placement) }
        if request.place != .unknown { place = WirePlace(request.place) }
        if let other = request.givesWay { givesWay = WireOutranking(other) }
        status = WireInstanceStatus(request.status)
        statusSequence = request.statusSequence
        requestedAtNanoseconds = request.requestedAt.nanoseconds
        changedAtNanoseconds = request.changedAt.nanoseconds
        if let release { self.release = release }
        decisions = request.decisions.map { WireScaleDecision($0, withInstant: true) }
        if let adopted = request.adoption { adoption = WireAdoption(adopted) }
        if let arrivals = request.arrivals { self.arrivals = WireArrivals(arrivals) }
        if request.newest != request.attempt { newest = request.newest.value }
        if let successor = request.successor { self.successor = WireSuccessor(successor) }
        moving = cut(request.moving)
        if let choice = request.choice { self.choice = WireReleaseChoice(choice) }
    }

    /// Reads a request of a list.
    func decoded(runningOneOf documents: [ReleaseDocument]) throws(WireError) -> Request {
        guard release < documents.count else {
            throw WireError(.outOfBounds, "a request runs release \(release) of \(documents.count) in its list")
        }
        return try decoded(listed: documents[Int(release)])
    }

    func decoded(listed: ReleaseDocument? = nil) throws(WireError) -> Request {
        Request(
            key: try required(hasKey, key, "a request's key").decoded(),
            specification: try required(hasSpecification, specification, "a request's specification")
                .decoded(listed: listed),
            revision: try Wire.revision(revision), attempt: try Wire.attempt(attempt),
            placement: hasPlacement ? try placement.decoded() : nil,
            place: hasPlace ? try place.decoded() : .unknown,
            givesWay: hasGivesWay ? try givesWay.decoded() : nil,
            status: try required(hasStatus, status, "a request's status").decoded(),
            statusSequence: try counter(statusSequence, "a report's number"),
            requestedAt: try instant(requestedAtNanoseconds, "a request's instant"),
            changedAt: try instant(changedAtNanoseconds, "a change's instant"),
            newest: newest == 0 ? nil : try Wire.attempt(newest),
            successor: hasSuccessor ? try successor.decoded() : nil,
            moving: try text(moving, "why a request moves", bytes: 0...WireBounds.reasonBytesMax),
            decisions: try list(decisions, "decisions", max: ScaleDecision.keptMax) { (it) throws(WireError) in
                try it.decoded()
            }, adoption: hasAdoption ? try adoption.decoded() : nil,
            arrivals: hasArrivals ? try arrivals.decoded() : nil, choice: hasChoice ? try choice.decoded() : nil)
    }
}

extension WireRefusal {
    init(_ refusal: Refusal) {
        self.init()
        code = WireRefusalCode(refusal.code)
        message = cut(refusal.message)
        remedy = cut(refusal.remedy)
        rule = refusal.rule
    }

    func decoded() throws(WireError) -> Refusal {
        Refusal(
            try code.decoded(), try text(message, "a refusal", bytes: 0...WireBounds.reasonBytesMax),
            remedy: try text(remedy, "a remedy", bytes: 0...WireBounds.reasonBytesMax),
            rule: try text(rule, "a rule", bytes: 0...WireBounds.ruleBytesMax))
    }
}

extension WireRefusalCode {
    init(_ code: Refusal.Code) {
        self =
            switch code {
            case .invalid: .invalid
            case .notFound: .notFound
            case .refused: .refused
            case .unsatisfiable: .unsatisfiable
            case .unreachable: .unreachable
            case .timedOut: .timedOut
            case .overloaded: .overloaded
            case .conflict: .conflict
            case .failed: .failed
            }
    }

    func decoded() throws(WireError) -> Refusal.Code {
        switch self {
        case .invalid: .invalid
        case .notFound: .notFound
        case .refused: .refused
        case .unsatisfiable: .unsatisfiable
        case .unreachable: .unreachable
        case .timedOut: .timedOut
        case .overloaded: .overloaded
        case .conflict: .conflict
        case .failed: .failed
        case .unspecified, .UNRECOGNIZED: throw noCase("a refusal's code", rawValue)
        }
    }
}

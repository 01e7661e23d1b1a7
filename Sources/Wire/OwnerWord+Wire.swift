public import Automata
import Ledger
import SwiftProtobuf
import WireSchema

extension OwnerWord {
    public func encoded() -> [UInt8] { WireOwnerWord(self).bytes() }

    public init(decoding bytes: [UInt8]) throws(WireError) {
        self = try WireOwnerWord(parsing: bytes).decoded()
    }
}

extension WireOwnerWord {
    init(_ word: OwnerWord) {
        self.init()
        drained = word.isDrained
        if !word.offer.isEmpty { offer = WireOfferWord(word.offer) }
    }

    func decoded() throws(WireError) -> OwnerWord {
        OwnerWord(isDrained: drained, offer: hasOffer ? try offer.decoded() : OfferWord())
    }
}

extension WireOfferWord {
    init(_ word: OfferWord) {
        self.init()
        if let price = word.price { self.price = price }
        if let rate = word.coreRate { coreRate = rate }
        if let rate = word.memoryRate { memoryRate = rate }
        if let rate = word.gpuRate { gpuRate = rate }
        if let hours = word.hours { (hoursFrom, hoursUntil) = (UInt32(hours.from), UInt32(hours.until)) }
        if let most = word.memoryMax { memoryMaxBytes = most.bytes }
        if let most = word.coresMax { coresMax = UInt32(clamping: most) }
        if let region = word.region { self.region = region }
        if let country = word.country { self.country = country }
        if let continent = word.continent { self.continent = continent }
    }

    func decoded() throws(WireError) -> OfferWord {
        let rate = 0...WireBounds.numberMax
        var word = OfferWord()
        if hasPrice { word.price = try number(price, "a partition's price", rate) }
        if hasCoreRate { word.coreRate = try number(coreRate, "a core's rate", rate) }
        if hasMemoryRate { word.memoryRate = try number(memoryRate, "a gigabyte's rate", rate) }
        if hasGpuRate { word.gpuRate = try number(gpuRate, "an accelerator's rate", rate) }
        if hasHoursFrom { word.hours = try hours() }
        if hasMemoryMaxBytes {
            word.memoryMax = ByteCount(
                try number(memoryMaxBytes, "the most memory of an instance", 0...WireBounds.memoryLeftBytesMax))
        }
        if hasCoresMax {
            word.coresMax = Int(try number(coresMax, "the most cores of an instance", 0...WireBounds.coresMax))
        }
        if hasRegion { word.region = try text(region, "a region", bytes: 0...WireBounds.labelBytesMax) }
        if hasCountry { word.country = try letters(country, "a country") }
        if hasContinent { word.continent = try letters(continent, "a continent") }
        return word
    }

    private func hours() throws(WireError) -> OwnerHours {
        guard let hours = OwnerHours(from: Int(hoursFrom), until: Int(hoursUntil)) else {
            throw WireError(
                .outOfBounds, "an owner's hours are \(hoursFrom) to \(hoursUntil), allowed is 0 to 1439")
        }
        return hours
    }
}

extension WireLeaving {
    init(_ leaving: Leaving) {
        self.init()
        reason =
            switch leaving.reason {
            case .drained: .drained
            case .hours: .hours
            case .unfit: .unfit
            case .reserved: .reserved
            }
        detail = leaving.detail
        reservation = leaving.reservation
        if let within = leaving.within { withinMilliseconds = bounded(within) }
    }

    func decoded() throws(WireError) -> Leaving {
        let reason: Leaving.Reason =
            switch reason {
            case .drained: .drained
            case .hours: .hours
            case .unfit: .unfit
            case .reserved: .reserved
            case .unspecified, .UNRECOGNIZED: throw noCase("why a machine's tenants go", self.reason.rawValue)
            }
        return Leaving(
            reason: reason,
            within: hasWithinMilliseconds ? try duration(milliseconds: withinMilliseconds, "until when") : nil,
            detail: try text(detail, "what is not as asked", bytes: 0...Leaving.detailBytesMax),
            reservation: try text(reservation, "a reservation", bytes: 0...BookingTerms.nameBytesMax))
    }
}

extension WireOwnerCall {
    init(_ machine: PeerID, _ order: OwnerOrder?) {
        self.init()
        self.machine = machine.data
        switch order {
        case .drain: drain = WireEmpty()
        case .undrain: undrain = WireEmpty()
        case .offer(let word): offer = WireOfferWord(word)
        case .resetOffer: resetOffer = WireEmpty()
        case nil: break
        }
    }

    func decodedOrder() throws(WireError) -> OwnerOrder? {
        switch order {
        case .drain: return .drain
        case .undrain: return .undrain
        case .offer(let word): return .offer(try word.decoded())
        case .resetOffer: return .resetOffer
        case nil:
            // An order of a later version is none that only asks.
            guard unknownFields.data.isEmpty else { throw noKind("an owner's order", unknownFields) }
            return nil
        }
    }
}

extension WireOwnerReport {
    init(_ report: OwnerReport) {
        self.init()
        state = WireMachineState(report.state)
        drained = report.state == .drained
        word = WireOwnerWord(report.word)
        offer = WireOfferWord(report.offer)
        if let leaving = report.leaving { self.leaving = WireLeaving(leaving) }
        tenants = report.tenants.prefix(OwnerReport.tenantsMax).map { tenant in
            .with {
                $0.request = WireRequestKey(tenant.request)
                $0.home = tenant.home.data
                $0.claim = WireClaimReference(tenant.claim)
                $0.vacating = tenant.isVacating
            }
        }
    }

    func decoded() throws(WireError) -> OwnerReport {
        OwnerReport(
            state: drained ? .drained : try state.decoded(),
            word: try required(hasWord, word, "an owner's word").decoded(),
            offer: try required(hasOffer, offer, "a machine's offer").decoded(),
            leaving: hasLeaving ? try leaving.decoded() : nil,
            tenants: try list(tenants, "tenants", max: OwnerReport.tenantsMax) { (it) throws(WireError) in
                OwnerReport.Tenant(
                    request: try required(it.hasRequest, it.request, "a tenant's request").decoded(),
                    home: try peer(it.home, "a tenant's home"),
                    claim: try required(it.hasClaim, it.claim, "a tenant's claim").decoded(), isVacating: it.vacating)
            })
    }
}

extension WireSuccessor {
    init(_ successor: Successor) {
        self.init()
        attempt = successor.attempt.value
        claim = WireClaimReference(successor.claim)
        if successor.place != .unknown { place = WirePlace(successor.place) }
        status = WireInstanceStatus(successor.status)
        statusSequence = successor.statusSequence
    }

    func decoded() throws(WireError) -> Successor {
        Successor(
            attempt: try Wire.attempt(attempt),
            claim: try required(hasClaim, claim, "a successor's claim").decoded(),
            place: hasPlace ? try place.decoded() : .unknown,
            status: try required(hasStatus, status, "a successor's status").decoded(),
            statusSequence: try counter(statusSequence, "a report's number"))
    }
}

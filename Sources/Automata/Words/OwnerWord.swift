/// What the owner of a machine has said of it while it runs. Kept on the machine's disk; holds over restarts.
public struct OwnerWord: Hashable, Sendable {
    /// It takes no new tenants, and those that it has are to go.
    public var isDrained: Bool
    public var offer: OfferWord

    public init(isDrained: Bool = false, offer: OfferWord = OfferWord()) {
        self.isDrained = isDrained
        self.offer = offer
    }
}

/// What an owner has said of what the machine offers; nil: nothing, so that what it was started with holds.
public struct OfferWord: Hashable, Sendable {
    /// Millionths of the unit of account per partition and hour.
    public var price: Int64?
    /// The same for a core, a gigabyte of memory and an accelerator.
    public var coreRate: Int64?
    public var memoryRate: Int64?
    public var gpuRate: Int64?
    /// From and until the same: always.
    public var hours: OwnerHours?
    /// The most that one instance may ask for; zero: what there is.
    public var memoryMax: ByteCount?
    public var coresMax: Int?
    /// Empty: none.
    public var region: String?
    public var country: String?
    public var continent: String?

    public init() {}

    public var isEmpty: Bool { self == OfferWord() }

    /// What `other` says takes the place of what this says.
    public mutating func take(_ other: OfferWord) {
        price = other.price ?? price
        coreRate = other.coreRate ?? coreRate
        memoryRate = other.memoryRate ?? memoryRate
        gpuRate = other.gpuRate ?? gpuRate
        hours = other.hours ?? hours
        memoryMax = other.memoryMax ?? memoryMax
        coresMax = other.coresMax ?? coresMax
        region = other.region ?? region
        country = other.country ?? country
        continent = other.continent ?? continent
    }

    /// Forgets what `other` says, too.
    ///
    /// - Returns: whether anything was forgotten.
    public mutating func yield(to other: OfferWord) -> Bool {
        let before = self
        if other.price != nil { price = nil }
        if other.coreRate != nil { coreRate = nil }
        if other.memoryRate != nil { memoryRate = nil }
        if other.gpuRate != nil { gpuRate = nil }
        if other.hours != nil { hours = nil }
        if other.memoryMax != nil { memoryMax = nil }
        if other.coresMax != nil { coresMax = nil }
        if other.region != nil { region = nil }
        if other.country != nil { country = nil }
        if other.continent != nil { continent = nil }
        return self != before
    }

    /// What a machine offers by its advertisement, all of it said.
    public init(_ advertisement: Advertisement) {
        let terms = advertisement.facts.terms
        price = advertisement.price
        (coreRate, memoryRate, gpuRate) = (terms.rates.core, terms.rates.memory, terms.rates.gpu)
        hours = terms.hours ?? .always
        memoryMax = terms.memoryMax ?? .zero
        coresMax = terms.coresMax ?? 0
        (region, country) = (advertisement.region, advertisement.facts.country)
        continent = advertisement.facts.continent
    }

    /// Puts what is said in the place of what an advertisement says.
    public func apply(to advertisement: inout Advertisement) {
        var facts = advertisement.facts
        if let price { advertisement.price = price }
        if let coreRate { facts.terms.rates.core = coreRate }
        if let memoryRate { facts.terms.rates.memory = memoryRate }
        if let gpuRate { facts.terms.rates.gpu = gpuRate }
        if let hours { facts.terms.hours = hours.isAlways ? nil : hours }
        if let memoryMax { facts.terms.memoryMax = memoryMax > .zero ? memoryMax : nil }
        if let coresMax { facts.terms.coresMax = coresMax > 0 ? coresMax : nil }
        if let region { advertisement.region = region }
        if let country { facts.country = country }
        if let continent { facts.continent = continent }
        if facts != advertisement.facts { advertisement.facts = facts }
    }
}

/// What an owner orders of a machine that runs.
public enum OwnerOrder: Hashable, Sendable {
    case drain
    case undrain
    /// What is said in it holds from now on; what is not stays.
    case offer(OfferWord)
    /// What it was started with holds again.
    case resetOffer
}

/// How a machine stands with its owner's orders.
public struct OwnerReport: Hashable, Sendable {
    /// One that has a partition there.
    public struct Tenant: Hashable, Sendable {
        public var request: RequestKey
        /// The ledger that holds the request.
        public var home: PeerID
        public var claim: ClaimReference
        /// The partition is being emptied.
        public var isVacating: Bool

        public init(request: RequestKey, home: PeerID, claim: ClaimReference, isVacating: Bool) {
            self.request = request
            self.home = home
            self.claim = claim
            self.isVacating = isVacating
        }
    }

    public var state: MachineState
    /// What is kept on its disk.
    public var word: OwnerWord
    /// What holds, all of it said.
    public var offer: OfferWord
    /// Why its tenants are to go; nil: they are not.
    public var leaving: Leaving?
    /// By partition; at most 1,024.
    public var tenants: [Tenant]

    public static let tenantsMax = 1_024

    public init(state: MachineState, word: OwnerWord, offer: OfferWord, leaving: Leaving?, tenants: [Tenant]) {
        self.state = state
        self.word = word
        self.offer = offer
        self.leaving = leaving
        self.tenants = tenants
    }
}

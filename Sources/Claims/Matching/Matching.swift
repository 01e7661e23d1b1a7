public import Automata

/// Which machines could serve a request, best first, and why the others do not: a pure function of the request and of offers.
public struct Matching: Sendable {
    /// A machine that does not serve.
    public struct Refusal: Hashable, Sendable {
        public var machine: PeerID
        public var name: String
        /// At least one; the machine counts under the first.
        public var mismatches: [Mismatch]

        public init(machine: PeerID, name: String, mismatches: [Mismatch]) {
            self.machine = machine
            self.name = name
            self.mismatches = mismatches
        }

        /// Whether no claim that ends could change it.
        public var isLasting: Bool { mismatches.contains { $0.isLasting } }
        /// Every reason, as the rest of a sentence about the machine.
        public var words: String { mismatches.map(\.description).joined(separator: " and ") }
    }

    /// Best first.
    public private(set) var candidates: [Offer] = []
    /// In the order of the offers.
    public private(set) var refusals: [Refusal] = []

    /// - Parameters:
    ///   - offers: in any order; of each machine one.
    ///   - home: where whoever asks stands, for what is near.
    ///   - known: refusals that are known beside those that follow from the offers, by machine: whoever was asked in vain.
    ///   - now: when owners' hours are looked up.
    /// - Complexity: O(n log n) in the offers.
    public init(
        _ wanted: Wanted, _ offers: some Sequence<Offer>, home: Place = .unknown, known: [PeerID: [Mismatch]] = [:],
        at now: Instant
    ) {
        var fitting: [(rank: [Int64], offer: Offer)] = []
        for offer in offers {
            let reasons = known[offer.machine] ?? wanted.mismatches(with: offer, at: now)
            if reasons.isEmpty {
                fitting.append((wanted.policy.rank(of: offer, for: wanted, home: home), offer))
            } else {
                refusals.append(Refusal(machine: offer.machine, name: offer.name, mismatches: reasons))
            }
        }
        fitting.sort { left, right in
            left.rank == right.rank
                ? left.offer.machine < right.offer.machine : left.rank.lexicographicallyPrecedes(right.rank)
        }
        candidates = fitting.map(\.offer)
    }

    /// How many machines each rule has refused, in the order of the rules.
    public var counts: [(code: Mismatch.Code, machines: Int)] {
        let codes = refusals.compactMap { $0.mismatches.first?.code }
        return Mismatch.Code.allCases.compactMap { code in
            let count = codes.count { $0 == code }
            return count > 0 ? (code, count) : nil
        }
    }

    /// Whether no machine can ever serve, as far as they are known: each refuses for a reason that no claim's end changes.
    public var isHopeless: Bool {
        candidates.isEmpty && !refusals.isEmpty && refusals.allSatisfy(\.isLasting)
    }

    /// The machine that comes nearest: the fewest lasting reasons, then the fewest reasons.
    public var closest: Refusal? {
        refusals.min { left, right in
            let (first, second) = (Self.distance(left), Self.distance(right))
            return first == second ? left.machine < right.machine : first < second
        }
    }

    /// The reasons in one line: each machine's where there are few, else how many each rule refused, and the closest machine.
    public func summary(namesMax: Int) -> String {
        guard let closest else { return "no machine is known here" }
        guard refusals.count > namesMax else {
            return refusals.map { "\($0.name) \($0.words)" }.joined(separator: "; ")
        }
        let counted = counts.map { "\($0.machines) \($0.code.phrase(for: $0.machines))" }.joined(separator: ", ")
        return "of \(refusals.count) machines \(counted); closest is \(closest.name), which \(closest.words)"
    }

    private static func distance(_ refusal: Refusal) -> (Int, Int) {
        (refusal.mismatches.count { $0.isLasting }, refusal.mismatches.count)
    }
}

extension Offer {
    /// How much is given away with the machine: accelerators, then cores, of what it has left.
    public var greatness: Int64 { Int64(gpus) << 32 + Int64(cores) }
}

extension Policy {
    /// Smaller is better; keys in their order, and where they are equal the lesser machine: the greater one is left to who
    /// needs it.
    func rank(of offer: Offer, for wanted: Wanted, home: Place) -> [Int64] {
        keys.map { key in
            let value = Self.value(key.word, of: offer, for: wanted, home: home)
            return key.isReversed ? (value == .min ? .max : -value) : value
        } + [offer.greatness]
    }

    private static func value(_ word: Key.Word, of offer: Offer, for wanted: Wanted, home: Place) -> Int64 {
        switch word {
        case .price: offer.hourly(wanted.demand)
        case .load: Int64(offer.facts.load)
        case .free: -Int64(offer.free)
        case .memory: -offer.memory.bytes
        case .cpu: -Int64(offer.cores)
        case .disk: -offer.facts.disk.bytes
        case .installed: wanted.release.map { offer.facts.installed.contains($0) } == true ? 0 : 1
        case .near: distance(offer.place, home)
        case .spread: -share(offer)
        case .pack: share(offer)
        }
    }

    /// The free share of partitions, in millionths.
    private static func share(_ offer: Offer) -> Int64 {
        offer.capacity > 0 ? Int64(offer.free) * 1_000_000 / Int64(offer.capacity) : 0
    }

    /// 0: the same LAN; 4: nothing in common.
    private static func distance(_ place: Place, _ home: Place) -> Int64 {
        func isShared(_ word: KeyPath<Place, String>) -> Bool {
            !home[keyPath: word].isEmpty && place[keyPath: word] == home[keyPath: word]
        }
        return isShared(\.network)
            ? 0 : isShared(\.region) ? 1 : isShared(\.country) ? 2 : isShared(\.continent) ? 3 : 4
    }
}

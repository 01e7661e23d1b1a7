public import Automata
public import Claims

/// A group of machines that have something worth searching for; its members bring the number of their free partitions.
///
/// A machine is a member of every group that its offer belongs to, so that a search may take any one of those that its
/// requirements name: the members of each contain all machines that could serve. The scarcest is the one with the fewest, as
/// far as that can be told without asking.
public struct OfferGroup: Hashable, Sendable, CustomStringConvertible {
    /// What its members have: `all`, `region=eu-west`, `cpu>=16`.
    public let name: String
    /// The smaller, the fewer machines one expects in it.
    let commonness: Int

    public static let all = OfferGroup(name: "all", commonness: 100)

    /// Where the group's tree has its root.
    public var key: PeerID { PeerID(publicKeyDigest: Digest(of: "palmier offers \(name)".utf8)) }

    public var description: String { name }

    private init(name: String, commonness: Int) {
        self.name = name
        self.commonness = commonness
    }

    private init(_ property: Property, _ word: String, _ commonness: Int) {
        self.init(name: "\(property.rawValue)=\(word.lowercased())", commonness: commonness)
    }

    private init(_ property: Property, atLeast least: Int64, _ commonness: Int) {
        self.init(name: "\(property.rawValue)>=\(least)", commonness: commonness)
    }

    // MARK: Membership

    /// Every group that a machine belongs to.
    public static func groups(of offer: Offer) -> [OfferGroup] {
        guard offer.capacity > 0 else { return [] }
        var groups = [all, OfferGroup(.node, offer.name, 0)]
        for (property, commonness) in searched {
            guard let word = offer.word(of: property), !word.isEmpty, word != usual[property] else { continue }
            groups.append(OfferGroup(property, word, commonness))
        }
        for step in Step.allCases {
            groups += step.sizes(upTo: step.total(of: offer)).map { step.group($0) }
        }
        return groups
    }

    /// Words that machines are searched by, and how common one of them is.
    private static let searched: [(property: Property, commonness: Int)] = [
        (.gpuModel, 10), (.lan, 20), (.region, 60), (.architecture, 50), (.country, 70), (.continent, 80),
    ]
    /// So common that it is no group.
    private static let usual: [Property: String] = [.architecture: "x86-64"]

    /// Amounts that machines are searched by, in steps.
    private enum Step: CaseIterable {
        case gpu, cpu, memory

        var property: Property {
            switch self {
            case .gpu: .gpu
            case .cpu: .cpu
            case .memory: .memory
            }
        }

        /// From the smallest: what most machines have is none.
        var sizes: [Int64] {
            switch self {
            case .gpu: [1, 4, 8]
            case .cpu: [16, 64, 256]
            case .memory: [32, 128, 512, 2_048].map { $0 << 30 }
            }
        }

        func total(of offer: Offer) -> Int64 {
            switch self {
            case .gpu: Int64(offer.facts.gpus)
            case .cpu: Int64(offer.facts.cores)
            case .memory: offer.facts.memory.bytes
            }
        }

        func asked(by demand: Demand) -> Int64 {
            switch self {
            case .gpu: Int64(demand.gpus)
            case .cpu: Int64(demand.cores)
            case .memory: demand.memory.bytes
            }
        }

        func sizes(upTo total: Int64) -> [Int64] { sizes.filter { $0 <= total } }

        func group(_ size: Int64) -> OfferGroup {
            let place = sizes.count - (sizes.firstIndex(of: size) ?? 0)
            return OfferGroup(property, atLeast: size, (self == .gpu ? 30 : 40) + place)
        }
    }

    // MARK: Search

    /// The groups that together contain every machine that could serve, those searched first in front; at most `coverMax`.
    public static func cover(of wanted: Wanted) -> [OfferGroup] {
        necessary(for: wanted).min { ($0.last?.commonness ?? 0) < ($1.last?.commonness ?? 0) } ?? [all]
    }

    /// Every set of groups that must contain whoever serves: where one of them has no member at all, nobody can.
    public static func necessary(for wanted: Wanted) -> [[OfferGroup]] {
        var covers: [[OfferGroup]] = [[all]]
        if let machine = wanted.requirements.machine, PeerID(machine) == nil,
            !machine.contains("-") || machine.count != 19
        {
            covers.append([OfferGroup(.node, machine, 0)])
        }
        for term in wanted.condition?.certain ?? [] {
            guard term.comparison == .equal || term.comparison == .among else { continue }
            let words = term.values.compactMap { value in if case .word(let word) = value { word } else { nil } }
            guard words.count == term.values.count, words.count <= coverMax else { continue }
            if let commonness = searched.first(where: { $0.property == term.property })?.commonness,
                !words.contains(where: { $0 == usual[term.property] })
            {
                covers.append(words.map { OfferGroup(term.property, $0, commonness) })
            }
        }
        for standing in wanted.standings where !standing.relation.isApart {
            guard let word = standing.place.word(of: standing.relation.scope), !word.isEmpty,
                let property = Property(rawValue: standing.relation.scope.rawValue),
                let commonness = searched.first(where: { $0.property == property })?.commonness
            else { continue }
            covers.append([OfferGroup(property, word, commonness)])
        }
        for step in Step.allCases {
            guard let largest = step.sizes(upTo: step.asked(by: wanted.demand)).last else { continue }
            covers.append([step.group(largest)])
        }
        return covers
    }

    /// A longer list of words is searched among all.
    static let coverMax = 4
}

extension Condition {
    /// Terms that hold wherever the condition does.
    var certain: [Term] {
        switch self {
        case .term(let term): [term]
        case .all(let parts): parts.flatMap { part in if case .term(let term) = part { [term] } else { [Term]() } }
        case .any: []
        }
    }
}

extension Offer {
    fileprivate func word(of property: Property) -> String? {
        switch property {
        case .gpuModel: facts.gpuModel
        case .lan: network
        case .region: region
        case .architecture: facts.architecture
        case .country: facts.country
        case .continent: facts.continent
        default: nil
        }
    }
}

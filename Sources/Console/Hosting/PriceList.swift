import Accounting
public import Automata
import Releases

/// What an owner asks for an hour, as people write it: `core-hour=0.01,gpu-hour=1`.
///
/// Amounts are exact decimals of the unit of account with at most six digits behind the point. A whole number alone is millionths
/// of it for a partition, as it was before there were rates.
public struct PriceList: Hashable, Sendable {
    /// Millionths of the unit of account for an hour of a partition; nil: not said.
    public var partition: Int64?
    /// Of the others; nil: not said.
    public var core: Int64?
    public var memory: Int64?
    public var gpu: Int64?

    public init() {}

    /// What is asked for, by the names that are printed; `memory-hour` is a gigabyte for an hour.
    static let names = ["core-hour", "memory-hour", "gpu-hour", "partition-hour"]
    /// Another name of the first.
    private static let synonym = "cpu-hour"
    static let expected =
        "NAME=AMOUNT with a name of \(names.joined(separator: ", ")), such as core-hour=0.01, "
        + "or a whole number of millionths per partition and hour"

    /// What is wrong with a text: the part, and what to write instead.
    public struct Problem: Error, Hashable, Sendable {
        public let part: String
        public let message: String
    }

    /// Reads parts with commas between them.
    public init(_ text: String) throws(Problem) {
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            try add(part.trimmingPrefix { $0 == " " }.description)
        }
    }

    private mutating func add(_ part: String) throws(Problem) {
        let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard sides.count == 2 else {
            guard let millionths = Int64(part), Self.range.contains(millionths) else {
                throw Problem(part: part, message: "a whole number is from 0 to \(Self.range.upperBound)")
            }
            return try set(\.partition, millionths, part)
        }
        let field: WritableKeyPath<PriceList, Int64?>
        switch sides[0] {
        case "core-hour", Self.synonym: field = \.core
        case "memory-hour": field = \.memory
        case "gpu-hour": field = \.gpu
        case "partition-hour": field = \.partition
        default:
            let near = nearestName(to: sides[0], among: Self.names + [Self.synonym])
            throw Problem(
                part: part,
                message: "there is no \"\(sides[0])\"" + (near.map { "; did you mean \"\($0)\"?" } ?? ""))
        }
        guard let price = Price(sides[1]), Self.range.contains(price.millionths) else {
            throw Problem(
                part: part, message: "an amount is a decimal from 0 on with at most six digits behind the point")
        }
        try set(field, price.millionths, part)
    }

    /// As they travel between peers.
    private static let range: ClosedRange<Int64> = 0...(1 << 53)

    private mutating func set(
        _ field: WritableKeyPath<PriceList, Int64?>, _ millionths: Int64, _ part: String
    ) throws(Problem) {
        guard self[keyPath: field] == nil else {
            throw Problem(part: part, message: "it is said twice")
        }
        self[keyPath: field] = millionths
    }

    /// What of it is a rate; 0 where nothing was said.
    public var rates: OwnerTerms.Rates { OwnerTerms.Rates(core: core ?? 0, memory: memory ?? 0, gpu: gpu ?? 0) }
}

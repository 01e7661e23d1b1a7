import Automata

/// How a group's count follows a metric: `min=1, max=10, metric=requests, target=100`.
///
/// Takes what the members' machines say, gives how many there should be and why. Pure: who applies it (the primary, every
/// 15 s) writes each decision into the log with its reason.
///
/// The number is that of Kubernetes' horizontal pod autoscaler (its documentation, "Algorithm details"):
///
///     wanted = ceil(members × mean / target), nothing where mean / target is within 10 % of 1
///
/// and so is its caution: members that say nothing count as if they were at the target when fewer are wanted, and as if they
/// did nothing when more are; where that turns the answer round, nothing is done.
public struct ScaleRule: Hashable, Sendable, CustomStringConvertible {
    /// What is measured of each member.
    public enum Metric: Hashable, Sendable {
        /// The share of the cores that the instance asks for (of one where it asks for none) which it keeps busy.
        case cpu
        /// Bytes that its processes hold.
        case memory
        /// A number of that name which the instance publishes.
        case published(String)

        public var name: String {
            switch self {
            case .cpu: "cpu"
            case .memory: "memory"
            case .published(let name): name
            }
        }
    }

    /// 1 to `max`.
    public let min: Int
    public let max: Int
    public let metric: Metric
    /// In millionths, as `Gauge` has them; above 0.
    public let target: Int64
    /// Fewer members only when fewer were wanted for as long as this.
    public let downAfter: Duration

    static let keys = ["min", "max", "metric", "target", "down-after"]
    public static let textBytesMax = RuleText.bytesMax
    /// Kubernetes' default: what comes in waves is not chased.
    static let usualDownAfter = Duration.seconds(300)
    /// Of 1,000: within so much of the target nothing is done.
    static let tolerancePerMille: Int128 = 100

    /// Reads a rule.
    ///
    /// - Throws: what is wrong, where, and the nearest known word.
    public init(_ text: String) throws(RuleTextError) {
        let read = try RuleText(text, known: Self.keys)
        min = try read["min"].map { (it) throws(RuleTextError) in try read.count(it, in: 1...GroupTerms.countMax) } ?? 1
        let most = try read.required("max", as: "10")
        max = try read.count(most, in: 1...GroupTerms.countMax)
        guard min <= max else {
            throw RuleTextError(
                offset: most.offset, message: "at byte \(most.offset): max is \(max), and min \(min)",
                remedy: "min is at most max")
        }
        let name = try read.required("metric", as: "cpu")
        metric = try Self.metric(name, read)
        let wanted = try read.required("target", as: metric == .memory ? "200MiB" : metric == .cpu ? "60%" : "100")
        target = try metric == .memory ? Self.bytes(wanted, read) : read.decimal(wanted)
        let limits = Duration.zero...(.seconds(86_400))
        downAfter =
            try read["down-after"].map { (it) throws(RuleTextError) in try read.duration(it, in: limits) }
            ?? Self.usualDownAfter
    }

    private static func metric(_ setting: RuleText.Setting, _ read: RuleText) throws(RuleTextError) -> Metric {
        switch setting.value {
        case "cpu": return .cpu
        case "memory": return .memory
        default: break
        }
        let isWord = setting.value.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || [UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ".")].contains(byte)
        }
        guard isWord, setting.value.utf8.count <= 63 else {
            throw read.wrong(setting, "cpu, memory, or the name of a number that the instance publishes")
        }
        // A slip of the pen would wait for a number that nobody publishes.
        if let near = nearestName(to: setting.value.lowercased(), among: ["cpu", "memory"]) {
            throw RuleTextError(
                offset: setting.offset, message: "at byte \(setting.offset): there is no metric \"\(setting.value)\"",
                remedy: "did you mean \"\(near)\"? What an instance publishes needs a name that is less like it")
        }
        return .published(setting.value)
    }

    /// Bytes in millionths of a byte.
    private static func bytes(_ setting: RuleText.Setting, _ read: RuleText) throws(RuleTextError) -> Int64 {
        let digits = setting.value.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = RuleText.trimmed(setting.value.dropFirst(digits.count))
        guard let number = Decimal6(String(digits))?.millionths, number > 0,
            let scale = unit.isEmpty ? 1 : ByteUnit(rawValue: unit)?.bytes,
            case let (value, overflow) = number.multipliedReportingOverflow(by: scale), !overflow,
            value <= Gauge.millionthsMax
        else { throw read.wrong(setting, "an amount such as 200MiB or 1.5GB, at most 4TB") }
        return value
    }

    /// Canonical: read again, it is the same rule.
    public var description: String {
        var text = "min=\(min), max=\(max), metric=\(metric.name), target=\(targetText)"
        if downAfter != Self.usualDownAfter { text += ", down-after=\(downAfter.words)" }
        return text
    }

    private var targetText: String {
        switch metric {
        case .cpu: "\(Decimal6(target * 100))%"
        case .published: "\(Decimal6(target))"
        case .memory: Self.amount(target, spaced: false)
        }
    }

    private static func amount(_ millionths: Int64, spaced: Bool) -> String {
        let space = spaced ? " " : ""
        for unit in [ByteUnit.tebibyte, .gibibyte, .mebibyte, .kibibyte] {
            let (quotient, rest) = millionths.quotientAndRemainder(dividingBy: unit.bytes)
            if rest == 0, quotient >= 1_000_000 { return "\(Decimal6(quotient))\(space)\(unit.rawValue)" }
        }
        return "\(Decimal6(millionths))\(space)B"
    }

    /// For people, about as exact as they care: `93 %`, `210 MiB`, `118.4`.
    public func words(_ millionths: Int64) -> String {
        switch metric {
        case .cpu: return "\((millionths + 5_000) / 10_000) %"
        case .memory: return "\(ByteCount(millionths / 1_000_000))"
        case .published:
            let tenths = (millionths + 50_000) / 100_000
            return millionths < 1_000_000 ? "\(Decimal6(millionths))" : "\(Decimal6(tenths * 100_000))"
        }
    }

    // MARK: The number

    /// How many members a rule asks for, before its bounds and its patience.
    public struct Wish: Hashable, Sendable {
        public var count: Int
        /// Of those that said something.
        public var mean: Int64
        /// Members that said nothing.
        public var silent: Int
    }

    /// - Parameters:
    ///   - members: how many there shall be now; above 0.
    ///   - values: what those said that have said anything; at most `members`.
    /// - Returns: nil where nobody has said anything.
    public func wish(members: Int, values: [Int64]) -> Wish? {
        guard !values.isEmpty, members > 0 else { return nil }
        let sum = values.reduce(Int128(0)) { $0 + Int128($1) }
        let silent = Swift.max(0, members - values.count)
        let mean = Int64(clamping: sum / Int128(values.count))
        var wish = Wish(count: members, mean: mean, silent: silent)
        let target = Int128(target)
        let isAbove = Int128(mean) > target
        // Silent ones pull toward what is: at the target when fewer are wanted, idle when more are.
        let all = isAbove ? sum : sum + Int128(silent) * target
        let level = target * Int128(members)
        guard (all > level) == isAbove else { return wish }
        let difference = all > level ? all - level : level - all
        guard difference * 1_000 > level * Self.tolerancePerMille else { return wish }
        wish.count = Int(clamping: (all + target - 1) / target)
        return wish
    }
}

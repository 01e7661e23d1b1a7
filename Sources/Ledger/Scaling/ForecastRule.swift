public import Automata

/// How many places a warm group keeps prepared: `chance=95%, ceiling=0.5, max=10`.
///
/// From the ledger's own history (`Arrivals`) the smallest number that is enough with the wanted chance while another one is
/// being prepared:
///
///     expected = arrivals an hour × hours to prepare one;  the smallest n with P(Poisson(expected) ≤ n) ≥ chance
///
/// bounded by what the prepared places may cost and by `max`. Poisson, because people who do not know each other ask
/// independently of each other. Pure: who applies it writes each number into the log with its reason.
public struct ForecastRule: Hashable, Sendable, CustomStringConvertible {
    /// In millionths: half to below 1.
    public let chance: Int64
    /// The most that an hour of all prepared places may cost, in millionths of the unit of account; nil: any price.
    public let ceiling: Int64?
    public let max: Int

    static let keys = ["chance", "ceiling", "max"]
    static let usualChance: Int64 = 950_000
    static let usualMax = 100
    /// Before anything was prepared: a guess.
    static let usualPreparing = Duration.seconds(60)

    /// Reads a rule.
    ///
    /// - Throws: what is wrong, where, and the nearest known word.
    public init(_ text: String) throws(RuleTextError) {
        let read = try RuleText(text, known: Self.keys)
        if let setting = read["chance"] {
            chance = try read.decimal(setting)
            guard (500_000...999_999).contains(chance) else {
                throw read.wrong(setting, "a chance from 50% to 99.9999%")
            }
        } else {
            chance = Self.usualChance
        }
        if let setting = read["ceiling"] { ceiling = try read.decimal(setting) } else { ceiling = nil }
        if let setting = read["max"] {
            max = try read.count(setting, in: 0...GroupTerms.countMax)
        } else {
            max = Self.usualMax
        }
        guard ceiling != nil || read["max"] != nil else {
            throw RuleTextError(
                offset: 0, message: "nothing bounds what the prepared places may cost",
                remedy: "add a ceiling, as in ceiling=0.5, the most for an hour of all of them, or a max, as in max=4")
        }
    }

    /// Canonical: read again, it is the same rule.
    public var description: String {
        var text = "chance=\(Decimal6(chance * 100))%"
        if let ceiling { text += ", ceiling=\(Decimal6(ceiling))" }
        return text + ", max=\(max)"
    }

    /// How many, and why that number.
    public struct Answer: Hashable, Sendable {
        public var count: Int
        /// `14 requests an hour expected, 3min to prepare, 95 %`.
        public var reason: String
        /// The ceiling or `max` allows fewer than the chance asks for.
        public var isLimited: Bool
    }

    /// - Parameters:
    ///   - arrivals: what has come so far.
    ///   - hourly: what an hour of one place costs, in millionths; nil: nobody knows, or nothing.
    public func answer(_ arrivals: Arrivals, hourly: Int64?, at now: Instant) -> Answer {
        let preparing = arrivals.preparing == .zero ? Self.usualPreparing : arrivals.preparing
        // Whoever comes while it is being prepared belongs to the next hour at times.
        let rate = Swift.max(arrivals.hourlyRate(at: now), arrivals.hourlyRate(at: now + preparing))
        let expected = Double(rate) / 1_000_000 * Double(preparing.milliseconds) / 3_600_000
        let wanted = Self.enough(expected, chance: Double(chance) / 1_000_000)
        var count = Swift.min(wanted, max)
        var limit = count < wanted ? "max=\(max) is reached; " : ""
        if let ceiling, let hourly, hourly > 0, Int64(count) * hourly > ceiling {
            count = Int(ceiling / hourly)
            limit = "the ceiling \(Decimal6(ceiling)) pays for \(count) at \(Decimal6(hourly)) an hour; "
        }
        let requests = Decimal6((rate + 50_000) / 100_000 * 100_000)
        let span =
            preparing < .seconds(1)
            ? "\(preparing.milliseconds)ms" : Duration.seconds(preparing.components.seconds).words
        return Answer(
            count: count,
            reason: "\(limit)\(requests) requests an hour expected, \(span) to prepare, \(Decimal6(chance * 100)) %",
            isLimited: count < wanted)
    }

    /// The smallest n with P(Poisson(expected) ≤ n) ≥ chance.
    ///
    /// The sum of expected^k / k! over all k stands for e^expected, so that only operations are used whose results IEEE 754
    /// says to the bit.
    static func enough(_ expected: Double, chance: Double) -> Int {
        guard expected > 0 else { return 0 }
        let mean = Swift.min(expected, expectedMax)
        var terms: [Double] = [1]
        var sum = 1.0
        for k in 1...GroupTerms.countMax * 2 {
            let term = terms[k - 1] * mean / Double(k)
            terms.append(term)
            sum += term
            if Double(k) > mean, term < sum * 1e-12 { break }
        }
        var part = 0.0
        for (n, term) in terms.enumerated() {
            part += term
            if part >= chance * sum { return n }
        }
        return terms.count
    }

    /// Beyond it the terms leave what a Double holds, and no group is that large.
    private static let expectedMax = 600.0
}

import Automata

/// Chooses how often table entries are probed, so that a chosen share of lookups meets a dead hop (Mahajan, Castro,
/// Rowstron 2003; MSPastry 2004).
///
///     pf(T) = 1 - (1 - exp(-T * mu)) / (T * mu)      chance that an entry probed every T is dead when it is used
///     1 - loss = (1 - pf(Tl)) * (1 - pf(T))^(h - 1)  h: expected hops; Tl: detection time of a leaf
///     T = probe period + time until probes are given up
///
/// mu, a peer's failures per second, is counted: K failures among M contacts in a time t give K / (M * t). With mean
/// sessions of 2.3 hours and 2,000 peers T is about 500 s; with 10,000 peers and 15 minutes about 50 s.
/// Uses only +, -, *, / on `Double`, which are the same on every machine.
struct ProbeTuning: Sendable {
    /// When the last failures were seen, newest at `cursor - 1`; the start of the watch counts as the first.
    private var failures = SIMD8<UInt32>(repeating: 0)
    private var count = 0
    private var heard = SIMD16<UInt16>(repeating: 0)
    private var heardCursor = 0
    /// By our own count; unknown until something was counted.
    private(set) var own = ProbePeriod.unknown
    /// In use: the median of what the others count and we.
    private(set) var period: Double
    private(set) var failuresPerSecond = 0.0

    init(start: Tick, initial: Double) {
        failures[0] = start.value
        count = 1
        period = initial
    }

    mutating func failed(at tick: Tick) {
        if count < 8 {
            failures[count] = tick.value
            count += 1
        } else {
            for index in 1..<8 { failures[index - 1] = failures[index] }
            failures[7] = tick.value
        }
    }

    mutating func heard(_ period: ProbePeriod) {
        guard period != .unknown else { return }
        heard[heardCursor & 15] = period.seconds
        heardCursor = (heardCursor + 1) & 15
    }

    /// Estimates anew.
    mutating func update(
        at tick: Tick, contacts: Int, peers: UInt64, detection: Double, leafDetection: Double, loss: Double,
        bounds: ClosedRange<Double>
    ) {
        let watched = tick.seconds(since: Tick(value: failures[0]))
        // Failures after the first mark; when none came yet, as if one came now, so that the estimate falls with time.
        let seen = Double(max(1, count - 1))
        if contacts > 0, watched > 0 {
            failuresPerSecond = seen / (Double(contacts) * watched)
            // One imagined failure soon after the start says nothing.
            if count > 1 || watched > 600 {
                let total = Self.period(
                    failuresPerSecond: failuresPerSecond, peers: peers, leafDetection: leafDetection, loss: loss)
                let bounded = min(max(total - detection, bounds.lowerBound), bounds.upperBound)
                own = ProbePeriod(seconds: UInt16(min(bounded, 65_535)))
            }
        }
        var known = (0..<16).compactMap { heard[$0] == 0 ? nil : heard[$0] }
        if own != .unknown { known.append(own.seconds) }
        guard !known.isEmpty else { return }
        known.sort()
        period = min(max(Double(known[known.count / 2]), bounds.lowerBound), bounds.upperBound)
    }

    /// The T of the formula above, in seconds.
    static func period(failuresPerSecond mu: Double, peers: UInt64, leafDetection: Double, loss: Double) -> Double {
        let hops = max(1, 15.0 / 16 * logarithm(Double(max(1, peers))) / logarithm(16))
        guard hops > 1.01, mu > 0 else { return .infinity }
        // With y = mu * T: solve ln(1 - pf(y)) = (ln(1 - loss) - ln(1 - pf(Tl))) / (h - 1).
        let aim = (logarithm(1 - loss) - logarithm(alive(mu * leafDetection))) / (hops - 1)
        guard aim < 0 else { return 0 }  // leaves alone lose more than the target
        let wanted = exponential(aim)
        var low = 0.0
        var high = 64.0
        for _ in 0..<40 {
            let middle = (low + high) / 2
            if alive(middle) > wanted { low = middle } else { high = middle }
        }
        return low / mu
    }

    /// 1 - pf: the chance that a contact is alive at a random time after it was, y being failures expected till the
    /// next look.
    private static func alive(_ y: Double) -> Double {
        y < 1e-4 ? 1 - y / 2 : (1 - exponential(-y)) / y
    }

    /// exp, to about 1e-12: halved until small, then by its series.
    static func exponential(_ x: Double) -> Double {
        var scaled = x
        var halvings = 0
        while scaled > 0.25 || scaled < -0.25 {
            scaled /= 2
            halvings += 1
        }
        var term = 1.0
        var sum = 1.0
        for index in 1...10 {
            term *= scaled / Double(index)
            sum += term
        }
        for _ in 0..<halvings { sum *= sum }
        return sum
    }

    /// ln of a positive number: exponent by halving, mantissa by the series of artanh.
    static func logarithm(_ x: Double) -> Double {
        guard x > 0 else { return -.infinity }
        var mantissa = x
        var exponent = 0.0
        while mantissa > 1.5 {
            mantissa /= 2
            exponent += 1
        }
        while mantissa < 0.75 {
            mantissa *= 2
            exponent -= 1
        }
        let ratio = (mantissa - 1) / (mantissa + 1)
        let square = ratio * ratio
        var power = ratio
        var sum = 0.0
        for index in 0..<16 {
            sum += power / Double(2 * index + 1)
            power *= square
        }
        return 2 * sum + exponent * 0.6931471805599453
    }
}

import Automata

/// How long peers stay.
extension ChurnModel.SessionLength {
    /// In seconds.
    var mean: Double {
        switch self {
        case .exponential(let mean), .logNormal(let mean, _): mean.inSeconds
        case .weibull(let scale, let shape): scale.inSeconds * Log.gamma(1 + 1 / shape)
        }
    }

    /// A newcomer's session, in nanoseconds; at least a millisecond.
    func drawn(_ draw: inout Draw) -> Int64 {
        let uniform = 1 - draw.unit()
        let seconds: Double
        switch self {
        case .exponential(let mean): seconds = -Log.natural(uniform) * mean.inSeconds
        case .weibull(let scale, let shape): seconds = scale.inSeconds * Log.power(-Log.natural(uniform), 1 / shape)
        case .logNormal(let mean, let median):
            let deviation = (2 * Log.natural(max(1, mean.inSeconds / median.inSeconds))).squareRoot()
            // Box and Muller; the second of the pair is not used, so that a draw stays a draw.
            let normal =
                (-2 * Log.natural(uniform)).squareRoot() * Log.sine(2 * Double.pi * draw.unit())
            seconds = median.inSeconds * Log.exp(deviation * normal)
        }
        return max(1_000_000, Int64(min(seconds, 1e9) * 1e9))
    }

    /// What is left of the session of a peer that is there already when the measured time begins, in nanoseconds.
    ///
    /// Walks a renewal process to a point 20 to 40 means away: long sessions are met more often there, as they should.
    func rest(_ draw: inout Draw) -> Int64 {
        if case .exponential = self { return drawn(&draw) }
        var left = Int64(mean * 1e9 * (20 + 20 * draw.unit()))
        while true {
            let session = drawn(&draw)
            if session > left { return session - left }
            left -= session
        }
    }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }

    static func fraction(_ seconds: Double) -> Duration { .nanoseconds(Int64(seconds * 1e9)) }
}

/// Waits for what cannot announce itself: another process's file, socket or answer. Always bounded.
public enum Polling {
    /// Waits until the condition is true.
    ///
    /// - Parameter what: what is waited for, as it stands in the error: "avahi-daemon answers".
    /// - Parameter limit: after this time the last look is taken.
    /// - Parameter interval: between two looks; the first is taken at once.
    /// - Throws: `LabError.timedOut`; whatever the condition throws; `CancellationError`.
    public static func until(
        _ what: String, within limit: Duration, every interval: Duration = .milliseconds(50),
        isolation: isolated (any Actor)? = #isolation, _ condition: () async throws -> Bool
    ) async throws {
        _ = try await value(what, within: limit, every: interval) { try await condition() ? true : nil }
    }

    /// Waits until there is a value, and returns it. Parameters and errors are those of `until`.
    public static func value<Value>(
        _ what: String, within limit: Duration, every interval: Duration = .milliseconds(50),
        isolation: isolated (any Actor)? = #isolation, _ look: () async throws -> Value?
    ) async throws -> Value {
        let clock = ContinuousClock()
        let end = clock.now + limit
        while true {
            // Read before the look, so that a slow look is always followed by a decision on its own outcome.
            let isLast = clock.now >= end
            if let value = try await look() { return value }
            guard !isLast else { throw LabError(.timedOut, "after \(limit) it is still not so that \(what)") }
            try await Task.sleep(for: interval)
        }
    }
}

import Automata

/// A configuration as all overlays made alike share it, with what every hop reads worked out once.
@dynamicMemberLookup
public struct OverlayRules: Sendable {
    struct Values: Sendable {
        let configuration: Overlay.Configuration
        /// Applications whose messages are shown on their way, a bit each.
        let intercepted: UInt8
        let sabotage: Overlay.Sabotage
        /// Bounds of the per-hop time-out.
        let hopTimeouts: HopTimeouts
    }

    private let values: Shared<Values>

    public init(_ configuration: Overlay.Configuration) {
        precondition(
            (2...32).contains(configuration.leafSetSize) && configuration.leafSetSize % 2 == 0,
            "a leaf set of \(configuration.leafSetSize) has no two equal sides of 1 to 16")
        values = Shared(
            Values(
                configuration: configuration, intercepted: configuration.intercepted.reduce(0) { $0 | $1.bit },
                sabotage: configuration.sabotage,
                hopTimeouts: HopTimeouts(
                    initial: configuration.hopTimeoutInitial.nanoseconds,
                    least: configuration.hopTimeoutMin.nanoseconds, most: configuration.hopTimeoutMax.nanoseconds)))
    }

    var intercepted: UInt8 { values.intercepted }
    var sabotage: Overlay.Sabotage { values.sabotage }
    var hopTimeouts: HopTimeouts { values.hopTimeouts }
    /// One less than of leaves: who is called failed too soon loses its place in a table, and no key its root.
    var tableProbeRetries: Int { max(0, values.configuration.probeRetries - 1) }

    @inline(__always)
    public subscript<Member>(dynamicMember member: KeyPath<Overlay.Configuration, Member>) -> Member {
        values.configuration[keyPath: member]
    }
}

import Automata

/// A configuration as all overlays made alike share it, with what every hop reads worked out once.
@dynamicMemberLookup
public final class OverlayRules: Sendable {
    let configuration: Overlay.Configuration
    /// Applications whose messages are shown on their way, a bit each.
    let intercepted: UInt8
    let sabotage: Overlay.Sabotage
    /// Bounds of the per-hop time-out.
    let hopTimeouts: HopTimeouts

    public init(_ configuration: Overlay.Configuration) {
        precondition(
            (2...32).contains(configuration.leafSetSize) && configuration.leafSetSize % 2 == 0,
            "a leaf set of \(configuration.leafSetSize) has no two equal sides of 1 to 16")
        self.configuration = configuration
        intercepted = configuration.intercepted.reduce(0) { $0 | $1.bit }
        sabotage = configuration.sabotage
        hopTimeouts = HopTimeouts(
            initial: configuration.hopTimeoutInitial.nanoseconds, least: configuration.hopTimeoutMin.nanoseconds,
            most: configuration.hopTimeoutMax.nanoseconds)
    }

    @inline(__always)
    public subscript<Member>(dynamicMember member: KeyPath<Overlay.Configuration, Member>) -> Member {
        configuration[keyPath: member]
    }
}

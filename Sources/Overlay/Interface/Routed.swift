public import Automata

/// Whose payload a routed message carries.
public enum Application: UInt8, Hashable, Sendable, CaseIterable {
    /// The overlay's own: routed to the joining peer's own key; never delivered to an application.
    case join
    /// A lookup or a trace.
    case probe
    case groups
    case objects
    case rendezvous
    /// Looks for the peers near a ledger's key.
    case register

    /// The application's bit in `Overlay.Configuration.intercepted`.
    var bit: UInt8 { 1 << rawValue }
}

/// One message on its way to the root of a key. Kept small: it is copied at every hop.
public struct Routed: Hashable, Sendable {
    public var key: Key
    /// Who routed it first.
    public var origin: PeerID
    /// Unique per origin, also over restarts but for chance.
    public var number: UInt64
    /// Opaque to the overlay; empty for plain lookups.
    public var payload: [UInt8]
    /// Nil unless asked for. The peers that it passed, origin first and not yet the one that holds it; of a join, what
    /// the peers on its way tell of their tables.
    public var trace: [PeerID]?
    /// How many peers handed it on.
    public var hops: UInt8
    public var application: Application

    public init(
        key: Key, origin: PeerID, number: UInt64, hops: UInt8 = 0, application: Application, payload: [UInt8] = [],
        trace: [PeerID]? = nil
    ) {
        self.key = key
        self.origin = origin
        self.number = number
        self.payload = payload
        self.trace = trace
        self.hops = hops
        self.application = application
    }
}

/// A peer, and where it listens.
public struct PeerContact: Hashable, Sendable {
    public var peer: PeerID
    /// The preferred one first; at most 8.
    public var endpoints: [Endpoint]

    public init(peer: PeerID, endpoints: [Endpoint]) {
        self.peer = peer
        self.endpoints = endpoints
    }
}

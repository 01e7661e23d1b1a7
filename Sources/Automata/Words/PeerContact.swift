/// A peer, and where it listens. Copies share one value, so that whoever is named by many takes room once.
public struct PeerContact: Hashable, Sendable {
    private struct Fields: Hashable, Sendable {
        let peer: PeerID
        let endpoints: [Endpoint]
    }

    private let fields: Shared<Fields>

    public init(peer: PeerID, endpoints: [Endpoint]) {
        fields = Shared(Fields(peer: peer, endpoints: endpoints))
    }

    public var peer: PeerID { fields.peer }
    /// The preferred one first; at most 8.
    public var endpoints: [Endpoint] { fields.endpoints }
}

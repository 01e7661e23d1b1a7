/// A peer, and where it listens. Copies share one value, so that whoever is named by many takes room once.
public struct PeerContact: Hashable, Sendable {
    private struct Fields: Hashable, Sendable {
        let peer: PeerID
        let endpoints: [Endpoint]
        /// Beside the id: in a simulation of many the endpoints are one more line of memory to wait for.
        let isNowhere: Bool
    }

    /// As many as an advertisement has.
    public static let endpointsMax = 8

    private let fields: Shared<Fields>

    /// - Parameter endpoints: the preferred one first; those beyond `endpointsMax` are left out.
    public init(peer: PeerID, endpoints: [Endpoint]) {
        let kept = endpoints.count > Self.endpointsMax ? Array(endpoints.prefix(Self.endpointsMax)) : endpoints
        fields = Shared(Fields(peer: peer, endpoints: kept, isNowhere: kept.isEmpty))
    }

    public var peer: PeerID { fields.peer }
    /// The preferred one first; at most `endpointsMax`.
    public var endpoints: [Endpoint] { fields.endpoints }
    /// Whether it has no endpoint.
    public var isNowhere: Bool { fields.isNowhere }
}

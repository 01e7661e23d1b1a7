/// A peer, and where it listens. Copies share one value, so that whoever is named by many takes room once.
public struct PeerContact: Hashable, Sendable {
    private final class Storage: Sendable {
        let peer: PeerID
        let endpoints: [Endpoint]

        init(peer: PeerID, endpoints: [Endpoint]) {
            self.peer = peer
            self.endpoints = endpoints
        }
    }

    private let storage: Storage

    public init(peer: PeerID, endpoints: [Endpoint]) {
        storage = Storage(peer: peer, endpoints: endpoints)
    }

    public var peer: PeerID { storage.peer }
    /// The preferred one first; at most 8.
    public var endpoints: [Endpoint] { storage.endpoints }

    public static func == (left: PeerContact, right: PeerContact) -> Bool {
        left.storage === right.storage || (left.peer == right.peer && left.endpoints == right.endpoints)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(peer)
        hasher.combine(endpoints)
    }
}

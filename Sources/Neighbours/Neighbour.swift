public import Automata

/// One peer as this one sees it.
public struct Neighbour: Hashable, Sendable {
    public enum State: Hashable, Sendable {
        case live
        /// Silent; probes are under way.
        case suspected
        /// Did not answer.
        case failed
        /// Ended by its own will.
        case left
    }

    public internal(set) var advertisement: Advertisement
    public internal(set) var state: State = .live
    /// When a message last came from it on an authenticated connection; when it was first heard of, before that.
    public internal(set) var lastHeard: Instant
    /// Probes that were not answered yet.
    var probes = 0
    /// The newest that the peer said of itself; nil while only others have told of it.
    var saidItself: Advertisement?
    /// The link says that it ends, without proof.
    var isSaidToEnd = false

    init(advertisement: Advertisement, state: State = .live, lastHeard: Instant) {
        self.advertisement = advertisement
        self.state = state
        self.lastHeard = lastHeard
    }

    /// Whether it has said hello, or only others have told of it.
    public var hasSpoken: Bool { saidItself != nil }

    /// Not known to be gone.
    public var isLive: Bool { state == .live || state == .suspected }
}

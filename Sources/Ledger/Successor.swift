public import Automata

/// What is to take the place of a request's placement, while that goes on.
public struct Successor: Hashable, Sendable {
    public internal(set) var attempt: Attempt
    public internal(set) var claim: ClaimReference
    /// Where it stands.
    public internal(set) var place: Place
    public internal(set) var status: InstanceStatus
    /// The number of the newest report; 0 before the first.
    public internal(set) var statusSequence: UInt64

    public init(
        attempt: Attempt, claim: ClaimReference, place: Place, status: InstanceStatus, statusSequence: UInt64 = 0
    ) {
        self.attempt = attempt
        self.claim = claim
        self.place = place
        self.status = status
        self.statusSequence = statusSequence
    }
}

extension Request {
    /// Whether the successor does what is asked, so that nothing is missed when the placement goes. What replaces something
    /// that has failed need not do better.
    public var isSuccessorReady: Bool {
        guard let successor, successor.status.revision >= revision else { return false }
        return switch (specification.desired, successor.status.state) {
        case (.running, .running), (.stopped, .stopped): true
        case (_, .failed): status.state == .failed
        default: false
        }
    }

    /// Whether the claim is the placement or the successor.
    public func has(_ claim: ClaimReference) -> Bool { placement == claim || successor?.claim == claim }
}

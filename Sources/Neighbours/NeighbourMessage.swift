public import Automata

/// What neighbours say to each other about being there.
public enum NeighbourMessage: Hashable, Sendable {
    /// What the sender says of itself; the first message on every connection, and again when it changes.
    case hello(Advertisement)
    /// Masters that the sender knows, for one that has just said hello; hearsay, never taken for a sign of life.
    case masters([Advertisement])
    /// Asks for `alive` with the same nonce.
    case probe(nonce: UInt64)
    /// The answer; with nonce 0 unasked, to a master that watches the sender.
    case alive(nonce: UInt64)
    /// The sender watched this peer and got no answer; the receiver looks for itself.
    case failed(PeerID, Incarnation)
    /// The sender heard from a peer that it had called failed; the receiver looks for itself.
    case recovered(PeerID, Incarnation)
    /// The sender ends by its own will.
    case goodbye
}

import Automata
public import Identity
import Synchronization

/// The credential that is in force, shared by the transport and the HTTP server. Replacing it is all that a renewal
/// takes: connections made from then on show the new one, those that are open stay.
public final class CredentialSource: Sendable {
    private struct State: Sendable {
        var credential: Credential
        var generation = 0
    }

    private let state: Mutex<State>

    public init(_ credential: Credential) {
        state = Mutex(State(credential: credential))
    }

    public var current: Credential { state.withLock { $0.credential } }

    /// The credential and how often it was replaced before: for those who keep something made from it.
    var stamped: (credential: Credential, generation: Int) {
        state.withLock { ($0.credential, $0.generation) }
    }

    /// Swaps the credential. The PeerID stays: a new key is a new peer, which needs a new transport.
    public func replace(with credential: Credential) throws(TransportError) {
        let own = current.peer
        guard credential.peer == own else {
            throw TransportError(
                .badCredential,
                "the new credential is of \(credential.peer.fingerprint), this peer is \(own.fingerprint)",
                remedy: "renew with the same key, or restart the agent")
        }
        state.withLock {
            $0.credential = credential
            $0.generation += 1
        }
    }
}

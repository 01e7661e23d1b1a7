/// A protocol written as a value that is fed inputs and appends effects: an I/O automaton (Lynch and Tuttle, 1987).
///
/// The contract that every automaton of Palmier keeps, and on which both hosts (`Runtime`, `Simulation`) rely:
///
/// - `handle` is the only way in. It reads no clock (`now` is handed to it), draws no randomness that it was not given
///   at `init`, opens no socket, spawns no task, never waits.
/// - A run is a pure function of the initial value and the sequence of (input, instant): a copy replays alike.
/// - `now` never goes back between two calls.
/// - **The order of effects is a promise.** What must be durable before a message leaves stands before that message, and
///   the host performs no later effect of the same peer before an earlier write is on disk.
/// - A late, repeated or foreign input changes nothing that it should not: refuse it and count it, never trap on it.
public protocol Automaton: Sendable {
    /// What happened: a message received, a timer that fired, a write that completed, a local call.
    associatedtype Input: Sendable
    /// What the host, or the composing automaton, is ordered to do.
    associatedtype Effect: Sendable

    /// Takes one input, changes the automaton's own state, appends effects.
    ///
    /// - Parameter now: the host's instant; not before that of any earlier call.
    mutating func handle(_ input: Input, at now: Instant, into effects: inout [Effect])
}

extension Automaton {
    /// Handles one input and returns its effects; for tests and for composition where a fresh array is cheap enough.
    public mutating func effects(of input: Input, at now: Instant) -> [Effect] {
        var effects: [Effect] = []
        handle(input, at: now, into: &effects)
        return effects
    }
}

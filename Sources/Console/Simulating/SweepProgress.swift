import Automata
import Simulation
import Synchronization

/// Where a sweep stands while runs go on.
public struct SweepProgress: Sendable {
    public var done: Int
    public var runs: Int
    public var events: Int
    /// Virtual time gone by, of all runs together.
    public var virtual: Duration
    /// The share of the present runs that is behind us, on average.
    public var share: Double
}

/// Adds up what runs on several threads say of themselves.
final class SweepMeter: Sendable {
    private struct State {
        var done = 0
        var events = 0
        var virtual: Duration = .zero
        /// By run: what it has told so far.
        var going: [Int: (now: Duration, end: Duration, events: Int)] = [:]
        var next = 0
    }

    private let state = Mutex(State())
    private let runs: Int
    private let told: @Sendable (SweepProgress) -> Void

    init(runs: Int, told: @escaping @Sendable (SweepProgress) -> Void) {
        self.runs = runs
        self.told = told
    }

    /// A run begins.
    ///
    /// - Returns: its number.
    func begin() -> Int {
        state.withLock { state in
            state.next += 1
            return state.next
        }
    }

    /// What the run of this number tells of itself.
    func listener(_ number: Int) -> @Sendable (Duration, Duration, Int) -> Void {
        { [self] now, end, events in
            told(
                state.withLock { state in
                    state.going[number] = (now, end, events)
                    return progress(state)
                })
        }
    }

    func end(_ number: Int, _ result: RunResult) {
        told(
            state.withLock { state in
                state.going[number] = nil
                state.done += 1
                state.events += result.events
                state.virtual += result.virtualTime
                return progress(state)
            })
    }

    private func progress(_ state: State) -> SweepProgress {
        var progress = SweepProgress(
            done: state.done, runs: runs, events: state.events, virtual: state.virtual, share: 0)
        for run in state.going.values {
            progress.events += run.events
            progress.virtual += run.now
            progress.share += run.now / run.end / Double(state.going.count)
        }
        return progress
    }
}

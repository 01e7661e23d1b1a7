import API
import ArgumentParser
import Automata
import Console
import Dispatch
import Foundation

/// Whether an act that takes time is followed to its end.
struct FollowOptions: ParsableArguments {
    @Option(
        defaultAsFlag: DesiredState.running,
        help: ArgumentHelp(
            "Wait until it is running, stopped or destroyed; on a terminal that is what happens anyway.",
            valueName: "STATE"))
    var wait: DesiredState?

    @Flag(help: "Do not wait, on a terminal either.")
    var detach = false

    @Option(help: ArgumentHelp("How long to wait; what goes on is not stopped then.", valueName: "DURATION"))
    var timeout: DurationArgument = .seconds(300)

    func validate() throws {
        guard !(detach && wait != nil) else { throw ValidationError("--wait and --detach contradict each other") }
    }

    /// - Parameter natural: the state that the act leads to.
    func target(_ natural: DesiredState) -> DesiredState? {
        if detach { return nil }
        return wait ?? (Terminal.outputIsTerminal ? natural : nil)
    }
}

/// Follows one request until it is as it should be, whichever masters come and go meanwhile.
struct Follower {
    let options: ConnectionOptions
    let reference: String
    let customer: String?
    let until: DesiredState
    let timeout: Duration
    let progress: ProgressLine

    /// How long one answer is held back: often enough to show what changes.
    static let step = Duration.seconds(1)
    private static let pause = Duration.milliseconds(200)

    /// - Returns: the last that was heard: reached, failed, or still on its way when the time was over.
    func follow(_ first: InstanceDocument?) async throws -> InstanceDocument? {
        let interruption = interruption()
        defer {
            interruption.cancel()
            progress.finish()
        }
        let clock = ContinuousClock()
        let deadline = clock.now + timeout
        var document = first
        while true {
            if let document {
                progress.update(InstanceView.sentence(document))
                if isOver(document) { return document }
            }
            let rest = deadline - clock.now
            guard rest > .zero else { return document }
            let asked = clock.now
            do {
                document = try await options.withMaster { client in
                    try await client.instance(
                        reference, customer: customer, until: until, timeout: min(rest, Self.step))
                }
            } catch let error {
                guard let problem = Failure.problem(of: error) else { throw error }
                switch problem.refusal.code {
                case .notFound where until == .destroyed: return nil
                case .unreachable, .timedOut, .overloaded: progress.update("no master answers; asking again")
                case .invalid, .notFound, .refused, .unsatisfiable, .conflict, .failed: throw error
                }
            }
            // A master that answers at once, or none, is not asked in a tight loop.
            if clock.now - asked < Self.pause { try await Task.sleep(for: Self.pause) }
        }
    }

    private func isOver(_ document: InstanceDocument) -> Bool {
        guard document.stateRevision >= document.revision || until == .destroyed else { return false }
        return document.state == until.rawValue || document.state == InstanceState.failed.rawValue
    }

    /// Ctrl-C leaves the work running, and says how to come back.
    private func interruption() -> any DispatchSourceSignal {
        signal(SIGINT, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
        source.setEventHandler { [progress, reference] in
            progress.finish()
            Terminal.note(
                "\(reference) goes on by itself. To look: palmier instance show \(reference); "
                    + "to wait again: palmier request \(reference) --wait")
            exit(API.ExitCode.accepted.rawValue)
        }
        source.resume()
        return source
    }
}

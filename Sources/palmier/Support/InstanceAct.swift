import API
import Automata
import Console

/// The common course of stop, start and destroy: do, follow, show.
struct InstanceAct {
    let name: String
    let customer: String?
    let until: DesiredState
    let follow: FollowOptions
    let connection: ConnectionOptions
    let output: OutputOptions

    func run(
        _ act:
            @Sendable (PalmierClient, _ name: String, _ customer: String?, _ wait: Duration?) async throws
            -> InstanceDocument
    ) async throws {
        let target = follow.target(until)
        let wait = target == nil ? nil : min(follow.timeout.duration, Follower.step)
        var result = try await connection.withMaster { try await act($0, name, customer, wait) }
        if let target {
            let follower = Follower(
                options: connection, reference: name, customer: customer, until: target,
                timeout: follow.timeout.duration, progress: ProgressLine(isSilent: output.chosen.isForPrograms))
            let last = try await follower.follow(result)
            if let last {
                result = last
            } else {
                result.state = InstanceState.destroyed.rawValue
                result.reason = ""
                result.where = nil
            }
        }
        let output = output.output
        let shown = result
        try output.write(shown, names: [shown.reference]) { _ in InstanceView.result(shown, style: output.style) }
        if shown.exitCode == .accepted, !output.format.isForPrograms {
            Terminal.note("it goes on: `palmier instance show \(name)` shows how far it is")
        }
        try Ending.with(shown.exitCode)
    }
}

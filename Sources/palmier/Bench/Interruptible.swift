import Automata
import Console
import Dispatch
import Foundation

/// Long work that must clean up: Ctrl-C, SIGTERM and the end of its time cancel it, and it is awaited then.
enum Interruptible {
    private enum Outcome<Value: Sendable>: Sendable {
        case done(Value)
        case signal(Int32)
        case late
    }

    /// - Throws: `Refusal` when the time was over or a signal came; whatever the work throws.
    static func run<Value: Sendable>(
        within limit: Duration, _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let (signals, source) = AsyncStream.makeStream(of: Int32.self, bufferingPolicy: .bufferingNewest(1))
        let watches = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let watch = DispatchSource.makeSignalSource(signal: number, queue: .global())
            watch.setEventHandler { source.yield(number) }
            watch.resume()
            return watch
        }
        defer { for watch in watches { watch.cancel() } }
        return try await withThrowingTaskGroup(of: Outcome<Value>.self) { group in
            group.addTask { .done(try await work()) }
            group.addTask {
                for await number in signals { return .signal(number) }
                return .late
            }
            group.addTask {
                try await Task.sleep(for: limit)
                return .late
            }
            // Leaving the group waits for the work, which cleans up.
            defer { group.cancelAll() }
            switch try await group.next() {
            case .done(let value)?: return value
            case .signal?: throw Refusal(.failed, "interrupted; everything that was started has been ended")
            case .late?, nil:
                throw Refusal(
                    .timedOut, "not done within \(Wording.age(seconds: limit.components.seconds))",
                    remedy: "give more with --timeout, or measure less with --figures or --repeat")
            }
        }
    }
}

import Automata
import Foundation
import Synchronization

/// Answers of writes that carried an `Idempotency-Key`: the same key again gets the same answer, and does nothing.
///
/// Kept in memory for ten minutes, at most `countMax`, oldest out first: it covers a repetition after a broken
/// connection, not one of next week. Keys of different callers never meet.
final class Replays: Sendable {
    struct Answer: Hashable, Sendable {
        var status: Int
        var body: Data
    }

    enum Claim: Sendable {
        /// Go on, and call `finish` or `abandon`.
        case new
        case answered(Answer)
        case running
        /// The key was used for something else.
        case other
    }

    private struct Entry {
        var digest: Digest
        var answer: Answer?
        var at: Instant
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var order: [String] = []
    }

    private static let countMax = 1_024
    private static let lifetime = Duration.seconds(600)
    private let state = Mutex(State())

    /// - Parameter digest: of method, path and body.
    func claim(_ key: String, digest: Digest, at now: Instant) -> Claim {
        state.withLock { state in
            if let entry = state.entries[key], now - entry.at < Self.lifetime {
                guard entry.digest == digest else { return .other }
                return entry.answer.map { .answered($0) } ?? .running
            }
            if state.entries[key] != nil { state.order.removeAll { $0 == key } }
            state.entries[key] = Entry(digest: digest, at: now)
            state.order.append(key)
            if state.order.count > Self.countMax { state.entries[state.order.removeFirst()] = nil }
            return .new
        }
    }

    func finish(_ key: String, _ answer: Answer) {
        state.withLock { $0.entries[key]?.answer = answer }
    }

    /// It failed: the next try is a first one.
    func abandon(_ key: String) {
        state.withLock { state in
            state.entries[key] = nil
            state.order.removeAll { $0 == key }
        }
    }
}

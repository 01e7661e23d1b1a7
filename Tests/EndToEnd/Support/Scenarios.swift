import Foundation
import Synchronization
import Testing

/// # End-to-end tests: the shipped program, real processes, real links, real kills
///
/// **Vocabulary.** A *scenario* is one test: a story with a beginning, faults and an end. A *place* is where its programs
/// run: this machine's loopback, or a host of a `Lan`. A *trial* is the world of one scenario: a folder with a short path
/// (Unix sockets bear no long ones), a fabric, its members, one user's home. A *member* is one `palmier master` or
/// `palmier agent`: a process with a state directory, which can be killed and started again. An *answer* is what one
/// command of the command line said, and how it ended.
///
/// **Flow.** `Trial.with` makes the world, hands it to the scenario, and removes it whatever happened: members,
/// supervisord, instances, partitions' users, files. When the scenario has failed, logs and states are kept, and
/// where is printed. Nothing is awaited by sleeping: every wait is for a condition, with a bound.
///
/// All scenarios run one after the other: each uses all processors of a small machine, and the bounds of several are
/// those of a fabric that is not starved.
@Suite("End to end", .serialized, .noting)
enum Scenarios {}

/// How many issues this process has recorded: a trial that sees the number grow keeps its logs.
enum Issues {
    private static let recorded = Mutex(0)

    static var count: Int { recorded.withLock { $0 } }

    static func note() { recorded.withLock { $0 += 1 } }
}

extension Trait where Self == IssueHandlingTrait {
    /// Counts issues, and lets each through.
    static var noting: Self {
        .filterIssues { _ in
            Issues.note()
            return true
        }
    }
}

/// What is measured goes to the test's output, and is compared with a bound that no slow machine breaks.
func tell(_ text: String) {
    FileHandle.standardError.write(Data("    \(text)\n".utf8))
}

/// Seconds with two digits.
func seconds(_ duration: Duration) -> String {
    String(format: "%.2f s", Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18)
}

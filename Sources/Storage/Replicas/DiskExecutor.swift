import Dispatch

/// Runs a store's calls one after the other on a queue of their own: what waits for a disk must not hold a thread of the
/// pool that all tasks share.
final class DiskExecutor: SerialExecutor {
    private let queue = DispatchQueue(label: "palmier.replica")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    /// Runs the work behind what is there already, without a task.
    func submit(_ work: @escaping @Sendable () -> Void) { queue.async(execute: work) }

    func checkIsolated() { dispatchPrecondition(condition: .onQueue(queue)) }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
}

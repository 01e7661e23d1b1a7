import Automata
import Glibc
import Logging

extension PartitionKeeper {
    /// Makes the partition empty, and only then tells that the instance is destroyed.
    func empty(for claim: ClaimReference?, revision: Revision) async {
        do throws(AgentError) {
            let there = record
            try await clear(there)
            if let there, there.claim != claim {
                tell(there.claim, InstanceStatus(state: .destroyed, revision: there.revision))
            }
            if let claim { tell(claim, InstanceStatus(state: .destroyed, revision: revision)) }
        } catch {
            log.error("partition.not-empty", metadata: ["partition": "\(place.number)", "reason": "\(error)"])
            if let claim {
                let reason = "the partition cannot be emptied yet: \(error); it is tried again every 5 s"
                tell(claim, InstanceStatus(state: .failed, reason: reason, revision: revision))
            }
            retry(after: .seconds(5))
        }
    }

    /// Stops what runs, kills what is left of it, and removes every file.
    ///
    /// Nothing is left of a tenant for which nothing was ever started: before its program is, there is a file for its
    /// number, and it stays.
    func clear(_ record: InstanceRecord?) async throws(AgentError) {
        if let record, !record.program.isEmpty { try await stop(record) }
        if record == nil || Disk.exists("\(place.control)/pid") { try await killLeftovers(record) }
        try Disk.clear(place.directory)
        for name in Disk.names(in: place.control) where name != "instance.json" {
            try Disk.remove("\(place.control)/\(name)")
        }
        // Last, so that a cleaning that was cut off is taken up again.
        try Disk.remove("\(place.control)/instance.json")
        self.record = nil
        seen = nil
        ends = []
        await store.forget(place.number)
    }

    /// Ends a program in the way that its release says: its stop command, SIGTERM, and after the grace SIGKILL.
    func stop(_ record: InstanceRecord) async throws(AgentError) {
        let command = "\(place.control)/stop"
        let isAlive = ProcessTable.identity(inFile: "\(place.control)/pid").map(ProcessTable.isAlive) ?? false
        if isAlive, Disk.exists(command) {
            let script = LaunchScript(place: place, isolation: isolation, state: state, release: "", marker: "")
            let words = script.launcher + [command]
            let program = words[0].split(separator: "/").last.map(String.init) ?? words[0]
            let outcome = try await Tool.run(program, Array(words.dropFirst()), timeout: record.grace)
            if outcome.status != 0 {
                log.warning(
                    "instance.stop-command-failed",
                    metadata: ["claim": "\(record.claim)", "status": "\(outcome.status)"])
            }
        }
        try await supervisor.remove(record.program, grace: record.grace)
        try await killLeftovers(record)
        seen = nil
        var stopped = record
        stopped.program = ""
        stopped.rendering = ""
        if self.record?.claim == record.claim {
            self.record = stopped
            try Disk.write(stopped.text, to: "\(place.control)/instance.json", mode: 0o600)
        }
    }

    /// Kills the processes that left their group, or that an earlier supervisord left.
    private func killLeftovers(_ record: InstanceRecord?) async throws(AgentError) {
        for attempt in 0..<100 {
            let left = leftovers(record)
            if left.isEmpty { return }
            if isolation == .users, let user = place.user {
                try await user.killAll()
            } else {
                for pid in left { kill(pid, SIGKILL) }
            }
            if attempt > 0 {
                do { try await Task.sleep(for: .milliseconds(min(100, 5 * attempt))) } catch { break }
            }
        }
        throw AgentError(
            .toolFailed, "processes \(leftovers(record)) of partition \(place.number) do not end",
            remedy: "a process may be stuck in the kernel: see ps -o pid,stat,wchan,cmd")
    }

    func leftovers(_ record: InstanceRecord?) -> [pid_t] {
        if isolation == .users, let user = place.user { return ProcessTable.pids(ofUser: user.uid) }
        guard let record else { return [] }
        return ProcessTable.pids(withVariable: "PALMIER_INSTANCE=\(record.claim)")
    }
}

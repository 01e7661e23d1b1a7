import Automata
import Glibc
import Logging
internal import Releases

extension Supervisor.ProgramInfo {
    /// The state, where one that supervisord leaves by itself in the same moment counts as what follows: a program
    /// that its policy starts again is `exited` between two rounds of supervisord's loop.
    fileprivate func state(_ policy: InstanceType.Restart.Policy) -> Supervisor.ProgramState {
        guard state == .exited else { return state }
        switch policy {
        case .always: return .starting
        case .onFailure: return exitStatus == 0 ? .exited : .starting
        case .never: return .exited
        }
    }
}

extension PartitionKeeper {
    /// Everything about an instance that is known before anything is changed.
    private struct Plan {
        var order: InstanceOrder
        var release: Release
        var type: InstanceType
        var parameters: JSONValue
    }

    /// Makes the partition what the order says, and tells each state on the way.
    func bring(_ order: InstanceOrder, _ cause: Cause, _ current: Int) async {
        do throws(AgentError) {
            if let record, record.claim != order.claim {
                try await clear(record)
                tell(record.claim, InstanceStatus(state: .destroyed, revision: record.revision))
            }
            guard order.specification.desired == .running else {
                // What is prepared has its release, so that whoever takes the place over starts at once.
                if order.specification.membership?.isWarm == true {
                    guard try await install(try plan(order), current) else { return }
                }
                return try await halt(order)
            }
            if let record, record.claim == order.claim, record.revision == order.revision, record.isFinished {
                return tell(order.claim, finished(order))
            }
            let plan = try plan(order)
            guard try await install(plan, current) else { return }
            try await start(plan, cause, current)
        } catch {
            tell(order.claim, failure(order, error.description))
        }
    }

    private func failure(_ order: InstanceOrder, _ reason: String) -> InstanceStatus {
        var reason = reason
        if let seen, ProcessTable.isAlive(seen) { reason += "; what ran before goes on" }
        return InstanceStatus(state: .failed, reason: reason, revision: order.revision)
    }

    private func finished(_ order: InstanceOrder) -> InstanceStatus {
        InstanceStatus(state: .stopped, reason: "the program ended by itself, with status 0", revision: order.revision)
    }

    private func plan(_ order: InstanceOrder) throws(AgentError) -> Plan {
        do {
            let release = try store.release(order.specification.release)
            let type = try release.type(named: order.specification.type)
            return Plan(
                order: order, release: release, type: type,
                parameters: try type.parameters(order.specification.parameters))
        } catch {
            throw AgentError(.badConfiguration, "\(error)")
        }
    }

    /// - Returns: false when a newer wish ended the waiting.
    private func install(_ plan: Plan, _ current: Int) async throws(AgentError) -> Bool {
        var state = await store.use(plan.release, for: place)
        var pause = Duration.milliseconds(2)
        while case .working = state {
            if pause > .milliseconds(10) {
                tell(plan.order.claim, InstanceStatus(state: .installing, revision: plan.order.revision))
            }
            guard await rest(pause), !isSuperseded(current) else { return false }
            pause = min(pause * 2, .milliseconds(100))
            state = await store.state(of: plan.release.directoryName)
        }
        if case .failed(let error) = state { throw error }
        return !isSuperseded(current)
    }

    private func start(_ plan: Plan, _ cause: Cause, _ current: Int) async throws(AgentError) {
        let order = plan.order
        let isSame = record?.claim == order.claim
        var new =
            isSame
            ? record ?? InstanceRecord(claim: order.claim, revision: order.revision)
            : InstanceRecord(claim: order.claim, revision: order.revision)
        let isUp = seen.map(ProcessTable.isAlive) ?? false
        let wasUp = isUp || ProcessTable.identity(inFile: "\(place.control)/pid").map(ProcessTable.isAlive) ?? false
        let (ports, skipped) = try place.choosePorts(plan.type.ports, earlier: new.ports, isRunning: wasUp)
        if !skipped.isEmpty {
            log.notice("ports.skipped", metadata: ["partition": "\(place.number)", "inUse": "\(skipped)"])
        }
        for name in plan.type.secrets where new.secrets[name] == nil { new.secrets[name] = Self.secret() }
        let instance: RenderedInstance
        do {
            instance = try plan.type.render(
                RenderingContext(
                    parameters: plan.parameters, ports: ports, secrets: new.secrets, address: place.address,
                    partitionDirectory: place.directory, releaseDirectory: store.path(of: plan.release.directoryName),
                    instanceReference: order.request.reference))
        } catch {
            throw AgentError(.badConfiguration, "\(error)")
        }
        new.revision = order.revision
        new.release = plan.release.directoryName
        new.ports = ports
        new.grace = instance.grace
        new.isFinished = false
        restart = instance.restart

        guard let command = instance.command else {
            if let record, !record.program.isEmpty { try await stop(record) }
            new.program = ""
            new.rendering = ""
            try makeDirectories()
            try save(new)
            return tell(order.claim, running(order, instance))
        }
        let script = LaunchScript(
            place: place, isolation: isolation, state: state, release: store.path(of: plan.release.directoryName),
            marker: order.claim.description, isExclusive: order.specification.exclusive)
        let files = Files(script, instance, command)
        let unchanged = isSame && new.rendering == files.digest && !new.program.isEmpty
        let info = unchanged ? try await supervisor.info(new.program) : nil
        switch info?.state(restart.policy) {
        case .starting?, .running?, .backoff?:
            // Found running: an earlier agent started it, or supervisord started it again.
            try save(new)
        case .exited?, .fatal?, .stopped?, .stopping?, .unknown?, nil:
            if cause == .crash, let info { return try await conclude(order, new, info) }
            if let record, !record.program.isEmpty { try await stop(record) }
            new.program = "\(place.number)-\(order.claim.fencing)"
            new.rendering = files.digest
            try prepare()
            try Disk.remove("\(place.control)/pid")
            try Disk.makeFile("\(place.control)/pid", mode: 0o600, owner: owner)
            try write(files)
            try save(new)
            tell(order.claim, InstanceStatus(state: .starting, revision: order.revision))
            try await supervisor.add(new.program, file: script.program(named: new.program, instance: instance))
        }
        try await awaitReady(order, new, instance, script, current)
    }

    private func running(_ order: InstanceOrder, _ instance: RenderedInstance) -> InstanceStatus {
        InstanceStatus(state: .running, connection: instance.connection, revision: order.revision)
    }

    /// Waits until the instance is ready, has failed for good, or is no longer wanted.
    private func awaitReady(
        _ order: InstanceOrder, _ record: InstanceRecord, _ instance: RenderedInstance, _ script: LaunchScript,
        _ current: Int
    ) async throws(AgentError) {
        if ends.filter({ ContinuousClock.now - $0 <= restart.window }).count > restart.attempts {
            let end = InstanceLog.end(control: place.control)
            try await stop(record)
            return tell(
                order.claim,
                failure(order, "ended \(ends.count) times within \(restart.window); the log's end:\n\(end)"))
        }
        let deadline = ContinuousClock.now + instance.readyTimeout
        let pidFile = "\(place.control)/pid"
        let check = instance.ready.map {
            Readiness(check: $0, address: place.address, command: script.launcher + ["\(place.control)/ready"])
        }
        var finding: String?
        var lastAsked = ContinuousClock.now
        // Quick at first: memcached listens 5 ms after its start; the pauses add up to about a second after 14 of them.
        var pause = Duration.milliseconds(5)
        while !isSuperseded(current) {
            let identity = ProcessTable.identity(inFile: pidFile)
            let isAlive = identity.map(ProcessTable.isAlive) ?? false
            if isAlive {
                finding = await check?.ask()
                if finding == nil, let identity, ProcessTable.isAlive(identity) {
                    seen = identity
                    return tell(order.claim, running(order, instance))
                }
            }
            if identity != nil && !isAlive || ContinuousClock.now - lastAsked > .seconds(1) {
                lastAsked = .now
                let info = try await supervisor.info(record.program)
                switch info?.state(restart.policy) {
                case .starting?, .running?, .stopping?: break
                case .backoff?:
                    let reason =
                        "ended soon after its start, is started again; the log's end:\n"
                        + InstanceLog.end(control: place.control)
                    tell(order.claim, InstanceStatus(state: .starting, reason: reason, revision: order.revision))
                case .exited?, .fatal?, .stopped?, .unknown?, nil:
                    return try await conclude(order, record, info)
                }
                // supervisord counts its own attempts; their pauses are no part of the time that a start may take.
                if info?.state(restart.policy) == .backoff {
                    guard await rest(.milliseconds(200)) else { return }
                    continue
                }
            }
            if ContinuousClock.now >= deadline, instance.ready != nil {
                let end = InstanceLog.end(control: place.control)
                try await stop(record)
                return tell(
                    order.claim,
                    failure(
                        order,
                        "not ready within \(instance.readyTimeout): \(finding ?? "it did not start"); the log's end:\n\(end)"
                    ))
            }
            guard await rest(pause) else { return }
            pause = min(pause * 4 / 3, .milliseconds(250))
        }
    }

    /// Judges a program that ended and is not started again.
    private func conclude(
        _ order: InstanceOrder, _ record: InstanceRecord, _ info: Supervisor.ProgramInfo?
    ) async throws(AgentError) {
        let end = InstanceLog.end(control: place.control)
        try await stop(record)
        seen = nil
        if let info, info.state == .exited, info.exitStatus == 0 {
            var done = record
            done.program = ""
            done.isFinished = true
            try save(done)
            return tell(order.claim, finished(order))
        }
        var reason: String
        switch info?.state {
        case .fatal?: reason = "ended soon after each of its starts"
        case .exited? where info?.exitStatus == -1: reason = "was ended by a signal"
        case .exited?: reason = "ended with status \(info?.exitStatus ?? 0)"
        default: reason = "was stopped by someone else"
        }
        if let error = info?.spawnError, !error.isEmpty { reason += " (\(error))" }
        tell(order.claim, failure(order, end.isEmpty ? reason : "\(reason); the log's end:\n\(end)"))
    }

    /// What the order asks for when it asks for rest: the data stays, the program does not run.
    private func halt(_ order: InstanceOrder) async throws(AgentError) {
        var new = record ?? InstanceRecord(claim: order.claim, revision: order.revision)
        if !new.program.isEmpty { try await stop(new) }
        new.program = ""
        new.rendering = ""
        new.revision = order.revision
        new.isFinished = false
        try prepare()
        try save(new)
        tell(order.claim, InstanceStatus(state: .stopped, revision: order.revision))
    }

    /// - Returns: false when the task was cancelled.
    private func rest(_ pause: Duration) async -> Bool {
        do {
            try await Task.sleep(for: pause)
            return true
        } catch {
            return false
        }
    }

    // MARK: Files

    /// What stands in the partition's control directory for one rendering.
    private struct Files {
        var run: String
        var ready: String?
        var stop: String?
        var digest: String

        init(_ script: LaunchScript, _ instance: RenderedInstance, _ command: RenderedInstance.Command) {
            run = script.run(instance, command: command)
            if case .command(let check)? = instance.ready { ready = script.auxiliary(instance, command: check) }
            if let command = instance.stop { stop = script.auxiliary(instance, command: command) }
            let text = [run, ready ?? "", stop ?? "", script.program(named: "", instance: instance)].joined(
                separator: "\0")
            digest = Digest(of: text.utf8).description
        }
    }

    private var owner: (uid: uid_t, gid: gid_t)? { place.user.map { ($0.uid, $0.gid) } }

    private func makeDirectories() throws(AgentError) {
        try Disk.makeDirectory(place.directory, mode: 0o700, owner: owner)
        try Disk.makeDirectory(place.control, mode: 0o711)
    }

    private func prepare() throws(AgentError) {
        try makeDirectories()
        for stream in LogStream.allCases {
            try Disk.makeFile("\(place.control)/\(stream.rawValue).log", mode: 0o600, owner: owner)
        }
    }

    private func write(_ files: Files) throws(AgentError) {
        // Read by the tenant's user, changed by the agent only; parameters may be secrets, so nobody else reads them.
        let owner = place.user.map { (uid: uid_t(0), gid: $0.gid) }
        for (name, text) in [("run", files.run), ("ready", files.ready), ("stop", files.stop)] {
            if let text {
                try Disk.write(text, to: "\(place.control)/\(name)", mode: 0o640, owner: owner, durable: name == "run")
            } else {
                try Disk.remove("\(place.control)/\(name)")
            }
        }
    }

    private func save(_ new: InstanceRecord) throws(AgentError) {
        let path = "\(place.control)/instance.json"
        if record != new, new.isIrreplaceable || Disk.exists(path) { try Disk.write(new.text, to: path, mode: 0o600) }
        record = new
    }

    private static func secret() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }.hexadecimal
    }
}

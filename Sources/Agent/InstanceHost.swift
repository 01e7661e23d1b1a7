public import Automata
import Glibc
import Logging

/// Runs instances on one machine: partitions, releases, processes.
///
/// # Vocabulary and flow
/// A *partition* is an isolated place for one instance (directory, address, ports, user). An *order* says what one
/// partition shall be; it comes from a confirmed claim, and who gives orders keeps them. A *record* is what the agent
/// itself notes about a tenant (`instance.json`). A *program* is supervisord's word for what it keeps running.
///
///     apply(order) ──> PartitionKeeper (one a partition, one step at a time, the newest order wins)
///                        ├─ Release.parse, validate, render        what shall be
///                        ├─ ReleaseStore ─> ReleaseInstaller       installing: once per machine and release
///                        ├─ LaunchScript ─> Supervisor             starting: a program under supervisord
///                        ├─ Readiness                              running: connection parameters are published
///                        └─ reports                                every change of state
///
/// Instances do not depend on the agent's life: supervisord is a daemon of its own, and what it shall run is on disk.
/// `start` compares the given orders with what is there: what runs as ordered is left alone, what nobody ordered
/// is stopped and removed. While the host lives, it looks twice a second into `/proc` at each process; supervisord is
/// asked only when something has changed.
public actor InstanceHost {
    /// Each change of an instance's state, as it happens.
    ///
    /// One reader. A reader that falls behind by more than 4,096 reports loses the oldest; `status(of:)` has the newest.
    public nonisolated let reports: AsyncStream<(ClaimReference, InstanceStatus)>

    private let configuration: Configuration
    private let continuation: AsyncStream<(ClaimReference, InstanceStatus)>.Continuation
    private let log: Logger
    private var keepers: [PartitionNumber: PartitionKeeper] = [:]
    private var supervisor: Supervisor?
    private var store: ReleaseStore?
    private var builder: PartitionUser?
    private var watcher: Task<Void, Never>?
    private var state: String { configuration.stateDirectory }

    public init(configuration: Configuration) {
        self.configuration = configuration
        log = configuration.logger
        (reports, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(4096))
    }

    deinit {
        watcher?.cancel()
        continuation.finish()
    }

    // MARK: Life

    /// What keeps instances apart on this machine; known after `start`.
    public private(set) var isolation = Isolation.auto

    /// All partitions, by number; known after `start`.
    public var partitions: [PartitionPlace] {
        keepers.values.map(\.place).filter { $0.number.value < configuration.partitionCount }
            .sorted { $0.number < $1.number }
    }

    /// Makes the partitions, starts supervisord unless it runs, and begins to reach what the orders say.
    ///
    /// Returns as soon as every partition works on its order; states are reported.
    /// - Parameter orders: all confirmed claims of this machine, one a partition.
    /// - Throws: `noIsolation`, `badConfiguration`, `supervisorFailed`, `diskFailed`: the agent cannot work then.
    public func start(orders: [InstanceOrder]) async throws(AgentError) {
        try configuration.check()
        let supervisor = try Supervisor(directory: "\(state)/supervisor", log: log)
        isolation = try await configuration.isolation.resolved()
        try await makeDirectories()
        let numbers = partitionNumbers(orders)
        guard !numbers.isEmpty else { return }
        // Its start takes as long as those of a few users: on a machine where nothing runs yet, meanwhile.
        async let ahead: Void = startAhead(supervisor)
        let builderName = PartitionUser.builderName(machine: configuration.machine)
        let users = try await makeUsers(numbers, builderName)
        builder = users[builderName]
        let store = ReleaseStore(
            state: state, isolation: isolation, builder: builder, aptConfiguration: configuration.aptConfiguration,
            log: log)
        self.supervisor = supervisor
        self.store = store
        let continuation = continuation
        for number in numbers {
            keepers[number] = PartitionKeeper(
                place: try place(number, users), isolation: isolation, state: state, supervisor: supervisor,
                store: store,
                log: log, report: { continuation.yield(($0, $1)) })
        }
        await ahead
        try await removeUnknownPrograms(supervisor)
        var ordered: [PartitionNumber: InstanceOrder] = [:]
        for order in orders where order.claim.fencing >= ordered[order.claim.partition]?.claim.fencing ?? .zero {
            ordered[order.claim.partition] = order
        }
        for (number, keeper) in keepers {
            if let order = ordered[number] {
                await keeper.want(order)
            } else if await keeper.isUsed {
                log.notice("partition.orphan", metadata: ["partition": "\(number)"])
                await keeper.vacate(await keeper.record?.claim)
            }
        }
        watch()
    }

    /// Ends the watching and what is being installed; instances and supervisord go on.
    public func shutdown() async {
        watcher?.cancel()
        await watcher?.value
        watcher = nil
        for keeper in keepers.values { await keeper.close() }
        await store?.close()
        continuation.finish()
    }

    /// Ends everything that this machine runs, supervisord too, and removes partitions and their users: for a machine
    /// that leaves for good.
    public func retire() async throws(AgentError) {
        for keeper in keepers.values { await keeper.vacate(nil) }
        for keeper in keepers.values { await keeper.settle() }
        for (number, keeper) in keepers where await keeper.isUsed {
            throw AgentError(.toolFailed, "partition \(number) cannot be emptied", remedy: "see the reports")
        }
        await shutdown()
        try await supervisor?.end()
        for keeper in keepers.values {
            try Disk.remove(keeper.place.directory)
            try Disk.remove(keeper.place.control)
            if let user = keeper.place.userName { try await PartitionUser.remove(user) }
        }
        if let builder {
            try await builder.killAll()
            try await PartitionUser.remove(builder.name)
        }
        keepers = [:]
    }

    // MARK: Orders

    /// Takes up an order; returns at once, states are reported.
    ///
    /// The same order again does nothing but report the present state again; one of the same revision that suspends it, or
    /// ends a suspension, is followed. An older revision, or a claim with a
    /// smaller fencing number than the partition's newest, is refused with a warning in the log. New parameters restart
    /// the instance only if they change what is run.
    public func apply(_ order: InstanceOrder) async {
        guard let keeper = keepers[order.claim.partition] else {
            let reason =
                "this machine has no partition \(order.claim.partition): it has \(configuration.partitionCount)"
            continuation.yield(
                (order.claim, InstanceStatus(state: .failed, reason: reason, revision: order.revision)))
            return
        }
        await keeper.want(order)
    }

    /// Begins to empty a claim's partition; returns at once. `destroyed` is reported when no process and no file of
    /// the tenant is left; until then it is tried again and again.
    public func vacate(_ claim: ClaimReference) async {
        guard let keeper = keepers[claim.partition] else {
            continuation.yield((claim, InstanceStatus(state: .destroyed)))
            return
        }
        await keeper.vacate(claim)
    }

    /// Sets the instant at which an exclusive instance must be dead, also when this process is: kept by a guard of its own.
    ///
    /// - Parameter remaining: until then, counted from this call.
    public func holdLease(of claim: ClaimReference, for remaining: Duration) async {
        guard let keeper = keepers[claim.partition] else { return }
        do {
            try Disk.makeDirectory(keeper.place.control, mode: 0o711)
            try LeaseGuard.hold(
                remaining, in: keeper.place.control, owner: keeper.place.user.map { ($0.uid, $0.gid) })
        } catch {
            // The old end stands: the instance ends early rather than late.
            configuration.logger.error("lease.notKept", metadata: ["claim": "\(claim)", "reason": "\(error)"])
        }
    }

    /// The newest status of a claim; nil when there was none since `start`.
    public func status(of claim: ClaimReference) async -> InstanceStatus? {
        guard let latest = await keepers[claim.partition]?.latest, latest.claim == claim else { return nil }
        return latest.status
    }

    func gauge(of partition: PartitionNumber) async -> Gauge? { await keepers[partition]?.gauge() }

    /// Waits until a partition has reached, or failed to reach, what was ordered so far.
    public func settle(_ partition: PartitionNumber) async { await keepers[partition]?.settle() }

    /// Reads what an instance has said.
    ///
    /// - Parameter offset: in bytes, from its first byte ever; negative: from the end. What is no longer kept (more than
    ///   16 MiB ago) is passed over.
    /// - Parameter limit: of bytes, at most 1 MiB.
    /// - Returns: the bytes, and the offset to go on at.
    public func logs(
        of claim: ClaimReference, stream: LogStream, offset: Int64, limit: Int
    ) async throws(AgentError) -> (bytes: [UInt8], nextOffset: Int64) {
        guard let keeper = keepers[claim.partition], await keeper.record?.claim == claim else {
            throw AgentError(.notFound, "no instance of claim \(claim) is here", remedy: "look where it was placed")
        }
        return try InstanceLog(control: keeper.place.control, stream: stream)
            .read(offset: offset, limit: min(max(0, limit), 1 << 20))
    }

    /// The first eight bytes of the digests of the releases that are here, the one used last first; at most `most`.
    public func installedReleases(most: Int) -> [UInt64] { store?.installed(most: most) ?? [] }

    /// Removes the releases that no instance has used for `Configuration.releaseKeptFor`.
    ///
    /// - Parameter now: wall-clock time; what files are dated by.
    /// - Returns: the names of the directories that were removed.
    @discardableResult
    public func sweep(now: Instant) async throws(AgentError) -> [String] {
        try await store?.sweep(now: now, unusedFor: configuration.releaseKeptFor) ?? []
    }

    /// supervisord's process; nil before `start`.
    public var supervisorProcess: Int32? { get async { await supervisor?.pid } }

    // MARK: Parts of the start

    private func makeDirectories() async throws(AgentError) {
        // Partitions' users pass through; only what is theirs can be listed by them.
        try Disk.makeDirectory(state, mode: isolation == .users ? 0o711 : 0o700)
        for name in ["partitions", "instances", "releases"] {
            try Disk.makeDirectory("\(state)/\(name)", mode: name == "releases" ? 0o755 : 0o711)
        }
        guard isolation == .users else { return }
        var path = state
        while let slash = path.lastIndex(of: "/"), slash > path.startIndex {
            path = String(path[..<slash])
            var status = stat()
            guard stat(path, &status) == 0, status.st_mode & 0o001 == 0 else { continue }
            throw AgentError(
                .badConfiguration, "partitions' users cannot reach \(state): \(path) is closed to them",
                remedy: "choose a state directory elsewhere, as /var/lib/palmier, or chmod o+x \(path)")
        }
    }

    /// Those of the configuration, and those beyond it where something is left or ordered.
    private func partitionNumbers(_ orders: [InstanceOrder]) -> [PartitionNumber] {
        var numbers = Set((0..<configuration.partitionCount).map { PartitionNumber($0) })
        numbers.formUnion(orders.map(\.claim.partition))
        for directory in ["partitions", "instances"] {
            for name in Disk.names(in: "\(state)/\(directory)") where name.hasPrefix("p") {
                if let value = Int(name.dropFirst()), value < Configuration.partitionCountMax {
                    numbers.insert(PartitionNumber(value))
                }
            }
        }
        return numbers.sorted()
    }

    /// By name; none where partitions have no users of their own.
    private func makeUsers(
        _ numbers: [PartitionNumber], _ builderName: String
    ) async throws(AgentError) -> [String: PartitionUser] {
        guard isolation == .users else { return [:] }
        let partitions = numbers.map { number in
            PartitionUser.Wanted(
                name: PartitionUser.name(machine: configuration.machine, partition: number), home: directory(number))
        }
        return try await PartitionUser.create(
            [PartitionUser.Wanted(name: builderName, home: "\(state)/releases")] + partitions)
    }

    private func directory(_ number: PartitionNumber) -> String { "\(state)/partitions/\(number)" }

    private func place(
        _ number: PartitionNumber, _ users: [String: PartitionUser]
    ) throws(AgentError) -> PartitionPlace {
        let directory = directory(number)
        let user = users[PartitionUser.name(machine: configuration.machine, partition: number)]
        let address: String
        switch configuration.address {
        case .loopback: address = PartitionPlace.loopbackAddress(machine: configuration.machine, partition: number)
        case .machine(let given): address = given
        }
        let base = Int(configuration.portBase ?? PartitionPlace.portBase(machine: configuration.machine))
        let first = base + number.value * configuration.portsPerPartition
        let last = first + configuration.portsPerPartition - 1
        guard last <= 65_535 else {
            throw AgentError(
                .badConfiguration, "the ports of partition \(number) would be \(first) to \(last)",
                remedy: "choose a smaller port base")
        }
        let place = PartitionPlace(
            number: number, directory: directory, control: "\(state)/instances/\(number)", address: address,
            ports: UInt16(first)...UInt16(last), user: user)
        try Disk.makeDirectory(directory, mode: 0o700, owner: user.map { ($0.uid, $0.gid) })
        try Disk.makeDirectory(place.control, mode: 0o711)
        return place
    }

    /// Starts supervisord where it would find no program to start.
    private func startAhead(_ supervisor: Supervisor) async {
        guard Disk.names(in: "\(state)/supervisor/conf.d").isEmpty else { return }
        do throws(AgentError) {
            try await supervisor.ensureRunning()
        } catch {
            // It is needed in a moment, tried again then, and the reason told there.
            log.debug("supervisor.ahead", metadata: ["reason": "\(error)"])
        }
    }

    private func removeUnknownPrograms(_ supervisor: Supervisor) async throws(AgentError) {
        var known: Set<String> = []
        for keeper in keepers.values {
            if let program = await keeper.record?.program, !program.isEmpty { known.insert(program) }
        }
        // Before supervisord starts, which would start them.
        let directory = "\(state)/supervisor/conf.d"
        for file in Disk.names(in: directory) where !known.contains(String(file.dropLast(".conf".count))) {
            try Disk.remove("\(directory)/\(file)")
        }
        try await supervisor.ensureRunning()
        for program in try await supervisor.programs() where !known.contains(program) {
            log.notice("program.orphan", metadata: ["program": "\(program)"])
            try await supervisor.remove(program, grace: .seconds(5))
        }
    }

    // MARK: Watching

    private func watch() {
        guard watcher == nil else { return }
        let interval = configuration.watchInterval
        // Ended by `shutdown`, and by itself when the host is gone.
        watcher = Task { [weak self] in
            while !Task.isCancelled {
                do { try await Task.sleep(for: interval) } catch { return }
                guard let self else { return }
                await self.look()
            }
        }
    }

    private func look() async {
        do throws(AgentError) {
            if try await supervisor?.ensureRunning() == true {
                let pid = await supervisor?.pid ?? 0
                log.warning("supervisor.restarted", metadata: ["pid": "\(pid)"])
            }
        } catch {
            log.error("supervisor.failed", metadata: ["reason": "\(error)"])
        }
        for keeper in keepers.values { await keeper.look() }
    }
}

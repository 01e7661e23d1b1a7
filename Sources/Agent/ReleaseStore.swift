import Automata
import Glibc
import Logging
internal import Releases

/// The releases of a machine: each installed once, whoever needs it, several versions side by side.
///
/// `STATE/releases/NAME-VERSION-DIGEST/` holds a release, `….installed` beside it says that it is whole (its time of
/// change is when it was last used), `….log` what its installation said. Without the mark a directory is a rest, and
/// is made anew.
actor ReleaseStore {
    enum State: Sendable {
        case working
        case installed
        case failed(AgentError)
    }

    private let directory: String
    private let isolation: Isolation
    private let state: String
    private let aptConfiguration: String?
    private let builder: PartitionUser?
    private let log: Logger
    private let shelf = ReleaseShelf()
    private var tasks: [String: Task<Void, Never>] = [:]
    /// The newest installation with a build script: they run one after the other, so that what one leaves running can
    /// be killed without killing another.
    private var lastBuild: Task<Void, Never>?
    private var states: [String: State] = [:]
    private var users: [PartitionNumber: String] = [:]

    /// - Parameter builder: who runs build scripts; nil: the agent's own user.
    init(state: String, isolation: Isolation, builder: PartitionUser?, aptConfiguration: String?, log: Logger) {
        self.builder = builder
        self.state = state
        self.directory = "\(state)/releases"
        self.isolation = isolation
        self.aptConfiguration = aptConfiguration
        self.log = log
    }

    /// The release that a document says.
    nonisolated func release(_ document: ReleaseDocument) throws(ReleaseError) -> Release {
        try shelf.release(document)
    }

    nonisolated func path(of name: String) -> String { "\(state)/releases/\(name)" }

    /// Notes that a partition needs a release, and begins to install it unless it is there or on its way.
    func use(_ release: Release, for place: PartitionPlace) -> State {
        let name = release.directoryName
        users[place.number] = name
        switch states[name] {
        case .working?: return .working
        case .installed? where Disk.exists(path(of: name)):
            Disk.touch(path(of: name) + ".installed")
            return .installed
        case .installed?, .failed?, nil: break
        }
        states[name] = .working
        let installer = ReleaseInstaller(
            release: release, directory: path(of: name), place: place.used(by: builder), isolation: isolation,
            state: state, aptConfiguration: aptConfiguration)
        let earlier = release.source.build == nil ? nil : lastBuild
        // Ended by `close`, or by itself since each of its steps is bounded; who waits asks `state(of:)`.
        let task = Task {
            await earlier?.value
            self.finish(name, await installer.install())
        }
        tasks[name] = task
        if release.source.build != nil { lastBuild = task }
        return .working
    }

    /// Ends what is being installed; without its mark it is made anew another time.
    func close() async {
        let running = tasks.values
        for task in running { task.cancel() }
        for task in running { await task.value }
    }

    func state(of name: String) -> State {
        states[name] ?? .failed(AgentError(.installFailed, "the release \(name) is not being installed"))
    }

    /// Notes that a partition needs none any more.
    func forget(_ partition: PartitionNumber) { users[partition] = nil }

    private func finish(_ name: String, _ failure: AgentError?) {
        tasks[name] = nil
        if let failure {
            states[name] = .failed(failure)
            log.warning("release.failed", metadata: ["release": "\(name)", "reason": "\(failure)"])
        } else {
            states[name] = .installed
            log.notice("release.installed", metadata: ["release": "\(name)"])
        }
    }

    /// The first eight bytes of the digests of whole releases, the one used last first; at most `most`. Of an installation
    /// before marks had it the digest is not known.
    nonisolated func installed(most: Int) -> [UInt64] {
        let marks = Disk.names(in: directory).filter { $0.hasSuffix(".installed") }
            .compactMap { mark in Disk.modified("\(directory)/\(mark)").map { (mark, $0.seconds, $0.nanoseconds) } }
            .sorted { ($1.1, $1.2, $0.0) < ($0.1, $0.2, $1.0) }
        return marks.lazy.compactMap { Self.digest(inMark: (try? Disk.read("\(self.directory)/\($0.0)")) ?? nil) }
            .prefix(most).map(\.first)
    }

    private static func digest(inMark text: String?) -> Digest? {
        guard let text, case .object(let members)? = try? JSONValue(parsing: text),
            case .string(let digits)? = members["digest"]
        else { return nil }
        return Digest(hexadecimal: digits)
    }

    /// Removes what no partition uses and none has used for a time.
    ///
    /// - Parameter now: wall-clock time.
    /// - Returns: the names of what was removed.
    func sweep(now: Instant, unusedFor age: Duration) throws(AgentError) -> [String] {
        var removed: [String] = []
        let used = Set(users.values)
        for mark in Disk.names(in: directory) where mark.hasSuffix(".installed") {
            let name = String(mark.dropLast(".installed".count))
            guard !used.contains(name), let time = Disk.modified("\(directory)/\(mark)") else { continue }
            if case .working? = states[name] { continue }
            let last = Instant(nanoseconds: time.seconds * 1_000_000_000 + time.nanoseconds)
            guard now - last >= age else { continue }
            try Disk.remove("\(directory)/\(mark)")
            states[name] = nil
            try Disk.remove(path(of: name))
            try Disk.remove(path(of: name) + ".log")
            removed.append(name)
        }
        return removed
    }
}

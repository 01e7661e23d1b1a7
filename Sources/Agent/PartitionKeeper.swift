import Automata
import Glibc
import Logging
internal import Releases

/// Makes one partition what the newest order says, one step at a time.
///
/// A wish (an order, or to be empty) is noted at once and worked on by a single task; a newer wish ends the waiting of an
/// older one (for an installation, for readiness), never one of its changes half-way. After each step the next wish is
/// compared with what is really there: supervisord, the process, the record on disk.
actor PartitionKeeper {
    enum Wish: Sendable {
        case none
        case order(InstanceOrder)
        /// nil: whatever is there.
        case vacant(ClaimReference?)
    }

    /// Why a step is made: what has ended is started again for an order, and judged after a crash.
    enum Cause: Sendable { case order, crash }

    nonisolated let place: PartitionPlace
    let isolation: Isolation
    let state: String
    let supervisor: Supervisor
    let store: ReleaseStore
    let log: Logger
    private let report: @Sendable (ClaimReference, InstanceStatus) -> Void

    var record: InstanceRecord?
    private(set) var wish = Wish.none
    private var generation = 0
    private var handled = 0
    private var cause = Cause.order
    private var isClosing = false
    private var task: Task<Void, Never>?

    /// The newest status, and whose.
    private(set) var latest: (claim: ClaimReference, status: InstanceStatus)?
    /// The process that was seen running; nil while none is, or while there is nothing to run.
    var seen: ProcessTable.Identity?
    /// When it ended unasked, within its restart window.
    var ends: [ContinuousClock.Instant] = []
    var restart = InstanceType.Restart.standard
    /// What its processes had computed when they were looked at last.
    var computed: (ticks: UInt64, at: ContinuousClock.Instant)?
    private var retryAt: ContinuousClock.Instant?

    init(
        place: PartitionPlace, isolation: Isolation, state: String, supervisor: Supervisor, store: ReleaseStore,
        log: Logger, report: @escaping @Sendable (ClaimReference, InstanceStatus) -> Void
    ) {
        self.place = place
        self.isolation = isolation
        self.state = state
        self.supervisor = supervisor
        self.store = store
        self.log = log
        self.report = report
        if let text = try? Disk.read("\(place.control)/instance.json") { record = InstanceRecord(text: text) }
    }

    // MARK: Wishes

    /// Whether anything is or was here that no order explains.
    var isUsed: Bool {
        record != nil || !Disk.names(in: place.directory).isEmpty || !Disk.names(in: place.control).isEmpty
    }

    func want(_ order: InstanceOrder) {
        switch wish {
        case .order(let known):
            guard order.claim.fencing >= known.claim.fencing else { return refuse(order, known.claim) }
            if order.claim == known.claim {
                guard order.revision >= known.revision else { return }
                // Of one revision there are two orders: as asked, and suspended for want of a lease (I1).
                if order == known {
                    if let latest { report(latest.claim, latest.status) }
                    return
                }
            }
        case .vacant(let claim?):
            guard order.claim.fencing > claim.fencing else { return refuse(order, claim) }
        case .none, .vacant(nil):
            if let record, order.claim.fencing < record.claim.fencing { return refuse(order, record.claim) }
        }
        ends = []
        begin(.order(order), .order)
    }

    func vacate(_ claim: ClaimReference?) {
        if let claim, let newest = newestClaim, claim.fencing < newest.fencing {
            // Its tenancy ended before the present one began.
            report(claim, InstanceStatus(state: .destroyed))
            return
        }
        if case .vacant(let known) = wish, known == claim {
            if let claim, latest?.claim == claim, let latest { report(claim, latest.status) }
            if handled != generation { return }
        }
        begin(.vacant(claim), .order)
    }

    private var newestClaim: ClaimReference? {
        switch wish {
        case .order(let order): order.claim
        case .vacant(let claim): claim ?? record?.claim
        case .none: record?.claim
        }
    }

    private func refuse(_ order: InstanceOrder, _ newest: ClaimReference) {
        log.warning("order.stale", metadata: ["claim": "\(order.claim)", "newest": "\(newest)"])
    }

    private func begin(_ wish: Wish, _ cause: Cause) {
        self.wish = wish
        self.cause = cause
        generation += 1
        retryAt = nil
        // Owned by this actor, ended by `close`; it ends by itself when there is nothing left to do.
        if task == nil, !isClosing { task = Task { await self.work() } }
    }

    private func work() async {
        while handled != generation, !isClosing {
            let current = generation
            let wish = wish
            let cause = cause
            switch wish {
            case .none: break
            case .order(let order) where order.specification.desired == .destroyed:
                await empty(for: order.claim, revision: order.revision)
            case .order(let order): await bring(order, cause, current)
            case .vacant(let claim): await empty(for: claim ?? record?.claim, revision: record?.revision ?? .first)
            }
            handled = current
        }
        task = nil
    }

    /// Whether a newer wish is there, or the agent ends: then waiting is pointless.
    func isSuperseded(_ current: Int) -> Bool { current != generation || isClosing }

    func tell(_ claim: ClaimReference, _ status: InstanceStatus) {
        var status = status
        if status.reason.utf8.count > 4000 { status.reason = status.reason.end(lines: 40, bytes: 4000) }
        if let latest, latest.claim == claim, latest.status == status { return }
        latest = (claim, status)
        report(claim, status)
    }

    /// Waits until all wishes so far are worked on.
    func settle() async {
        while let task { await task.value }
    }

    /// Ends the keeping; the instance goes on.
    func close() async {
        isClosing = true
        await settle()
    }

    // MARK: Watching

    /// Compares what is wanted with what is there, when nothing else is going on: costs a look into `/proc`.
    func look() {
        guard task == nil, !isClosing else { return }
        if let retryAt, ContinuousClock.now >= retryAt { return begin(wish, .order) }
        guard case .order(let order) = wish, let record, record.claim == order.claim else { return }
        for stream in LogStream.allCases {
            do throws(AgentError) {
                try InstanceLog(control: place.control, stream: stream).cut()
            } catch {
                log.warning("log.cut-failed", metadata: ["reason": "\(error)"])
            }
        }
        guard let seen, !record.program.isEmpty else { return }
        let present = ProcessTable.identity(inFile: "\(place.control)/pid")
        guard present != seen || !ProcessTable.isAlive(seen) else { return }
        log.warning("instance.ended", metadata: ["claim": "\(order.claim)", "pid": "\(seen.pid)"])
        ends.append(.now)
        begin(wish, .crash)
    }

    /// Tries again after a pause what failed for a reason that may pass.
    func retry(after pause: Duration) { retryAt = .now + pause }
}

extension InstanceType.Restart {
    /// What counts before a release is known.
    static var standard: InstanceType.Restart {
        InstanceType.Restart(policy: .onFailure, attempts: 3, window: .seconds(60))
    }
}

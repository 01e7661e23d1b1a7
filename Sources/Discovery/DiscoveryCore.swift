import Automata

/// What a `DiscoveryService` does on the loop's thread: it owns the back end, the peer table, the pace of publishing,
/// and decides which back end it is.
///
/// Confined to the loop's thread; jobs are the only way in.
final class DiscoveryCore: @unchecked Sendable {
    // Unchecked: nothing here is touched outside of the loop's thread, which the jobs of `DiscoveryService` ensure.
    private let configuration: DiscoveryConfiguration
    private let loop: AvahiLoop
    private let log: DiscoveryLog
    private let handler: @Sendable (DiscoveryEvent) -> Void

    private var table: PeerTable
    private var pacer: PublicationPacer<Advertisement>
    private var current: Advertisement?
    private var scope: BrowseScope?
    private var alternate: UInt16 = 0
    private var collisions = 0
    private var renaming = false
    private var withdrawals: [() -> Void] = []
    private var withdrawalDeadline: AvahiLoop.TimerID?

    private var backEnd: (any BackEnd)?
    private var kind = DiscoveryBackEnd.none
    private var reason = ""
    private var lostDaemon = false
    private var patience: AvahiLoop.TimerID?
    private var fading: AvahiLoop.TimerID?
    private var asking: AvahiLoop.TimerID?
    private var multicast: Bool?
    private var stopped = false

    init(
        _ configuration: DiscoveryConfiguration, loop: AvahiLoop, log: DiscoveryLog,
        handler: @escaping @Sendable (DiscoveryEvent) -> Void
    ) {
        self.configuration = configuration
        self.loop = loop
        self.log = log
        self.handler = handler
        table = PeerTable(own: configuration.peer, peersMax: configuration.peersMax)
        pacer = PublicationPacer(interval: configuration.publishInterval)
    }

    // MARK: life

    func start() {
        log.adoptAvahiMessages()
        switch configuration.mode {
        case .none: return announce(.none, "it was asked for; peers are found through --join and those remembered")
        case .embedded: embed("it was asked for")
        case .daemon:
            reason = "it was asked for"
            if let absence = DaemonBackEnd.absence() {
                tell(.unavailable(reason: "avahi-daemon does not answer on the system D-Bus (\(absence))"))
            }
            awaitDaemon()
        case .auto:
            if let absence = DaemonBackEnd.absence() {
                embed("no avahi-daemon answers on the system D-Bus (\(absence))")
            } else {
                reason = "avahi-daemon answers on the system D-Bus"
                awaitDaemon()
            }
        }
        checkMulticast()
    }

    func stop() {
        guard !stopped else { return }
        stopped = true
        backEnd?.stop()
        backEnd = nil
        endWithdrawal()
        loop.finish()
    }

    func browse(_ scope: BrowseScope) {
        guard scope != self.scope else { return }
        let isNarrower = self.scope == .everyone
        self.scope = scope
        if asking == nil { askInTurn(after: Self.firstQuestion) }
        if isNarrower {
            backEnd?.forgetAll()
            table.fade()
            dropFadedSoon()
        }
        backEnd?.browse(scope)
    }

    func ask(for scope: BrowseScope) {
        guard configuration.mode != .none else { return }
        let question = LinkQuestion(type: ServiceRecords(type: configuration.serviceType).type(of: scope.source))
        let (loop, interfaces) = (loop, configuration.interfaces)
        do {
            // On a thread of its own, since it waits for packets.
            try runOnThread { [weak self] in
                question.ask(on: interfaces, for: .seconds(1)) { found in
                    loop.enqueue { [weak self] in self?.onAnswer(found) }
                }
            }
        } catch {
            log.debug("discovery.unasked", ["error": "\(error)"])  // the browser asks, too
        }
    }

    private static let firstQuestion = Duration.seconds(1)
    private static let questionGapMax = Duration.seconds(600)

    /// Asks the link itself for masters, each time after twice as long, where browsing may not show them: the daemon browses
    /// its cache, which a crowded link fills with whoever came first, and then takes nobody more.
    private func askInTurn(after gap: Duration) {
        // Those who came up together do not ask together.
        let slack = Duration.milliseconds(Int64.random(in: 0...(gap.nanoseconds / 2_000_000)))
        asking = loop.schedule(after: gap + slack) { [weak self] in
            guard let self, !stopped else { return }
            if kind == .daemon || !table.knowsMaster { ask(for: .masters) }
            askInTurn(after: min(gap * 2, Self.questionGapMax))
        }
    }

    private func onAnswer(_ found: Advertisement) {
        if !stopped, found.peer != configuration.peer { handler(.found(found)) }
    }

    // MARK: publishing

    func publish(_ advertisement: Advertisement) {
        guard withdrawals.isEmpty else { return }
        switch pacer.offer(advertisement, at: .now) {
        case .publish(let item): push(item)
        case .wait(let until):
            loop.schedule(after: until - .now) { [weak self] in
                if let self, let item = pacer.due(at: .now) { push(item) }
            }
        case .replaced: break
        }
    }

    private func push(_ advertisement: Advertisement) {
        current = advertisement
        republish()
    }

    private func republish() {
        guard let current else { return }
        do {
            backEnd?.publish(try Publication(of: current, alternate: alternate))
        } catch {
            // `DiscoveryService.publish` has refused such an advertisement before it came here.
            log.debug("discovery.publish.refused", ["error": "\(error)"])
        }
    }

    /// Publishes the ended flag, then, once it was heard on the link, the goodbye.
    func withdraw(_ done: @escaping () -> Void) {
        guard var last = current, backEnd != nil, !stopped else {
            current = nil
            return done()
        }
        withdrawals.append(done)
        guard withdrawals.count == 1 else { return }
        pacer.drop(at: .now)
        last.ended = true
        push(last)
        // An announcement leaves within 370 ms (RFC 6762, 6: 250 ms of jitter here, 120 ms of delay); where nothing is
        // heard, waiting longer helps nobody.
        withdrawalDeadline = loop.schedule(after: .milliseconds(900)) { [weak self] in self?.endWithdrawal() }
    }

    private func endWithdrawal() {
        guard !withdrawals.isEmpty else { return }
        loop.cancel(withdrawalDeadline)
        current = nil
        backEnd?.withdraw()
        let waiting = withdrawals
        withdrawals = []
        guard !stopped else { return waiting.forEach { $0() } }
        // The goodbye leaves in the loop's next rounds.
        loop.schedule(after: .milliseconds(50)) { waiting.forEach { $0() } }
    }

    // MARK: back ends

    private func setting() -> BackEndSetting {
        BackEndSetting(
            loop: loop, type: configuration.serviceType, peer: configuration.peer,
            interfaces: configuration.interfaces, recordTTLSeconds: configuration.recordTTLSeconds,
            othersMax: configuration.peersMax * 2,
            report: { [weak self] report in self?.on(report) }, log: log)
    }

    private func embed(_ why: String) {
        reason = why
        use(.embedded, again: .seconds(5)) { core throws(BackEndError) in EmbeddedBackEnd(core.setting()) }
    }

    private func awaitDaemon() {
        use(.daemon, again: .seconds(2)) { core throws(BackEndError) in try DaemonBackEnd(core.setting()) }
    }

    /// Makes and starts a back end; where that fails, tries again every `delay`.
    private func use(
        _ kind: DiscoveryBackEnd, again delay: Duration,
        make: @escaping (DiscoveryCore) throws(BackEndError) -> any BackEnd
    ) {
        self.kind = kind
        do throws(BackEndError) {
            let new = try make(self)
            backEnd = new
            try new.start()
            if let scope { new.browse(scope) }
            republish()
        } catch {
            backEnd?.stop()
            backEnd = nil
            tell(.unavailable(reason: error.message))
            loop.schedule(after: delay) { [weak self] in
                if let self, !stopped, backEnd == nil { use(kind, again: delay, make: make) }
            }
        }
    }

    private func on(_ report: BackEndReport) {
        guard !stopped else { return }
        switch report {
        case .running: onRunning()
        case .resolved(let key, let sighting): pass(table.resolved(key, sighting), key.label)
        case .text(let key, let text): pass(table.textHeard(key, text), key.label)
        case .removed(let key): pass(table.removed(key), key.label)
        case .collision: onCollision()
        case .lost(let why): onLost(why)
        }
    }

    private func onRunning() {
        loop.cancel(patience)
        patience = nil
        if lostDaemon && kind == .daemon {
            lostDaemon = false
            tell(.daemonRegained)
        } else {
            announce(kind, reason)
        }
        dropFadedSoon()
    }

    /// Those that are still there answer the first queries within a second or two; five leaves room for a loss.
    private func dropFadedSoon() {
        loop.cancel(fading)
        fading = loop.schedule(after: .seconds(5)) { [weak self] in
            if let self { pass(table.dropFaded(), "") }
        }
    }

    private func onLost(_ why: String) {
        table.fade()
        loop.cancel(fading)
        backEnd?.stop()
        backEnd = nil
        guard kind == .daemon else {
            tell(.unavailable(reason: why))
            loop.schedule(after: .seconds(2)) { [weak self] in
                if let self, !stopped, backEnd == nil { embed(reason) }
            }
            return
        }
        if !lostDaemon { tell(.daemonLost(reason: why)) }
        lostDaemon = true
        loop.schedule(after: .milliseconds(300)) { [weak self] in
            if let self, !stopped, backEnd == nil { awaitDaemon() }
        }
        guard configuration.mode == .auto, patience == nil else { return }
        patience = loop.schedule(after: configuration.daemonPatience) { [weak self] in self?.onPatienceOver() }
    }

    private func onPatienceOver() {
        guard lostDaemon, kind == .daemon, !stopped else { return }
        backEnd?.stop()
        lostDaemon = false
        embed("avahi-daemon was lost and did not return within \(configuration.daemonPatience)")
    }

    /// Somebody else has our key: a copied state directory. Both of us may notice and both take another name, so the
    /// names are drawn, and each further attempt waits longer (RFC 6762, 8.1).
    private func onCollision() {
        guard current != nil, !renaming else { return }
        renaming = true
        collisions += 1
        loop.schedule(after: .milliseconds(100) + .seconds(min(collisions - 1, 15))) { [weak self] in
            guard let self else { return }
            renaming = false
            guard let current, !stopped else { return }
            alternate = UInt16.random(in: 2...999)
            backEnd?.withdraw()
            republish()
            tell(.renamed(InstanceLabel.make(name: current.name, peer: current.peer, alternate: alternate)))
        }
    }

    // MARK: telling

    private func pass(_ outcomes: [PeerTable.Outcome], _ label: String) {
        for outcome in outcomes {
            switch outcome {
            case .event(let event): handler(event)
            case .heardSelf(let advertisement): onSelf(advertisement)
            case .refused(let why): log.debug("discovery.refused", ["label": "\(label)", "reason": "\(why)"])
            }
        }
    }

    private func onSelf(_ heard: Advertisement) {
        guard heard.ended, heard.incarnation == current?.incarnation, !withdrawals.isEmpty else { return }
        // Each interface and IP version has its own jitter: a goodbye now would overtake the flag on the others.
        loop.cancel(withdrawalDeadline)
        withdrawalDeadline = loop.schedule(after: .milliseconds(250)) { [weak self] in self?.endWithdrawal() }
    }

    private func tell(_ status: DiscoveryStatus) {
        handler(.status(status))
    }

    private func announce(_ kind: DiscoveryBackEnd, _ reason: String) {
        self.kind = kind
        tell(.running(kind, reason: reason))
    }

    // MARK: multicast

    /// Checks now and again; tells only what changed.
    private func checkMulticast() {
        guard !stopped else { return }
        let (loop, interfaces, timeout) = (loop, configuration.interfaces, configuration.multicastCheckTimeout)
        do {
            // On a thread of its own, since it waits for packets.
            try runOnThread { [weak self] in
                let check = MulticastCheck.run(interfaces: interfaces, timeout: timeout)
                loop.enqueue { [weak self] in self?.onChecked(check) }
            }
        } catch {
            log.debug("discovery.multicast.unchecked", ["error": "\(error)"])
            loop.schedule(after: .seconds(60)) { [weak self] in self?.checkMulticast() }
        }
    }

    private func onChecked(_ check: MulticastCheck) {
        guard !stopped else { return }
        log.debug("discovery.multicast.checked", ["works": "\(check.works)", "reason": "\(check.reason)"])
        if multicast != check.works {
            multicast = check.works
            tell(check.works ? .multicastWorks : .multicastSilent(reason: check.reason))
        }
        // Rarely while it works, since everyone on the link hears it; sooner while somebody may be repairing it.
        loop.schedule(after: check.works ? .seconds(900) : .seconds(10)) { [weak self] in self?.checkMulticast() }
    }
}

import Automata
import Claims
import Ledger
import Logging
import NIOCore
import Peer
import Replication
import Storage

/// A peer on its event loop: takes inputs one at a time, performs effects in order.
///
/// Confined to the loop. What leaves the loop (writes, the agent's work) goes through streams that `PeerHost.run` serves.
/// No effect waits for the disk: the peer hears when a write is durable, and orders what follows from it then.
final class PeerCore {
    /// What a step orders outside the loop and beyond the peer.
    struct Outlets {
        var send: (PeerMessage, PeerID) -> Void
        var learn: (PeerID, [Endpoint]) -> Void
        var publish: (Advertisement) -> Void
        var browse: (BrowseScope) -> Void
        var write: (MachineWrite, _ number: UInt64) -> Void
        /// Worth having at the next start; nothing waits for it.
        var hint: (WriteBatch) -> Void
        var agent: (AgentCommand) -> Void
        var object: (Peer.ObjectOrder) -> Void
        var ledger: (PeerID, LedgerOrder) -> Void
        var notice: (Peer.Effect) -> Void
    }

    private(set) var peer: Peer
    private let loop: any EventLoop
    private let clock: HostClock
    private let outlets: Outlets
    private var timers = TimerQueue<Peer.Timer>()
    private var wakeUp: (due: Instant, task: Scheduled<Void>)?
    private var isFiring = false
    private var waiting: [CallID: CheckedContinuation<CallResult, Never>] = [:]
    private var asking: [CallID: CheckedContinuation<RingResult, Never>] = [:]
    private var nextCall: UInt64 = 1
    private var isHandling = false
    private var pendingInputs: [Peer.Input] = []

    init(peer: Peer, loop: any EventLoop, clock: HostClock, outlets: Outlets) {
        self.peer = peer
        self.loop = loop
        self.clock = clock
        self.outlets = outlets
    }

    /// Feeds one input, and whatever its effects feed back, one after the other.
    func input(_ input: Peer.Input) {
        loop.preconditionInEventLoop()
        pendingInputs.append(input)
        guard !isHandling else { return }
        isHandling = true
        while !pendingInputs.isEmpty {
            let next = pendingInputs
            pendingInputs = []
            for input in next {
                for effect in peer.effects(of: input, at: clock.now) { perform(effect) }
            }
        }
        isHandling = false
        armWakeUp()
    }

    /// Asks the peer; the continuation is resumed once.
    ///
    /// - Parameter ledger: where it records; nil: in the own one.
    func call(_ call: Call, of ledger: PeerID?, _ continuation: CheckedContinuation<CallResult, Never>) {
        let id = CallID(nextCall)
        nextCall += 1
        waiting[id] = continuation
        loop.assumeIsolated().scheduleTask(in: .seconds(30) + .nanoseconds(call.patience.nanoseconds)) { [self] in
            guard let continuation = waiting.removeValue(forKey: id) else { return }
            let refusal = Refusal(
                .timedOut, "this master did not finish the call in time",
                remedy: "see `palmier doctor`; the call is safe to repeat")
            continuation.resume(returning: .refused(refusal))
        }
        input(.call(id, call, of: ledger))
    }

    /// Asks the ring; the peer answers within its own bound.
    func call(_ call: RingCall, _ continuation: CheckedContinuation<RingResult, Never>) {
        let id = CallID(nextCall)
        nextCall += 1
        asking[id] = continuation
        input(.ringCall(id, call))
    }

    /// Whether nobody but this machine's disk could take what a master is told.
    var isOnItsOwn: Bool { peer.ownLedger.map { $0.replica.membership.members.count <= 1 } ?? false }

    /// Answers every call that waits: the host ends, or cannot write. What a call has asked for may still come to be.
    func abandonCalls(_ refusal: Refusal) {
        for continuation in waiting.values { continuation.resume(returning: .refused(refusal)) }
        waiting = [:]
        for continuation in asking.values { continuation.resume(returning: .refused(refusal)) }
        asking = [:]
    }

    // MARK: Effects

    private func perform(_ effect: Peer.Effect) {
        switch effect {
        case .persist(let write, let number): outlets.write(write, number)
        case .remember(let advertisements): outlets.hint(WriteBatch(remembered: advertisements))
        case .rememberRing(let contacts): outlets.hint(WriteBatch(ring: contacts))
        case .learn(let peer, let endpoints): outlets.learn(peer, endpoints)
        case .send(let message, let peer): outlets.send(message, peer)
        case .set(let timer, let due): timers.set(timer, at: due)
        case .publish(let advertisement): outlets.publish(advertisement)
        case .browse(let scope): outlets.browse(scope)
        case .apply(let order): outlets.agent(.apply(order))
        case .vacate(let claim): outlets.agent(.vacate(claim))
        case .leaseEnds(let claim, let end): outlets.agent(.leaseEnds(claim, at: end))
        case .readLog(let id, let claim, let query): outlets.agent(.readLog(id, claim, query))
        case .answer(let id, let result): waiting.removeValue(forKey: id)?.resume(returning: result)
        case .ringAnswer(let id, let result): asking.removeValue(forKey: id)?.resume(returning: result)
        case .object(let order): outlets.object(order)
        case .ledger(let ledger, let order): outlets.ledger(ledger, order)
        case .delivered, .group: return  // nobody here is a member of a group yet
        case .report, .news: outlets.notice(effect)
        }
    }

    // MARK: Timers

    private func armWakeUp() {
        guard let due = timers.nextDue() else { return }
        let delay = (due - clock.now).nanoseconds
        guard delay > 0 else {
            // Behind everything that this turn of the loop still brings.
            guard !isFiring else { return }
            isFiring = true
            return loop.assumeIsolated().execute { [self] in
                isFiring = false
                fireDue()
            }
        }
        if let wakeUp, wakeUp.due <= due { return }
        wakeUp?.task.cancel()
        let task = loop.assumeIsolated().scheduleTask(in: .nanoseconds(delay)) { [self] in
            wakeUp = nil
            fireDue()
        }
        wakeUp = (due, task)
    }

    private func fireDue() {
        // Bounded, so that a timer that sets itself for now cannot hold the loop.
        for _ in 0..<1_000 {
            guard let timer = timers.popDue(at: clock.now) else { break }
            input(.timerFired(timer))
        }
        armWakeUp()
    }
}

/// Work for the agent, in the order in which the peer gave it.
enum AgentCommand: Sendable {
    case apply(InstanceOrder)
    case vacate(ClaimReference)
    case leaseEnds(ClaimReference, at: Instant)
    case readLog(CallID, ClaimReference, LogQuery)
}

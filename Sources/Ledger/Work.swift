import Automata

/// What the keeper remembers of a request besides the books; lost at a crash, and made anew.
struct Work: Sendable {
    /// A call's proposal is on its way to the log, or the request to the other masters; later calls queue.
    var inFlight = false
    var callers: [Caller] = []
    var queue: [QueuedCall] = []
    /// The other masters know of the request.
    var announced = false
    /// Another master had it first.
    var movedTo: PeerID?
    /// The claim whose `placed` is on its way to the log.
    var placing: ClaimReference?
    /// The price of the next period is on its way to the log.
    var extending = false
    var losing = false
    /// That its placement gives way is on its way to the log.
    var yielding = false
    var ending = false
    /// The newest revision that the machine has confirmed.
    var ordered: Revision?
    var leaseEnds: Instant?
    var reportProposed: UInt64 = 0
    /// Why no machine was found, from the last search.
    var unmet: NoMachine?
    /// Why its project cannot pay for the machine that was found, or may not have one.
    var unpaid = ""
    /// The machine where a tenant gives way to it, and since and until when that is waited for.
    var pledge: Pledge?
    var searches = 0
    /// Which of its releases a machine is looked for now, and why no machine was found for those before.
    var choice = 0
    var passed: [NoMachine] = []
    var waiting: [CallID] = []
    /// Of a group: members whose first entry is on its way to the log.
    var making: [RequestKey] = []
    /// Of a group: it is looked after at the end of this turn.
    var isTended = false
    /// Of a group: why a change does not go on.
    var pause = ""
    /// Of a group with a rule: what it has wished for, the newest last.
    var wishes: [ScaleWish] = []
    /// Of a member: what its machine has said of its metric.
    var gauge: (metric: String, millionths: Int64, at: Instant)?
    /// Of a group with a rule or a forecast: since when this primary looks at it.
    var watchedSince: Instant?
}

struct Pledge: Hashable, Sendable {
    var machine: PeerID
    var since: Instant
    var until: Instant
}

/// A call that is answered when its proposal commits.
struct Caller: Hashable, Sendable {
    var id: CallID
    var wait: Wait?
}

struct QueuedCall: Hashable, Sendable {
    var id: CallID
    var call: RequestCall
}

/// A call that is answered when its state is reached.
struct Waiter: Hashable, Sendable {
    var key: RequestKey
    var wait: Wait
}

/// Who lives in the simulated world: peers of one kind, addressed by dense numbers from 0.
///
/// The engine owns time, the network, who is up, and the messages on their way; the population owns the automata. It
/// carries each input to the right automaton, and the effects to the engine (`Core.send`, `Core.setTimer`, `Core.note`).
/// Calls come one at a time; the population draws only from its own streams of the seed.
protocol Population {
    /// What travels. A value, copied where the network doubles it.
    associatedtype Message

    /// Timers of one peer, numbered from 0; setting one again moves it.
    static var timersPerPeer: Int { get }
    /// Names of the kinds of messages, by `kind(of:)`.
    static var kinds: [String] { get }
    static func kind(of message: borrowing Message) -> Int
    /// A cheap digest of the contents, the same however the message was encoded.
    static func digest(of message: borrowing Message) -> UInt64
    /// About how many bytes it has on the wire: for bandwidth, and for traffic in reports.
    static func bytes(of message: borrowing Message) -> Int

    /// The process begins.
    ///
    /// - Parameter disk: whether it finds what an earlier life wrote.
    mutating func start(_ peer: UInt32, disk: Bool, in core: inout Core<Message>)
    /// The process is asked to end; what it sends in this call still leaves.
    mutating func stop(_ peer: UInt32, in core: inout Core<Message>)
    /// The process is gone, with its memory.
    ///
    /// - Parameter withMachine: the whole machine is, and nobody says so on its behalf.
    mutating func vanish(_ peer: UInt32, withMachine: Bool, in core: inout Core<Message>)
    mutating func receive(
        _ message: consuming Message, from sender: UInt32, at peer: UInt32, in core: inout Core<Message>)
    /// Asks the processor for a peer's own memory, which an event will need soon. This and the next two may do nothing.
    func fetch(_ peer: UInt32)
    /// The same for what the peer's memory refers to.
    func fetchParts(_ event: Event)
    /// The same for what the event's message needs of it.
    func fetchNeeds(_ event: Event, in core: borrowing Core<Message>)
    mutating func fire(timer: Int, of peer: UInt32, in core: inout Core<Message>)
    /// The process begins to do nothing, or ends doing so; what arrived meanwhile comes next.
    mutating func stall(_ peer: UInt32, ends: Bool, in core: inout Core<Message>)
    /// An interval ends.
    mutating func sample(in core: inout Core<Message>)
    /// The receiver's machine is up and its process is not: what a connection would tell the sender.
    mutating func refused(by target: UInt32, at peer: UInt32, in core: inout Core<Message>)
    /// What it scheduled for itself by `Core.note`.
    mutating func noted(_ event: Event, in core: inout Core<Message>)

    /// Whether who lost its disk comes back under a new name: its key was there.
    static var namesAreOnDisk: Bool { get }
    func isOf(_ role: Role, _ peer: UInt32) -> Bool
    /// The peer's disk takes nothing any more, or does again.
    mutating func setFull(_ isFull: Bool, diskOf peer: UInt32)
    /// Faults are over for good.
    mutating func healed(in core: inout Core<Message>)

    /// What is known of the ring from outside.
    var watch: RingWatch { get set }
    /// Schedules what users do.
    mutating func begin(_ core: inout Core<Message>)
    /// Looks at everything once, when all is long well.
    mutating func checkAtEnd(_ core: inout Core<Message>)
    /// Frees the automata; the run is over.
    func close()

    /// What it has to say of rare events, oldest first.
    var journal: Journal { get }
    /// How often each rare path was taken.
    var reached: [String: Int] { get }
}

/// Whom a fault may strike.
public enum Role: String, Sendable, CaseIterable {
    case anyone, masters, machines
    /// Of groups of replicas: who votes, and who leads.
    case members, primaries
}

/// What a condition of a scenario's script can ask for.
enum Gauge {
    case live, lookups, wrong, lost
}

/// The modelled network between peers: how long a message takes, and whether it arrives at all.
///
/// Latency comes from a `LatencyModel`; loss, doubling, disorder, cuts, slow links and bandwidth lie on top, each free
/// of cost while it is off. A message's bytes occupy its sender's uplink one after another when there is a bandwidth.
struct Network {
    /// One entry for each peer; freed by `close`.
    let states: UnsafeMutablePointer<PeerState>
    let latency: LatencyModel
    private var draw: Draw

    /// Of 2^32 messages.
    private var lossThreshold: UInt64 = 0
    private var doublingThreshold: UInt64 = 0
    /// At most so much later than its latency says, uniformly: what lets messages overtake each other.
    private var disorder: Int64 = 0
    /// The same, always: part of the network, not a fault.
    private var jitter: Int64 = 0
    /// Nanoseconds a byte on a peer's uplink; zero without limit.
    private var byteTime: Int64 = 0
    /// The cuts that are in force: those whose two sides do not hear each other, and those where only one side is deaf.
    private var cutsBothWays: UInt32 = 0
    private var cutsOutward: UInt32 = 0
    private var slowCount = 0

    /// Whether anything but latency can happen to a message.
    private(set) var isFaulty = false

    /// What becomes of one message: when it arrives, and its double; negative when it does not.
    struct Fate {
        var first: Int64
        var second: Int64
    }

    init(peers: Int, latency: LatencyModel, draw: Draw) {
        states = .allocate(capacity: max(1, peers))
        states.initialize(repeating: PeerState(), count: peers)
        self.latency = latency
        self.draw = draw
    }

    func close() { states.deallocate() }

    // MARK: Conditions

    var loss: Double {
        get { Double(lossThreshold) / 4_294_967_296 }
        set {
            lossThreshold = UInt64((newValue * 4_294_967_296).rounded())
            settle()
        }
    }

    var doubling: Double {
        get { Double(doublingThreshold) / 4_294_967_296 }
        set {
            doublingThreshold = UInt64((newValue * 4_294_967_296).rounded())
            settle()
        }
    }

    var disorderMax: Int64 {
        get { disorder }
        set {
            disorder = newValue
            settle()
        }
    }

    mutating func setJitter(_ most: Int64) {
        jitter = most
        settle()
    }

    /// Bits a second; zero without limit.
    mutating func setBandwidth(_ bitsPerSecond: Int64) {
        byteTime = bitsPerSecond > 0 ? 8_000_000_000 / bitsPerSecond : 0
        settle()
    }

    /// A cut begins: its side is cut off from the rest, or can hear and not be heard.
    ///
    /// - Returns: its number; nil when 32 cuts are in force.
    mutating func cut(_ side: [UInt32], oneWay: Bool) -> Int? {
        let number = (~(cutsBothWays | cutsOutward)).trailingZeroBitCount
        guard number < 32 else { return nil }
        for peer in side { states[Int(peer)].cuts |= 1 << UInt32(number) }
        if oneWay { cutsOutward |= 1 << UInt32(number) } else { cutsBothWays |= 1 << UInt32(number) }
        settle()
        return number
    }

    mutating func heal(cut number: Int, peers: Int) {
        let bit = UInt32(1) << UInt32(number)
        cutsBothWays &= ~bit
        cutsOutward &= ~bit
        for peer in 0..<peers { states[peer].cuts &= ~bit }
        settle()
    }

    mutating func slow(_ peer: UInt32, factor: UInt8) {
        if states[Int(peer)].slowness == 1, factor > 1 { slowCount += 1 }
        if states[Int(peer)].slowness > 1, factor == 1 { slowCount -= 1 }
        states[Int(peer)].slowness = max(1, factor)
        settle()
    }

    private mutating func settle() {
        isFaulty =
            lossThreshold | doublingThreshold != 0 || disorder + jitter > 0 || byteTime > 0
            || cutsBothWays | cutsOutward != 0
            || slowCount > 0
    }

    // MARK: Messages

    /// Whether messages from one to the other are stopped by a cut.
    @inline(__always)
    func isCut(from sender: UInt32, to receiver: UInt32) -> Bool {
        guard cutsBothWays | cutsOutward != 0 else { return false }
        let (one, other) = (states[Int(sender)].cuts, states[Int(receiver)].cuts)
        return (one ^ other) & cutsBothWays != 0 || one & ~other & cutsOutward != 0
    }

    /// When a message arrives while nothing is wrong.
    @inline(__always)
    func plainArrival(from sender: UInt32, to receiver: UInt32, at now: Int64) -> Int64 {
        now + latency.delay(from: sender, to: receiver)
    }

    @inline(never)
    mutating func fate(from sender: UInt32, to receiver: UInt32, bytes: Int, at now: Int64) -> Fate {
        if isCut(from: sender, to: receiver) { return Fate(first: -1, second: -1) }
        var departure = now
        if byteTime > 0 {
            departure = max(now, states[Int(sender)].uplinkFree) + Int64(bytes) * byteTime
            states[Int(sender)].uplinkFree = departure
        }
        let slowness = max(states[Int(sender)].slowness, states[Int(receiver)].slowness)
        let arrival = departure + latency.delay(from: sender, to: receiver) * Int64(slowness)
        // One draw decides both, so that a change of one rate shifts nothing in the other.
        let bits = lossThreshold | doublingThreshold != 0 ? draw.bits() : .max
        let isLost = bits & 0xffff_ffff < lossThreshold
        let isDoubled = bits >> 32 < doublingThreshold
        return Fate(
            first: isLost ? -1 : arrival + late(), second: isDoubled ? arrival + late() + 1 : -1)
    }

    private mutating func late() -> Int64 {
        disorder + jitter > 0 ? Int64(draw.below(Int(disorder + jitter) + 1)) : 0
    }
}

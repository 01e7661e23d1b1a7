/// How long a message takes from one peer to another when nothing is wrong.
enum LatencyModel: Sendable {
    /// The same for all.
    case constant(Int64)
    /// Points on a square: the least delay, plus the distance.
    case plane(Plane)
    /// Two levels of routers, as GT-ITM draws them.
    case transitStub(TransitStub)
    /// Measured delays between places; each peer is at one of them.
    case matrix(DelayMatrix)
    /// LANs at places of a wide area.
    case lans(Lans)

    /// One way, in nanoseconds; symmetric but for a matrix that is not.
    @inline(__always)
    func delay(from sender: UInt32, to receiver: UInt32) -> Int64 {
        switch self {
        case .constant(let delay): delay
        case .plane(let plane): plane.delay(from: sender, to: receiver)
        case .transitStub(let topology): topology.delay(from: sender, to: receiver)
        case .matrix(let matrix): matrix.delay(from: sender, to: receiver)
        case .lans(let lans): lans.delay(from: sender, to: receiver)
        }
    }
}

/// Peers on a square, thrown uniformly; one unit of distance takes one nanosecond.
struct Plane: Sendable {
    private var points: [SIMD2<Float>] = []
    private var least: Int64

    /// - Parameter longest: the delay from corner to corner.
    init(peers: Int, least: Int64, longest: Int64, draw: inout Draw) {
        self.least = least
        let side = Double(longest - least) / 2.0.squareRoot()
        for _ in 0..<peers { points.append(SIMD2(Float(draw.unit() * side), Float(draw.unit() * side))) }
    }

    @inline(__always)
    func delay(from sender: UInt32, to receiver: UInt32) -> Int64 {
        let way = points[Int(sender)] - points[Int(receiver)]
        return least + Int64((way * way).sum().squareRoot())
    }
}

/// Delays between places, read from a file.
struct DelayMatrix: Sendable, Equatable {
    /// How many places.
    var places: Int
    /// Row by row: from, to; microseconds.
    var microseconds: [UInt32]
    /// Of each peer.
    private var place: [UInt16] = []

    init(places: Int, microseconds: [UInt32]) {
        self.places = places
        self.microseconds = microseconds
    }

    /// Puts peers at places: the first ones one each, then uniformly.
    mutating func settle(peers: Int, draw: inout Draw) {
        place = (0..<peers).map { $0 < places ? UInt16($0) : UInt16(draw.below(places)) }
    }

    @inline(__always)
    func delay(from sender: UInt32, to receiver: UInt32) -> Int64 {
        Int64(microseconds[Int(place[Int(sender)]) * places + Int(place[Int(receiver)])]) * 1_000
    }
}

/// LANs joined by a wide area: peers are dealt out to them in turn, and each LAN is at one place.
struct Lans: Sendable {
    let count: UInt32
    /// Between two peers of a LAN, and from a peer to its LAN's edge.
    let local: Int64
    /// Between LANs, by their numbers; one element, since an enum cannot hold itself.
    private let wide: [LatencyModel]

    init(count: Int, local: Int64, wide: LatencyModel) {
        self.count = UInt32(count)
        self.local = local
        self.wide = [wide]
    }

    @inline(__always)
    func delay(from sender: UInt32, to receiver: UInt32) -> Int64 {
        let (here, there) = (sender % count, receiver % count)
        return here == there ? local : 2 * local + wide[0].delay(from: here, to: there)
    }
}

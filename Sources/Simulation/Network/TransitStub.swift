import Automata

/// Routers on two levels, in the manner of GT-ITM's transit-stub graphs, as MSPastry's evaluation used them: transit
/// domains in the middle, stub domains at each transit router, machines at stub routers.
///
/// With the default counts 10 domains of 5 transit routers, each with 10 stub domains of 10 routers: 5,050 routers. Each
/// stub domain hangs on one transit router by one gateway, so that every shortest path is stub, transit, stub, and the
/// delay of any pair comes from three small tables instead of a matrix of all routers.
struct TransitStub: Sendable {
    struct Shape: Sendable, Equatable {
        var domains = 10
        var transitRouters = 5
        var stubDomains = 10
        var stubRouters = 10
        /// From a machine to its router, one way.
        var lan: Duration = .milliseconds(1)
    }

    private var stubRouters: Int
    private var lan: Int64
    /// Of each peer: its stub router.
    private var router: [UInt16] = []
    /// Of each stub router: its transit router, and the delay to it.
    private var gateways: [Gateway] = []
    /// Within each stub domain: from, to.
    private var inside: [Int32] = []
    /// Between transit routers.
    private var between: [Int32] = []
    private var transitCount: Int

    private struct Gateway: Sendable {
        var delay: Int32
        var transit: Int32
    }

    /// How many routers there are.
    var routers: Int { transitCount + gateways.count }

    init(_ shape: Shape, peers: Int, draw: inout Draw) {
        stubRouters = shape.stubRouters
        lan = shape.lan.nanoseconds
        transitCount = shape.domains * shape.transitRouters
        between = Self.transitDelays(shape, draw: &draw)
        for transit in 0..<transitCount {
            for _ in 0..<shape.stubDomains {
                // Within a stub domain 2 to 8 ms a link, to the transit router 5 to 20 ms.
                let delays = Self.shortest(
                    shape.stubRouters, edges: Self.connected(shape.stubRouters, extra: 2, 2_000...8_000, draw: &draw))
                inside += delays
                let uplink = Int32(draw.within(Int64(5_000)...20_000))
                for router in 0..<shape.stubRouters {
                    gateways.append(Gateway(delay: delays[router] + uplink, transit: Int32(transit)))
                }
            }
        }
        for _ in 0..<peers { router.append(UInt16(draw.below(gateways.count))) }
    }

    @inline(__always)
    func delay(from sender: UInt32, to receiver: UInt32) -> Int64 {
        let (one, other) = (Int(router[Int(sender)]), Int(router[Int(receiver)]))
        let (here, there) = (one / stubRouters, other / stubRouters)
        let way: Int32
        if here == there {
            way = inside[one * stubRouters + other % stubRouters]
        } else {
            let (up, down) = (gateways[one], gateways[other])
            way = up.delay + between[Int(up.transit) * transitCount + Int(down.transit)] + down.delay
        }
        return Int64(way) * 1_000 + 2 * lan
    }

    // MARK: Making it

    private struct Edge {
        var one: Int
        var other: Int
        var delay: Int32
    }

    /// Domains far apart (20 to 60 ms a link between them), routers of a domain near (5 to 20 ms).
    private static func transitDelays(_ shape: Shape, draw: inout Draw) -> [Int32] {
        var edges: [Edge] = []
        for domain in 0..<shape.domains {
            let first = domain * shape.transitRouters
            for edge in connected(shape.transitRouters, extra: shape.transitRouters, 5_000...20_000, draw: &draw) {
                edges.append(Edge(one: first + edge.one, other: first + edge.other, delay: edge.delay))
            }
        }
        for edge in connected(shape.domains, extra: shape.domains, 20_000...60_000, draw: &draw) {
            let one = edge.one * shape.transitRouters + draw.below(shape.transitRouters)
            let other = edge.other * shape.transitRouters + draw.below(shape.transitRouters)
            edges.append(Edge(one: one, other: other, delay: edge.delay))
        }
        return shortest(shape.domains * shape.transitRouters, edges: edges)
    }

    /// A random tree over `count` routers, and some edges more.
    private static func connected(
        _ count: Int, extra: Int, _ delay: ClosedRange<Int64>, draw: inout Draw
    ) -> [Edge] {
        var edges: [Edge] = []
        for router in 1..<max(1, count) {
            edges.append(Edge(one: router, other: draw.below(router), delay: Int32(draw.within(delay))))
        }
        for _ in 0..<(count > 2 ? extra : 0) {
            let one = draw.below(count)
            let other = (one + 1 + draw.below(count - 1)) % count
            edges.append(Edge(one: one, other: other, delay: Int32(draw.within(delay))))
        }
        return edges
    }

    /// Floyd and Warshall; a few dozen routers at most.
    private static func shortest(_ count: Int, edges: [Edge]) -> [Int32] {
        let far = Int32.max / 4
        var delays = Array(repeating: far, count: count * count)
        for router in 0..<count { delays[router * count + router] = 0 }
        for edge in edges {
            let least = min(edge.delay, delays[edge.one * count + edge.other])
            delays[edge.one * count + edge.other] = least
            delays[edge.other * count + edge.one] = least
        }
        for middle in 0..<count {
            for one in 0..<count {
                for other in 0..<count {
                    let way = delays[one * count + middle] + delays[middle * count + other]
                    if way < delays[one * count + other] { delays[one * count + other] = way }
                }
            }
        }
        return delays
    }
}

import Automata

@testable import Neighbours

let me = PeerID(0x10)

func seconds(_ count: Int) -> Instant { .zero + .seconds(count) }

func advertisement(
    _ peer: PeerID, master: Bool = false, incarnation: UInt64 = 1, sequence: UInt64 = 1, fabric: String = "lab",
    free: Int = 0, ended: Bool = false, port: UInt16 = 7_423
) -> Advertisement {
    Advertisement(
        peer: peer, incarnation: Incarnation(incarnation), sequence: sequence, name: "n\(peer.bytes[0])",
        fabric: fabric, state: .idle, endpoints: [Endpoint(host: "10.0.0.\(peer.bytes[0])", port: port)],
        apiPort: master ? 7_424 : nil, free: free, ended: ended)
}

/// One peer's view of the link; time is advanced, never slept.
struct Link {
    typealias Effect = Neighbours.Effect

    var neighbours: Neighbours
    var now = seconds(100)

    init(
        _ own: PeerID = me, master: Bool = true, remembered: [Advertisement] = [],
        _ configure: (inout Neighbours.Configuration) -> Void = { _ in }
    ) {
        var configuration = Neighbours.Configuration()
        configure(&configuration)
        neighbours = Neighbours(
            configuration: configuration, own: advertisement(own, master: master, sequence: 0), remembered: remembered,
            random: SeededRandom(seed: 1))
    }

    mutating func feed(_ input: Neighbours.Input) -> [Effect] { neighbours.effects(of: input, at: now) }

    mutating func receive(_ message: NeighbourMessage, from peer: PeerID) -> [Effect] {
        feed(.received(message, from: peer))
    }

    mutating func fire(_ timer: Neighbours.Timer) -> [Effect] { feed(.timerFired(timer)) }

    mutating func after(_ duration: Duration) { now = now + duration }

    /// A peer that has said hello.
    mutating func meet(_ peer: PeerID, master: Bool = false) {
        _ = receive(.hello(advertisement(peer, master: master)), from: peer)
    }

    /// Lets the peer's probes go unanswered.
    mutating func lose(_ peer: PeerID) -> [Effect] {
        var effects = feed(.withdrawn(peer, ended: false))
        while neighbours[peer]?.state == .suspected {
            after(.milliseconds(500))
            effects += fire(.probe(peer))
        }
        return effects
    }

    func state(of peer: PeerID) -> Neighbour.State? { neighbours[peer]?.state }
}

extension [Neighbours.Effect] {
    var notices: [Neighbours.Notice] {
        compactMap { if case .report(let notice) = $0 { notice } else { nil } }
    }

    var published: [Advertisement] {
        compactMap { if case .publish(let advertisement) = $0 { advertisement } else { nil } }
    }

    var probed: [PeerID] {
        compactMap { if case .send(.probe, let peer) = $0 { peer } else { nil } }
    }

    func sends(_ message: NeighbourMessage, to peer: PeerID) -> Bool { contains(.send(message, to: peer)) }
}

import Automata
import Overlay

@testable import Groups

let me = PeerID(0x10)
let parent = PeerID(0x80)
let grandparent = PeerID(0x90)
let group = PeerID(0xF0)

func seconds(_ count: Int) -> Instant { .zero + .seconds(count) }

/// One peer's groups; time is advanced, never slept.
struct Stand {
    typealias Effect = Groups.Effect

    var groups: Groups
    var now = seconds(100)

    init(_ configure: (inout Groups.Configuration) -> Void = { _ in }) {
        var configuration = Groups.Configuration()
        configure(&configuration)
        groups = Groups(id: me, configuration: configuration, random: SeededRandom(seed: 1))
    }

    mutating func feed(_ input: Groups.Input) -> [Effect] { groups.effects(of: input, at: now) }

    mutating func receive(_ message: GroupMessage, from peer: PeerID) -> [Effect] {
        feed(.received(message, from: peer))
    }

    mutating func fire() -> [Effect] { feed(.timerFired(.upkeep)) }

    mutating func after(_ duration: Duration) { now = now + duration }

    /// Fires the timer as it was asked for, until the time has passed.
    mutating func pass(_ duration: Duration) -> [Effect] {
        let end = now + duration
        var effects: [Effect] = []
        while groups.timerAt <= end {
            now = max(now, groups.timerAt)
            effects += fire()
        }
        now = end
        return effects
    }

    /// A member whose parent is `parent`, a child of `grandparent`.
    mutating func attach(value: Int64 = 5) {
        _ = feed(.join(group: group, value: value))
        _ = receive(.attached(group: group, path: [grandparent]), from: parent)
    }

    /// A root with one child.
    mutating func becomeRoot(with child: PeerID = PeerID(0x20), value: Int64 = 3) {
        _ = feed(.delivered(join(of: child, value: value)))
    }

    var status: GroupStatus? { groups.status.first }
}

func routed(_ payload: RoutedPayload, from origin: PeerID, number: UInt64 = 1) -> Routed {
    Routed(key: group, origin: origin, number: number, application: .groups, payload: payload.bytes)
}

func join(of peer: PeerID, value: Int64 = 1, isDirect: Bool = false) -> Routed {
    routed(.join(Summary(of: peer, value: value), isDirect: isDirect), from: peer)
}

func anycast(from peer: PeerID, atLeast: Int64? = nil, isDirect: Bool = false, payload: [UInt8] = [1]) -> Routed {
    let header = RoutedPayload.AnycastHeader(number: 77, attempt: 1, isDirect: isDirect, atLeast: atLeast)
    return routed(.anycast(header, payload: payload), from: peer)
}

extension [Groups.Effect] {
    var joins: [RoutedPayload] {
        compactMap { if case .route(group, let payload) = $0 { RoutedPayload(payload) } else { nil } }
    }

    func sends(_ message: GroupMessage, to peer: PeerID) -> Bool { contains(.send(message, to: peer)) }

    var offered: [Visit] { compactMap { if case .offered(let visit) = $0 { visit } else { nil } } }

    var visits: [(visit: Visit, hop: UInt32, to: PeerID)] {
        compactMap { if case .send(.visit(let visit, let hop), let peer) = $0 { (visit, hop, peer) } else { nil } }
    }

    var reports: [Summary] { compactMap { if case .send(.report(_, let summary), _) = $0 { summary } else { nil } } }

    /// Everything but the wish for the timer.
    var acts: [Groups.Effect] { filter { if case .set = $0 { false } else { true } } }
}

import Automata
import Overlay

/// How the engine counts, hashes and weighs the overlay's messages.
enum OverlayKinds {
    static let names = [
        "lookup", "join", "groups", "objects", "rendezvous", "register", "acknowledged", "undeliverable", "heartbeat",
        "ping",
        "pong",
        "measured", "leaves", "failed", "leaving", "joined", "ask", "told",
    ]
    static let lookup = 0

    @inline(__always)
    static func kind(of message: borrowing OverlayMessage) -> Int {
        switch message {
        case .routed(let routed, _):
            switch routed.application {
            case .probe: 0
            case .join: 1
            case .groups: 2
            case .objects: 3
            case .rendezvous: 4
            case .register: 5
            }
        case .acknowledged: 6
        case .undeliverable: 7
        case .heartbeat: 8
        case .ping: 9
        case .pong: 10
        case .measured: 11
        case .leaves: 12
        case .failed: 13
        case .leaving: 14
        case .joined: 15
        case .ask: 16
        case .told: 17
        }
    }

    /// A word that changes with what the message says; not every field, but one of each part that a bug would change.
    @inline(__always)
    static func digest(of message: borrowing OverlayMessage) -> UInt64 {
        switch message {
        case .routed(let routed, let hop):
            routed.key.high ^ routed.key.low &* 3 ^ routed.number &* 5 &+ UInt64(hop) << 8 &+ UInt64(routed.hops)
                &+ UInt64(routed.payload.count) << 40
        case .acknowledged(let hop): UInt64(hop)
        case .undeliverable(let routed): routed.key.high ^ routed.number
        case .heartbeat(let period): UInt64(period.seconds)
        case .ping(let number): UInt64(number)
        case .pong(let number, let wanted, let period):
            UInt64(number) << 32 ^ UInt64(wanted.microseconds) << 8 ^ UInt64(period.seconds)
        case .measured(let trip): UInt64(trip.microseconds)
        case .leaves(let exchange):
            ids(exchange.leaves) ^ ids(exchange.failed) &* 7 ^ UInt64(exchange.number) << 1
                ^ (exchange.isActive ? 1 : 0)
        case .failed(let peer): peer.high
        case .leaving: 0
        case .joined(let answer): ids(answer.leaves) ^ ids(answer.contacts) &* 7 ^ answer.number
        case .ask(let question, let number):
            switch question {
            case .leaves: UInt64(number)
            case .nearest: UInt64(number) &+ 1 << 40
            case .row(let row): UInt64(number) &+ 2 << 40 &+ UInt64(row) << 32
            case .place(let key): UInt64(number) ^ key.high
            }
        case .told(let contacts, let number):
            contacts.reduce(UInt64(number)) { $0 &* 31 &+ $1.peer.high &+ UInt64($1.roundTrip.microseconds) }
        }
    }

    /// A frame of 40 bytes, 16 for each id, small change for the rest.
    @inline(__always)
    static func bytes(of message: borrowing OverlayMessage) -> Int {
        switch message {
        case .routed(let routed, _), .undeliverable(let routed):
            84 + routed.payload.count + 16 * (routed.trace?.count ?? 0)
        case .acknowledged, .heartbeat, .ping, .pong, .measured, .leaving: 48
        case .failed: 60
        case .leaves(let exchange): 56 + 16 * (exchange.leaves.count + exchange.failed.count)
        case .joined(let answer): 56 + 16 * (answer.leaves.count + answer.contacts.count)
        case .ask: 64
        case .told(let contacts, _): 48 + 20 * contacts.count
        }
    }

    private static func ids(_ peers: [PeerID]) -> UInt64 {
        peers.reduce(UInt64(peers.count)) { $0 &* 31 &+ $1.high }
    }
}

import Automata
import Overlay
import Peer

/// What a routed message is about; a distinct id and no peer's.
let place = PeerID(high: 0x8000_0000_0000_0000, low: 1)
let contacts = [
    PeerContact(
        peer: alpha, endpoints: [Endpoint(host: "192.0.2.7", port: 7_423), Endpoint(host: "fe80::1", port: 4_711)]),
    PeerContact(peer: beta, endpoints: []),
]
let lookup = Routed(
    key: place, origin: alpha, number: 0xFEDC_BA98_7654_3210, hops: 3, application: .probe)
let traced = Routed(
    key: place, origin: beta, number: 0, hops: 255, application: .groups, payload: [0, 0xFF, 7], trace: [alpha, beta])

enum OverlayKind: CaseIterable {
    case routed, routedTraced, acknowledged, undeliverable, heartbeat, ping, pong, measured, leaves, failed, leaving
    case joined, askLeaves, askNearest, askRow, askPlace, told

    init(_ message: OverlayMessage) {
        self =
            switch message {
            case .routed(let routed, _): routed.trace == nil ? .routed : .routedTraced
            case .acknowledged: .acknowledged
            case .undeliverable: .undeliverable
            case .heartbeat: .heartbeat
            case .ping: .ping
            case .pong: .pong
            case .measured: .measured
            case .leaves: .leaves
            case .failed: .failed
            case .leaving: .leaving
            case .joined: .joined
            case .ask(.leaves, _): .askLeaves
            case .ask(.nearest, _): .askNearest
            case .ask(.row, _): .askRow
            case .ask(.place, _): .askPlace
            case .told: .told
            }
    }

    var sample: OverlayMessage {
        switch self {
        case .routed: .routed(lookup, hop: .max)
        case .routedTraced: .routed(traced, hop: 0)
        case .acknowledged: .acknowledged(hop: 0x0102_0304)
        case .undeliverable: .undeliverable(lookup)
        case .heartbeat: .heartbeat(probePeriod: ProbePeriod(seconds: 3_600))
        case .ping: .ping(number: 0)
        case .pong: .pong(number: 9, wanted: .farthest, probePeriod: ProbePeriod(seconds: .max))
        case .measured: .measured(RoundTrip(microseconds: 1_250))
        case .leaves:
            .leaves(
                LeafExchange(
                    number: 5, isQuestion: true, isActive: true, probePeriod: .unknown, leaves: [alpha, beta],
                    failed: [place]))
        case .failed: .failed(beta)
        case .leaving: .leaving
        case .joined: .joined(JoinAnswer(number: .max, leaves: [], contacts: [beta, alpha], isActive: true))
        case .askLeaves: .ask(.leaves, number: 1)
        case .askNearest: .ask(.nearest, number: .max)
        case .askRow: .ask(.row(31), number: 0)
        case .askPlace: .ask(.place(of: place), number: 2)
        case .told:
            .told(
                [
                    Nearby(peer: alpha, roundTrip: RoundTrip(microseconds: 300)),
                    Nearby(peer: beta, roundTrip: .unknown),
                ],
                number: 2)
        }
    }

    /// With contacts where the sample names peers.
    var message: PeerMessage {
        .overlay(sample, contacts: contacts.filter { sample.named.contains($0.peer) })
    }
}

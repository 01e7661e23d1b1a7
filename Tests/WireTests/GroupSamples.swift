import Automata
import Groups
import Overlay
import Peer

/// Valid, or its vector would be another one.
let members =
    Summary(
        count: 3, sum: -12, min: -20, max: 8,
        sample: [Summary.Member(peer: alpha, value: 8), Summary.Member(peer: beta, value: -20)]) ?? .empty
let visit = Visit(
    group: place, origin: alpha, number: 0xFEDC_BA98_7654_3210, attempt: 2, isCutShort: true, atLeast: -1,
    payload: [1, 0], pending: [beta], visited: [alpha, beta])

enum GroupKind: CaseIterable {
    case join, attached, redirected, report, leave, dropped, multicast, visit, visitTaken, visitAccepted, visitRefused
    case summary

    init(_ message: GroupMessage) {
        self =
            switch message {
            case .join: .join
            case .attached: .attached
            case .redirected: .redirected
            case .report: .report
            case .leave: .leave
            case .dropped: .dropped
            case .multicast: .multicast
            case .visit: .visit
            case .visitTaken: .visitTaken
            case .visitEnded(_, _, .accepted): .visitAccepted
            case .visitEnded(_, _, .nobody): .visitRefused
            case .summary: .summary
            }
    }

    var sample: GroupMessage {
        switch self {
        case .join: .join(group: place, members)
        case .attached: .attached(group: place, path: [beta, alpha])
        case .redirected: .redirected(group: place, to: beta)
        case .report: .report(group: place, .empty)
        case .leave: .leave(group: place)
        case .dropped: .dropped(group: place)
        case .multicast: .multicast(Multicast(group: place, origin: alpha, number: 1, payload: [0xFF, 0]))
        case .visit: .visit(WireTests.visit, hop: .max)
        case .visitTaken: .visitTaken(hop: 0)
        case .visitAccepted: .visitEnded(number: 4, attempt: 1, .accepted(by: beta, answer: [7]))
        case .visitRefused: .visitEnded(number: 4, attempt: .max, .nobody(visited: .max, .limit))
        case .summary: .summary(number: .max, Summary(of: alpha, value: .min))
        }
    }

    /// With contacts where the sample names peers.
    var message: PeerMessage {
        .group(sample, contacts: contacts.filter { sample.named.contains($0.peer) })
    }
}

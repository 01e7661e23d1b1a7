import Automata
import Foundation
import Groups
import Overlay
import SwiftProtobuf
import WireSchema

extension WireGroupMessage {
    init(_ message: GroupMessage) {
        self.init()
        switch message {
        case .join(let group, let summary): join = WireGroupMembers(group, summary)
        case .attached(let group, let path):
            attached = .with {
                $0.group = group.data
                $0.path = path.data
            }
        case .redirected(let group, let child):
            redirected = .with {
                $0.group = group.data
                $0.child = child.data
            }
        case .report(let group, let summary): report = WireGroupMembers(group, summary)
        case .leave(let group): leave = group.data
        case .dropped(let group): dropped = group.data
        case .multicast(let it): multicast = WireMulticast(it)
        case .visit(let it, let hop): visit = WireVisit(it, hop: hop)
        case .visitTaken(let hop): visitTaken = hop
        case .visitEnded(let number, let attempt, let end):
            visitEnded = WireVisitEnded(end, number: number, attempt: attempt)
        case .summary(let number, let it):
            summary = .with {
                $0.number = number
                $0.summary = WireSummary(it)
            }
        }
    }

    func decoded() throws(WireError) -> GroupMessage {
        switch kind {
        case .join(let it): .join(group: try peer(it.group, "a group"), try it.members())
        case .attached(let it):
            .attached(
                group: try peer(it.group, "a group"), path: try peers(it.path, "ancestors", max: WireBounds.pathMax))
        case .redirected(let it): .redirected(group: try peer(it.group, "a group"), to: try peer(it.child, "a child"))
        case .report(let it): .report(group: try peer(it.group, "a group"), try it.members())
        case .leave(let group): .leave(group: try peer(group, "a group"))
        case .dropped(let group): .dropped(group: try peer(group, "a group"))
        case .multicast(let it): .multicast(try it.decoded())
        case .visit(let it): .visit(try it.decoded(), hop: it.hop)
        case .visitTaken(let hop): .visitTaken(hop: hop)
        case .visitEnded(let it):
            .visitEnded(number: it.number, attempt: try visitAttempt(it.attempt), try it.end())
        case .summary(let it):
            .summary(number: it.number, try required(it.hasSummary, it.summary, "a summary").decoded())
        case nil: throw noKind("a group's message", unknownFields)
        }
    }
}

extension WireGroupMembers {
    init(_ group: Key, _ summary: Summary) {
        self.init()
        self.group = group.data
        self.summary = WireSummary(summary)
    }

    func members() throws(WireError) -> Summary {
        try required(hasSummary, summary, "a summary").decoded()
    }
}

extension WireSummary {
    init(_ summary: Summary) {
        self.init()
        count = summary.count
        sum = summary.sum
        min = summary.min
        max = summary.max
        sample = summary.sample.map(\.peer).data
        values = summary.sample.map(\.value)
    }

    func decoded() throws(WireError) -> Summary {
        let peers = try peers(sample, "a sample", max: Summary.sampleMax)
        guard peers.count == values.count else {
            throw WireError(.outOfBounds, "a sample of \(peers.count) members comes with \(values.count) values")
        }
        let members = zip(peers, values).map { Summary.Member(peer: $0, value: $1) }
        guard let summary = Summary(count: count, sum: sum, min: min, max: max, sample: members) else {
            throw WireError(
                .outOfBounds,
                "a summary contradicts itself: \(count) members, sum \(sum), values from \(min) to \(max), "
                    + "in the sample \(values)")
        }
        return summary
    }
}

extension WireMulticast {
    init(_ multicast: Multicast) {
        self.init()
        group = multicast.group.data
        origin = multicast.origin.data
        number = multicast.number
        payload = Data(multicast.payload)
    }

    func decoded() throws(WireError) -> Multicast {
        Multicast(
            group: try peer(group, "a group"), origin: try peer(origin, "an origin"), number: number,
            payload: try blob(payload, "a multicast's payload", max: WireBounds.groupPayloadBytesMax))
    }
}

extension WireVisit {
    init(_ visit: Visit, hop: UInt32) {
        self.init()
        group = visit.group.data
        origin = visit.origin.data
        number = visit.number
        attempt = UInt32(visit.attempt)
        isCutShort = visit.isCutShort
        if let atLeast = visit.atLeast { self.atLeast = atLeast }
        payload = Data(visit.payload)
        pending = visit.pending.data
        visited = visit.visited.data
        self.hop = hop
    }

    func decoded() throws(WireError) -> Visit {
        Visit(
            group: try peer(group, "a group"), origin: try peer(origin, "an origin"), number: number,
            attempt: try visitAttempt(attempt), isCutShort: isCutShort, atLeast: hasAtLeast ? atLeast : nil,
            payload: try blob(payload, "a search's payload", max: WireBounds.groupPayloadBytesMax),
            pending: try peers(pending, "peers to visit", max: Visit.listMax),
            visited: try peers(visited, "visited peers", max: Visit.listMax))
    }
}

extension WireVisitEnded {
    init(_ end: VisitEnd, number: UInt64, attempt: UInt8) {
        self.init()
        self.number = number
        self.attempt = UInt32(attempt)
        switch end {
        case .accepted(let member, let answer):
            accepted = .with {
                $0.by = member.data
                $0.answer = Data(answer)
            }
        case .nobody(let visited, let reach):
            nobody = .with {
                $0.visited = UInt32(visited)
                $0.reach = WireVisitReach(reach)
            }
        }
    }

    func end() throws(WireError) -> VisitEnd {
        switch kind {
        case .accepted(let it):
            .accepted(
                by: try peer(it.by, "a member"),
                answer: try blob(it.answer, "a member's answer", max: WireBounds.groupPayloadBytesMax))
        case .nobody(let it):
            .nobody(
                visited: UInt16(try Wire.number(it.visited, "visited peers", 0...65_535)), try it.reach.decoded())
        case nil: throw noKind("a search's end", unknownFields)
        }
    }
}

extension WireVisitReach {
    init(_ reach: VisitEnd.Reach) {
        self =
            switch reach {
            case .whole: .whole
            case .limit: .limit
            case .broken: .broken
            }
    }

    func decoded() throws(WireError) -> VisitEnd.Reach {
        switch self {
        case .whole: .whole
        case .limit: .limit
        case .broken: .broken
        case .unspecified, .UNRECOGNIZED: throw noCase("a search's reach", rawValue)
        }
    }
}

func visitAttempt(_ value: UInt32) throws(WireError) -> UInt8 {
    UInt8(try number(value, "an attempt", 0...255))
}

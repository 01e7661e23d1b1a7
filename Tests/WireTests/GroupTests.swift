import Automata
import Foundation
import Groups
import Overlay
import Peer
import Testing
import WireSchema

@testable import Wire

@Suite("The groups' messages are bounded")
struct GroupTests {
    @Test("the fullest message of each kind with lists reads back as it was written")
    func fullest() throws {
        let payload = [UInt8](repeating: 0xA5, count: 65_536)
        let sample = ids(8).map { Summary.Member(peer: $0, value: .max) }
        let full = try #require(Summary(count: .max, sum: .max, min: .min, max: .max, sample: sample))
        let visit = Visit(
            group: place, origin: alpha, number: .max, attempt: .max, isCutShort: true, atLeast: .min,
            payload: payload, pending: ids(256), visited: ids(256))
        let messages: [GroupMessage] = [
            .join(group: place, full), .attached(group: place, path: ids(64)),
            .multicast(Multicast(group: place, origin: alpha, number: .max, payload: payload)),
            .visit(visit, hop: .max), .visitEnded(number: .max, attempt: 0, .accepted(by: alpha, answer: payload)),
            .summary(number: 0, full),
        ]
        for message in messages { try roundTrips(.group(message, contacts: contacts)) }
    }

    @Test("a search that wants no value is not one that wants zero")
    func noLeast() throws {
        for least in [nil, 0, Int64.max] {
            var it = visit
            it.atLeast = least
            try roundTrips(.group(.visit(it, hop: 0), contacts: []))
        }
    }

    @Test("every end of a search reads back", arguments: [VisitEnd.Reach.whole, .limit, .broken])
    func reach(_ reach: VisitEnd.Reach) throws {
        try roundTrips(.group(.visitEnded(number: 1, attempt: 1, .nobody(visited: 0, reach)), contacts: []))
    }

    @Test("any peer may speak of groups")
    func anyone() {
        for kind in GroupKind.allCases { #expect(!kind.message.isMastersOnly) }
    }

    private func roundTrips(_ message: PeerMessage) throws {
        let bytes = message.encoded()
        #expect(bytes.count <= WireBounds.messageBytesMax)
        #expect(try PeerMessage(decoding: bytes) == message)
    }
}

/// So many peers, each another.
func ids(_ count: Int) -> [PeerID] {
    (0..<count).map { PeerID(high: UInt64($0) << 48, low: ~UInt64($0)) }
}

enum GroupViolations {
    static func all() throws -> [RefusalTests.Violation] {
        try ofTrees() + ofSummaries() + ofSearches()
    }

    static func ofTrees() throws -> [RefusalTests.Violation] {
        let attached = GroupKind.attached.message
        let multicast = GroupKind.multicast.message
        return [
            try .init("a join without members", .missing, of: GroupKind.join.message) {
                $0.group.join.clearSummary()
            },
            try .init("no group", of: attached) { $0.group.attached.group = Data() },
            try .init("65 ancestors", of: attached) { $0.group.attached.path = Data(count: 65 * 16) },
            try .init("half an ancestor", of: attached) { $0.group.attached.path = Data(count: 8) },
            try .init("a child without id", of: GroupKind.redirected.message) { $0.group.redirected.child = Data() },
            try .init("leaving no group", of: GroupKind.leave.message) { $0.group.leave = Data() },
            try .init("dropped from half a group", of: GroupKind.dropped.message) {
                $0.group.dropped = Data(count: 8)
            },
            try .init("a multicast from nobody", of: multicast) { $0.group.multicast.origin = Data() },
            try .init("a multicast of 64 KiB and one", of: multicast) {
                $0.group.multicast.payload = Data(count: 65_537)
            },
            try .init("nothing about groups", .missing, of: multicast) { $0.group = WireGroupMessage() },
            try .init("a group's 129 contacts", of: multicast) {
                $0.contacts = Array(repeating: $0.contacts[0], count: 129)
            },
        ]
    }

    static func ofSummaries() throws -> [RefusalTests.Violation] {
        let join = GroupKind.join.message
        let empty = GroupKind.report.message
        return [
            try .init("more in the sample than there are", of: join) { $0.group.join.summary.count = 1 },
            try .init("nine in the sample", of: join) {
                $0.group.join.summary.count = 9
                $0.group.join.summary.sample = Data(count: 9 * 16)
                $0.group.join.summary.values = Array(repeating: 0, count: 9)
            },
            try .init("a value too few", of: join) { $0.group.join.summary.values.removeLast() },
            try .init("a value below the smallest", of: join) { $0.group.join.summary.values[0] = -21 },
            try .init("a value above the largest", of: join) { $0.group.join.summary.values[0] = 9 },
            try .init("the smallest above the largest", of: join) { $0.group.join.summary.min = 9 },
            try .init("nobody with a sum", of: empty) { $0.group.report.summary.sum = 1 },
            try .init("nobody with a value", of: empty) { $0.group.report.summary.max = 1 },
            try .init("no summary", .missing, of: GroupKind.summary.message) { $0.group.summary.clearSummary() },
        ]
    }

    static func ofSearches() throws -> [RefusalTests.Violation] {
        let visit = GroupKind.visit.message
        let accepted = GroupKind.visitAccepted.message
        let refused = GroupKind.visitRefused.message
        return [
            try .init("257 to visit", of: visit) { $0.group.visit.pending = Data(count: 257 * 16) },
            try .init("257 visited", of: visit) { $0.group.visit.visited = Data(count: 257 * 16) },
            try .init("attempt 256", of: visit) { $0.group.visit.attempt = 256 },
            try .init("a search of 64 KiB and one", of: visit) { $0.group.visit.payload = Data(count: 65_537) },
            try .init("a search from nobody", of: visit) { $0.group.visit.origin = Data() },
            try .init("accepted by nobody", of: accepted) { $0.group.visitEnded.accepted.by = Data() },
            try .init("an answer of 64 KiB and one", of: accepted) {
                $0.group.visitEnded.accepted.answer = Data(count: 65_537)
            },
            try .init("an end of attempt 256", of: accepted) { $0.group.visitEnded.attempt = 256 },
            try .init("65,536 visited", of: refused) { $0.group.visitEnded.nobody.visited = 65_536 },
            try .init("no reach", .missing, of: refused) { $0.group.visitEnded.nobody.reach = .unspecified },
            try .init("a reach of tomorrow", .unknownKind, of: refused) {
                $0.group.visitEnded.nobody.reach = .UNRECOGNIZED(4)
            },
            try .init("no end", .missing, of: refused) { $0.group.visitEnded.kind = nil },
        ]
    }
}

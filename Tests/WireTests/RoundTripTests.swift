import Automata
import Claims
import Ledger
import Peer
import Testing

@testable import Wire

@Suite("Every message reads back as it was written")
struct RoundTripTests {
    @Test("a message of each kind", arguments: Sample.all)
    func message(_ sample: Sample) throws {
        #expect(Sample.area(of: sample.message) == sample.name)
        let bytes = sample.message.encoded()
        #expect(try PeerMessage(decoding: bytes) == sample.message)
        #expect(sample.message.encoded() == bytes)
    }

    @Test("a message of a ledger that another master has founded", arguments: Sample.led)
    func led(_ sample: Sample) throws {
        #expect(try PeerMessage(decoding: sample.message.encoded()) == sample.message)
    }

    @Test("an entry of each kind of fact", arguments: FactKind.allCases)
    func entry(_ kind: FactKind) throws {
        #expect(FactKind(kind.sample) == kind)
        #expect(try Entry(decoding: kind.entry.encoded()) == kind.entry)
        let call = PeerMessage.call(number: 1, .record(kind.sample), of: nil)
        #expect(try PeerMessage(decoding: call.encoded()) == call)
    }

    @Test("partition records with and without a tenant")
    func partitions() throws {
        for record in partitionRecords {
            #expect(try PartitionRecord(decoding: record.encoded()) == record)
        }
    }

    @Test("advertisements, one by one and as a list")
    func advertisements() throws {
        for state in MachineState.allCases {
            var it = advertisement
            it.state = state
            if state == .drained { it.free = it.capacity }
            #expect(try Advertisement(decoding: it.encoded()) == it)
        }
        let list = [advertisement, plainAdvertisement]
        #expect(try [Advertisement](decoding: list.encoded()) == list)
        #expect(try [Advertisement](decoding: []) == [])
    }

    @Test("every value of every enum")
    func enums() throws {
        for state in InstanceState.allCases {
            try roundTrips(.claim(.report(claim, sequence: 1, InstanceStatus(state: state)), LedgerStamp()))
        }
        for desired in DesiredState.allCases {
            try roundTrips(.call(number: 1, .request(.read(key, wait: Wait(until: desired, timeout: .zero))), of: nil))
        }
        for reason in OrderRefusal.allCases { try roundTrips(.claim(.orderRefused(claim, reason), LedgerStamp())) }
        for code in Refusal.Code.allCases { try roundTrips(.result(number: 1, .refused(Refusal(code, "no")))) }
        for stream in LogQuery.Stream.allCases {
            try roundTrips(.call(number: 1, .log(key, LogQuery(stream: stream, offset: 0, bytesMax: 1)), of: nil))
        }
        for mismatch in Mismatch.samples {
            try roundTrips(.claim(.refused(key, .first, [mismatch]), LedgerStamp()))
        }
    }

    @Test("a list tells each release once, however many requests run it")
    func releasesOnce() throws {
        var big = specification
        big.release.text = String(repeating: "x", count: 60_000)
        let requests = (0..<1_000).map { number in
            Request(
                key: RequestKey(customer: Customer("c"), reference: "r\(number)"), specification: big,
                revision: .first, attempt: .first, placement: claim, status: status, statusSequence: 1,
                requestedAt: .zero, changedAt: .zero)
        }
        let message = PeerMessage.result(number: 1, .requests(requests, missing: []))
        #expect(message.encoded().count < 300_000)
        try roundTrips(message)
    }

    @Test("durations travel as whole milliseconds, rounded down, inside their bounds")
    func durations() throws {
        func lease(_ duration: Duration) throws -> Duration? {
            let bytes = PeerMessage.claim(.order(order, lease: duration), LedgerStamp()).encoded()
            guard case .claim(.order(_, let lease), _) = try PeerMessage(decoding: bytes) else { return nil }
            return lease
        }
        #expect(try lease(.microseconds(1_999)) == .milliseconds(1))
        #expect(try lease(.seconds(-5)) == .zero)
        #expect(try lease(.seconds(Int64.max)) == WireBounds.durationMax)
    }

    @Test("texts for people are cut to their bound at the end of a character")
    func cutting() throws {
        let long = String(repeating: "ä€𝄞", count: 2_000)
        let message = PeerMessage.result(number: 1, .refused(Refusal(.failed, long, remedy: long)))
        guard case .result(_, .refused(let read)) = try PeerMessage(decoding: message.encoded()) else {
            Issue.record("it is another message")
            return
        }
        #expect(read.message.utf8.count > WireBounds.reasonBytesMax - 8)
        #expect(read.message.utf8.count <= WireBounds.reasonBytesMax)
        #expect(read.message.hasSuffix("…") && long.hasPrefix(read.message.dropLast()))
    }

    private func roundTrips(_ message: PeerMessage) throws {
        #expect(try PeerMessage(decoding: message.encoded()) == message)
    }
}

let partitionRecords = [
    PartitionRecord(partition: PartitionNumber(0)),
    PartitionRecord(partition: PartitionNumber(9_999), fencing: FencingNumber(41), tenant: tenant),
    bookedRecord,
]

private let bookedRecord = {
    var record = PartitionRecord(partition: PartitionNumber(3), fencing: FencingNumber(2))
    record.booked = 7
    record.bookings = [
        BookingRecord(
            number: 7, place: Samples.place, attempt: Attempt(2), home: beta, terms: Samples.terms,
            demand: Demand(cores: 2), isConfirmed: true)
    ]
    return record
}()

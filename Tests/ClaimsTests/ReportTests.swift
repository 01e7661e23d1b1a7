import Automata
import Testing

@testable import Claims

@Suite("reports of instances")
struct ReportTests {
    let running = InstanceStatus(state: .running, connection: #"{"port":1}"#)

    @Test("what the agent says goes to the home ledger, numbered, and again after a moment if nobody acknowledged it")
    func reported() throws {
        var box = Machine()
        let claim = try box.confirm()
        let message = ClaimKeeper.Effect.send(.report(claim, sequence: 100_000, running), to: home)
        #expect(
            box.feed(.reported(claim, running)) == [message, .set(.report(PartitionNumber(0)), at: seconds(101))])
        box.after(.seconds(1))
        #expect(box.fire(.report(PartitionNumber(0))) == [message])
        box.after(.seconds(9))
        #expect(box.fire(.renew).contains(message))
        #expect(box.receive(.acknowledged(claim, sequence: 100_000)) == [])
        #expect(box.fire(.report(PartitionNumber(0))) == [])
        #expect(!box.fire(.renew).contains(message))
    }

    @Test("the same again is no news; what differs has a larger number, also within one millisecond")
    func numbers() throws {
        var box = Machine()
        let claim = try box.confirm()
        _ = box.feed(.reported(claim, running))
        #expect(box.feed(.reported(claim, running)) == [])
        let failed = InstanceStatus(state: .failed)
        #expect(box.feed(.reported(claim, failed)).messages == [.report(claim, sequence: 100_001, failed)])
        box.after(.seconds(5))
        #expect(box.feed(.reported(claim, running)).messages == [.report(claim, sequence: 105_000, running)])
    }

    @Test("only the newest report's acknowledgement ends its repetition")
    func acknowledgements() throws {
        var box = Machine()
        let claim = try box.confirm()
        _ = box.feed(.reported(claim, InstanceStatus(state: .starting)))
        _ = box.feed(.reported(claim, running))
        _ = box.receive(.acknowledged(claim, sequence: 100_000))
        _ = box.receive(.acknowledged(claim, sequence: 100_002))
        _ = box.receive(.acknowledged(reference(0, 9), sequence: 100_001))
        #expect(box.fire(.report(PartitionNumber(0))).messages == [.report(claim, sequence: 100_001, running)])
        _ = box.receive(.acknowledged(claim, sequence: 100_001))
        #expect(box.fire(.report(PartitionNumber(0))) == [])
    }

    @Test("after a restart the numbers go on growing")
    func afterRestart() throws {
        var box = Machine()
        let claim = try box.confirm()
        _ = box.feed(.reported(claim, running))
        var later = Machine(records: [record(0, 1, tenant(order(claim)))], at: seconds(120))
        #expect(later.feed(.reported(claim, running)).messages == [.report(claim, sequence: 120_000, running)])
    }

    @Test("a report about a partition without a tenant, another tenancy or another machine changes nothing")
    func foreign() throws {
        var box = Machine()
        #expect(box.feed(.reported(reference(0, 0), running)) == [])
        _ = box.receive(.claim(asked(key(), .first, Requirements())))
        #expect(box.feed(.reported(reference(0, 1), InstanceStatus(state: .destroyed))) == [])
        #expect(box.keeper.offer.free == 1)
        _ = box.receive(.order(order(reference(0, 1)), lease: .seconds(30)))
        #expect(box.feed(.reported(reference(0, 0), running)) == [])
        #expect(box.feed(.reported(reference(0, 1, on: PeerID(0xBB)), running)) == [])
        _ = box.receive(.release(reference(0, 1)))
        #expect(box.feed(.reported(reference(0, 0), InstanceStatus(state: .destroyed))) == [])
        #expect(box.keeper.offer.free == 1)
    }
}

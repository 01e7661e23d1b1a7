import Automata
import Replication
import Testing

@testable import Peer

@Suite("How a ledger stands")
struct LedgerStatusTests {
    private func standing(_ roles: [LedgerStatus.Role], away: Set<Int> = []) -> Int {
        let replicas = roles.enumerated().map { index, role in
            LedgerStatus.Replica(
                peer: PeerID(UInt8(index + 1)), name: "m\(index + 1)", role: role, isPresent: !away.contains(index))
        }
        return LedgerStatus(
            ledger: PeerID(1), name: "lab", founder: "m1", role: .primary, primary: PeerID(1), view: .zero, op: .zero,
            commit: .zero, replicas: replicas, wanted: 2, minimum: 0, absence: .seconds(60), health: .ok, reasons: []
        ).standing
    }

    @Test("replicas that answer stand; copies without a vote count as one until they have it: alone they do not go on")
    func copies() {
        #expect(standing([.primary]) == 0)
        #expect(standing([.primary, .learner]) == 1)
        #expect(standing([.primary, .learner, .learner]) == 1)
        #expect(standing([.primary, .replica, .replica]) == 2)
        #expect(standing([.primary, .replica, .replica, .learner]) == 3)
        #expect(standing([.primary, .replica, .replica], away: [2]) == 1)
        #expect(standing([.primary, .learner, .learner], away: [1, 2]) == 0)
    }
}

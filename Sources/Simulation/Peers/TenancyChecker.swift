import Automata
import Claims
import Ledger
import Peer
import Replication

/// Knows every instance and every ledger, and holds them against the invariants; the peers know nothing of it.
///
/// - **I1** while it runs: no exclusive request runs on two machines at once.
/// - **I2** while it runs: no partition is given to a second tenant before the first has left it (checked where an
///   order reaches the agent).
/// - **I3** at each start: what a master's disk held as an acknowledged request, its ledger still has.
/// - **I2** also: no claim is granted to two, none begins anew when its tenancy is over, and none is said to be released
///   while its instance is there (`PeerPopulation+Claims`).
/// - **placed**: whatever a machine is ordered is a placement in the books of whoever orders it.
/// - **newest**: a machine never goes back to an older order of a claim.
/// - **I4** at the end, when all faults are long over: every acknowledged request is as its user asked.
struct TenancyChecker {
    private var running: [RequestKey: [UInt32]] = [:]  // looked up only
    private var ledgerLengths: [UInt32: UInt64] = [:]  // looked up only
    private var grantees: [ClaimReference: Grantee] = [:]  // looked up only
    private var over: Set<ClaimReference> = []  // looked up only

    /// For whom a claim was granted.
    struct Grantee: Hashable {
        var request: RequestKey
        var attempt: Attempt
        var ledger: PeerID
    }

    /// - Returns: where it runs, when it is exclusive and runs on two machines.
    mutating func started(_ order: InstanceOrder, host: UInt32) -> [UInt32]? {
        running[order.request, default: []].enter(host)
        guard order.specification.exclusive, let hosts = running[order.request], hosts.count > 1 else { return nil }
        return hosts
    }

    mutating func stopped(_ order: InstanceOrder, host: UInt32) {
        running[order.request]?.drop(host)
    }

    /// - Returns: for whom the claim was granted before, where that is another one.
    mutating func granted(_ claim: ClaimReference, to grantee: Grantee) -> Grantee? {
        guard let before = grantees.updateValue(grantee, forKey: claim), before != grantee else { return nil }
        return before
    }

    mutating func ended(_ claim: ClaimReference) { over.insert(claim) }

    func isOver(_ claim: ClaimReference) -> Bool { over.contains(claim) }

    /// - Returns: how long the ledger was and is, when something acknowledged is missing.
    func onStart(_ host: UInt32, length: Int) -> (before: UInt64, index: UInt64)? {
        guard let before = ledgerLengths[host], length < before else { return nil }
        return (before, UInt64(length))
    }

    /// Remembers how far a master's committed ledger has come; called whenever it answers somebody.
    /// With replicas the others may have what this disk has lost.
    mutating func acknowledged(_ ledger: HeldLedger?, by host: UInt32) {
        guard let ledger, ledger.replica.membership.members.count <= 1 else { return ledgerLengths[host] = nil }
        ledgerLengths[host] = max(ledgerLengths[host] ?? 0, ledger.books.index.value)
    }
}

extension PeerPopulation {
    /// I4: every user has what was asked for.
    func unserved() -> [String] {
        let desks = (0..<UInt32(count)).flatMap { hosts[Int($0)].peer?.ledgers.compactMap(\.desk) ?? [] }
        let isFull =
            settings.reservations != nil
            && watch.running.items.allSatisfy { hosts[Int($0)].peer?.claims.offer.free ?? 0 == 0 }
        return users.users.compactMap { user in
            guard let wanted = user.acknowledged, user.waitingFor == nil else {
                if user.specification.project != nil { return nil }  // refused: the project has too little left
                return "\(user.key) was never answered, \(user.attempt) times asked, although all faults are over"
            }
            let views = desks.compactMap { $0.requests.view(of: user.key) }
            let state = views.map { "\($0.status.state) \($0.status.reason)" }.joined(separator: ", ")
            let found = state.isEmpty ? "in no ledger" : state
            // Its turn comes when others have released what they hold.
            if wanted.project != nil, views.contains(where: { $0.status.state == .waiting }) { return nil }
            // Or no machine has anything free, and what is kept is kept for others.
            if isFull, wanted.desired == .running, views.contains(where: { $0.status.state == .waiting }) { return nil }
            switch wanted.desired {
            case .running where !views.contains { $0.status.state == .running && $0.specification == wanted }:
                return "\(user.key) should run, and is \(found)"
            case .stopped where !views.contains { $0.status.state == .stopped }:
                return "\(user.key) should be stopped, and is \(found)"
            case .destroyed where views.contains { $0.specification.desired == .destroyed }:
                return "\(user.key) should be gone, and is \(found)"
            case .running, .stopped, .destroyed: return nil
            }
        }
    }
}

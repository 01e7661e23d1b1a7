public import Automata
import Claims
import Ledger
import Peer

/// A broken promise, found while a scenario ran.
public struct Violation: Hashable, Sendable {
    /// I1, I2, I3, I4 (Specs/design.md), or `codec`.
    public var invariant: String
    public var at: Instant
    public var summary: String
}

/// Knows the whole world, and holds it against the invariants; the peers know nothing of it.
///
/// - **I1** while it runs: no exclusive request runs on two machines at once.
/// - **I2** while it runs: no partition is given to a second tenant before the first has left it.
/// - **I3** at each start and at the end: what a master's disk held as an acknowledged request, its ledger still has.
/// - **I4** at the end, when all faults are long over: every acknowledged request is as its user asked.
struct Checker {
    private(set) var violations: [Violation] = []
    private var running: [RequestKey: [Int: String]] = [:]  // looked up only
    private var ledgerLengths: [Int: UInt64] = [:]  // looked up only

    mutating func report(_ invariant: String, at now: Instant, _ summary: String) {
        violations.append(Violation(invariant: invariant, at: now, summary: summary))
    }

    mutating func started(_ order: InstanceOrder, host: Int, name: String, at now: Instant) {
        running[order.request, default: [:]][host] = name
        guard order.specification.exclusive, let names = running[order.request]?.values, names.count > 1 else { return }
        report("I1", at: now, "\(order.request) is exclusive and runs on \(names.sorted().joined(separator: " and "))")
    }

    mutating func stopped(_ order: InstanceOrder, host: Int) {
        running[order.request]?[host] = nil
    }

    mutating func twoTenants(_ old: InstanceOrder, _ new: InstanceOrder, on name: String, at now: Instant) {
        report(
            "I2", at: now,
            "\(name)'s partition \(new.claim.partition) has \(old.request) (\(old.claim)) and is given to \(new.request) (\(new.claim))"
        )
    }

    mutating func onStart(_ host: Int, world: World) {
        let index = world.hosts[host].peer?.master?.requests.books.index.value ?? 0
        if let before = ledgerLengths[host], index < before {
            report(
                "I3", at: world.now,
                "\(world.hosts[host].name) had \(before) committed entries and starts with \(index)")
        }
    }

    /// Remembers how far a master's committed ledger has come; called whenever it answers somebody.
    mutating func acknowledged(by host: Int, world: World) {
        let index = world.hosts[host].peer?.master?.requests.books.index.value ?? 0
        ledgerLengths[host] = max(ledgerLengths[host] ?? 0, index)
    }

    mutating func atEnd(_ world: World) {
        for user in world.users.users {
            guard let wanted = user.acknowledged, user.waitingFor == nil else {
                let text = "\(user.key) was never answered, \(user.attempt) times asked, although all faults are over"
                report("I4", at: world.now, text)
                continue
            }
            let views = world.hosts.compactMap { $0.peer?.master?.requests.view(of: user.key) }
            let state = views.map { "\($0.status.state) \($0.status.reason)" }.joined(separator: ", ")
            switch wanted.desired {
            case .running where !views.contains { $0.status.state == .running && $0.specification == wanted }:
                report("I4", at: world.now, "\(user.key) should run, and is \(state.isEmpty ? "in no ledger" : state)")
            case .stopped where !views.contains { $0.status.state == .stopped }:
                report(
                    "I4", at: world.now,
                    "\(user.key) should be stopped, and is \(state.isEmpty ? "in no ledger" : state)")
            case .destroyed where views.contains { $0.specification.desired == .destroyed }:
                report("I4", at: world.now, "\(user.key) should be gone, and is \(state)")
            case .running, .stopped, .destroyed: continue
            }
        }
    }
}

public import Automata
import Overlay

/// A broken promise, found while a scenario ran.
public struct Violation: Hashable, Sendable {
    /// I1, I2, I3, I4, I5, I8 (Specs/design.md), `placed`, `newest`, `groups`, `agreement`, `linearizability`, `once`, or `codec`.
    public var invariant: String
    public var at: Instant
    public var summary: String
}

/// Collects violations, and holds the ring against I8 (and I4 at the end); knows the whole world, while the peers know
/// nothing of it.
///
/// - **I8** while it runs: a key is delivered only at the closest live peer that may deliver. Where a fault makes two
///   peers rightly think the other gone (a partition, loss, links slower than the probes' patience), wrong deliveries
///   are counted only, and until the ring had time to heal.
/// - **I8** at the end, when all is long well: every leaf set is what the sorted list of live peers says.
/// - **I4** at the end: every live peer is active, and what was looked up in the quiet part was delivered.
struct Checker {
    private(set) var violations: [Violation] = []
    /// Whether wrong deliveries end the run at all.
    var isStrict = true
    /// The peers that the last violation is about.
    private(set) var concerned: [UInt32] = []

    /// Ends the run.
    mutating func report<Message>(
        _ invariant: String, _ summary: String, _ peers: [UInt32], _ core: inout Core<Message>
    ) {
        violations.append(Violation(invariant: invariant, at: Instant(nanoseconds: core.now), summary: summary))
        concerned = peers
        core.isOver = true
    }

    mutating func deliveredWrong<Message>(
        _ routed: Routed, at peer: UInt32, root: ActiveRing.Member?, _ core: inout Core<Message>
    ) {
        guard isStrict, core.now >= core.excusedUntil else { return }
        let here = "peer \(peer) (\(core.id(of: peer).fingerprint))"
        let right =
            root.map { "peer \($0.peer) (\($0.id.fingerprint)) is closer, live and active" } ?? "nobody is active"
        let key = routed.key.fingerprint
        report(
            "I8", "key \(key) was delivered at \(here) while \(right)", [peer] + (root.map { [$0.peer] } ?? []), &core)
    }

    mutating func lookupLost<Message>(
        _ record: LookupBook.Record, key: PeerID, root: ActiveRing.Member?, _ core: inout Core<Message>
    ) {
        guard isStrict else { return }
        let began = Instant(nanoseconds: record.began)
        let right = root.map { "peer \($0.peer) (\($0.id.fingerprint))" } ?? "nobody"
        report(
            "I4",
            "the lookup of key \(key.fingerprint) that peer \(record.origin) made at \(began) was never delivered, "
                + "although all faults are over; the key's root is \(right)", [record.origin], &core)
    }

    mutating func standsStill<Message>(_ core: inout Core<Message>) {
        let last = core.recent.last(1).first?.target ?? 0
        report("I4", "time stands still: peer \(last) is called at one instant without end", [last], &core)
    }

    mutating func tooManyLost<Message>(_ lost: Int, of lookups: Int, limit: Double, _ core: inout Core<Message>) {
        report("I4", "\(lost) of \(lookups) lookups were lost; at most \(limit * 100)% may be", [], &core)
    }
}

extension RingWatch {
    /// Holds one live peer's leaf set against the truth, when all is long well.
    mutating func checkLeaves<Message>(
        of peer: UInt32, _ overlay: borrowing Overlay, leafSetSize: Int, _ core: inout Core<Message>
    ) {
        let name = "peer \(peer) (\(core.id(of: peer).fingerprint))"
        guard overlay.isActive else {
            checker.report("I4", "\(name) runs and is not active, although all faults are over", [peer], &core)
            return
        }
        let leaves = overlay.leafSet
        for isUp in [false, true] {
            let truth = ring.neighbours(of: overlay.id, up: isUp, count: leafSetSize / 2)
            let found = isUp ? leaves.larger : leaves.smaller
            guard found != truth else { continue }
            let side = isUp ? "larger" : "smaller"
            let stranger =
                found.first { !truth.contains($0) }.map { "; \($0.fingerprint) does not belong there" } ?? ""
            let missing = truth.first { !found.contains($0) }.map { "; \($0.fingerprint) is missing" } ?? ""
            checker.report(
                "I8",
                "\(name) has \(found.count) \(side) leaves that are not the \(truth.count) nearest live "
                    + "peers, although all faults are over\(stranger)\(missing)", [peer], &core)
            return
        }
    }
}

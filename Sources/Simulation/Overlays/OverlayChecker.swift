import Automata
import Overlay

/// Holds the ring against I8 (and I4 at the end); knows the whole world, while the peers know nothing of it.
///
/// - **I8** while it runs: a key is delivered only at the closest live peer that may deliver. Where a fault makes two
///   peers rightly think the other gone (a partition, loss, links slower than the probes' patience), wrong deliveries
///   are counted only, and until the ring had time to heal.
/// - **I8** at the end, when all is long well: every leaf set is what the sorted list of live peers says.
/// - **I4** at the end: every live peer is active, and what was looked up in the quiet part was delivered.
struct OverlayChecker {
    private(set) var violations: [Violation] = []
    /// Whether wrong deliveries end the run at all.
    var isStrict = true
    /// The peers that the last violation is about.
    private(set) var concerned: [UInt32] = []

    private mutating func report<Message>(
        _ invariant: String, _ summary: String, _ peers: [UInt32], _ core: inout Core<Message>
    ) {
        violations.append(Violation(invariant: invariant, at: Instant(nanoseconds: core.now), summary: summary))
        concerned = peers
        core.isOver = true
    }

    mutating func deliveredWrong(
        _ routed: Routed, at peer: UInt32, root: ActiveRing.Member?, _ core: inout Core<OverlayMessage>
    ) {
        guard isStrict, core.now >= core.excusedUntil else { return }
        let here = "peer \(peer) (\(core.id(of: peer).fingerprint))"
        let right =
            root.map { "peer \($0.peer) (\($0.id.fingerprint)) is closer, live and active" } ?? "nobody is active"
        let key = routed.key.fingerprint
        report(
            "I8", "key \(key) was delivered at \(here) while \(right)", [peer] + (root.map { [$0.peer] } ?? []), &core)
    }

    mutating func lookupLost(
        _ record: LookupBook.Record, key: PeerID, root: ActiveRing.Member?, _ core: inout Core<OverlayMessage>
    ) {
        guard isStrict else { return }
        let began = Instant(nanoseconds: record.began)
        let right = root.map { "peer \($0.peer) (\($0.id.fingerprint))" } ?? "nobody"
        report(
            "I4",
            "the lookup of key \(key.fingerprint) that peer \(record.origin) made at \(began) was never delivered, "
                + "although all faults are over; the key's root is \(right)", [record.origin], &core)
    }

    mutating func standsStill(_ core: inout Core<OverlayMessage>) {
        let last = core.recent.last(1).first?.target ?? 0
        report("I4", "time stands still: peer \(last) is called at one instant without end", [last], &core)
    }

    mutating func tooManyLost(_ lost: Int, of lookups: Int, limit: Double, _ core: inout Core<OverlayMessage>) {
        report("I4", "\(lost) of \(lookups) lookups were lost; at most \(limit * 100)% may be", [], &core)
    }

    /// Looks at every leaf set, once, at the end.
    mutating func atEnd(_ population: borrowing OverlayPopulation, leafSetSize: Int, _ core: inout Core<OverlayMessage>)
    {
        for peer in population.running.items.sorted() {
            guard let overlay = population.overlay(peer) else { continue }
            let name = "peer \(peer) (\(core.id(of: peer).fingerprint))"
            guard overlay.isActive else {
                report("I4", "\(name) runs and is not active, although all faults are over", [peer], &core)
                return
            }
            let leaves = overlay.leafSet
            for isUp in [false, true] {
                let truth = population.ring.neighbours(of: overlay.id, up: isUp, count: leafSetSize / 2)
                let found = isUp ? leaves.larger : leaves.smaller
                guard found != truth else { continue }
                let side = isUp ? "larger" : "smaller"
                let stranger =
                    found.first { !truth.contains($0) }.map { "; \($0.fingerprint) does not belong there" } ?? ""
                let missing = truth.first { !found.contains($0) }.map { "; \($0.fingerprint) is missing" } ?? ""
                report(
                    "I8",
                    "\(name) has \(found.count) \(side) leaves that are not the \(truth.count) nearest live "
                        + "peers, although all faults are over\(stranger)\(missing)", [peer], &core)
                return
            }
        }
    }
}

import Automata
import Ledger
import Objects
import Overlay
import Peer

/// The Prometheus text format, version 0.0.4: gauges of what is so, and the counters that the ledger is.
struct Metrics {
    let views: Views
    let pending: Int
    let problems: Int

    var text: String {
        let (nodes, masters) = (views.nodes.nodes, views.masters.masters)
        let requests = views.peer.requests(of: nil)
        let live = nodes.filter { $0.state != "failed" && $0.state != "left" }
        var lines: [String] = []
        func family(_ name: String, _ kind: String, _ help: String, _ samples: [(labels: String, value: Int64)]) {
            lines.append("# HELP \(name) \(help)")
            lines.append("# TYPE \(name) \(kind)")
            for sample in samples { lines.append("\(name)\(sample.labels) \(sample.value)") }
        }
        func states(_ known: [String], _ found: [String]) -> [(labels: String, value: Int64)] {
            known.map { state in ("{state=\"\(state)\"}", Int64(found.count { $0 == state })) }
        }
        family(
            "palmier_peers", "gauge", "Machines that this master knows, by state.",
            states(MachineState.allCases.map(\.rawValue), nodes.map(\.state)))
        family(
            "palmier_masters", "gauge", "Masters that this master knows, by state.",
            states(["primary", "failed", "left"], masters.map(\.state)))
        family(
            "palmier_requests", "gauge", "Open requests of the ledgers that this master leads, by state.",
            states(InstanceState.allCases.map(\.rawValue), requests.map(\.status.state.rawValue)))
        family(
            "palmier_partitions", "gauge", "Partitions of live machines.",
            [
                ("{state=\"free\"}", Int64(live.map(\.free).reduce(0, +))),
                ("{state=\"used\"}", Int64(live.map { $0.capacity - $0.free }.reduce(0, +))),
            ])
        family(
            "palmier_ledger_index", "counter", "Entries in this master's ledger.",
            [("", Int64(clamping: views.peer.ownLedger?.books.index.value ?? 0))])
        let ledgers = views.ledgers.ledgers
        func each(_ value: (LedgerDocument) -> Int64) -> [(labels: String, value: Int64)] {
            ledgers.map { ("{ledger=\"\(Self.escaped($0.name))\",id=\"\($0.id)\"}", value($0)) }
        }
        family(
            "palmier_ledger_replicas", "gauge", "Passive replicas that answer, of each ledger that is kept here.",
            each { Int64($0.standing) })
        family(
            "palmier_ledger_replicas_wanted", "gauge", "Passive replicas that the ledger shall have.",
            each { Int64($0.wanted) })
        family(
            "palmier_ledger_commit", "counter", "The ledger's last entry that is known here to be committed.",
            each { Int64(clamping: $0.commit) })
        family(
            "palmier_ledger_leads", "gauge", "1 where this master is the ledger's primary, else 0.",
            each { $0.role == LedgerStatus.Role.primary.rawValue ? 1 : 0 })
        family(
            "palmier_admissions", "gauge", "Members that this master's ledger notes as admitted.",
            [("", Int64(views.peer.ownLedger?.books.admissions.count ?? 0))])
        family("palmier_admissions_pending", "gauge", "Those who wait to be let in here.", [("", Int64(pending))])
        let overlay = views.peer.overlay.status
        let kept = views.peer.objects.status
        family(
            "palmier_overlay_active", "gauge", "1 while this peer delivers in the ring, else 0.",
            [("", overlay.isActive ? 1 : 0)])
        family(
            "palmier_overlay_peers", "gauge", "Peers in the ring: counted in a small one, else estimated.",
            [("", Int64(clamping: overlay.peersEstimate))])
        family(
            "palmier_overlay_messages_total", "counter", "Routed messages of this peer's, by what became of them.",
            [
                ("{outcome=\"delivered\"}", Int64(overlay.counters.delivered)),
                ("{outcome=\"forwarded\"}", Int64(overlay.counters.forwarded)),
                ("{outcome=\"resent\"}", Int64(overlay.counters.resent)),
                ("{outcome=\"undeliverable\"}", Int64(overlay.counters.undeliverable)),
            ])
        family(
            "palmier_overlay_failures_total", "counter", "Peers of the ring that this one called failed.",
            [("", Int64(overlay.counters.failures))])
        family("palmier_objects", "gauge", "Objects that this peer keeps for the ring.", [("", Int64(kept.objects))])
        family("palmier_object_bytes", "gauge", "Their bytes.", [("", Int64(kept.bytes))])
        family("palmier_problems", "gauge", "Problems of this machine, as doctor tells them.", [("", Int64(problems))])
        return lines.joined(separator: "\n") + "\n"
    }

    /// What stands between quotes: a master's name is its owner's to choose.
    static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}

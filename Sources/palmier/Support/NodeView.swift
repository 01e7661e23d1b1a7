import API
import Automata
import Console

/// Machines in words and tables.
enum NodeView {
    static func table(_ nodes: [NodeDocument], isWide: Bool) -> Table {
        var columns: [Table.Column] = [
            .plain("NAME"), .state("STATE"), .flexible("REASON"), .plain("WHERE"), .plain("AGE"), .plain("FREE"),
        ]
        if isWide { columns += [.plain("MEMORY"), .plain("PRICE"), .plain("MASTER"), .plain("FINGERPRINT")] }
        var table = Table(columns)
        for node in nodes {
            var cells = [
                node.name, node.state, node.reason, node.endpoints.first ?? "",
                Wording.age(seconds: node.lastHeardSeconds), "\(node.free)/\(node.capacity)",
            ]
            if isWide {
                cells += ["\(node.memoryMiB) MiB", String(node.price), node.isMaster ? "yes" : "", node.fingerprint]
            }
            table.add(cells)
        }
        return table
    }

    /// `3 idle, 1 failed; 12 of 16 partitions free`.
    static func counts(_ nodes: [NodeDocument]) -> String {
        let states = MachineState.allCases.compactMap { state in
            let count = nodes.count { $0.state == state.rawValue }
            return count == 0 ? nil : "\(count) \(state.rawValue)"
        }
        let living = nodes.filter { $0.state != MachineState.left.rawValue && $0.state != MachineState.failed.rawValue }
        let free = living.reduce(0) { $0 + $1.free }
        let capacity = living.reduce(0) { $0 + $1.capacity }
        return (states.isEmpty ? "no machines" : states.joined(separator: ", "))
            + "; \(free) of \(capacity) partitions free"
    }

    static func details(_ node: NodeDocument, style: Style) -> String {
        var listing = Listing()
        listing.add("name", node.name)
        listing.add("state", node.state)
        listing.add("reason", node.reason)
        listing.add("fingerprint", node.fingerprint)
        listing.add("peer", node.peer)
        listing.add("master", node.isMaster ? node.isSelf ? "yes, the one that answers" : "yes" : "no")
        listing.add("partitions", "\(node.free) free of \(node.capacity)")
        listing.add("memory", "\(node.memoryMiB) MiB free")
        listing.add("price", String(node.price))
        listing.add("addresses", node.endpoints.joined(separator: ", "))
        listing.add("last heard", node.isSelf ? "" : Wording.age(seconds: node.lastHeardSeconds) + " ago")
        return listing.text(style: style)
    }

    /// The one machine of a name, a fingerprint, or the beginning of an id.
    static func find(_ text: String, in nodes: [NodeDocument]) throws(Refusal) -> NodeDocument {
        let exact = nodes.filter { $0.name == text || $0.fingerprint == text || $0.peer == text }
        let digits = text.filter { $0 != "-" }
        let found = exact.isEmpty && digits.count >= 4 ? nodes.filter { $0.peer.hasPrefix(digits) } : exact
        if found.count > 1 {
            throw Refusal(
                .conflict, "\(found.count) machines are called \"\(text)\"",
                remedy: "say which by its fingerprint: \(found.map(\.fingerprint).joined(separator: ", "))")
        }
        guard let node = found.first else {
            let near = nearestName(to: text, among: nodes.map(\.name)).map { "did you mean \"\($0)\"?" }
            throw Refusal(
                .notFound, "no machine is called \"\(text)\"", remedy: near ?? "`palmier node list` shows all")
        }
        return node
    }
}

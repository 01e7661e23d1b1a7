public import API
import Automata

/// The ring in words and tables.
public enum RingText {
    /// Neighbours of each side that are shown unless all are wanted.
    private static let shownPerSide = 4

    // MARK: One peer's view

    public static func status(_ document: OverlayDocument, isWide: Bool, output: Output) -> String {
        var lines = [output.style.strong(Table.printable("\(document.peer.shownName): \(document.sentence)"))]
        let neighbours = neighbours(of: document, isWide: isWide)
        if !neighbours.table.rows.isEmpty { lines.append(output.text(of: neighbours.table, isWide: isWide)) }
        if neighbours.hidden > 0 {
            lines.append(output.style.faint("\(neighbours.hidden) farther neighbours are not shown: -o wide"))
        }
        lines.append(figures(document, isWide: isWide).text(style: output.style))
        for problem in document.problems {
            lines.append(output.style.state("problem") + " (\(problem.code)): " + Table.printable(problem.message))
            lines.append(output.style.strong("to do:") + " " + Table.printable(problem.remedy))
        }
        return lines.joined(separator: "\n")
    }

    /// Who stands next to this peer, in the order of the ring; in a small one each peer once, with its place on both
    /// sides.
    private static func neighbours(of document: OverlayDocument, isWide: Bool) -> (table: Table, hidden: Int) {
        var columns: [Table.Column] = [
            .plain("NAME"), .state("STATE"), .plain("SIDE"), .flexible("WHERE"), .plain("ROUND TRIP"),
            .plain("FINGERPRINT"),
        ]
        if isWide { columns.append(.plain("PEER")) }
        var table = Table(columns)
        func add(_ peer: RingPeerDocument, _ side: String) {
            var cells = [
                peer.name, peer.state, side, peer.address, roundTrip(peer), peer.fingerprint,
            ]
            if isWide { cells.append(peer.peer) }
            table.add(cells)
        }
        let both = document.left.filter { document.right.map(\.peer).contains($0.peer) }
        let own = document.peer
        guard both.isEmpty else {
            add(own, "")
            let above = document.right + document.left.reversed().filter { !both.map(\.peer).contains($0.peer) }
            for peer in above {
                let places = [("right", document.right), ("left", document.left)].compactMap { side, peers in
                    peers.firstIndex { $0.peer == peer.peer }.map { "\(side) \($0 + 1)" }
                }
                add(peer, places.joined(separator: ", "))
            }
            return (table, 0)
        }
        guard !document.left.isEmpty || !document.right.isEmpty else { return (table, 0) }
        let (left, right) =
            isWide
            ? (document.left[...], document.right[...])
            : (document.left.prefix(shownPerSide), document.right.prefix(shownPerSide))
        for (index, peer) in left.enumerated().reversed() { add(peer, "left \(index + 1)") }
        add(own, "")
        for (index, peer) in right.enumerated() { add(peer, "right \(index + 1)") }
        return (table, document.left.count + document.right.count - left.count - right.count)
    }

    private static func figures(_ document: OverlayDocument, isWide: Bool) -> Listing {
        let counters = document.counters
        var listing = Listing()
        listing.add("peer", document.peer.peer)
        listing.add("state", document.state)
        listing.add("prefix table", table(document))
        listing.add(
            "messages",
            "\(counters.delivered) delivered here, \(counters.forwarded) handed on, \(counters.resent) sent again, "
                + "\(counters.undeliverable) given up")
        listing.add(
            "waiting",
            document.unacknowledged + document.held == 0 && !isWide
                ? "" : "\(document.unacknowledged) for an acknowledgement, \(document.held) for this peer to be active")
        let nonsense =
            counters.refused == 0 && !isWide ? "" : "; \(Wording.count(Int(counters.refused), "message")) meant nothing"
        listing.add(
            "failures",
            "\(counters.failures) called failed by this peer; it stood still "
                + Wording.count(Int(counters.stalls), "time") + nonsense)
        if isWide {
            listing.add(
                "probes",
                "of table entries every \(Wording.age(seconds: document.tableProbeSeconds)), for "
                    + Wording.decimal(document.failuresPerDay, digits: 1) + " failures of a peer in a day")
        }
        listing.add(
            "objects",
            "\(document.kept.objects) kept here, \(Wording.size(bytes: document.kept.bytes)) of "
                + Wording.size(bytes: document.kept.bytesMax))
        return listing
    }

    private static func table(_ document: OverlayDocument) -> String {
        let entries = document.tableRows.reduce(0, +)
        guard entries > 0 else {
            guard document.isCounted, document.state == "active" else { return "empty" }
            return document.peers == 1 ? "" : "not needed: all peers are neighbours"
        }
        let filled = document.tableRows.map { String($0) }.joined(separator: " + ")
        return Wording.count(entries, "peer") + " in " + Wording.count(document.tableRows.count, "row") + " (\(filled))"
    }

    // MARK: Ways

    /// - Parameter name: whose hash the key is; nil for a key that was given as such.
    public static func lookup(_ route: RouteDocument, name: String?, isWide: Bool, style: Style) -> String {
        var listing = Listing()
        listing.add("key", route.key + (name.map { " (\"\($0)\")" } ?? ""))
        listing.add("root", route.root.shownName)
        listing.add("fingerprint", route.root.name.isEmpty ? "" : route.root.fingerprint)
        listing.add("peer", isWide ? route.root.peer : "")
        listing.add("where", route.root.address)
        listing.add("hops", route.hops == 0 ? "none: the peer asked is the root" : String(route.hops))
        listing.add("took", Wording.time(microseconds: route.tookMicroseconds))
        return listing.text(style: style)
    }

    public static func trace(_ route: RouteDocument, name: String?, isWide: Bool, output: Output) -> String {
        let way = route.path ?? []
        var columns: [Table.Column] = [
            .plain("HOP"), .plain("NAME"), .state("STATE"), .flexible("WHERE"), .plain("ROUND TRIP"), .plain("SHARED"),
            .plain("FINGERPRINT"),
        ]
        if isWide { columns.append(.plain("PEER")) }
        var table = Table(columns)
        for (index, peer) in way.enumerated() {
            let shared = peer.sharedDigits.map { Wording.count($0, "digit") } ?? ""
            var cells = [
                String(index), peer.name, peer.state, peer.address, roundTrip(peer), shared, peer.fingerprint,
            ]
            if isWide { cells.append(peer.peer) }
            table.add(cells)
        }
        let key = name.map { "\"\($0)\" (\(route.key))" } ?? route.key
        let hops = route.hops == 0 ? "which is the peer asked" : "\(Wording.count(route.hops, "hop")) away"
        let sentence =
            "\(key) ends at \(route.root.shownName), \(hops); answered in "
            + Wording.time(microseconds: route.tookMicroseconds)
        return output.style.strong(Table.printable(sentence)) + "\n" + output.text(of: table, isWide: isWide)
    }

    private static func roundTrip(_ peer: RingPeerDocument) -> String {
        peer.roundTripMicroseconds.map { Wording.time(microseconds: $0) } ?? ""
    }
}

import Automata
import Neighbours
import Objects
import Overlay
import Peer

/// Documents of the ring: ids become names and addresses as far as this peer knows them.
extension Views {
    func overlay(_ status: OverlayStatus) -> OverlayDocument {
        let known = Acquaintance(status)
        let size = size(status)
        let counters = status.counters
        let kept = peer.objects.status
        return OverlayDocument(
            peer: ringPeer(status.peer, known), state: status.phase.rawValue, sentence: sentence(status, size),
            problems: ringProblems(status, known), peers: size.peers, isCounted: size.isCounted,
            left: status.leafSet.smaller.map { ringPeer($0, known) },
            right: status.leafSet.larger.map { ringPeer($0, known) }, tableRows: status.tableRows,
            tableProbeSeconds: status.tableProbePeriod.milliseconds / 1_000,
            failuresPerDay: Double(status.failuresPerDayThousandths) / 1_000, unacknowledged: status.unacknowledged,
            held: status.held,
            counters: .init(
                delivered: counters.delivered, forwarded: counters.forwarded, resent: counters.resent,
                undeliverable: counters.undeliverable, failures: counters.failures, stalls: counters.stalls,
                refused: counters.refused),
            kept: .init(objects: kept.objects, bytes: kept.bytes, bytesMax: kept.bytesMax),
            at: DocumentCoding.text(of: now))
    }

    func route(_ route: RingRoute, traced: Bool) -> RouteDocument {
        let known = Acquaintance(peer.overlay.status)
        return RouteDocument(
            key: route.key.description, root: ringPeer(route.root, known, toward: route.key), hops: route.hops,
            tookMicroseconds: route.took.nanoseconds / 1_000,
            path: traced ? route.peers.map { ringPeer($0, known, toward: route.key) } : nil)
    }

    // MARK: Peers

    /// Whom the overlay talks to, by id.
    private struct Acquaintance {
        private let contacts: [PeerID: OverlayContact]

        init(_ status: OverlayStatus) {
            contacts = Dictionary(status.contacts.map { ($0.peer, $0) }) { first, _ in first }
        }

        subscript(peer: PeerID) -> OverlayContact? { contacts[peer] }
    }

    private func ringPeer(_ id: PeerID, _ known: Acquaintance, toward key: Key? = nil) -> RingPeerDocument {
        let own = peer.neighbours.own
        let contact = known[id]
        let isSelf = id == own.peer
        let state = isSelf ? "self" : contact.map { $0.isSuspected ? "silent" : "live" } ?? "distant"
        let measured = contact.flatMap { $0.roundTrip == .unknown ? nil : Int64($0.roundTrip.microseconds) }
        let address = isSelf ? own.endpoints.first : peer.endpoints(of: id).first
        return RingPeerDocument(
            peer: id.description, fingerprint: id.fingerprint,
            name: isSelf ? own.name : peer.neighbours[id]?.advertisement.name ?? "",
            address: address?.description ?? "", state: state, roundTripMicroseconds: measured,
            sharedDigits: key.map { key in zip(id.description, key.description).prefix { $0 == $1 }.count })
    }

    /// A ring that is not larger than the leaf set is known whole.
    private func size(_ status: OverlayStatus) -> (peers: Int64, isCounted: Bool) {
        let (smaller, larger) = (status.leafSet.smaller, status.leafSet.larger)
        let isWhole = larger.last.map(smaller.contains) ?? smaller.isEmpty
        return isWhole
            ? (Int64(Set(smaller + larger).count + 1), true) : (Int64(clamping: status.peersEstimate), false)
    }

    // MARK: Health

    private func sentence(_ status: OverlayStatus, _ size: (peers: Int64, isCounted: Bool)) -> String {
        switch status.phase {
        case .starting: return "starting"
        case .joining:
            let known = status.contacts.count
            return "joining: looks for its place in the ring"
                + (known == 0 ? ", and knows nobody there yet" : ", and knows \(counted(known, "peer")) there")
        case .agreeing:
            return "agreeing with its \(counted(status.leafSet.all.count, "neighbour")), and delivers when they answer"
        case .active where size.peers == 1: return "active, and the only peer of its ring"
        case .active: return "active in a ring of \(size.isCounted ? "" : "about ")\(counted(Int(size.peers), "peer"))"
        case .stopped: return "stopped: has left the ring"
        }
    }

    private func ringProblems(_ status: OverlayStatus, _ known: Acquaintance) -> [DoctorDocument.Problem] {
        var problems: [DoctorDocument.Problem] = []
        let leaves = status.leafSet.all
        let others = peer.neighbours.all.filter(\.isLive)
        if status.phase != .active {
            problems.append(
                .init(
                    code: "joining", message: "this peer does not deliver yet: it is \(status.phase.rawValue)",
                    remedy: others.isEmpty && leaves.isEmpty
                        ? "it knows nobody: name a peer of the fabric with --join HOST:PORT, or run `palmier doctor`"
                        : "it goes on by itself, and takes seconds; if it stays so, run `palmier doctor`"))
        } else if leaves.isEmpty, let problem = loneliness(others.count) {
            problems.append(problem)
        }
        if status.phase == .active, !status.leafSet.isComplete {
            problems.append(
                .init(
                    code: "leaves", message: "one side of the leaf set is short",
                    remedy: "it is filled within a minute; if it stays so, many peers were lost at once"))
        }
        let silent = leaves.filter { known[$0]?.isSuspected == true }
        if !silent.isEmpty {
            let names = silent.prefix(3).map { ringPeer($0, known).shownName }.joined(separator: ", ")
            problems.append(
                .init(
                    code: "silent",
                    message: "\(silent.count) of \(counted(leaves.count, "neighbour")) did not answer in time: \(names)"
                        + (silent.count > 3 ? ", …" : ""),
                    remedy: "dead ones leave the ring within ten seconds; if they live, look at the network between"))
        }
        return problems
    }

    /// The first master of a fabric may be alone; nobody else.
    private func loneliness(_ others: Int) -> DoctorDocument.Problem? {
        if others > 0 {
            return .init(
                code: "alone",
                message: "\(counted(others, "other machine")) of the fabric answer\(others == 1 ? "s" : ""), "
                    + "and none is in this peer's ring",
                remedy: "they meet within half a minute; if it stays so, see `palmier overlay status` on theirs")
        }
        guard !peer.neighbours.own.isMaster else { return nil }
        return .init(
            code: "alone", message: "this machine meets nobody of its fabric, which has a master somewhere",
            remedy:
                "name a peer of it: `palmier agent --join HOST:PORT`; `palmier doctor` says whether it can be reached")
    }

    private func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
}

extension LeafSet {
    /// Each peer once, going up around the ring from the nearest above.
    fileprivate var all: [PeerID] { larger + smaller.reversed().filter { !larger.contains($0) } }
}

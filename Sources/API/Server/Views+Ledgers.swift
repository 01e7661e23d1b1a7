import Automata
import Neighbours
import Peer
import Replication

/// Documents of ledgers: who keeps them, how far each has come, what is not as it should be.
extension Views {
    var ledgers: LedgersDocument {
        LedgersDocument(
            ledgers: peer.ledgerStatuses(at: now).map { ledger($0) }, elsewhere: elsewhere,
            master: peer.neighbours.own.name, own: peer.id.description)
    }

    /// The one ledger of a name, an id or a fingerprint.
    func ledger(named text: String) throws(ProblemDocument) -> LedgerDocument {
        let all = ledgers
        let found = all.ledgers.filter { [$0.name, $0.id, $0.fingerprint].contains(text) }
        guard found.count <= 1 else {
            throw ProblemDocument(
                .conflict, "\(found.count) ledgers are called \"\(text)\"",
                remedy: "say which by its id: \(found.map(\.id).joined(separator: ", "))", field: "ledger")
        }
        if let ledger = found.first { return ledger }
        if let other = all.elsewhere.first(where: { $0.name == text || $0.id == text }) {
            let place = other.api.first.map { ", --master \($0)" } ?? ""
            throw ProblemDocument(
                .notFound, "\(all.master) holds no replica of the ledger \(other.name), which \(other.primary) leads",
                remedy: "ask \(other.primary)\(place)", field: "ledger")
        }
        let near = nearestName(to: text, among: all.ledgers.map(\.name) + all.elsewhere.map(\.name))
        throw ProblemDocument(
            .notFound, "no ledger is called \"\(text)\"",
            remedy: near.map { "did you mean \"\($0)\"?" } ?? "`palmier ledger status` shows all", field: "ledger")
    }

    /// Whether a ledger of this name, id or fingerprint is kept here, or led by a master that is known here.
    func knows(ledger text: String) -> Bool {
        text == "-" || ledgers.ledgers.contains { [$0.name, $0.id, $0.fingerprint].contains(text) }
            || elsewhere.contains { $0.name == text || $0.id == text }
    }

    func ledger(_ status: LedgerStatus) -> LedgerDocument {
        let members = status.replicas.map { member($0, of: status) }
        let reasons = reasons(status, members)
        return LedgerDocument(
            name: status.name, id: status.ledger.description, fingerprint: status.ledger.fingerprint,
            role: status.role.rawValue, primary: status.primary.map { knownName(of: $0) } ?? "",
            view: status.view.description, op: status.op.value, commit: status.commit.value,
            standing: status.standing, wanted: status.wanted, minimum: status.minimum,
            replaceAfterSeconds: status.absence.components.seconds, health: health(status), reasons: reasons,
            remedy: remedy(status, members), notes: notes(status), keepers: status.keepers, members: members,
            master: peer.neighbours.own.name,
            at: DocumentCoding.text(of: now))
    }

    private func health(_ status: LedgerStatus) -> LedgerDocument.Health {
        switch status.health {
        case .ok: .ok
        case .degraded: .degraded
        case .unavailable: .unavailable
        }
    }

    // MARK: Members

    private func member(_ replica: LedgerStatus.Replica, of status: LedgerStatus) -> LedgerMemberDocument {
        // A new primary takes 0 for what one that does not answer has: it may be much more.
        let op = replica.isPresent || replica.op != .zero ? replica.op : nil
        let behind = op.map { status.commit.value - min($0.value, status.commit.value) }
        return LedgerMemberDocument(
            name: replica.name, fingerprint: replica.peer.fingerprint, role: replica.role.rawValue,
            state: state(of: replica, behind: behind, in: status), op: op?.value, behind: behind,
            heardSeconds: replica.heardAt.map { DocumentCoding.age(of: $0, at: now) },
            site: replica.site.isEmpty ? nil : replica.site)
    }

    private func notes(_ status: LedgerStatus) -> [String]? {
        let fenced = status.fenced.map {
            "\($0.name) is fenced: it says that it leads in view \($0.view), which is over since view \(status.view)"
        }
        let notes = status.notes + fenced
        return notes.isEmpty ? nil : notes
    }

    private func state(of replica: LedgerStatus.Replica, behind: UInt64?, in status: LedgerStatus) -> String {
        if status.fencedAt != nil, replica.peer == peer.id { return "fenced" }
        if replica.isPresent {
            if replica.role == .primary { return "primary" }
            let isBehind = behind.map { $0 > Self.lagMax } ?? (replica.role == .learner && replica.op == nil)
            return isBehind ? "catching up" : "replica"
        }
        switch peer.neighbours[replica.peer]?.state {
        case .left: return "left"
        case .failed, nil: return "failed"
        // It is there, and does not follow yet, or no more.
        case .live, .suspected: return "stale"
        }
    }

    /// A replica that lacks more is catching up: what a primary also asks of one that is to have a vote.
    private static let lagMax = UInt64(Replica.Configuration().learnerLagMax)

    // MARK: What is wrong

    /// The primary knows why; any other replica says what it sees, and whom to ask.
    private func reasons(_ status: LedgerStatus, _ members: [LedgerMemberDocument]) -> [String] {
        guard status.health != .ok else { return [] }
        guard status.role != .primary, status.fencedAt == nil else { return status.reasons }
        let away = members.filter { !$0.isStanding }.sorted { $0.name < $1.name }.map { member in
            switch member.state {
            case "left": "\(member.name) has left"
            case "stale": "\(member.name) does not follow"
            default: "\(member.name) does not answer"
            }
        }
        return away + status.reasons
    }

    private func remedy(_ status: LedgerStatus, _ members: [LedgerMemberDocument]) -> String {
        if status.fencedAt != nil {
            return
                "stop this master, keep STATE/ledgers/\(status.ledger) for whoever looks what is missing, move it away, and "
                + "start this master again: it then follows"
        }
        let away = members.filter { !$0.isStanding }.map(\.name).sorted()
        switch status.health {
        case .ok: return ""
        case .unavailable:
            return away.isEmpty
                ? "look at the network between \(members.map(\.name).joined(separator: ", "))"
                : "start \(away.joined(separator: ", ")) again: a majority of its replicas must run; only if their disks are "
                    + "gone for good: `palmier ledger restore LEDGER --from DIR`, DIR being the state of one that is left"
        case .degraded where !away.isEmpty:
            return "start \(away.joined(separator: ", ")) again, or another master: it is let in by itself"
        case .degraded:
            let missing = status.wanted - status.standing
            let takers = peer.neighbours.liveMasters.filter { master in
                master.takesReplicas && !status.replicas.contains { $0.peer == master.peer }
            }
            guard takers.isEmpty, status.replicas.count(where: { $0.role == .learner }) < 2 else {
                return "wait: a replica is being made"
            }
            // How many there shall be is its founder's to say.
            let founder = status.ledger
            let isThere = founder == peer.id || peer.neighbours[founder]?.isLive == true
            return "start \(missing == 1 ? "another master" : "\(missing) more masters")"
                + (isThere
                    ? ", or want fewer: `palmier master --replicas \(status.standing)` on \(status.founder)" : "")
        }
    }

    /// A problem for each ledger that is not ok, as `status` tells it.
    var ledgerAttention: [StatusDocument.Attention] {
        ledgers.ledgers.filter { $0.health != .ok }
            .sorted { ($0.health == .unavailable ? 0 : 1) < ($1.health == .unavailable ? 0 : 1) }
            .map { ledger in
                let told = ledger.reasons.isEmpty ? "" : ": " + ledger.reasons.joined(separator: ", ")
                return .init(
                    subject: "ledger \(ledger.name)", state: ledger.health.rawValue,
                    reason: "\(ledger.standing) of \(ledger.wanted) replicas\(told); \(ledger.remedy)")
            }
    }

    // MARK: Elsewhere

    /// What other masters lead and nobody keeps here.
    private var elsewhere: [LedgerElsewhereDocument] {
        let held = Set(peer.ledgers.map(\.id))
        var found: [LedgerElsewhereDocument] = []
        for master in peer.neighbours.liveMasters {
            for lead in master.leads where !held.contains(lead.ledger) && peer.primary(of: lead.ledger) == master.peer {
                found.append(
                    .init(
                        name: peer.ledgerName(of: lead.ledger), id: lead.ledger.description, primary: master.name,
                        api: api(of: master)))
            }
        }
        return found.sorted { ($0.name, $0.id) < ($1.name, $1.id) }
    }

    /// Names of the ledgers that a master says it leads, its own first.
    func leads(of master: Advertisement) -> [String] {
        let own = master.peer == peer.id
        let ids = own ? peer.ledgers.filter(\.isLeading).map(\.id) : master.leads.map(\.ledger)
        return ids.map { (isOwn: $0 == master.peer, name: peer.ledgerName(of: $0)) }
            .sorted { ($0.isOwn ? 0 : 1, $0.name) < ($1.isOwn ? 0 : 1, $1.name) }.map(\.name)
    }
}

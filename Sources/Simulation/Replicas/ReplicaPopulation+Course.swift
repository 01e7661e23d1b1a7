import Automata
import Replication

/// What happens at which time of a run, and what must hold at its end.
extension ReplicaPopulation {
    /// At the end nobody asks for so long, so that all can come to an end.
    static let quietTime: Int64 = 6_000_000_000
    /// So many answers each client must have got between the healing and the quiet end.
    static let answersOwed = 5

    func begin(_ core: inout World) {
        for client in clients.indices {
            core.note(at: 50_000_000 + Int64(client) * 7_000_000, Note.client.rawValue, slot: UInt32(client))
        }
        for group in records.indices { core.note(at: 20_000_000, Note.administer.rawValue, slot: UInt32(group)) }
        for (at, group) in mix.replacements { core.note(at: at, Note.replace.rawValue, slot: UInt32(group)) }
        for (at, group) in mix.damage { core.note(at: at, Note.spoil.rawValue, slot: UInt32(group)) }
        core.note(at: plan.begins, Note.scrub.rawValue)
        core.note(at: plan.quietFrom, Note.progress.rawValue)
        if let at = mix.upgradesFrom { core.note(at: at, Note.upgrade.rawValue) }
    }

    mutating func healed(in core: inout World) { isCalm = true }

    /// The faults have been over for `heal`: by then everybody was served.
    mutating func checkProgress(_ core: inout World) {
        guard let client = clients.firstIndex(where: { $0.doneCalm < Self.answersOwed }) else { return }
        let group = clients[client].group
        let leading = peers(of: group).filter { hosts[Int($0)].replica?.isLeading == true }
        accuse(
            .init(
                invariant: "I4",
                summary:
                    "client \(client) of group \(group) got \(clients[client].doneCalm) answers since all faults are "
                    + "over; hosts \(leading) lead, the log ends at \(records[group].last)"), Array(leading), &core)
    }

    mutating func checkAtEnd(_ core: inout World) {
        for group in records.indices where !core.isOver { accuse(problemAtEnd(of: group, core), [], &core) }
    }

    /// Whatever was answered is executed, at its place, by all of the newest members, whose disks and states are the same.
    private func problemAtEnd(of group: Int, _ core: World) -> GroupRecord.Problem? {
        let record = records[group]
        guard peers(of: group).contains(where: { hosts[Int($0)].replica?.isLeading == true }) else {
            return .init(invariant: "I4", summary: "nobody leads group \(group), although all faults are over")
        }
        guard record.membership.members.count == mix.members else {
            return .init(
                invariant: "I4",
                summary: "group \(group) has \(record.membership.members.count) members, not \(mix.members)")
        }
        for member in record.membership.members {
            guard let peer = core.number(of: member.peer), let disk = hosts[Int(peer)].disk, disk.store == member.store
            else { return .init(invariant: "I4", summary: "\(member) of group \(group) is not there") }
            let host = hosts[Int(peer)]
            guard host.executed == record.last, disk.last >= record.last else {
                return .init(
                    invariant: "I4",
                    summary: "\(name(peer)) has executed \(host.executed) of \(record.last), and has \(disk.last)")
            }
            if let problem = record.disk(disk, through: record.last, of: name(peer))
                ?? record.state(host.books, at: host.executed, of: name(peer))
            {
                return problem
            }
            if let op = disk.damaged.first {
                return .init(invariant: "I4", summary: "\(name(peer)) never mended its row \(op)")
            }
            if let found = host.books.discrepancy {
                return .init(invariant: "I5", summary: "the books of \(name(peer)): \(found)")
            }
        }
        return nil
    }

    var acknowledged: Int { clients.reduce(0) { $0 + $1.done } }
}

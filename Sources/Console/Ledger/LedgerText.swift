public import API

/// Ledgers in words and tables.
public enum LedgerText {
    // MARK: All

    public static func status(_ document: LedgersDocument, isWide: Bool, output: Output) -> String {
        var lines = [output.style.strong(Table.printable(sentence(document)))]
        if !document.ledgers.isEmpty { lines.append(output.text(of: table(document, isWide: isWide), isWide: isWide)) }
        for other in document.elsewhere {
            lines.append(
                Table.printable(
                    "\(other.name) is led by \(other.primary), which could not be asked; no replica of it is on "
                        + document.master))
        }
        for (remedy, names) in remedies(document) {
            lines.append(
                output.style.strong("to do (\(Table.printable(names.joined(separator: ", "))))") + ": "
                    + Table.printable(remedy))
        }
        return lines.joined(separator: "\n")
    }

    /// `3 ledgers: 2 ok, 1 degraded`.
    static func sentence(_ document: LedgersDocument) -> String {
        guard !document.ledgers.isEmpty else { return "\(document.master) holds no ledger" }
        let states = LedgerDocument.Health.allCases.compactMap { health in
            let count = document.ledgers.count { $0.health == health }
            return count == 0 ? nil : "\(count) \(health.rawValue)"
        }
        return Wording.count(document.ledgers.count, "ledger") + ": " + states.joined(separator: ", ")
    }

    private static func table(_ document: LedgersDocument, isWide: Bool) -> Table {
        var columns: [Table.Column] = [
            .plain("NAME"), .state("STATE"), .flexible("REASON"), .plain("PRIMARY"), .plain("REPLICAS"),
            .plain("ENTRIES"), .plain("BEHIND"),
        ]
        if isWide { columns += [.plain("VIEW"), .plain("MEMBERS"), .plain("TOLD BY"), .plain("FINGERPRINT")] }
        var table = Table(columns)
        for ledger in document.ledgers {
            var cells = [
                ledger.name, ledger.health.rawValue, ledger.reasons.joined(separator: ", "), ledger.primary,
                "\(ledger.standing) of \(ledger.wanted)", String(ledger.commit), behind(ledger),
            ]
            if isWide {
                let members = ledger.members.map { "\($0.name) (\($0.state))" }.joined(separator: ", ")
                cells += [ledger.view, members, ledger.master, ledger.fingerprint]
            }
            table.add(cells)
        }
        return table
    }

    /// The most that a replica lacks of those that answer; empty where that is not known.
    private static func behind(_ ledger: LedgerDocument) -> String {
        let known = ledger.members.filter { $0.role != "primary" && $0.isStanding }.compactMap(\.behind)
        return known.max().map { String($0) } ?? ""
    }

    /// Each thing to do once, with the ledgers that it is for.
    private static func remedies(_ document: LedgersDocument) -> [(remedy: String, names: [String])] {
        var found: [(remedy: String, names: [String])] = []
        for ledger in document.ledgers where !ledger.remedy.isEmpty {
            if let index = found.firstIndex(where: { $0.remedy == ledger.remedy }) {
                found[index].names.append(ledger.name)
            } else {
                found.append((ledger.remedy, [ledger.name]))
            }
        }
        return found
    }

    // MARK: One

    public static func details(_ ledger: LedgerDocument, isWide: Bool, output: Output) -> String {
        var lines = [output.style.strong(Table.printable(sentence(ledger)))]
        var columns: [Table.Column] = [
            .plain("NAME"), .state("STATE"), .plain("ENTRIES"), .plain("BEHIND"), .plain("HEARD"),
            .plain("FINGERPRINT"),
        ]
        if ledger.members.contains(where: { $0.site != nil }) { columns.append(.flexible("PLACE")) }
        if isWide { columns.insert(.plain("ROLE"), at: 2) }
        var table = Table(columns)
        var number = 0
        for member in ledger.members {
            if member.role != "primary", member.isStanding { number += 1 }
            var cells = [
                member.name, state(of: member, number, ledger), member.op.map { String($0) } ?? "",
                member.behind.map { String($0) } ?? "",
                member.heardSeconds.map { Wording.age(seconds: $0) + " ago" } ?? "", member.fingerprint,
            ]
            if ledger.members.contains(where: { $0.site != nil }) { cells.append(member.site ?? "") }
            if isWide { cells.insert(member.role, at: 2) }
            table.add(cells)
        }
        lines.append(output.text(of: table, isWide: isWide))
        lines.append(figures(ledger, isWide: isWide).text(style: output.style))
        for note in ledger.notes ?? [] { lines.append(output.style.strong("note:") + " " + Table.printable(note)) }
        for reason in ledger.reasons {
            lines.append(output.style.state(ledger.health.rawValue) + ": " + Table.printable(reason))
        }
        if !ledger.remedy.isEmpty {
            lines.append(output.style.strong("to do:") + " " + Table.printable(ledger.remedy))
        }
        return lines.joined(separator: "\n")
    }

    /// `m1: ok, led by m1, with 2 of 2 replicas`.
    static func sentence(_ ledger: LedgerDocument) -> String {
        let leader = ledger.primary.isEmpty ? "nobody leads it" : "led by \(ledger.primary)"
        return "\(ledger.name): \(ledger.health.rawValue), \(leader), with "
            + "\(ledger.standing) of \(ledger.wanted) replicas"
    }

    /// `replica 1 of 2`, in the vocabulary that all surfaces share.
    private static func state(of member: LedgerMemberDocument, _ number: Int, _ ledger: LedgerDocument) -> String {
        member.state == "replica" ? "replica \(number) of \(max(ledger.wanted, ledger.standing))" : member.state
    }

    private static func figures(_ ledger: LedgerDocument, isWide: Bool) -> Listing {
        var listing = Listing()
        listing.add("ledger", isWide ? ledger.id : ledger.fingerprint)
        listing.add("view", ledger.view)
        listing.add(
            "entries",
            "\(ledger.commit) committed" + (ledger.op > ledger.commit ? ", \(ledger.op) in the log" : ""))
        listing.add(
            "rules",
            "\(ledger.wanted) replicas wanted, at least \(ledger.minimum); one that is away is replaced after "
                + Wording.age(seconds: ledger.replaceAfterSeconds))
        if let keepers = ledger.keepers {
            listing.add("found by", "who leads it is kept by \(Wording.count(keepers, "peer")) of the ring")
        }
        listing.add("told by", "\(ledger.master), at \(ledger.at)")
        return listing
    }
}

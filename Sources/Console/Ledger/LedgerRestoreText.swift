/// The guide through a ledger's restoration, in words.
public enum LedgerRestoreText {
    /// What was found, what is kept and what may be lost; before anything is written.
    public static func finding(_ ledger: LedgerRestoreDocument, style: Style) -> String {
        let present = ledger.members.count(where: \.isPresent)
        let majority = ledger.members.count / 2 + 1
        var listing = Listing()
        listing.add("ledger", "\(ledger.name) (\(ledger.fingerprint))")
        listing.add("from", ledger.file.path)
        listing.add("view", ledger.file.view)
        listing.add("entries", "\(ledger.file.op), the last one made at \(ledger.file.lastAt)")
        listing.add(
            "committed", "\(ledger.file.commit) entries, with " + Wording.count(ledger.requests, "open request"))
        listing.add(
            "uncertain",
            ledger.uncertain == 0
                ? "none"
                : entries(Int(clamping: ledger.uncertain))
                    + " behind the commit point: kept, because they may have been acknowledged")
        if !ledger.mended.isEmpty {
            listing.add("mended", entries(ledger.mended.count) + " from another file")
        }
        if !ledger.file.damaged.isEmpty {
            listing.add("not readable", entries(ledger.file.damaged.count))
        }
        if !ledger.file.lostHistory.isEmpty {
            listing.add(
                "history lost",
                entries(ledger.file.lostHistory.count)
                    + " in front of a checkpoint cannot be read: the books are whole, what was recorded there is not")
        }
        listing.add(
            "members",
            ledger.members.map { ($0.name.isEmpty ? $0.fingerprint : $0.name) + ($0.isPresent ? " (here)" : "") }
                .joined(separator: ", "))
        listing.add("into", ledger.state)
        var lines = [listing.text(style: style)]
        for other in ledger.others {
            lines.append(
                Table.printable("not taken: \(other.path), which ends at entry \(other.op) of view \(other.view)"))
        }
        if ledger.file.view == "0.0" {
            lines.append(
                style.strong("careful:")
                    + " this replica was still fetching its first log, and may lack much more than the "
                    + "newest entries")
        }
        if ledger.isMajority {
            lines.append(
                "nothing is lost: \(present) of \(ledger.members.count) members are here, which is a majority. If they can "
                    + "run, start them; nothing needs to be restored then")
        } else {
            lines.append(
                style.strong("may be lost:") + " entries that only the other members had; nobody can know how many. "
                    + "\(present) of \(ledger.members.count) members "
                    + (present == 1 ? "is" : "are") + " here, \(majority) make a majority")
        }
        return lines.joined(separator: "\n")
    }

    private static func entries(_ count: Int) -> String { count == 1 ? "1 entry" : "\(count) entries" }

    /// What the keeper promises by going on.
    public static func warning(_ ledger: LedgerRestoreDocument) -> String {
        let others = ledger.members.filter { !$0.isPresent }.map { $0.name.isEmpty ? $0.fingerprint : $0.name }
        return "\(ledger.name) goes on with this replica alone, in an epoch above all that its members can reach."
            + (others.isEmpty
                ? ""
                : " \(others.joined(separator: " and ")) must never again run with the files that they had: move their "
                    + "STATE/ledgers/\(ledger.id) away first. One that does all the same cannot commit once it meets the "
                    + "restored ledger, but until then it serves another one.")
    }

    /// What was done, and what comes next.
    public static func done(_ ledger: LedgerRestoreDocument, style: Style) -> String {
        guard let result = ledger.result else { return "" }
        var listing = Listing()
        listing.add("restored", "\(ledger.name), entries 1 to \(result.keptThrough), in view \(result.view)")
        listing.add("written to", result.place)
        listing.add("moved aside", result.aside)
        listing.add("report", result.report)
        return listing.text(style: style) + "\n" + style.strong("to do:")
            + " start this master: `palmier master --state \(ledger.state)` (with its other flags). It leads \(ledger.name) at "
            + "once, and finds replicas by itself as soon as there are other masters; `palmier ledger status \(ledger.name)` "
            + "shows that"
    }

    /// All of several.
    public static func done(_ document: LedgerRestoresDocument, style: Style) -> String {
        document.ledgers.map { done($0, style: style) }.filter { !$0.isEmpty }.joined(separator: "\n")
    }
}

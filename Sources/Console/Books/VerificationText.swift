/// What was found about ledgers, in words and tables.
public enum VerificationText {
    public static func all(_ document: LedgerVerificationsDocument, output: Output) -> String {
        var lines = [output.style.strong(sentence(document))]
        if !document.ledgers.isEmpty {
            var table = Table([
                .plain("NAME"), .state("STATE"), .flexible("REASON"), .plain("REPLICAS"), .plain("ENTRIES"),
                .plain("MOVEMENTS"), .plain("INVOICES"), .plain("CONTRACTS"),
            ])
            for ledger in document.ledgers {
                let agreeing = ledger.replicas.count { $0.state == "agrees" }
                table.add([
                    ledger.name, ledger.state.rawValue, reason(ledger), "\(agreeing) of \(ledger.replicas.count)",
                    String(ledger.entry), String(ledger.books.movements), String(ledger.books.invoices),
                    contracts(ledger),
                ])
            }
            lines.append(output.text(of: table, isWide: false))
        }
        for ledger in document.ledgers { lines += details(ledger, isNamed: true, output: output) }
        for reason in document.missing { lines.append(missing(reason, output)) }
        return lines.joined(separator: "\n")
    }

    public static func one(_ ledger: LedgerVerificationDocument, isWide: Bool, output: Output) -> String {
        var lines = [output.style.strong(Table.printable(sentence(ledger)))]
        var table = Table([
            .plain("REPLICA"), .state("STATE"), .flexible("REASON"), .plain("ENTRIES"), .plain("DIGEST"),
        ])
        for replica in ledger.replicas {
            let digest = isWide ? replica.digest : String(replica.digest.prefix(16))
            table.add([
                replica.name, replica.state, replica.reason,
                replica.last == 0 ? "" : "\(replica.first) to \(replica.last)",
                digest,
            ])
        }
        lines.append(output.text(of: table, isWide: isWide))
        var listing = Listing()
        listing.add("books", books(ledger))
        for contract in ledger.contracts {
            listing.add("contract", "\(contract.contract) with \(contract.ledger): \(contract.state)")
        }
        listing.add("digest", ledger.digest.isEmpty ? "" : "\(ledger.digest) at entry \(ledger.entry)")
        lines.append(listing.text(style: output.style))
        return (lines + details(ledger, isNamed: false, output: output)).joined(separator: "\n")
    }

    /// `3 ledgers: 2 ok, 1 problem`.
    static func sentence(_ document: LedgerVerificationsDocument) -> String {
        let states = LedgerVerificationDocument.State.allCases.compactMap { state in
            let count = document.ledgers.count { $0.state == state }
            return count == 0 ? nil : "\(count) \(state.rawValue)"
        }
        return Wording.count(document.ledgers.count, "ledger")
            + (states.isEmpty ? "" : ": " + states.joined(separator: ", "))
            + (document.missing.isEmpty ? "" : "; \(document.missing.count) could not be read")
    }

    /// `m1: ok, 3 of 3 replicas agree up to entry 8`.
    static func sentence(_ ledger: LedgerVerificationDocument) -> String {
        let agreeing = ledger.replicas.count { $0.state == "agrees" }
        let told =
            ledger.findings.isEmpty
            ? "\(agreeing) of \(ledger.replicas.count) replicas agree up to entry \(ledger.entry)"
            : Wording.count(ledger.findings.count, "finding") + " up to entry \(ledger.books.entry)"
        return "\(ledger.name): \(ledger.state.rawValue), \(told)"
    }

    private static func books(_ ledger: LedgerVerificationDocument) -> String {
        let books = ledger.books
        return "\(Wording.count(books.requests, "request")), \(Wording.count(books.accounts, "account")), "
            + "\(Wording.count(books.movements, "movement")), \(Wording.count(books.invoices, "invoice"))"
            + (books.refusedActs > 0 ? ", \(Wording.count(books.refusedActs, "act")) refused by a rule" : "")
            + ", at entry \(books.entry): "
            + (ledger.findings.contains { $0.kind == .books } ? "out of balance" : "in balance")
    }

    /// How many are as they should be, of how many; empty where there are none.
    private static func contracts(_ ledger: LedgerVerificationDocument) -> String {
        guard !ledger.contracts.isEmpty else { return "" }
        let sound = ledger.contracts.count { ["agrees", "offered", "signed"].contains($0.state) }
        return "\(sound) of \(ledger.contracts.count)"
    }

    /// The first thing that is not as it should be.
    private static func reason(_ ledger: LedgerVerificationDocument) -> String {
        ledger.findings.first?.text ?? ledger.missing.first ?? ""
    }

    private static func details(
        _ ledger: LedgerVerificationDocument, isNamed: Bool, output: Output
    ) -> [String] {
        let name = isNamed ? "\(ledger.name): " : ""
        var lines: [String] = []
        var remedies: [String] = []
        for finding in ledger.findings {
            lines.append(
                output.style.state(finding.kind == .behind ? "warning" : "problem") + ": "
                    + Table.printable(name + finding.text))
            if let expected = finding.expected, let found = finding.found {
                lines.append("  expected \(expected)\n  found    \(found)")
            }
            if !remedies.contains(finding.remedy) { remedies.append(finding.remedy) }
        }
        lines += ledger.missing.map { missing(name + $0, output) }
        return lines + remedies.map { output.style.strong("to do:") + " " + Table.printable($0) }
    }

    private static func missing(_ reason: String, _ output: Output) -> String {
        output.style.state("warning") + ": " + Table.printable(reason)
    }
}

public import API
import Automata

/// The books of a ledger in words and tables. Each says from which ledger it is, up to which entry, and who told it.
public enum AccountsText {
    // MARK: Accounts

    public static func accounts(_ document: AccountsDocument, isWide: Bool, output: Output) -> String {
        var columns: [Table.Column] = [
            .plain("NAME"), .state("STATE"), .plain("KIND"), .flexible("TITLE"), .plain("OWES"), .plain("OWED"),
        ]
        if isWide { columns += [.plain("ADDRESS"), .plain("KEPT BY")] }
        var table = Table(columns)
        for account in document.accounts {
            var cells = [
                account.name, account.state, account.kind, account.title, sums(account.standings, \.owes),
                sums(account.standings, \.owed),
            ]
            if isWide { cells += [address(account), account.keeper ?? ""] }
            table.add(cells)
        }
        return text(
            Wording.count(document.accounts.count, "account"), table, document.source, isWide: isWide, output: output)
    }

    public static func details(_ account: AccountDocument, isWide: Bool, output: Output) -> String {
        var listing = Listing()
        listing.add("name", account.name)
        listing.add("kind", account.kind)
        listing.add("title", account.title)
        listing.add("address", address(account))
        listing.add("kept by", account.keeper ?? "")
        listing.add("state", account.state)
        if let source = account.source { listing.add("told by", origin(source)) }
        var lines = [listing.text(style: output.style)]
        guard !account.standings.isEmpty else {
            return lines.joined() + "\n" + Table.printable("nothing was moved from or to \(account.name) yet")
        }
        var table = Table([
            .plain("CURRENCY"), .plain("OWES"), .plain("OWED"), .plain("BALANCE"), .plain("ACCRUED"),
            .plain("INVOICED"), .plain("CORRECTED"),
        ])
        for standing in account.standings {
            table.add([
                standing.currency, standing.owes, standing.owed, standing.balance, standing.accrued, standing.invoiced,
                standing.corrected,
            ])
        }
        lines.append(output.text(of: table, isWide: isWide))
        return lines.joined(separator: "\n")
    }

    /// `12.00 EUR, 3.00 USD`; empty where nothing is.
    private static func sums(_ standings: [StandingDocument], _ side: (StandingDocument) -> String) -> String {
        standings.filter { side($0).contains { "123456789".contains($0) } }.map { "\(side($0)) \($0.currency)" }
            .joined(separator: ", ")
    }

    private static func address(_ account: AccountDocument) -> String {
        guard let address = account.address else { return "" }
        let city = [address.postcode, address.city].filter { !$0.isEmpty }.joined(separator: " ")
        return [address.street, city, address.country].filter { !$0.isEmpty }.joined(separator: ", ")
    }

    // MARK: Projects

    public static func projects(_ document: ProjectsDocument, isWide: Bool, output: Output) -> String {
        var table = Table([
            .plain("NAME"), .plain("ACCOUNT"), .plain("CEILING"), .plain("PER"), .plain("SPENT"), .plain("HELD"),
            .plain("LEFT"),
        ])
        for project in document.projects {
            table.add([
                project.name, project.account, "\(project.ceiling) \(project.currency)", project.cycle, project.spent,
                project.held, project.left,
            ])
        }
        return text(
            Wording.count(document.projects.count, "project"), table, document.source, isWide: isWide, output: output)
    }

    public static func details(_ project: ProjectDocument, output: Output) -> String {
        var listing = Listing()
        listing.add("name", project.name)
        listing.add("account", project.account)
        listing.add("ceiling", "\(project.ceiling) \(project.currency) a \(project.cycle)")
        listing.add("spent", "\(project.spent) \(project.currency) this \(project.cycle)")
        listing.add("held", "\(project.held) \(project.currency)")
        listing.add("left", "\(project.left) \(project.currency)")
        if let share = project.share { listing.add("share", "\(share)") }
        if let machines = project.machines { listing.add("machines", counts(machines, project.quota)) }
        if let source = project.source { listing.add("told by", origin(source)) }
        return listing.text(style: output.style)
    }

    /// One line: what a project has of machines, and may have.
    public static func quota(of project: ProjectDocument) -> String {
        let machines = counts(project.machines ?? MachineCounts(), project.quota)
        let bound = project.quota == nil ? " (no quota)" : ""
        return Table.printable("\(project.name) has \(machines)\(bound); its share is \(project.share ?? 1)") + "\n"
    }

    /// `3 of 4 partitions, 6 cores, 12 of 64 GiB of memory`: what is nothing, and has no bound, is left out.
    static func counts(_ machines: MachineCounts, _ quota: MachineCounts?) -> String {
        func memory(_ mebibytes: Int64) -> String { "\(ByteCount.mebibytes(mebibytes))" }
        func part(_ used: String?, _ most: String?, _ word: String) -> String? {
            guard let used, used != "0" && used != "0 B" || most != nil else { return nil }
            return "\(used)\(most.map { " of \($0)" } ?? "") \(word)"
        }
        let parts = [
            part(machines.partitions.map { "\($0)" } ?? "0", quota?.partitions.map { "\($0)" }, "partitions"),
            part(machines.cores.map { "\($0)" }, quota?.cores.map { "\($0)" }, "cores"),
            part(machines.memoryMiB.map(memory), quota?.memoryMiB.map(memory), "of memory"),
            part(machines.gpus.map { "\($0)" }, quota?.gpus.map { "\($0)" }, "accelerators"),
        ].compactMap { $0 }
        return parts.isEmpty ? "none" : parts.joined(separator: ", ")
    }

    // MARK: Resources, prices, machines

    public static func resources(_ document: ResourcesDocument, isWide: Bool, output: Output) -> String {
        var table = Table([.plain("NAME"), .plain("UNIT"), .flexible("TITLE")])
        for resource in document.resources { table.add([resource.name, resource.unit, resource.title]) }
        return text(
            Wording.count(document.resources.count, "resource"), table, document.source, isWide: isWide, output: output
        )
    }

    public static func prices(_ document: PricesDocument, isWide: Bool, output: Output) -> String {
        var table = Table([
            .plain("RESOURCE"), .plain("PRICE"), .plain("PER"), .plain("SUPPLIER"), .plain("CUSTOMER"), .plain("NODE"),
            .plain("FROM"),
        ])
        for price in document.prices {
            table.add([
                price.resource, "\(price.price) \(price.currency)", price.per ?? "", price.supplier ?? "",
                price.customer ?? "", price.node ?? "", price.from,
            ])
        }
        return text(
            Wording.count(document.prices.count, "price"), table, document.source, isWide: isWide, output: output)
    }

    public static func suppliers(_ document: SuppliersDocument, isWide: Bool, output: Output) -> String {
        var columns: [Table.Column] = [.plain("NAME"), .plain("SUPPLIER")]
        if isWide { columns.append(.plain("FINGERPRINT")) }
        var table = Table(columns)
        for entry in document.suppliers {
            table.add([entry.node, entry.supplier] + (isWide ? [entry.fingerprint] : []))
        }
        let count = document.suppliers.count
        return text(
            "\(Wording.count(count, "machine")) with a supplier", table, document.source, isWide: isWide,
            output: output)
    }

    // MARK: Invoices

    public static func invoices(_ document: OpenInvoicesDocument, isWide: Bool, output: Output) -> String {
        var columns: [Table.Column] = [
            .plain("NUMBER"), .plain("CUSTOMER"), .plain("TOTAL"), .plain("OPEN"), .plain("DUE"),
        ]
        if isWide { columns += [.plain("ISSUER"), .plain("CREDITED"), .plain("PAID"), .plain("ISSUED")] }
        var table = Table(columns)
        for invoice in document.invoices {
            var cells = [
                invoice.number, invoice.customer, "\(invoice.total) \(invoice.currency)",
                "\(invoice.outstanding) \(invoice.currency)", invoice.due,
            ]
            if isWide { cells += [invoice.issuer, invoice.credited, invoice.paid, invoice.issuedAt] }
            table.add(cells)
        }
        return text(
            Wording.count(document.invoices.count, "open invoice"), table, document.source, isWide: isWide,
            output: output)
    }

    // MARK: What was recorded

    /// `recorded in the ledger m1 as entry 12: account ada`.
    public static func sentence(_ document: RecordedDocument) -> String {
        let numbers = (document.issued ?? []).joined(separator: ", ")
        let what: String
        if let entry = document.entry {
            what = "recorded in the ledger \(document.ledger) as entry \(entry): \(document.act)"
        } else if document.changes == true {
            what = "would be recorded in the ledger \(document.ledger): \(document.act)"
        } else {
            what = "nothing would change in the ledger \(document.ledger): \(document.act)"
        }
        let verb = document.entry == nil ? "would issue" : "issued"
        return Table.printable(what + (numbers.isEmpty ? "" : "; \(verb): \(numbers)"))
    }

    // MARK: The frame of a list

    static func text(
        _ count: String, _ table: Table, _ source: BooksSource, isWide: Bool, output: Output
    ) -> String {
        var lines = [output.style.strong(Table.printable("\(count) in the ledger \(source.ledger)"))]
        if !table.rows.isEmpty { lines.append(output.text(of: table, isWide: isWide)) }
        lines.append(output.style.faint(Table.printable("told by \(origin(source))")))
        return lines.joined(separator: "\n")
    }

    /// `m2 (replica), ledger m1 up to entry 12, at 2026-11-22T12:00:00.000Z`.
    static func origin(_ source: BooksSource) -> String {
        let doubt = source.primary.isEmpty ? "; nobody leads it now, so this may be old" : ""
        return "\(source.master) (\(source.role)), ledger \(source.ledger) up to entry \(source.entry), at \(source.at)"
            + doubt
    }
}

public import API

/// Contracts, subscriptions and incidents in words and tables.
public enum DealingsText {
    // MARK: Contracts

    public static func contracts(_ document: ContractsDocument, isWide: Bool, output: Output) -> String {
        var columns: [Table.Column] = [
            .plain("NAME"), .state("STATE"), .flexible("REASON"), .plain("SUPPLIER"), .plain("CUSTOMER"),
            .plain("TERMS"), .plain("TO"),
        ]
        if isWide { columns += [.plain("FROM"), .plain("CURRENCY"), .plain("DIGEST")] }
        var table = Table(columns)
        for contract in document.contracts {
            let isWithin = contract.supplier.ledgerId == contract.customer.ledgerId
            func side(_ side: ContractDocument.Side) -> String {
                isWithin || side.ledgerId == document.source.id ? side.account : "\(side.account)@\(side.ledger)"
            }
            let cells = [
                contract.name, contract.state, reason(contract), side(contract.supplier), side(contract.customer),
                String(contract.terms.count), contract.ends ?? contract.to,
            ]
            table.add(cells + (isWide ? [contract.from, contract.currency, String(contract.digest.prefix(16))] : []))
        }
        return AccountsText.text(
            Wording.count(document.contracts.count, "contract"), table, document.source, isWide: isWide, output: output)
    }

    /// Who has to do something; empty where nobody has.
    private static func reason(_ contract: ContractDocument) -> String {
        contract.state == "offered" ? "\(countersigner(contract)) has to countersign" : ""
    }

    private static func countersigner(_ contract: ContractDocument) -> String {
        contract.countersigner == contract.supplier.ledgerId ? contract.supplier.ledger : contract.customer.ledger
    }

    public static func details(_ contract: ContractDocument, isWide: Bool, output: Output) -> String {
        var lines = [terms(contract, output: output)]
        guard !contract.totals.isEmpty || !contract.invoices.isEmpty else {
            return lines.joined() + "\n" + Table.printable("nothing has moved under \(contract.name) yet")
        }
        if !contract.totals.isEmpty {
            var table = Table([
                .plain("RESOURCE"), .plain("MOVEMENTS"), .plain("QUANTITY"), .plain("WORTH"), .plain("FROM"),
                .plain("TO"),
            ])
            for total in contract.totals {
                table.add([
                    total.resource, String(total.movements), total.quantity, "\(total.value) \(contract.currency)",
                    total.from, total.to,
                ])
            }
            lines.append(output.text(of: table, isWide: isWide))
        }
        if !contract.invoices.isEmpty {
            var table = Table([
                .plain("INVOICE"), .plain("TOTAL"), .plain("CREDITED"), .plain("PAID"), .plain("OPEN"), .plain("DUE"),
            ])
            for invoice in contract.invoices {
                table.add([
                    invoice.number, "\(invoice.total) \(invoice.currency)", invoice.credited, invoice.paid,
                    invoice.outstanding, invoice.due,
                ])
            }
            lines.append(output.text(of: table, isWide: isWide))
        }
        return lines.joined(separator: "\n")
    }

    /// What is agreed: what somebody reads before signing.
    public static func terms(_ contract: ContractDocument, output: Output) -> String {
        func side(_ side: ContractDocument.Side) -> String { "\(side.account), kept by the ledger \(side.ledger)" }
        var listing = Listing()
        listing.add("name", contract.name)
        listing.add("state", contract.state)
        listing.add("reason", reason(contract))
        listing.add("supplier", side(contract.supplier))
        listing.add("customer", side(contract.customer))
        for term in contract.terms {
            let per = term.per.map { " a \($0), subscribed" } ?? " each, used"
            listing.add("term", "\(term.resource): \(term.price) \(contract.currency)\(per)")
        }
        listing.add("from", contract.from)
        listing.add("to", contract.to)
        listing.add("ends", contract.ends ?? "")
        listing.add("digest", contract.digest)
        if let source = contract.source { listing.add("told by", AccountsText.origin(source)) }
        return listing.text(style: output.style)
    }

    // MARK: Subscriptions

    public static func subscriptions(_ document: SubscriptionsDocument, isWide: Bool, output: Output) -> String {
        var columns: [Table.Column] = [
            .plain("NAME"), .state("STATE"), .plain("PROJECT"), .plain("WHAT"), .plain("AMOUNT"), .plain("PER"),
            .plain("CHARGED"), .plain("NEXT"),
        ]
        if isWide {
            columns += [
                .plain("SUPPLIER"), .plain("CUSTOMER"), .plain("FROM"), .plain("TO"), .plain("CONTRACT"),
                .plain("FOR"),
            ]
        }
        var table = Table(columns)
        for one in document.subscriptions {
            var cells = [
                one.name, one.state, one.project, "\(one.quantity) \(one.resource)", "\(one.amount) \(one.currency)",
                one.cycle, String(one.charged), one.next ?? "",
            ]
            if isWide {
                cells += [
                    one.supplier, one.customer, one.from, one.to ?? "", one.contract ?? "",
                    one.instance ?? one.node ?? "",
                ]
            }
            table.add(cells)
        }
        return AccountsText.text(
            Wording.count(document.subscriptions.count, "subscription"), table, document.source, isWide: isWide,
            output: output)
    }

    public static func details(_ one: SubscriptionDocument, output: Output) -> String {
        var listing = Listing()
        listing.add("name", one.name)
        listing.add("state", one.state)
        listing.add("project", "\(one.project) of \(one.customer)")
        listing.add("supplier", one.supplier)
        listing.add("what", "\(one.quantity) \(one.resource) at \(one.price) \(one.currency) each")
        listing.add("amount", "\(one.amount) \(one.currency) a \(one.cycle)")
        listing.add("contract", one.contract ?? "")
        listing.add("machine", one.node ?? "")
        listing.add("instance", one.instance ?? "")
        listing.add("from", one.from)
        listing.add("to", one.to ?? "")
        listing.add("charged", Wording.count(one.charged, "cycle"))
        listing.add("next", one.next ?? "")
        if let source = one.source { listing.add("told by", AccountsText.origin(source)) }
        return listing.text(style: output.style)
    }

    // MARK: Incidents

    public static func incidents(_ document: IncidentsDocument, isWide: Bool, output: Output) -> String {
        var table = Table([
            .plain("NAME"), .plain("ABOUT"), .plain("FROM"), .plain("TO"), .flexible("WHAT"), .plain("CREDITED"),
        ])
        for incident in document.incidents {
            let credits = incident.credits.map { "\($0.amount) \($0.currency) of \($0.invoice)" }
            table.add([
                incident.name, incident.node ?? incident.instance ?? "", incident.from, incident.to, incident.what,
                credits.joined(separator: ", "),
            ])
        }
        return AccountsText.text(
            Wording.count(document.incidents.count, "incident"), table, document.source, isWide: isWide,
            output: output)
    }
}

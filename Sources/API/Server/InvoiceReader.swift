import Accounting
import Automata

/// Reads an invoice or a credit note from the JSON that `palmier ledger invoices NUMBER --format json` writes.
///
/// What it says is held against the digest that it names, so nothing can have been changed or left out on the way.
struct InvoiceReader {
    let reader: ActReader

    func invoice(_ body: String) throws(ProblemDocument) -> Invoice {
        let json = try BodyReader(
            body,
            known: [
                "schema", "number", "kind", "credits", "incident", "issuer", "customer", "currency", "issuedAt", "due",
                "period", "lines", "rounding", "total", "previous", "digest",
            ])
        guard try json.requiredText("schema") == "palmier.invoice/1" else {
            throw reader.malformed("schema", "palmier.invoice/1", try json.requiredText("schema"))
        }
        let kind = try kind(json)
        var lines: [Invoice.Line] = []
        for line in try json.objects("lines", known: Self.lineKeys) { lines.append(try self.line(line, kind)) }
        let due = try json.requiredText("due")
        guard let due = CivilDate(due) else { throw reader.malformed("due", "a day", due) }
        let invoice = Invoice(
            number: try number(json, "number"), kind: kind, issuer: try party(json, "issuer"),
            customer: try party(json, "customer"), currency: try reader.currency(json),
            issuedAt: try instant(json, "issuedAt"), due: due, period: try period(json), lines: lines,
            total: try reader.money(json, "total"), previous: try digest(json, "previous"))
        let told = try digest(json, "digest")
        guard invoice.digest == told else {
            throw reader.malformed(
                "digest", "the digest of what the document says, \(invoice.digest)", told.description)
        }
        return invoice
    }

    private func kind(_ json: BodyReader) throws(ProblemDocument) -> Invoice.Kind {
        switch try json.requiredText("kind") {
        case "invoice": return .invoice
        case "credit-note":
            return .creditNote(
                of: try number(json, "credits"), incident: IncidentID(try json.requiredText("incident")))
        case let other: throw reader.malformed("kind", "invoice or credit-note", other)
        }
    }

    private func party(_ json: BodyReader, _ key: String) throws(ProblemDocument) -> Invoice.Party {
        guard let party = try json.object(key, known: ["id", "kind", "name", "address"]) else {
            throw reader.missing(key, "who it is")
        }
        guard let kind = try party.word("kind", Account.Kind.self) else {
            throw reader.missing(party.field("kind"), "person or organisation")
        }
        var account = Account(
            id: AccountID(try party.requiredText("id")), kind: kind, title: try party.requiredText("name"))
        if let address = try party.object("address", known: ["street", "city", "postcode", "country"]) {
            account.address = PostalAddress(
                street: try address.requiredText("street"), city: try address.requiredText("city"),
                postcode: try address.requiredText("postcode"), country: try address.requiredText("country"))
        }
        return Invoice.Party(account)
    }

    // MARK: Lines

    private static let lineKeys = [
        "line", "title", "resource", "quantity", "unit", "price", "period", "exact", "rounding", "amount", "project",
        "instance", "subscription", "release", "machine", "partition", "contract",
    ]

    private func line(_ json: BodyReader, _ kind: Invoice.Kind) throws(ProblemDocument) -> Invoice.Line {
        guard let ordinal = try json.integer("line", in: 1...Int64(Accounts.receivedLinesMax)) else {
            throw reader.missing(json.field("line"), "a number from 1")
        }
        guard let unit = try json.word("unit", Accounting.Unit.self) else {
            throw reader.missing(json.field("unit"), "what the quantity counts")
        }
        let resource = try json.text("resource").map { ResourceID($0) }
        return Invoice.Line(
            ordinal: Int(ordinal), title: try json.requiredText("title"), resource: resource, unit: unit,
            quantity: try decimal(json, "quantity", Quantity.init),
            // What is given back for an incident is one piece without a price.
            price: resource == nil ? .free : try decimal(json, "price", Price.init), period: try period(json),
            exact: try reader.money(json, "exact"), amount: try reader.money(json, "amount"),
            trail: try trail(json, kind))
    }

    private func trail(_ json: BodyReader, _ kind: Invoice.Kind) throws(ProblemDocument) -> Movement.Trail {
        var trail = Movement.Trail()
        trail.project = try json.text("project").map { ProjectID($0) }
        trail.instance = try json.text("instance").map { InstanceID($0) }
        trail.subscription = try json.text("subscription").map { SubscriptionID($0) }
        trail.release = try json.text("release").map { ReleaseName($0) }
        trail.contract = try json.text("contract").map { ContractID($0) }
        if let text = try json.text("machine") {
            guard let machine = PeerID(text) else {
                throw reader.malformed(json.field("machine"), "32 hexadecimal digits", text)
            }
            trail.machine = machine
        }
        if let text = try json.text("partition") {
            guard text.first == "p", let number = Int(text.dropFirst()), number >= 0 else {
                throw reader.malformed(json.field("partition"), "a partition, as in p03", text)
            }
            trail.partition = PartitionNumber(number)
        }
        if case .creditNote(let credited, let incident) = kind {
            trail.invoice = credited
            trail.incident = incident
        }
        return trail
    }

    // MARK: Values

    private func number(_ json: BodyReader, _ key: String) throws(ProblemDocument) -> InvoiceNumber {
        let text = try json.requiredText(key)
        guard let number = InvoiceNumber(text) else {
            throw reader.malformed(key, "an invoice's number, as in lab-000042", text)
        }
        return number
    }

    private func digest(_ json: BodyReader, _ key: String) throws(ProblemDocument) -> Digest {
        let text = try json.requiredText(key)
        guard let digest = Digest(hexadecimal: text) else {
            throw reader.malformed(key, "64 hexadecimal digits", text)
        }
        return digest
    }

    private func instant(_ json: BodyReader, _ key: String) throws(ProblemDocument) -> Instant {
        guard let instant = try reader.instant(json, key) else { throw reader.missing(json.field(key), "an instant") }
        return instant
    }

    private func period(_ json: BodyReader) throws(ProblemDocument) -> Period {
        guard let period = try json.object("period", known: ["start", "end"]) else {
            throw reader.missing(json.field("period"), "a start and an end")
        }
        return Period(from: try instant(period, "start"), to: try instant(period, "end"))
    }

    private func decimal<Value>(
        _ json: BodyReader, _ key: String, _ read: (String) -> Value?
    ) throws(ProblemDocument) -> Value {
        let text = try json.requiredText(key)
        guard let value = read(text) else { throw reader.malformed(json.field(key), "a decimal", text) }
        return value
    }
}

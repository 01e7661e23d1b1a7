import Automata

extension Invoice {
    /// How a document can be read.
    public enum Format: String, Hashable, Sendable, CaseIterable { case text, json, html, ubl }

    /// The document as somebody reads it. The same invoice is the same text for ever.
    public func rendered(as format: Format) -> String {
        switch format {
        case .text: plainText
        case .json: json
        case .html: html
        case .ubl: ubl
        }
    }

    var title: String {
        switch kind {
        case .invoice: "Invoice \(number)"
        case .creditNote: "Credit note \(number)"
        }
    }

    /// What a credit note is about; nil for an invoice.
    var about: String? {
        guard case .creditNote(let credited, let incident) = kind else { return nil }
        return "credits invoice \(credited) for incident \(incident)"
    }

    /// From the first day to the last, both included.
    var daysText: String { "\(CivilDate(period.start)) to \(CivilDate(period.lastMoment))" }

    var roundingText: String {
        lines.reduce(Money.zero) { $0 + $1.rounding }.text(in: currency)
    }

    // MARK: Plain text

    private var plainText: String {
        var text = "\(title)\n"
        if let about { text += "  \(about)\n" }
        text += "\n  From    \(issuer.text)\n  To      \(customer.text)\n"
        text += "  Issued  \(issued)\n  Due     \(due)\n  Period  \(daysText)\n\n"
        let rows = lines.map { line in
            [
                String(line.ordinal), line.title, "\(line.quantity) \(line.unit.rawValue)", line.priceText,
                line.amount.text(in: currency),
            ]
        }
        let header = ["#", "What", "Quantity", "Price", currency.code]
        let widths = header.indices.map { column in
            ([header] + rows).map { $0[column].unicodeScalars.count }.max() ?? 0
        }
        text += Self.row(header, widths)
        for (line, row) in zip(lines, rows) {
            text += Self.row(row, widths)
            for detail in line.details { text += "    \(detail.name): \(detail.value)\n" }
        }
        text += "\n  Rounding, included  \(roundingText) \(currency)\n"
        return text + "  Total               \(total.text(in: currency)) \(currency)\n"
    }

    /// The first two columns to the left, numbers to the right.
    private static func row(_ cells: [String], _ widths: [Int]) -> String {
        let padded = zip(cells, widths).enumerated().map { column, cell in
            let space = String(repeating: " ", count: cell.1 - cell.0.unicodeScalars.count)
            return column < 2 ? cell.0 + space : space + cell.0
        }
        return "  " + padded.joined(separator: "  ") + "\n"
    }

    // MARK: JSON

    private var json: String {
        var writer = JSONWriter()
        writer.object { json in
            json.add("schema", "palmier.invoice/1")
            json.add("number", number.description)
            switch kind {
            case .invoice: json.add("kind", "invoice")
            case .creditNote(let credited, let incident):
                json.add("kind", "credit-note")
                json.add("credits", credited.description)
                json.add("incident", incident.name)
            }
            json.add("issuer", issuer)
            json.add("customer", customer)
            json.add("currency", currency.code)
            json.add("issuedAt", issuedAt.civilText)
            json.add("due", due.description)
            json.add(period)
            json.array("lines") { json in
                for line in lines { json.object { $0.add(line, in: currency) } }
            }
            json.add("rounding", roundingText)
            json.add("total", total.text(in: currency))
            json.add("previous", previous.description)
            json.add("digest", digest.description)
        }
        return writer.text + "\n"
    }

    // MARK: HTML

    private var html: String {
        var page = MarkupWriter(head: "<!DOCTYPE html>")
        page.element("html", ["lang": "en"]) { page in
            page.element("head") { page in
                page.line("<meta charset=\"utf-8\"/>")
                page.element("title", text: title)
                page.element("style", text: Self.style)
            }
            page.element("body") { page in
                page.element("h1", text: title)
                if let about { page.element("p", text: about) }
                page.element("dl") { page in
                    for (name, value) in [
                        ("From", issuer.text), ("To", customer.text), ("Issued", issued.description),
                        ("Due", due.description), ("Period", daysText),
                    ] {
                        page.element("dt", text: name)
                        page.element("dd", text: value)
                    }
                }
                page.element("table") { htmlTable(into: &$0) }
            }
        }
        return page.text
    }

    private func htmlTable(into page: inout MarkupWriter) {
        page.element("thead") { page in
            page.element("tr") { page in
                for cell in ["#", "What", "Quantity", "Price", currency.code] { page.element("th", text: cell) }
            }
        }
        page.element("tbody") { page in
            for line in lines {
                page.element("tr") { page in
                    page.element("td", text: String(line.ordinal))
                    page.element("td") { page in
                        page.element("strong", text: line.title)
                        for detail in line.details { page.element("div", text: "\(detail.name): \(detail.value)") }
                    }
                    page.element("td", text: "\(line.quantity) \(line.unit.rawValue)")
                    page.element("td", text: line.priceText)
                    page.element("td", text: line.amount.text(in: currency))
                }
            }
        }
        page.element("tfoot") { page in
            for (name, value) in [("Rounding, included", roundingText), ("Total", total.text(in: currency))] {
                page.element("tr") { page in
                    page.element("td", ["colspan": "4"], text: name)
                    page.element("td", text: value)
                }
            }
        }
    }

    private static let style =
        "body{font-family:sans-serif;max-width:60em;margin:2em auto}table{border-collapse:collapse;width:100%}"
        + "th,td{border-bottom:1px solid #ccc;padding:.3em;text-align:left;vertical-align:top}"
        + "td:nth-child(n+3),tfoot td:last-child{text-align:right}dt{float:left;width:6em}div{color:#555;font-size:.9em}"
}

extension Invoice.Party {
    /// One line: name and address.
    fileprivate var text: String {
        let city = [address?.postcode, address?.city].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: " ")
        return ["\(title) (\(id))", address?.street, city, address?.country].compactMap { $0 }.filter { !$0.isEmpty }
            .joined(separator: ", ")
    }
}

extension Invoice.Line {
    /// What a unit costs; what is given back for an incident is one piece, and may be worth more than a price can be.
    var priceText: String { resource == nil ? amount.description : price.description }

    /// What the line leads back to, in the words of people.
    var details: [(name: String, value: String)] {
        let all: [(String, String?)] = [
            ("project", trail.project?.name), ("instance", trail.instance?.name),
            ("subscription", trail.subscription?.name), ("release", trail.release?.name),
            ("machine", trail.machine?.fingerprint), ("partition", trail.partition?.description),
            ("contract", trail.contract?.name), ("invoice", trail.invoice?.description),
            ("incident", trail.incident?.name), ("period", period.description),
        ]
        return all.compactMap { name, value in value.map { (name, $0) } }
    }
}

extension Period {
    /// For people, who count days: the last instant that is part of it.
    var lastMoment: Instant { isEmpty ? start : Instant(milliseconds: end.milliseconds - 1) }
}

extension JSONWriter {
    fileprivate mutating func add(_ key: String, _ party: Invoice.Party) {
        object(key) { json in
            json.add("id", party.id.name)
            json.add("kind", party.kind.rawValue)
            json.add("name", party.title)
            guard let address = party.address else { return }
            json.object("address") { json in
                json.add("street", address.street)
                json.add("city", address.city)
                json.add("postcode", address.postcode)
                json.add("country", address.country)
            }
        }
    }

    fileprivate mutating func add(_ period: Period) {
        object("period") { json in
            json.add("start", period.start.civilText)
            json.add("end", period.end.civilText)
        }
    }

    fileprivate mutating func add(_ line: Invoice.Line, in currency: Currency) {
        add("line", line.ordinal)
        add("title", line.title)
        add("resource", ifAny: line.resource?.name)
        add("quantity", line.quantity.description)
        add("unit", line.unit.rawValue)
        add("price", line.priceText)
        add(line.period)
        add("exact", line.exact.description)
        add("rounding", line.rounding.description)
        add("amount", line.amount.text(in: currency))
        add("project", ifAny: line.trail.project?.name)
        add("instance", ifAny: line.trail.instance?.name)
        add("subscription", ifAny: line.trail.subscription?.name)
        add("release", ifAny: line.trail.release?.name)
        add("machine", ifAny: line.trail.machine?.description)
        add("partition", ifAny: line.trail.partition?.description)
        add("contract", ifAny: line.trail.contract?.name)
    }
}

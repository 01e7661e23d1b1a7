import Automata
import Foundation
import Testing

@testable import Accounting

@Suite struct RenderingTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()

    /// An invoice with usage, a subscription and rounding, and a credit note for it.
    private func documents() throws -> [(name: String, invoice: Invoice)] {
        var fixture = Fixture()
        fixture.expect(
            .subscribed(
                SubscriptionOrder(
                    id: SubscriptionID("gold"), project: ProjectID("p"), supplier: Fixture.lab,
                    resource: ResourceID("support"),
                    quantity: quantity("1"), cycle: .month, begins: day(2026, 1, 15))))
        fixture.now = day(2026, 2, 1) + .seconds(3_725)
        fixture.expect(.used(Fixture.usage("1.2345", on: 3)))
        fixture.expect(.used(Fixture.usage("30", on: 4)))
        fixture.expect(.billed(Fixture.run()))
        fixture.now = day(2026, 2, 3)
        let period = Period(from: day(2026, 1, 3), to: day(2026, 1, 4))
        fixture.expect(
            .incident(
                Incident(
                    id: IncidentID("power-7"), subject: .instance(Fixture.instance), period: period,
                    what: "The \"big\" power cut & its <end>")))
        fixture.expect(
            .credited(
                CreditOrder(
                    invoice: InvoiceNumber(issuer: Fixture.lab, ordinal: 1), incident: IncidentID("power-7"),
                    amount: money("0.62"))))
        fixture.expectSound()
        try #require(fixture.history.invoices.count == 2)
        return [("invoice", fixture.history.invoices[0]), ("credit-note", fixture.history.invoices[1])]
    }

    @Test(
        "invoices and credit notes read as the golden files say; PALMIER_UPDATE_GOLDEN=1 writes them anew",
        arguments: Invoice.Format.allCases)
    func golden(_ format: Invoice.Format) throws {
        let endings: [Invoice.Format: String] = [.text: "txt", .json: "json", .html: "html", .ubl: "xml"]
        for (name, invoice) in try documents() {
            let file = Self.folder.appending(path: "Golden/\(name).\(endings[format] ?? "")")
            let text = invoice.rendered(as: format)
            if ProcessInfo.processInfo.environment["PALMIER_UPDATE_GOLDEN"] == "1" {
                try Data(text.utf8).write(to: file)
            }
            let golden = try String(contentsOf: file, encoding: .utf8)
            #expect(text == golden, "\(file.lastPathComponent) differs")
        }
    }

    @Test("UBL has the elements, the order, the codes and the sums that its schema and EN 16931 ask for")
    func ubl() throws {
        guard let xmllint = Tool("xmllint", package: "libxml2-utils") else { return }
        for (name, invoice) in try documents() {
            try withFile("\(name).xml", invoice.rendered(as: .ubl)) { file in
                for schema in [["--relaxng", "ubl.rng"], ["--schematron", "ubl.sch"]] {
                    let path = Self.folder.appending(path: "Schemas/\(schema[1])").path(percentEncoded: false)
                    let result = try xmllint.run(["--noout", schema[0], path, file])
                    #expect(result.status == 0, "\(name), \(schema[1]): \(result.output)")
                }
            }
        }
    }

    @Test(
        "a document that breaks a rule of UBL is found: the check checks",
        arguments: [
            ("ubl.rng", "<cbc:IssueDate>2026-02-01</cbc:IssueDate>\n", ""),
            (
                "ubl.rng", "<cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>",
                "<cbc:InvoiceTypeCode>999</cbc:InvoiceTypeCode>"
            ),
            ("ubl.rng", "unitCode=\"HUR\"", "unitCode=\"HOURS\""),
            ("ubl.rng", "<cbc:IssueDate>2026-02-01<", "<cbc:IssueDate>yesterday<"),
            ("ubl.sch", "<cbc:PayableAmount currencyID=\"EUR\">3.62<", "<cbc:PayableAmount currencyID=\"EUR\">3.63<"),
            ("ubl.sch", "<cbc:TaxableAmount currencyID=\"EUR\">3.62<", "<cbc:TaxableAmount currencyID=\"EUR\">3.6<"),
            ("ubl.sch", "currencyID=\"EUR\">3.62</cbc:LineExtension", "currencyID=\"USD\">3.62</cbc:LineExtension"),
        ])
    func ublSabotage(_ schema: String, _ words: String, _ others: String) throws {
        guard let xmllint = Tool("xmllint", package: "libxml2-utils") else { return }
        let text = try documents()[0].invoice.rendered(as: .ubl)
        let broken = text.replacingOccurrences(of: words, with: others)
        try #require(broken != text, "the document does not say \(words)")
        let path = Self.folder.appending(path: "Schemas/\(schema)").path(percentEncoded: false)
        let kind = schema.hasSuffix("rng") ? "--relaxng" : "--schematron"
        try withFile("broken.xml", broken) { try #expect(xmllint.run(["--noout", kind, path, $0]).status != 0) }
    }

    @Test("JSON is read back; HTML is well formed; all that people typed is escaped")
    func escaping() throws {
        for (name, invoice) in try documents() {
            let object =
                try JSONSerialization.jsonObject(with: Data(invoice.rendered(as: .json).utf8)) as? [String: Any]
            #expect(object?["number"] as? String == invoice.number.description)
            #expect((object?["issuer"] as? [String: Any])?["name"] as? String == "Laboratory & Sons")
            guard let xmllint = Tool("xmllint", package: "libxml2-utils") else { continue }
            try withFile("\(name).html", invoice.rendered(as: .html)) { file in
                let result = try xmllint.run(["--noout", file])
                #expect(result.status == 0, "\(name): \(result.output)")
            }
        }
    }
}

import Automata

// UBL 2.1 (OASIS, 2013; ISO/IEC 19845): the documents Invoice and CreditNote, elements in the order of the schema. With
// addresses on both sides it follows the rules of EN 16931 too (its business rules are named where they ask for
// something); no tax is charged: category O, outside the scope of tax.

extension Invoice {
    var ubl: String {
        var xml = MarkupWriter(head: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")
        let root: String
        switch kind {
        case .invoice: root = "Invoice"
        case .creditNote: root = "CreditNote"
        }
        let components = "urn:oasis:names:specification:ubl:schema:xsd:Common"
        xml.element(
            root,
            [
                "xmlns": "urn:oasis:names:specification:ubl:schema:xsd:\(root)-2",
                "xmlns:cac": "\(components)AggregateComponents-2", "xmlns:cbc": "\(components)BasicComponents-2",
            ]
        ) { xml in
            head(root, into: &xml)
            party("cac:AccountingSupplierParty", issuer, into: &xml)
            party("cac:AccountingCustomerParty", customer, into: &xml)
            // BR-CO-25.
            xml.element("cac:PaymentTerms") { $0.element("cbc:Note", text: "due \(due)") }
            taxes(into: &xml)
            totals(into: &xml)
            for line in lines { add(line, root, into: &xml) }
        }
        return xml.text
    }

    private func head(_ root: String, into xml: inout MarkupWriter) {
        // BR-1: the specification that it follows.
        xml.element("cbc:UBLVersionID", text: "2.1")
        xml.element("cbc:CustomizationID", text: "urn:cen.eu:en16931:2017")
        xml.element("cbc:ID", text: number.description)
        xml.element("cbc:IssueDate", text: issued.description)
        // UNTDID 1001: 380 commercial invoice, 381 credit note.
        if root == "Invoice" {
            xml.element("cbc:DueDate", text: due.description)
            xml.element("cbc:InvoiceTypeCode", text: "380")
        } else {
            xml.element("cbc:CreditNoteTypeCode", text: "381")
        }
        xml.element(
            "cbc:Note",
            text: (about.map { $0 + "; " } ?? "")
                + "rounding of \(roundingText) \(currency) is included; follows \(previous)")
        xml.element("cbc:DocumentCurrencyCode", text: currency.code)
        add(period, into: &xml)
        if case .creditNote(let credited, _) = kind {
            xml.element("cac:BillingReference") { xml in
                xml.element("cac:InvoiceDocumentReference") { $0.element("cbc:ID", text: credited.description) }
            }
        }
    }

    /// A period of days, both ends included, as UBL has it.
    private func add(_ period: Period, into xml: inout MarkupWriter) {
        xml.element("cac:InvoicePeriod") { xml in
            xml.element("cbc:StartDate", text: CivilDate(period.start).description)
            xml.element("cbc:EndDate", text: CivilDate(period.lastMoment).description)
        }
    }

    private func party(_ name: String, _ party: Party, into xml: inout MarkupWriter) {
        xml.element(name) { xml in
            xml.element("cac:Party") { xml in
                xml.element("cac:PartyIdentification") { $0.element("cbc:ID", text: party.id.name) }
                xml.element("cac:PartyName") { $0.element("cbc:Name", text: party.title) }
                if let address = party.address {
                    // BR-8 to BR-11.
                    xml.element("cac:PostalAddress") { xml in
                        for (element, text) in [
                            ("cbc:StreetName", address.street), ("cbc:CityName", address.city),
                            ("cbc:PostalZone", address.postcode),
                        ] where !text.isEmpty {
                            xml.element(element, text: text)
                        }
                        xml.element("cac:Country") { $0.element("cbc:IdentificationCode", text: address.country) }
                    }
                }
                // BR-6, BR-7.
                xml.element("cac:PartyLegalEntity") { $0.element("cbc:RegistrationName", text: party.title) }
            }
        }
    }

    /// BR-CO-18: one group a category; BR-O-10: a reason why there is none.
    private func taxes(into xml: inout MarkupWriter) {
        xml.element("cac:TaxTotal") { xml in
            amount("cbc:TaxAmount", .zero, into: &xml)
            xml.element("cac:TaxSubtotal") { xml in
                amount("cbc:TaxableAmount", total, into: &xml)
                amount("cbc:TaxAmount", .zero, into: &xml)
                xml.element("cac:TaxCategory") { xml in
                    xml.element("cbc:ID", text: "O")
                    xml.element("cbc:TaxExemptionReason", text: "Not subject to VAT")
                    xml.element("cac:TaxScheme") { $0.element("cbc:ID", text: "VAT") }
                }
            }
        }
    }

    /// BR-CO-10, 13, 15, 16: without allowances, charges, tax and prepayment all of them are the sum of the lines.
    private func totals(into xml: inout MarkupWriter) {
        xml.element("cac:LegalMonetaryTotal") { xml in
            for name in ["LineExtensionAmount", "TaxExclusiveAmount", "TaxInclusiveAmount", "PayableAmount"] {
                amount("cbc:\(name)", total, into: &xml)
            }
        }
    }

    private func add(_ line: Line, _ root: String, into xml: inout MarkupWriter) {
        xml.element("cac:\(root)Line") { xml in
            xml.element("cbc:ID", text: String(line.ordinal))
            xml.element(
                "cbc:\(root == "Invoice" ? "InvoicedQuantity" : "CreditedQuantity")", ["unitCode": line.unit.code],
                text: line.quantity.description)
            amount("cbc:LineExtensionAmount", line.amount, into: &xml)
            add(line.period, into: &xml)
            xml.element("cac:Item") { xml in
                xml.element("cbc:Name", text: line.title)
                if let resource = line.resource {
                    xml.element("cac:SellersItemIdentification") { $0.element("cbc:ID", text: resource.name) }
                }
                // BR-CO-4.
                xml.element("cac:ClassifiedTaxCategory") { xml in
                    xml.element("cbc:ID", text: "O")
                    xml.element("cac:TaxScheme") { $0.element("cbc:ID", text: "VAT") }
                }
                for detail in line.details {
                    xml.element("cac:AdditionalItemProperty") { xml in
                        xml.element("cbc:Name", text: detail.name)
                        xml.element("cbc:Value", text: detail.value)
                    }
                }
            }
            xml.element("cac:Price") { xml in
                // BR-26: the price of a unit, to as many digits as it has.
                xml.element("cbc:PriceAmount", ["currencyID": currency.code], text: line.priceText)
            }
        }
    }

    private func amount(_ name: String, _ money: Money, into xml: inout MarkupWriter) {
        xml.element(name, ["currencyID": currency.code], text: money.text(in: currency))
    }
}

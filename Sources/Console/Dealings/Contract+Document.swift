public import API
public import Accounting
import Automata

extension Contract {
    /// A contract as a master tells it; nil when that says something else than its digest.
    public init?(_ document: ContractDocument) {
        guard let supplierLedger = PeerID(document.supplier.ledgerId),
            let customerLedger = PeerID(document.customer.ledgerId), let offeredBy = PeerID(document.offeredBy),
            let currency = Currency(document.currency), let from = Instant(civil: document.from),
            let to = Instant(civil: document.to)
        else { return nil }
        var terms: [Term] = []
        for term in document.terms {
            guard let price = Price(term.price) else { return nil }
            let per = term.per.flatMap { Cycle(rawValue: $0) }
            guard per?.rawValue == term.per else { return nil }
            terms.append(Term(resource: ResourceID(term.resource), price: price, per: per))
        }
        self.init(
            id: ContractID(document.name), supplier: AccountID(document.supplier.account),
            supplierLedger: supplierLedger, customer: AccountID(document.customer.account),
            customerLedger: customerLedger, offeredBy: offeredBy, currency: currency, terms: terms,
            period: Period(from: from, to: to))
        guard digest.description == document.digest else { return nil }
    }
}

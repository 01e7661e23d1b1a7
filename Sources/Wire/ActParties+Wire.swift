import Accounting
import Automata
import Foundation
import SwiftProtobuf
import WireSchema

// Who deals with whom, in what and at what price.

extension WireAccount {
    init(_ account: Account) {
        self.init()
        id = account.id.name
        kind = WireAccountKind(account.kind)
        title = account.title
        if let address = account.address { self.address = WirePostalAddress(address) }
        if let ledger = account.ledger { self.ledger = ledger.data }
    }

    func decoded() throws(WireError) -> Account {
        Account(
            id: try accountID(id, "an account"), kind: try kind.decoded(),
            title: try Wire.title(title, "an account's title"), address: hasAddress ? try address.decoded() : nil,
            ledger: hasLedger ? try peer(ledger, "an account's ledger") : nil)
    }
}

extension WireProjectOrder {
    init(_ order: ProjectOrder) {
        self.init()
        id = order.id.name
        customer = order.customer.name
        currency = order.currency.code
        ceiling = WireMoney(order.ceiling)
        cycle = WireCycle(order.cycle)
    }

    func decoded() throws(WireError) -> ProjectOrder {
        ProjectOrder(
            id: ProjectID(try bookName(id, "a project")), customer: try accountID(customer, "a project's customer"),
            currency: try currencyCode(currency),
            ceiling: try required(hasCeiling, ceiling, "a ceiling").decoded("a ceiling"), cycle: try cycle.decoded())
    }
}

extension WireResource {
    init(_ resource: Resource) {
        self.init()
        id = resource.id.name
        title = resource.title
        unit = WireUnit(resource.unit)
    }

    func decoded() throws(WireError) -> Resource {
        Resource(id: try resourceID(id), title: try Wire.title(title, "a resource's title"), unit: try unit.decoded())
    }
}

extension WirePricePath {
    init(_ path: PricePath) {
        self.init()
        resource = path.resource.name
        if let supplier = path.supplier { self.supplier = supplier.name }
        if let customer = path.customer { self.customer = customer.name }
        if let machine = path.machine { self.machine = machine.data }
        if let cycle = path.per { per = WireCycle(cycle) }
    }

    func decoded() throws(WireError) -> PricePath {
        PricePath(
            resource: try resourceID(resource),
            supplier: hasSupplier ? try accountID(supplier, "a price's supplier") : nil,
            customer: hasCustomer ? try accountID(customer, "a price's customer") : nil,
            machine: hasMachine ? try peer(machine, "a price's machine") : nil, per: hasPer ? try per.decoded() : nil)
    }
}

extension WirePriceOrder {
    init(_ order: PriceOrder) {
        self.init()
        path = WirePricePath(order.path)
        priceMillionths = order.price.millionths
        currency = order.currency.code
        fromNanoseconds = order.from.nanoseconds
    }

    func decoded() throws(WireError) -> PriceOrder {
        PriceOrder(
            path: try required(hasPath, path, "a price's path").decoded(), price: Price(millionths: priceMillionths),
            currency: try currencyCode(currency), from: try instant(fromNanoseconds, "a price's beginning"))
    }
}

extension WirePosting {
    init(_ posting: Posting) {
        self.init()
        lines = posting.lines.map { line in
            .with {
                $0.account = line.account.name
                $0.amount = WireMoney(line.amount)
            }
        }
        currency = posting.currency.code
        reason = posting.reason
        if let id = posting.id { self.id = id.name }
    }

    func decoded() throws(WireError) -> Posting {
        Posting(
            id: hasID ? PostingID(try bookName(id, "a correction")) : nil,
            lines: try list(lines, "a posting's lines", max: Accounts.postingLinesMax) { (line) throws(WireError) in
                Posting.Line(
                    account: try accountID(line.account, "a line's account"),
                    amount: try required(line.hasAmount, line.amount, "a line's amount").decoded("a line's amount"))
            },
            currency: try currencyCode(currency), reason: try Wire.title(reason, "a posting's reason"))
    }
}

extension WireContract {
    init(_ contract: Contract) {
        self.init()
        id = contract.id.name
        supplier = contract.supplier.name
        supplierLedger = contract.supplierLedger.data
        customer = contract.customer.name
        customerLedger = contract.customerLedger.data
        offeredBy = contract.offeredBy.data
        currency = contract.currency.code
        terms = contract.terms.map { term in
            .with {
                $0.resource = term.resource.name
                $0.priceMillionths = term.price.millionths
                if let cycle = term.per { $0.per = WireCycle(cycle) }
            }
        }
        period = WirePeriod(contract.period)
    }

    func decoded() throws(WireError) -> Contract {
        Contract(
            id: ContractID(try bookName(id, "a contract")),
            supplier: try accountID(supplier, "a contract's supplier"),
            supplierLedger: try peer(supplierLedger, "a supplier's ledger"),
            customer: try accountID(customer, "a contract's customer"),
            customerLedger: try peer(customerLedger, "a customer's ledger"),
            offeredBy: try peer(offeredBy, "who offers a contract"), currency: try currencyCode(currency),
            terms: try list(terms, "a contract's terms", max: Contract.termsMax) { (term) throws(WireError) in
                Contract.Term(
                    resource: try resourceID(term.resource), price: Price(millionths: term.priceMillionths),
                    per: term.hasPer ? try term.per.decoded() : nil)
            },
            period: try required(hasPeriod, period, "a contract's period").decoded("a contract's period"))
    }
}

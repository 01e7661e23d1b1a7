import Automata
import OrderedCollections

// What something costs: by contract, where one covers it, and otherwise on the most specific path that has a price. With an
// account that another ledger keeps there has to be a contract.

/// What applies to one movement.
struct Quote: Hashable, Sendable {
    var price: Price
    var currency: Currency
    var contract: ContractID?
}

extension PricePath {
    /// Which of machine, customer and supplier it names; the larger is the more specific.
    var shape: UInt8 { (machine == nil ? 0 : 4) | (customer == nil ? 0 : 2) | (supplier == nil ? 0 : 1) }
}

extension Accounts {
    /// - Returns: false when it says what it said before.
    func checkPrice(_ order: PriceOrder) throws(RuleBreach) -> Bool {
        let path = order.path
        _ = try resource(path.resource)
        if let supplier = path.supplier { _ = try account(supplier) }
        if let customer = path.customer { _ = try account(customer) }
        if let machine = path.machine { _ = try supplier(of: machine) }
        guard order.price >= .free else {
            throw RuleBreach(
                .negativePrice, "the price of \(path.resource) is \(order.price) \(order.currency)",
                remedy: "give zero or more; what is given back is a credit note")
        }
        guard order.from >= .zero, order.from <= Period.latest else {
            throw RuleBreach(
                .overflow,
                "a price of \(path.resource) from \(order.from.civilText) lies outside the years 1970 to 2261",
                remedy: "check the date")
        }
        guard let steps = prices[path], let last = steps.last else { return true }
        let from = Instant(milliseconds: order.from.milliseconds)
        // Also below a later one: whoever repeats it may not know of that.
        if steps.contains(PriceStep(from: from, price: order.price, currency: order.currency)) { return false }
        guard from > last.from else {
            throw RuleBreach(
                .stalePrice,
                "\(path.resource) costs \(last.price) \(last.currency) on this path from "
                    + "\(last.from.civilText), and the new price is from \(from.civilText)",
                remedy: "give a later instant; what was used keeps its price")
        }
        guard steps.count < Self.priceStepsMax else {
            throw RuleBreach(
                .tooMany, "\(path.resource) has \(steps.count) prices on this path", remedy: "close a past period first"
            )
        }
        return true
    }

    mutating func onPrice(_ order: PriceOrder) throws(RuleBreach) -> Outcome {
        guard try checkPrice(order) else { return .repeated }
        let from = Instant(milliseconds: order.from.milliseconds)
        prices[order.path, default: []].append(
            PriceStep(from: from, price: order.price, currency: order.currency))
        resources[order.path.resource]?.shapes |= 1 << order.path.shape
        return .done
    }

    /// What a unit costs at an instant.
    func quote(
        _ resource: ResourceState, supplier: AccountState, customer: AccountState, machine: PeerID?, per cycle: Cycle?,
        at instant: Instant
    ) throws(RuleBreach) -> Quote {
        let id = resource.resource.id
        if supplier.account.ledger != nil || customer.account.ledger != nil {
            return try contractQuote(
                id, supplier: supplier.account.id, customer: customer.account.id, per: cycle, at: instant)
        }
        if !contracts.isEmpty,
            let agreed = agreedQuote(
                id, supplier: supplier.account.id, customer: customer.account.id, per: cycle, at: instant)
        {
            return agreed
        }
        for shape in stride(from: UInt8(7), through: 0, by: -1) where resource.shapes & (1 << shape) != 0 {
            if shape & 4 != 0, machine == nil { continue }
            let path = PricePath(
                resource: id, supplier: shape & 1 != 0 ? supplier.account.id : nil,
                customer: shape & 2 != 0 ? customer.account.id : nil, machine: shape & 4 != 0 ? machine : nil,
                per: cycle)
            if let step = prices[path]?.last(where: { $0.from <= instant }) {
                return Quote(price: step.price, currency: step.currency, contract: nil)
            }
        }
        throw RuleBreach(
            .unpriced,
            "\(id) \(cycle.map { "per \($0.rawValue) " } ?? "")from \(supplier.account.id) has no price for "
                + "\(customer.account.id) at \(instant.civilText)",
            remedy: "set one (zero makes it free): for the resource, its supplier, the customer or the machine")
    }

    /// The worth of a quantity.
    func value(of quantity: Quantity, _ resource: ResourceID, at quote: Quote) throws(RuleBreach) -> Money {
        guard quantity >= .zero else {
            throw RuleBreach(
                .negativeQuantity, "the quantity of \(resource) is \(quantity)",
                remedy: "give zero or more; what is given back is a credit note")
        }
        guard let value = Money(quantity, at: quote.price) else {
            throw RuleBreach(
                .overflow, "\(quantity) of \(resource) at \(quote.price) \(quote.currency) do not fit",
                remedy: "a movement is worth at most \(Money.movementMax)")
        }
        return value
    }
}

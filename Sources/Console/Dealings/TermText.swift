public import API
public import Automata

/// A term of a contract as people type it: `cpu-hour=0.01 EUR`, or of a subscription `support=20 EUR/month`.
public struct TermText: Hashable, Sendable {
    public let term: ContractTermDocument
    /// Three capital letters.
    public let currency: String

    /// - Throws: `invalid`, with what was found.
    public init(_ text: String) throws(Refusal) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty else { throw Self.wrong(text) }
        let price = parts[1].split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let per = price.count == 2 ? String(price[1]) : nil
        guard let price = price.first, per.map({ Self.cycles.contains($0) }) ?? true else { throw Self.wrong(text) }
        let amount: AmountText
        do throws(Refusal) {
            amount = try AmountText(String(price), "--term")
        } catch {
            throw Self.wrong(text)
        }
        term = ContractTermDocument(resource: String(parts[0]), price: amount.amount, per: per)
        currency = amount.currency
    }

    /// All terms of a contract, which is in one currency.
    public static func all(_ texts: [String]) throws(Refusal) -> (terms: [ContractTermDocument], currency: String) {
        var terms: [TermText] = []
        for text in texts { terms.append(try TermText(text)) }
        guard let currency = terms.first?.currency else {
            throw Refusal(.invalid, "--term: missing; a contract has at least one", remedy: "as in \(example)")
        }
        if let other = terms.first(where: { $0.currency != currency }) {
            throw Refusal(
                .invalid,
                "--term: \(terms[0].term.resource) is in \(currency), \(other.term.resource) in \(other.currency)",
                remedy: "make a contract for each currency", rule: "wrong-currency")
        }
        return (terms.map(\.term), currency)
    }

    private static let cycles = ["day", "week", "month", "year"]
    private static let example = "'cpu-hour=0.01 EUR', or 'support=20 EUR/month' for subscriptions"

    private static func wrong(_ text: String) -> Refusal {
        Refusal(
            .invalid, "--term: expected RESOURCE=PRICE CURRENCY[/CYCLE], found \"\(text.prefix(80))\"",
            remedy: "as in \(example)")
    }
}

public import Automata

/// An amount with its currency as people type it: `100 EUR`, `0.01EUR`. The number stays text, since it is exact.
public struct AmountText: Hashable, Sendable {
    public let amount: String
    /// Three capital letters.
    public let currency: String

    /// - Parameter name: of the argument or flag, for the message.
    public init(_ text: String, _ name: String) throws(Refusal) {
        let letters = text.reversed().prefix { $0.isASCII && $0.isUppercase }.count
        let number = text.dropLast(letters).trimmed
        let isNumber =
            !number.isEmpty && number.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2d || $0 == 0x2e }
        guard letters == 3, isNumber else {
            throw Refusal(
                .invalid, "\(name): expected an amount and a currency, as in '12.50 EUR', found \"\(text.prefix(80))\"",
                remedy: "write decimals with a point, and the currency as three capital letters")
        }
        amount = String(number)
        currency = String(text.suffix(3))
    }
}

extension Substring {
    /// Without spaces around it.
    fileprivate var trimmed: Substring {
        var text = self
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return text
    }
}

import Automata

/// How much of a resource: a whole number of millionths of its unit.
public struct Quantity: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let millionths: Int64
    public static let zero = Quantity(millionths: 0)

    public init(millionths: Int64) { self.millionths = millionths }

    /// Whole units; nil when there are too many of them.
    public init?(_ units: Int64) {
        let (product, overflow) = units.multipliedReportingOverflow(by: 1_000_000)
        if overflow { return nil }
        millionths = product
    }

    /// Reads a decimal with at most six digits behind the point; nil for anything else.
    public init?(_ text: String) {
        guard let value = DecimalText.parse(text, digits: 6), let fits = Int64(exactly: value) else { return nil }
        millionths = fits
    }

    /// The sum; nil when it does not fit.
    func plus(_ other: Quantity) -> Quantity? {
        let (sum, overflow) = millionths.addingReportingOverflow(other.millionths)
        return overflow ? nil : Quantity(millionths: sum)
    }

    public static func < (left: Quantity, right: Quantity) -> Bool { left.millionths < right.millionths }
    public var description: String { DecimalText.text(Int128(millionths), digits: 6) }
}

/// What one unit of a resource costs: a whole number of millionths of the currency's unit.
public struct Price: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let millionths: Int64
    public static let free = Price(millionths: 0)

    public init(millionths: Int64) { self.millionths = millionths }

    /// Reads a decimal with at most six digits behind the point; nil for anything else.
    public init?(_ text: String) {
        guard let value = DecimalText.parse(text, digits: 6), let fits = Int64(exactly: value) else { return nil }
        millionths = fits
    }

    public static func < (left: Price, right: Price) -> Bool { left.millionths < right.millionths }
    public var description: String { DecimalText.text(Int128(millionths), digits: 6) }
}

/// An amount of a currency: a whole number of 10^-12 of its unit, so that a quantity times a price is exact.
///
/// Arithmetic that could leave the range answers nil, which becomes a refusal. Rounding happens in one place, at the
/// line of an invoice, and is a movement of its own there.
public struct Money: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let trillionths: Int128
    public static let zero = Money(trillionths: 0)
    /// No single movement is worth more: 10^15 units.
    public static let movementMax = Money(trillionths: 1_000_000_000_000_000_000_000_000_000)
    /// No balance grows beyond this: 10^18 units. `Int128` holds a hundred million times as much.
    public static let balanceMax = Money(trillionths: 1_000_000_000_000_000_000_000_000_000_000)

    public init(trillionths: Int128) { self.trillionths = trillionths }

    /// Reads a decimal with at most twelve digits behind the point; nil for anything else.
    public init?(_ text: String) {
        guard let value = DecimalText.parse(text, digits: 12) else { return nil }
        trillionths = value
    }

    /// A quantity at a price, exactly; nil when no movement may be worth that much.
    public init?(_ quantity: Quantity, at price: Price) {
        // Two 64-bit factors never overflow 128 bits.
        let product = Int128(quantity.millionths) * Int128(price.millionths)
        guard product.magnitude <= Self.movementMax.trillionths.magnitude else { return nil }
        trillionths = product
    }

    /// The sum; nil when it is no balance.
    func plus(_ other: Money) -> Money? {
        let (sum, overflow) = trillionths.addingReportingOverflow(other.trillionths)
        guard !overflow, sum.magnitude <= Self.balanceMax.trillionths.magnitude else { return nil }
        return Money(trillionths: sum)
    }

    /// For sums whose terms have been checked before.
    static func + (left: Money, right: Money) -> Money { Money(trillionths: left.trillionths + right.trillionths) }
    static func - (left: Money, right: Money) -> Money { Money(trillionths: left.trillionths - right.trillionths) }
    static func += (left: inout Money, right: Money) { left = left + right }
    static func -= (left: inout Money, right: Money) { left = left - right }
    static prefix func - (money: Money) -> Money { Money(trillionths: -money.trillionths) }

    var magnitude: Money { trillionths < 0 ? -self : self }

    /// Rounded to the currency's minor unit, a half to the even neighbour, so that many halves do not lean to one side.
    public func rounded(in currency: Currency) -> Money {
        let step = currency.minorUnit.trillionths
        let (quotient, remainder) = trillionths.quotientAndRemainder(dividingBy: step)
        let twice = remainder.magnitude * 2
        let isAway = twice > step.magnitude || (twice == step.magnitude && quotient % 2 != 0)
        return Money(trillionths: (quotient + (isAway ? (trillionths < 0 ? -1 : 1) : 0)) * step)
    }

    public static func < (left: Money, right: Money) -> Bool { left.trillionths < right.trillionths }
    /// Without zeros at the end.
    public var description: String { DecimalText.text(trillionths, digits: 12) }

    /// With at least the currency's minor digits: `1.50`, `0.000125`.
    public func text(in currency: Currency) -> String {
        DecimalText.text(trillionths, digits: 12, atLeast: currency.minorDigits)
    }
}

/// A currency by its ISO 4217 code; three capital letters.
public struct Currency: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let code: String

    /// Nil for anything but three capital letters.
    public init?(_ code: String) {
        guard code.utf8.count == 3, code.utf8.allSatisfy({ $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") })
        else { return nil }
        self.code = code
    }

    /// How many digits its coins have behind the point. Source: ISO 4217, list one; two unless named here.
    public var minorDigits: Int {
        switch code {
        case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF",
            "XOF", "XPF":
            0
        case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND": 3
        case "CLF", "UYW": 4
        default: 2
        }
    }

    /// The smallest coin.
    var minorUnit: Money {
        Money(trillionths: (0..<12 - minorDigits).reduce(Int128(1)) { value, _ in value * 10 })
    }

    public static func < (left: Currency, right: Currency) -> Bool { left.code < right.code }
    public var description: String { code }
}

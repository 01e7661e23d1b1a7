/// Exact decimals as text: whole numbers of a fixed fraction, without a floating-point number on the way.
package enum DecimalText {
    /// Reads `-12.5` as a whole number of 10^-`digits`; nil for anything but an optional sign, digits, and at most
    /// `digits` of them after a point, and for what does not fit.
    package static func parse(_ text: String, digits: Int) -> Int128? {
        var bytes = Array(text.utf8)[...]
        let isNegative = bytes.first == UInt8(ascii: "-")
        if isNegative { bytes = bytes.dropFirst() }
        let parts = bytes.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = parts.count == 2 ? parts[1] : []
        guard let whole = parts.first, !whole.isEmpty, parts.count == 1 || !fraction.isEmpty, fraction.count <= digits
        else { return nil }
        let padding = [UInt8](repeating: UInt8(ascii: "0"), count: digits - fraction.count)
        var value: Int128 = 0
        for byte in whole + fraction + padding {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            let (tens, overflowed) = value.multipliedReportingOverflow(by: 10)
            let (next, overflows) = tens.addingReportingOverflow(Int128(byte - UInt8(ascii: "0")))
            if overflowed || overflows { return nil }
            value = next
        }
        return isNegative ? -value : value
    }

    /// Prints a whole number of 10^-`digits`, without zeros at the end but at least `digitsMin` behind the point.
    package static func text(_ value: Int128, digits: Int, atLeast digitsMin: Int = 0) -> String {
        var rest = value.magnitude
        var reversed: [UInt8] = []
        var isTrailing = true
        for place in 0..<digits {
            let digit = UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
            if isTrailing, digit == 0, digits - place > digitsMin { continue }
            isTrailing = false
            reversed.append(UInt8(ascii: "0") + digit)
        }
        if !reversed.isEmpty { reversed.append(UInt8(ascii: ".")) }
        repeat {
            reversed.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        if value < 0 { reversed.append(UInt8(ascii: "-")) }
        return String(decoding: reversed.reversed(), as: UTF8.self)
    }
}

/// A number of millionths, as people read it: `0.02`.
public struct Decimal6: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let millionths: Int64

    public init(_ millionths: Int64) { self.millionths = millionths }

    /// Reads a decimal with at most six digits behind the point; nil for anything else, and for what does not fit.
    public init?(_ text: String) {
        guard let value = DecimalText.parse(text, digits: 6), let fits = Int64(exactly: value) else { return nil }
        millionths = fits
    }

    public static func < (left: Decimal6, right: Decimal6) -> Bool { left.millionths < right.millionths }
    /// Exact, without zeros at the end.
    public var description: String { DecimalText.text(Int128(millionths), digits: 6) }
}

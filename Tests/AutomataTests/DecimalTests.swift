import Automata
import Testing

@Suite("decimals and units of bytes")
struct DecimalTests {
    @Test(
        "millionths are printed exactly, without zeros at the end",
        arguments: [
            (0, "0"), (1, "0.000001"), (-1, "-0.000001"), (20_000, "0.02"), (1_000_000, "1"), (-1_500_000, "-1.5"),
            (.max, "9223372036854.775807"), (.min, "-9223372036854.775808"),
        ] as [(Int64, String)])
    func millionths(value: Int64, text: String) {
        #expect(Decimal6(value).description == text)
        #expect(DecimalText.parse(text, digits: 6) == Int128(value))
    }

    @Test("each unit of bytes is a thousand, or 1,024, times the one before it")
    func units() {
        let decimal: [ByteUnit] = [.byte, .kilobyte, .megabyte, .gigabyte, .terabyte]
        let binary: [ByteUnit] = [.byte, .kibibyte, .mebibyte, .gibibyte, .tebibyte]
        for (small, large) in zip(decimal, decimal.dropFirst()) { #expect(large.bytes == small.bytes * 1_000) }
        for (small, large) in zip(binary, binary.dropFirst()) { #expect(large.bytes == small.bytes * 1_024) }
        #expect(Set(decimal + binary) == Set(ByteUnit.allCases))
    }
}

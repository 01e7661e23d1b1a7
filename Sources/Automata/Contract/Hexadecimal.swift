extension Sequence<UInt8> {
    /// Two lower-case hexadecimal digits a byte.
    public var hexadecimal: String {
        var text = ""
        for byte in self {
            text.append(hexadecimalDigits[Int(byte >> 4)])
            text.append(hexadecimalDigits[Int(byte & 15)])
        }
        return text
    }
}

extension [UInt8] {
    /// Reads two hexadecimal digits a byte, either case; nil when a character is foreign or the length is odd.
    public init?(hexadecimal: String) {
        var bytes: [UInt8] = []
        var high: UInt8?
        for character in hexadecimal {
            guard character.isASCII, let value = character.hexDigitValue else { return nil }
            if let pending = high {
                bytes.append(pending << 4 | UInt8(value))
                high = nil
            } else {
                high = UInt8(value)
            }
        }
        guard high == nil else { return nil }
        self = bytes
    }
}

private let hexadecimalDigits = Array("0123456789abcdef")

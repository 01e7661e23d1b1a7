/// JSON by hand: a few kinds of values, keys in the order in which they are given. Decimals are texts, so that no reader
/// makes floating-point numbers of them.
struct JSONWriter {
    private(set) var text = ""
    private var isFirst: [Bool] = [true]

    mutating func object(_ key: String? = nil, _ members: (inout JSONWriter) -> Void) {
        open(key, "{")
        members(&self)
        close("}")
    }

    mutating func array(_ key: String? = nil, _ elements: (inout JSONWriter) -> Void) {
        open(key, "[")
        elements(&self)
        close("]")
    }

    mutating func add(_ key: String, _ value: String) {
        separate(key)
        text += Self.quoted(value)
    }

    mutating func add(_ key: String, _ value: Int) {
        separate(key)
        text += String(value)
    }

    /// Leaves out what is nil.
    mutating func add(_ key: String, ifAny value: String?) {
        if let value { add(key, value) }
    }

    private mutating func open(_ key: String?, _ bracket: String) {
        separate(key)
        text += bracket
        isFirst.append(true)
    }

    private mutating func close(_ bracket: String) {
        isFirst.removeLast()
        text += bracket
    }

    private mutating func separate(_ key: String?) {
        if !isFirst[isFirst.count - 1] { text += "," }
        isFirst[isFirst.count - 1] = false
        if let key { text += Self.quoted(key) + ":" }
    }

    static func quoted(_ value: String) -> String {
        var result = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

/// XML and HTML by hand: elements indented by two spaces, texts escaped.
struct MarkupWriter {
    private(set) var text: String
    private var depth = 0

    init(head: String) { text = head + "\n" }

    mutating func element(
        _ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ content: (inout MarkupWriter) -> Void
    ) {
        line("<\(name)\(Self.list(attributes))>")
        depth += 1
        content(&self)
        depth -= 1
        line("</\(name)>")
    }

    mutating func element(_ name: String, _ attributes: KeyValuePairs<String, String> = [:], text content: String) {
        line("<\(name)\(Self.list(attributes))>\(Self.escaped(content))</\(name)>")
    }

    /// A line that is markup already.
    mutating func line(_ markup: String) {
        text += String(repeating: "  ", count: depth) + markup + "\n"
    }

    private static func list(_ attributes: KeyValuePairs<String, String>) -> String {
        attributes.map { " \($0.key)=\"\(escaped($0.value))\"" }.joined()
    }

    static func escaped(_ value: String) -> String {
        var result = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

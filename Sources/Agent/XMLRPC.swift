/// The part of XML-RPC (xmlrpc.com, 1999) that supervisord speaks.
///
/// By hand because supervisorctl needs 150 ms of Python for each call, and an XML library more memory than this file.
enum XMLRPCValue: Hashable, Sendable {
    case integer(Int)
    case boolean(Bool)
    case string(String)
    case array([XMLRPCValue])
    case structure([String: XMLRPCValue])

    subscript(name: String) -> XMLRPCValue? {
        if case .structure(let members) = self { members[name] } else { nil }
    }
    var integer: Int? { if case .integer(let value) = self { value } else { nil } }
    var string: String? { if case .string(let value) = self { value } else { nil } }
    var array: [XMLRPCValue]? { if case .array(let value) = self { value } else { nil } }
}

struct XMLRPCCall: Hashable, Sendable {
    var method: String
    var parameters: [XMLRPCValue] = []

    var text: String {
        let parameters = parameters.map { "<param>\($0.xml)</param>" }.joined()
        return "<?xml version=\"1.0\"?><methodCall><methodName>\(method)</methodName>"
            + "<params>\(parameters)</params></methodCall>"
    }

    /// Several calls in one round trip; each is answered by itself.
    static func multicall(_ calls: [XMLRPCCall]) -> XMLRPCCall {
        let list = calls.map {
            XMLRPCValue.structure(["methodName": .string($0.method), "params": .array($0.parameters)])
        }
        return XMLRPCCall(method: "system.multicall", parameters: [.array(list)])
    }
}

/// The other side refused the call; supervisord's codes are in its `xmlrpc.py`.
struct XMLRPCFault: Error, Hashable, Sendable, CustomStringConvertible {
    var code: Int
    var text: String
    var description: String { "\(text) (fault \(code))" }

    /// A fault within a multicall's list of answers.
    init?(_ value: XMLRPCValue) {
        guard let code = value["faultCode"]?.integer else { return nil }
        self.init(code: code, text: value["faultString"]?.string ?? "")
    }

    init(code: Int, text: String) {
        self.code = code
        self.text = text
    }

    static let badName = 10
    static let stillRunning = 91
    static let alreadyAdded = 90
    static let notRunning = 70
    static let cannotReread = 92
}

struct XMLRPCSyntaxError: Error, CustomStringConvertible {
    var message: String
    var description: String { "an answer that is not XML-RPC: \(message)" }
}

extension XMLRPCValue {
    var xml: String {
        switch self {
        case .integer(let value): "<value><int>\(value)</int></value>"
        case .boolean(let value): "<value><boolean>\(value ? 1 : 0)</boolean></value>"
        case .string(let value): "<value><string>\(Self.escape(value))</string></value>"
        case .array(let items): "<value><array><data>\(items.map(\.xml).joined())</data></array></value>"
        case .structure(let members):
            "<value><struct>"
                + members.sorted { $0.key < $1.key }.map {
                    "<member><name>\(Self.escape($0.key))</name>\($0.value.xml)</member>"
                }.joined() + "</struct></value>"
        }
    }

    private static func escape(_ text: String) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            default: escaped.append(character)
            }
        }
        return escaped
    }

    /// Reads a method's answer.
    ///
    /// - Throws: `XMLRPCFault` when the other side refused, `XMLRPCSyntaxError` when it makes no sense.
    static func response(_ text: String) throws -> XMLRPCValue {
        var reader = XMLRPCReader(text: text)
        try reader.skipProlog()
        try reader.expect("methodResponse")
        if try reader.takes("fault") {
            let value = try reader.value(depth: 0)
            guard let fault = XMLRPCFault(value) else { throw XMLRPCSyntaxError(message: "a fault without its code") }
            throw fault
        }
        try reader.expect("params")
        try reader.expect("param")
        return try reader.value(depth: 0)
    }
}

private struct XMLRPCReader {
    private let bytes: [UInt8]
    private var position = 0
    static let depthMax = 32

    init(text: String) { bytes = Array(text.utf8) }

    mutating func skipProlog() throws {
        skipSpace()
        guard bytes[position...].starts(with: "<?".utf8) else { return }
        while position < bytes.count, bytes[position] != UInt8(ascii: ">") { position += 1 }
        position = min(position + 1, bytes.count)
    }

    mutating func expect(_ tag: String) throws {
        guard try takes(tag) else {
            let found = String(decoding: bytes[position...].prefix(40), as: UTF8.self)
            throw XMLRPCSyntaxError(message: "expected <\(tag)>, found \"\(found)\"")
        }
    }

    /// Takes an opening or, as `/name`, a closing tag, if it comes next.
    mutating func takes(_ tag: String) throws -> Bool {
        skipSpace()
        guard bytes[position...].starts(with: "<\(tag)>".utf8) else { return false }
        position += tag.utf8.count + 2
        return true
    }

    mutating func value(depth: Int) throws -> XMLRPCValue {
        guard depth < Self.depthMax else { throw XMLRPCSyntaxError(message: "nested too deeply") }
        try expect("value")
        let value = try content(depth: depth)
        try expect("/value")
        return value
    }

    private mutating func content(depth: Int) throws -> XMLRPCValue {
        let start = position
        if try takes("struct") {
            var members: [String: XMLRPCValue] = [:]
            while try takes("member") {
                try expect("name")
                let name = text()
                try expect("/name")
                members[name] = try self.value(depth: depth + 1)
                try expect("/member")
            }
            try expect("/struct")
            return .structure(members)
        }
        if try takes("array") {
            var items: [XMLRPCValue] = []
            try expect("data")
            while !(try takes("/data")) { items.append(try value(depth: depth + 1)) }
            try expect("/array")
            return .array(items)
        }
        for tag in ["int", "i4", "i8"] where try takes(tag) {
            guard let number = Int(text()) else { throw XMLRPCSyntaxError(message: "an integer that is none") }
            try expect("/\(tag)")
            return .integer(number)
        }
        if try takes("boolean") {
            let value = text() == "1"
            try expect("/boolean")
            return .boolean(value)
        }
        if try takes("string") {
            let value = text()
            try expect("/string")
            return .string(value)
        }
        if try takes("string/") { return .string("") }
        // A value without a type is a string, its spaces included.
        position = start
        return .string(text())
    }

    /// Characters up to the next tag, with the five entities and numeric references resolved.
    private mutating func text() -> String {
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: "<") { position += 1 }
        let raw = String(decoding: bytes[start..<position], as: UTF8.self)
        guard raw.contains("&") else { return raw }
        var result = ""
        var rest = Substring(raw)
        while let ampersand = rest.firstIndex(of: "&"), let end = rest[ampersand...].firstIndex(of: ";") {
            result += rest[..<ampersand]
            switch rest[rest.index(after: ampersand)..<end] {
            case "amp": result += "&"
            case "lt": result += "<"
            case "gt": result += ">"
            case "quot": result += "\""
            case "apos": result += "'"
            case let name where name.hasPrefix("#"):
                let digits = name.dropFirst()
                let code = digits.hasPrefix("x") ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
                if let scalar = code.flatMap(Unicode.Scalar.init) { result.unicodeScalars.append(scalar) }
            case let name: result += "&\(name);"
            }
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    }
}

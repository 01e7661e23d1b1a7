public import Automata
public import Foundation
public import Releases

/// How documents are written and read: sorted keys, so that two equal documents are equal text.
public enum DocumentCoding {
    public static func encode(_ document: some Encodable, pretty: Bool = false) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting =
            pretty ? [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted] : [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(document)
    }

    public static func decode<Document: Decodable>(_ type: Document.Type, from data: Data) throws -> Document {
        try JSONDecoder().decode(type, from: data)
    }

    /// `2026-03-01T12:00:00.250Z` (ISO 8601, UTC).
    public static func text(of instant: Instant) -> String {
        Date(timeIntervalSince1970: Double(instant.milliseconds) / 1_000)
            .formatted(
                .iso8601.year().month().day().time(includingFractionalSeconds: true).timeZone(separator: .omitted))
    }

    /// Whole seconds from `instant` to `now`; never negative, because clocks of two masters may differ.
    static func age(of instant: Instant, at now: Instant) -> Int64 {
        max(0, (now - instant).milliseconds / 1_000)
    }
}

extension JSONValue: Codable {
    public init(from decoder: any Decoder) throws {
        let single = try decoder.singleValueContainer()
        if single.decodeNil() {
            self = .null
        } else if let value = try? single.decode(Bool.self) {
            self = .boolean(value)
        } else if let value = try? single.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? single.decode(Double.self) {
            self = .number(value)
        } else if let value = try? single.decode(String.self) {
            self = .string(value)
        } else if let value = try? single.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try single.decode([String: JSONValue].self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var single = encoder.singleValueContainer()
        switch self {
        case .null: try single.encodeNil()
        case .boolean(let value): try single.encode(value)
        case .integer(let value): try single.encode(value)
        case .number(let value): try single.encode(value)
        case .string(let value): try single.encode(value)
        case .array(let value): try single.encode(value)
        case .object(let value): try single.encode(value)
        }
    }

    /// The value of a canonical text of our own; text that is no JSON becomes a string, so that nothing is hidden.
    init(text: String) {
        do {
            self = try JSONValue(parsing: text)
        } catch {
            self = .string(text)
        }
    }
}

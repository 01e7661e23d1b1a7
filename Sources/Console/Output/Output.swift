import API
import Yams

/// Where a command's result goes, in the format that was asked for.
public struct Output: Sendable {
    public let format: OutputFormat
    public let style: Style
    private let width: Int?

    public init(format: OutputFormat, style: Style, width: Int? = nil) {
        self.format = format
        self.style = style
        self.width = width
    }

    /// Writes one result.
    ///
    /// - Parameters:
    ///   - names: for `-o name`.
    ///   - human: for `table`, and with `true` for `wide`.
    public func write(_ document: some Encodable, names: [String], human: (Bool) -> String) throws {
        switch format {
        case .table, .wide:
            let text = human(format == .wide)
            if !text.isEmpty { Terminal.writeLine(text) }
        case .json, .yaml: Terminal.writeLine(try Self.text(of: document, format))
        case .name: for name in names { Terminal.writeLine(Table.printable(name)) }
        }
    }

    /// A table, cut to the terminal unless everything is wanted.
    public func text(of table: Table, isWide: Bool) -> String {
        table.text(style: style, width: isWide ? nil : width)
    }

    /// One document of a stream, on a line of its own.
    public func writeStreamed(_ document: some Encodable) throws {
        let data = try DocumentCoding.encode(document)
        Terminal.writeLine(String(decoding: data, as: UTF8.self))
    }

    /// A document as `json` or, for any other format, as YAML.
    public static func text(of document: some Encodable, _ format: OutputFormat) throws -> String {
        guard format == .json else {
            let encoder = YAMLEncoder()
            encoder.options.sortKeys = true
            encoder.options.allowUnicode = true
            encoder.options.width = -1
            let text = try encoder.encode(document)
            return text.hasSuffix("\n") ? String(text.dropLast()) : text
        }
        return String(decoding: try DocumentCoding.encode(document, pretty: true), as: UTF8.self)
    }
}

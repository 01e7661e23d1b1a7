import Automata

/// Writes a history of movements for other programs, a piece at a time, so that no history is too long for it:
/// `head`, then each movement in its order, then `tail`.
public struct MovementExport: Sendable {
    public enum Format: String, Hashable, Sendable, CaseIterable { case hledger, csv, json }

    public let format: Format
    private var isFirst = true

    public init(_ format: Format) { self.format = format }

    /// What comes first.
    public func head(of books: Accounts) -> String {
        switch format {
        case .hledger: journalHead(of: books)
        case .csv: Self.columns.joined(separator: ",") + "\r\n"
        case .json: "{\"schema\":\"palmier.movements/1\",\"movements\":[\n"
        }
    }

    public mutating func text(of movement: Movement) -> String {
        defer { isFirst = false }
        switch format {
        case .hledger: return transaction(movement)
        case .csv: return Self.fields(of: movement).map { Self.field($0 ?? "") }.joined(separator: ",") + "\r\n"
        case .json:
            var writer = JSONWriter()
            writer.object { json in
                for (column, value) in zip(Self.columns, Self.fields(of: movement)) { json.add(column, ifAny: value) }
            }
            return (isFirst ? "" : ",\n") + writer.text
        }
    }

    /// What comes last.
    public var tail: String { format == .json ? (isFirst ? "]}\n" : "\n]}\n") : "" }

    /// All of it at once.
    public static func text(_ format: Format, of movements: some Sequence<Movement>, in books: Accounts) -> String {
        var export = MovementExport(format)
        var text = export.head(of: books)
        for movement in movements { text += export.text(of: movement) }
        return text + export.tail
    }

    // MARK: Tables

    private static let columns = [
        "number", "at", "kind", "stage", "source", "destination", "resource", "quantity", "price", "value", "currency",
        "start", "end", "project", "instance", "subscription", "machine", "partition", "release", "contract", "invoice",
        "incident", "payment", "reason",
    ]

    /// In the order of the columns; nil where there is nothing to say.
    private static func fields(of movement: Movement) -> [String?] {
        let trail = movement.trail
        let hasResource = movement.resource != nil
        return [
            movement.number.description, movement.at.civilText, movement.kind.rawValue, movement.stage.rawValue,
            movement.source.name, movement.destination.name, movement.resource?.name,
            hasResource ? movement.quantity.description : nil, hasResource ? movement.price.description : nil,
            movement.value.description, movement.currency.code, movement.period.start.civilText,
            movement.period.end.civilText, trail.project?.name, trail.instance?.name, trail.subscription?.name,
            trail.machine?.description, trail.partition?.description, trail.release?.name, trail.contract?.name,
            trail.invoice?.description, trail.incident?.name, trail.payment?.name,
            trail.reason.isEmpty ? nil : trail.reason,
        ]
    }

    /// RFC 4180, 2: quoted where a quote, a comma or a line's end is in it.
    private static func field(_ text: String) -> String {
        guard text.utf8.contains(where: { [0x22, 0x2c, 0x0a, 0x0d].contains($0) }) else { return text }
        return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    // MARK: hledger

    /// Every account and commodity is declared, so that `hledger check --strict` finds a name that is spelled wrong.
    private func journalHead(of books: Accounts) -> String {
        var text = "; palmier.journal/1: above zero is owed, below zero is due\ndecimal-mark .\n\n"
        let currencies = Set(books.accountViews.flatMap { $0.balances.entries.map(\.currency) }).sorted()
        for currency in currencies {
            let example = Money(trillionths: 1_000_000_000_000_000)
            text += "commodity \(currency.minorDigits == 0 ? "1000." : example.text(in: currency)) \(currency)\n"
        }
        for resource in books.resourceViews { text += "commodity 1000.000000 \(commodity(resource.id))\n" }
        for view in books.accountViews {
            for stage in Movement.Stage.allCases { text += "account \(stage.rawValue):\(view.account.id)\n" }
            text += "account used:\(view.account.id)\n"
        }
        return text + "\n"
    }

    /// Two postings of money, and two of the thing where there is one.
    private func transaction(_ movement: Movement) -> String {
        let names = zip(Self.columns, Self.fields(of: movement)).dropFirst(11)
        let tags = names.compactMap { column, value in
            // A comma ends a tag's value (hledger 1.25, Tags).
            value.map {
                "\(column):\($0.split(separator: ",", omittingEmptySubsequences: false).joined(separator: ";"))"
            }
        }
        var text = "\(CivilDate(movement.at)) (\(movement.number)) \(movement.kind.rawValue)\n"
        text += "    ; \(tags.joined(separator: ", "))\n"
        text += posting(
            movement.stage.rawValue, movement.source, (-movement.value).text(in: movement.currency),
            movement.currency.code)
        text += posting(
            movement.stage.rawValue, movement.destination, movement.value.text(in: movement.currency),
            movement.currency.code)
        if let resource = movement.resource {
            let opposite = DecimalText.text(-Int128(movement.quantity.millionths), digits: 6)
            text += posting("used", movement.source, opposite, commodity(resource))
            text += posting("used", movement.destination, movement.quantity.description, commodity(resource))
        }
        return text + "\n"
    }

    /// At least two spaces end an account's name.
    private func posting(_ branch: String, _ account: AccountID, _ amount: String, _ commodity: String) -> String {
        "    \(branch):\(account)  \(amount) \(commodity)\n"
    }

    private func commodity(_ resource: ResourceID) -> String { "\"\(resource)\"" }
}

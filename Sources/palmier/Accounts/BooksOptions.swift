import API
import ArgumentParser
import Console
import Foundation

/// Whose books.
struct BooksOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A ledger's name or id (PALMIER_LEDGER); when left out, that of the master asked.", valueName: "NAME"),
        completion: Names.ledgers)
    var ledger: String?

    var named: String { ledger ?? Self.standing }

    /// nil for that of whoever answers.
    var only: String? { named == "-" ? nil : named }

    /// Where nothing is said; `-` stands for that of whoever answers.
    static var standing: String {
        ProcessInfo.processInfo.environment["PALMIER_LEDGER"].flatMap { $0.isEmpty ? nil : $0 } ?? "-"
    }
}

/// For commands that record an act.
struct RecordOptions: ParsableArguments {
    @Flag(help: "Show what would be recorded, or why it would be refused, and record nothing.")
    var dryRun = false

    @OptionGroup var books: BooksOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    /// Records the act, and says where it stands.
    ///
    /// - Parameter isQuiet: something else is printed afterwards.
    func record(_ act: PalmierClient.BookAct, isQuiet: Bool = false) async throws {
        let (named, dryRun) = (books.named, dryRun)
        let document = try await connection.withMaster { client in
            let ledger = named == "-" ? try await client.ownLedger() : named
            return try await client.record(act, in: ledger, dryRun: dryRun)
        }
        guard !isQuiet else { return }
        let names = document.issued.flatMap { $0.isEmpty ? nil : $0 } ?? [document.name]
        try output.output.write(document, names: names) { _ in AccountsText.sentence(document) }
    }
}

/// For commands that look at the books.
struct LookOptions: ParsableArguments {
    @OptionGroup var books: BooksOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    /// Reads a document, and writes it.
    func show<Document: Encodable & Sendable>(
        _ read: (PalmierClient, String) async throws -> Document, names: (Document) -> [String],
        human: (Document, Bool, Output) -> String
    ) async throws {
        let named = books.named
        let document = try await connection.withMaster { try await read($0, named) }
        let output = output.output
        try output.write(document, names: names(document)) { human(document, $0, output) }
    }
}

/// An address on invoices.
struct AddressOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Street and number, for invoices.", valueName: "TEXT"))
    var street: String?

    @Option(help: ArgumentHelp("The city.", valueName: "TEXT"))
    var city: String?

    @Option(help: ArgumentHelp("The postcode.", valueName: "TEXT"))
    var postcode: String?

    @Option(help: ArgumentHelp("Two capital letters of ISO 3166; needed with any of the others.", valueName: "CODE"))
    var country: String?

    /// nil when nothing was said.
    var document: AddressDocument? {
        guard [street, city, postcode, country].contains(where: { $0 != nil }) else { return nil }
        return AddressDocument(
            street: street ?? "", city: city ?? "", postcode: postcode ?? "", country: country ?? "")
    }

    func validate() throws {
        guard document != nil, country == nil else { return }
        throw ValidationError("--country: missing; an address needs one, as two capital letters (FR)")
    }
}

enum AccountKind: String, ExpressibleByArgument, CaseIterable {
    case person, organisation
}

enum BillingCycle: String, ExpressibleByArgument, CaseIterable {
    case day, week, month, year
}

import Automata
import Foundation
import Testing

@testable import Accounting

/// Small books that every test begins with: `lab` supplies machine 1 at 0.02 EUR an hour of processor, `ada` has a
/// project of 10 EUR a month, `bob` one of 5, and both have an instance that holds nothing.
struct Fixture {
    var books = Accounts()
    var history = History()
    var now = day(2026, 1, 1)

    static let euro = currency("EUR")
    static let lab = AccountID("lab")
    static let ada = AccountID("ada")
    static let bob = AccountID("bob")
    static let cpu = ResourceID("cpu")
    static let machine = PeerID(0xA1)
    static let instance = InstanceID("ada/shop")
    static let ledger = PeerID(0xE1)
    static let otherLedger = PeerID(0xE2)

    init() {
        expect(
            .accountOpened(
                Account(id: Self.lab, kind: .organisation, title: "Laboratory & Sons", address: Self.address("Paris"))))
        expect(
            .accountOpened(Account(id: Self.ada, kind: .person, title: "Ada Lovelace", address: Self.address("Lille"))))
        expect(.accountOpened(Account(id: Self.bob, kind: .person, title: "Bob", address: Self.address("Lyon"))))
        expect(.resourceDefined(Resource(id: Self.cpu, title: "Processor time", unit: .hour)))
        expect(.resourceDefined(Resource(id: ResourceID("support"), title: "Support <gold>", unit: .month)))
        expect(.machineListed(Self.machine, supplier: Self.lab))
        expect(.priceSet(Self.price("0.02", path: PricePath(resource: Self.cpu))))
        expect(.priceSet(Self.price("3", path: PricePath(resource: ResourceID("support"), per: .month))))
        expect(
            .projectSet(ProjectOrder(id: ProjectID("p"), customer: Self.ada, currency: Self.euro, ceiling: money("10")))
        )
        expect(
            .projectSet(ProjectOrder(id: ProjectID("q"), customer: Self.bob, currency: Self.euro, ceiling: money("5"))))
        expect(.held(Self.hold()))
        expect(.held(Self.hold(InstanceID("bob/shop"), project: ProjectID("q"))))
    }

    static func address(_ city: String) -> PostalAddress {
        PostalAddress(street: "1 Main Street", city: city, postcode: "59000", country: "FR")
    }

    static func price(_ text: String, path: PricePath, from: Instant = day(2026, 1, 1)) -> PriceOrder {
        PriceOrder(path: path, price: Accounting.Price(text) ?? .free, currency: euro, from: from)
    }

    static func hold(
        _ instance: InstanceID = instance, project: ProjectID = ProjectID("p"), hours: String? = nil, days: Int = 1,
        quoted: Money? = nil
    ) -> HoldOrder {
        HoldOrder(
            instance: instance, project: project, machine: machine,
            period: Period(from: day(2026, 1, 1), to: day(2026, 1, 1 + days)),
            lines: hours.map { [.init(cpu, quantity($0))] } ?? [], quoted: quoted)
    }

    /// Usage of an hour, or several, from an hour of a day of January 2026 on.
    static func usage(
        _ hours: String = "1", instance: InstanceID = instance, on dayOfMonth: Int = 1, hour: Int = 0, length: Int = 1,
        machine: PeerID = machine
    ) -> UsageReport {
        let start = day(2026, 1, dayOfMonth) + .seconds(hour * 3_600)
        return UsageReport(
            instance: instance, resource: cpu, period: Period(from: start, to: start + .seconds(length * 3_600)),
            quantity: quantity(hours), machine: machine, partition: PartitionNumber(3),
            release: ReleaseName("file:///releases/shop.yaml"))
    }

    static func run(_ cycle: Cycle = .month, through: Instant = day(2026, 2, 1)) -> InvoiceRun {
        InvoiceRun(supplier: lab, cycle: cycle, through: through)
    }

    mutating func apply(_ act: Act) -> Accounts.Outcome {
        books.apply(act, at: now, into: &history)
    }

    mutating func expect(
        _ act: Act, _ outcome: Accounts.Outcome = .done, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        if outcome == .done {
            let breach = books.check(act, at: now)
            #expect(breach == nil, "\(String(describing: breach))", sourceLocation: sourceLocation)
        }
        let result = apply(act)
        #expect(result == outcome, sourceLocation: sourceLocation)
    }

    /// Expects a refusal by this rule, the same from `check`, with what was found in its words, and nothing changed.
    @discardableResult
    mutating func refuse(
        _ act: Act, _ rule: Rule, saying words: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) -> RuleBreach? {
        let (books, history) = (books, history)
        let checked = books.check(act, at: now)
        #expect(checked?.rule == rule, "\(String(describing: checked))", sourceLocation: sourceLocation)
        #expect(apply(act) == checked.map { .refused($0) }, sourceLocation: sourceLocation)
        #expect(self.books == books && self.history == history, "something was stored", sourceLocation: sourceLocation)
        for word in words {
            #expect(
                checked?.description.contains(word) == true, "no \(word) in \(String(describing: checked))",
                sourceLocation: sourceLocation)
        }
        #expect(checked?.remedy.isEmpty == false, sourceLocation: sourceLocation)
        return checked
    }

    /// The books agree with themselves, and with their history.
    func expectSound(sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(books.audit() == [], sourceLocation: sourceLocation)
        var reader = HistoryReader()
        for movement in history.movements { reader.read(movement) }
        for invoice in history.invoices { reader.read(invoice) }
        #expect(reader.compare(with: books) == [], sourceLocation: sourceLocation)
    }

    func balance(_ account: AccountID, _ stage: Movement.Stage) -> String {
        books.accountView(account)?.balances.amount(stage, Self.euro).description ?? "no account"
    }
}

func day(_ year: Int, _ month: Int, _ day: Int) -> Instant {
    CivilDate(year: year, month: month, day: day)?.start ?? .distantFuture
}

func money(_ text: String) -> Money { Money(text) ?? .balanceMax }
func quantity(_ text: String) -> Quantity { Quantity(text) ?? .zero }
func currency(_ code: String) -> Currency {
    guard let currency = Currency(code) else { preconditionFailure("\(code) is no currency") }
    return currency
}

/// A program of Debian's, run to its end.
struct Tool {
    let path: String

    /// Nil, with a warning that nobody misses, when it is not installed.
    init?(_ name: String, package: String) {
        let places = ["/usr/bin/", "/usr/local/bin/", "/bin/"]
        guard let found = places.first(where: { FileManager.default.isExecutableFile(atPath: $0 + name) }) else {
            FileHandle.standardError.write(
                Data(
                    "SKIPPED: \(name) is not installed, so what it would check is not checked; apt-get install \(package)\n"
                        .utf8))
            return nil
        }
        path = found + name
    }

    func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.standardOutput = pipe
        process.standardError = pipe
        process.environment = ["LANG": "C.UTF-8", "PATH": "/usr/bin:/bin", "HOME": NSTemporaryDirectory()]
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }
}

/// A file that is gone after the test.
func withFile<Value>(_ name: String, _ text: String, _ body: (String) throws -> Value) throws -> Value {
    let folder = FileManager.default.temporaryDirectory.appending(path: "palmier-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: name)
    try Data(text.utf8).write(to: file)
    return try body(file.path(percentEncoded: false))
}

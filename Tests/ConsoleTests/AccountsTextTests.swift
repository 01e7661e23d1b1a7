import API
import Automata
import Testing

@testable import Console

@Suite("Accounts for people")
struct AccountsTextTests {
    private let plain = Output(format: .table, style: Style(isColored: false))
    private let source = BooksSource(
        ledger: "m1", id: PeerID(0xA0).description, entry: 12, role: "replica", primary: "m1", master: "m2",
        at: "2026-11-22T12:00:00.000Z")
    private let told = "told by m2 (replica), ledger m1 up to entry 12, at 2026-11-22T12:00:00.000Z"

    private func standing(_ currency: String = "EUR", owes: String = "0.00", owed: String = "0.00") -> StandingDocument
    {
        StandingDocument(
            currency: currency, owes: owes, owed: owed, balance: owes, accrued: "0.00", invoiced: owes,
            corrected: "0.00")
    }

    @Test("a line for each account with what it owes and is owed, and who told it, up to which entry")
    func accounts() {
        let ada = AccountDocument(
            name: "ada", kind: "person", title: "Ada \u{1B}[31mL.", state: "open",
            standings: [standing(owes: "12.50"), standing("JPY", owes: "0", owed: "0")])
        let lab = AccountDocument(
            name: "lab", kind: "organisation", title: "Lab",
            address: AddressDocument(street: "", city: "Lille", postcode: "59000", country: "FR"), keeper: "m3",
            state: "closed", standings: [standing(owed: "12.50")])
        let document = AccountsDocument(accounts: [ada, lab], source: source)
        #expect(
            AccountsText.accounts(document, isWide: false, output: plain) == """
                2 accounts in the ledger m1
                NAME  STATE   KIND          TITLE        OWES       OWED
                ada   open    person        Ada  [31mL.  12.50 EUR
                lab   closed  organisation  Lab                     12.50 EUR
                \(told)
                """)
        let wide = AccountsText.accounts(document, isWide: true, output: plain)
        #expect(wide.contains("59000 Lille, FR") && wide.contains("KEPT BY") && wide.contains("m3"))
        var lost = source
        lost.primary = ""
        #expect(AccountsText.origin(lost).hasSuffix("nobody leads it now, so this may be old"))
    }

    @Test("one account with a line for each currency; one that never moved says so")
    func account() {
        var ada = AccountDocument(
            name: "ada", kind: "person", title: "Ada", state: "open", standings: [standing(owes: "12.50")],
            source: source)
        #expect(
            AccountsText.details(ada, isWide: false, output: plain) == """
                name     ada
                kind     person
                title    Ada
                state    open
                told by  m2 (replica), ledger m1 up to entry 12, at 2026-11-22T12:00:00.000Z
                CURRENCY  OWES   OWED  BALANCE  ACCRUED  INVOICED  CORRECTED
                EUR       12.50  0.00  12.50    0.00     12.50     0.00
                """)
        ada.standings = []
        #expect(
            AccountsText.details(ada, isWide: false, output: plain).contains("nothing was moved from or to ada yet"))
    }

    @Test("projects show ceiling, spent, held and left")
    func projects() {
        let web = ProjectDocument(
            name: "web", account: "ada", currency: "EUR", ceiling: "100.00", spent: "2.50", held: "10.00",
            left: "87.50",
            cycle: "month")
        #expect(
            AccountsText.projects(ProjectsDocument(projects: [web], source: source), isWide: false, output: plain)
                == """
                1 project in the ledger m1
                NAME  ACCOUNT  CEILING     PER    SPENT  HELD   LEFT
                web   ada      100.00 EUR  month  2.50   10.00  87.50
                \(told)
                """)
        let text = AccountsText.details(web, output: plain)
        #expect(text.contains("ceiling  100.00 EUR a month") && text.contains("left     87.50 EUR"))
    }

    @Test("prices show for whom and where; empty lists are a sentence, not a table")
    func prices() {
        let price = PriceDocument(
            resource: "cpu-hour", price: "0.01", currency: "EUR", from: "2026-01-01T00:00:00.000Z", customer: "ada")
        let text = AccountsText.prices(PricesDocument(prices: [price], source: source), isWide: false, output: plain)
        #expect(text.contains("cpu-hour  0.01 EUR") && text.contains("ada"))
        #expect(
            AccountsText.prices(PricesDocument(prices: [], source: source), isWide: false, output: plain)
                == "0 prices in the ledger m1\n\(told)")
        #expect(
            AccountsText.suppliers(SuppliersDocument(suppliers: [], source: source), isWide: false, output: plain)
                .hasPrefix("0 machines with a supplier in the ledger m1"))
    }

    @Test("what was recorded is said with its place, a dry run as one")
    func recorded() {
        var document = RecordedDocument(
            act: "invoices of lab", name: "lab", ledger: "m1", ledgerId: "x", entry: 7, issued: ["lab-000001"],
            master: "m2", at: "now")
        #expect(
            AccountsText.sentence(document)
                == "recorded in the ledger m1 as entry 7: invoices of lab; issued: lab-000001")
        (document.entry, document.changes) = (nil, true)
        #expect(
            AccountsText.sentence(document)
                == "would be recorded in the ledger m1: invoices of lab; would issue: lab-000001")
        (document.changes, document.issued) = (false, [])
        #expect(AccountsText.sentence(document) == "nothing would change in the ledger m1: invoices of lab")
    }

    @Test(
        "an amount has a number and a currency, with a space between or without",
        arguments: [
            ("100 EUR", "100", "EUR"), ("0.01EUR", "0.01", "EUR"), ("  -5   USD", "-5", "USD"),
            ("1.5 JPY", "1.5", "JPY"),
        ])
    func amounts(_ text: String, _ amount: String, _ currency: String) throws {
        let read = try AmountText(text, "PRICE")
        #expect(read.amount == amount && read.currency == currency)
    }

    @Test(
        "anything else is refused with what was expected",
        arguments: ["", "EUR", "100", "100 eur", "100 EURO", "EUR 100", "1,5 EUR", "1e3 EUR", "ten EUR", "100 EU"])
    func noAmounts(_ text: String) {
        let refusal = #expect(throws: Refusal.self) { try AmountText(text, "--ceiling") }
        #expect(refusal?.code == .invalid)
        #expect(refusal?.message.contains("--ceiling: expected an amount and a currency") == true)
    }

    @Test("a refusal by a rule of the books names the rule")
    func rule() {
        let problem = ProblemDocument(Refusal(.notFound, "no account x", remedy: "open it", rule: "unknown-account"))
        #expect(
            Failure.text(of: problem, style: Style(isColored: false))
                == "error: no account x (rule: unknown-account)\nto do: open it")
    }
}

import Accounting
import Automata
import Testing

@testable import Ledger

@Suite("The accounts among the books")
struct AccountsInBooksTests {
    private static let ada = Account(id: AccountID("ada"), kind: .person, title: "Ada")
    private static let lab = Account(id: AccountID("lab"), kind: .organisation, title: "Lab")

    private static let euro: Currency = {
        guard let euro = Currency("EUR") else { preconditionFailure("EUR is a currency") }
        return euro
    }()

    /// Books and the history that a store beside them keeps.
    private struct Log {
        var books = Books()
        var history = History()

        mutating func record(_ act: Act) -> Accounts.Outcome? {
            let index = books.index.next
            books.apply(Entry(index: index, at: seconds(Int(index.value)), fact: .accounting(act)), into: &history)
            return books.outcome
        }
    }

    private func posting(_ amount: Int128, by account: Account = ada) -> Act {
        .posted(
            Posting(
                lines: [
                    Posting.Line(account: account.id, amount: Money(trillionths: amount)),
                    Posting.Line(account: Self.lab.id, amount: Money(trillionths: -amount)),
                ], currency: Self.euro, reason: "a mistake"))
    }

    @Test("an act in the log is applied to the accounts, and what it moved is handed to who asks for it")
    func applied() {
        var log = Log()
        #expect(log.record(.accountOpened(Self.ada)) == .done)
        #expect(log.record(.accountOpened(Self.ada)) == .repeated)
        #expect(log.record(.accountOpened(Self.lab)) == .done)
        #expect(log.record(posting(5)) == .done)
        #expect(log.history.movements.map(\.value.trillionths) == [5])
        #expect(log.history.movements.first?.at == seconds(4))
        var alone = Books()
        for (place, act) in [
            Act.accountOpened(Self.ada), .accountOpened(Self.ada), .accountOpened(Self.lab), posting(5),
        ]
        .enumerated() {
            let index = LedgerIndex(UInt64(place + 1))
            alone.apply(Entry(index: index, at: seconds(place + 1), fact: .accounting(act)))
        }
        #expect(alone.contents == log.books.contents)
        #expect(log.books.accounts.audit() == [])
    }

    @Test("what an earlier entry made wrong is refused where it stands, changes nothing, and its caller learns why")
    func refusedWhenApplied() throws {
        var log = Log()
        _ = log.record(.accountOpened(Self.ada))
        _ = log.record(.accountOpened(Self.lab))
        let act = posting(5)
        // Both were proposed when they were right.
        #expect(log.books.check(act, at: seconds(9)) == nil)
        #expect(log.record(.accountClosed(Self.ada.id)) == .done)
        let before = log.books
        let outcome = log.record(act)
        let breach = try #require(log.books.check(act, at: seconds(9)))
        #expect(outcome == .refused(breach))
        #expect(breach.rule == .accountClosed)
        #expect(log.books.accounts == before.accounts && log.history == History())
        #expect(log.books.refusal(at: LedgerIndex(4)) == .accountClosed)
        #expect(log.books.refusal(at: LedgerIndex(3)) == nil)
        let refusal = Refusal(breach)
        #expect(refusal.code == .refused)
        #expect(refusal.message.contains("ada") && !refusal.remedy.isEmpty)
    }

    @Test("the outcome is the newest entry's: an entry about something else has none")
    func outcome() {
        var log = Log()
        _ = log.record(.accountOpened(Self.ada))
        log.books.apply(Entry(index: LedgerIndex(2), at: seconds(2), fact: .ended(key())))
        #expect(log.books.outcome == nil)
    }

    @Test("refused acts are remembered by their rule, the newest thousand of them")
    func remembered() {
        var log = Log()
        for _ in 0..<1_005 { _ = log.record(.accountClosed(Self.ada.id)) }
        #expect(log.books.refusal(at: LedgerIndex(5)) == nil)
        #expect(log.books.refusal(at: LedgerIndex(6)) == .unknownAccount)
        #expect(log.books.refusal(at: LedgerIndex(1_005)) == .unknownAccount)
        #expect(log.books.contents.refusals.count == 1_000)
    }

    @Test("every rule has a code for its caller, and none is a fault of ours", arguments: Rule.allCases)
    func codes(_ rule: Rule) {
        let refusal = Refusal(RuleBreach(rule, "what", remedy: "do"))
        #expect([.invalid, .notFound, .refused, .conflict].contains(refusal.code))
        #expect(refusal.description == "what; do")
    }

    @Test("an act is about no request: its commit sets the timer of invoices, and asks nothing")
    func keeper() {
        var keeper = Keeper()
        keeper.proposed = [.accounting(.accountOpened(Self.ada))]
        #expect(keeper.commit() == [.set(.bill, at: seconds(160))])
        #expect(keeper.keeper.books.outcome == .done)
        #expect(keeper.feed(.refused(.accounting(.accountOpened(Self.ada)), nil)) == [])
        #expect(Fact.accounting(.accountOpened(Self.ada)).requestKey == nil)
    }
}

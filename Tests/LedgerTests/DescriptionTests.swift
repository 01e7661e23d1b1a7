import Automata
import Testing

@testable import Ledger

@Suite("A ledger's name and rules")
struct DescriptionTests {
    @Test("the books keep the newest description, also through a checkpoint")
    func kept() throws {
        var books = Books()
        #expect(books.described == nil)
        for (number, name) in ["lab", "field"].enumerated() {
            let fact = Fact.described(LedgerDescription(name: name, wanted: number))
            books.apply(Entry(index: books.index.next, at: .zero, fact: fact))
        }
        #expect(books.described == LedgerDescription(name: "field", wanted: 1))
        #expect(try Books(books.contents).described == books.described)
    }

    @Test("what is not wished for stays; a least number follows the number of replicas")
    func wishes() {
        let now = LedgerDescription(name: "lab", wanted: 4, minimum: 3, absence: .seconds(9))
        #expect(LedgerWishes().isEmpty && LedgerWishes().applied(to: now) == now)
        #expect(LedgerWishes(name: "x").applied(to: now).wanted == 4)
        let fewer = LedgerWishes(wanted: 1).applied(to: now)
        #expect((fewer.wanted, fewer.minimum, fewer.name) == (1, 1, "lab"))
        #expect(LedgerWishes(minimum: 6).applied(to: now).minimum == 4)
        #expect(LedgerWishes(absence: .seconds(1)).applied(to: now).absence == .seconds(1))
    }

    @Test(
        "names that cannot be typed, or look like ids, are refused with the reason",
        arguments: [
            ("", "0 bytes"), (String(repeating: "a", count: 64), "64 bytes"), ("my lab", "a space"),
            ("a/b", "\"/\""), ("a\u{7}b", "none of them"), ("-lab", "begin"), (".lab", "begin"),
            ("lab\n", "none of them"),
            ("9725b6acad02a5979725b6acad02a597", "id"), ("9725-b6ac-ad02-a597", "id"),
        ])
    func wrong(name: String, reason: String) {
        #expect(LedgerDescription.problem(withName: name)?.contains(reason) == true)
    }

    @Test("ordinary names are taken", arguments: ["lab", "Lab-2", "m1.example.org", "häuser_3", "7", "cafe-babe"])
    func right(name: String) {
        #expect(LedgerDescription.problem(withName: name) == nil)
    }
}

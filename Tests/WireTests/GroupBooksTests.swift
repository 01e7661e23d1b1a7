import Automata
import Ledger
import Testing

@testable import Wire

@Suite("A checkpoint of books with groups")
struct GroupBooksTests {
    private static let web = RequestKey(customer: Customer("ada"), reference: "web")
    private static let warm = RequestKey(customer: Customer("ada"), reference: "warm")

    private static func claim(_ fencing: UInt64) -> ClaimReference {
        ClaimReference(machine: alpha, partition: PartitionNumber(0), fencing: FencingNumber(fencing))
    }

    /// A group of two, and a prepared place that another request has taken over.
    private static let books: Books = {
        var books = Books()
        var now = someInstant
        func apply(_ fact: Fact) {
            now = now + .nanoseconds(1_234_567_891)
            books.apply(Entry(index: books.index.next, at: now, fact: fact))
        }
        var group = bare
        (group.desired, group.group) = (.running, GroupTerms(count: 2, spread: .host))
        apply(.requested(web, group))
        for number in 1...2 { apply(.requested(web.member(number), books[web]?.memberSpecification ?? bare)) }
        group.group = GroupTerms(count: 1, isWarm: true, forecast: "chance=95%, max=4")
        apply(.requested(warm, group))
        apply(.requested(warm.member(1), books[warm]?.memberSpecification ?? bare))
        apply(.placed(warm.member(1), .first, claim(1), somePlace))
        apply(.reported(warm.member(1), claim(1), sequence: 1, InstanceStatus(state: .stopped)))
        var plain = bare
        plain.desired = .running
        apply(.requested(otherKey, plain))
        let mine = RequestKey(customer: Customer("ada"), reference: "mine")
        apply(.requested(mine, plain))
        apply(.adopted(mine, .first, from: warm.member(1)))
        apply(
            .scaled(
                web, Revision(2), ScaleDecision(kind: .down, from: 2, to: 1, reason: "cpu 3 % is below 60 %", at: .zero)
            ))
        return books
    }()

    @Test("says what is there, and is read as the same books, in a layout that no earlier version takes for its own")
    func roundTrip() throws {
        let books = Self.books
        let mine = try #require(books[RequestKey(customer: Customer("ada"), reference: "mine")])
        #expect(mine.placement == Self.claim(1) && mine.adoption?.from == Self.warm.member(1))
        let arrivals = try #require(books[Self.warm]?.arrivals)
        #expect(arrivals.served == 1 && arrivals.preparing > .zero && arrivals.recent.count == 1)
        #expect(books[Self.web]?.decisions.count == 2 && books.members(of: Self.web).count == 2)

        let again = try Books(decoding: books.encoded())
        #expect(again.contents == books.contents)
        #expect(again.encoded() == books.encoded())
        #expect(again.members(of: Self.web).map(\.key) == books.members(of: Self.web).map(\.key))
        #expect(try WireBooksCheckpointLayout.of(books) == 3)
        var several = books
        let db = RequestKey(customer: Customer("ada"), reference: "db")
        var asked = specification
        asked.group = nil
        asked.others = Samples.ofSeveral.others
        let choice = ReleaseChoice(number: 1, reason: "no machine had the first")
        for fact in [Fact.requested(db, asked), .chose(db, .first, choice)] {
            several.apply(Entry(index: several.index.next, at: Instant(nanoseconds: 9), fact: fact))
        }
        let read = try Books(decoding: several.encoded())
        #expect(try WireBooksCheckpointLayout.of(several) == 4)
        #expect(read.contents == several.contents && read[db]?.choice == choice)
        #expect(try WireBooksCheckpointLayout.of(BooksWorkload.sample) == 2, "without groups nothing is new")
    }
}

private enum WireBooksCheckpointLayout {
    static func of(_ books: Books) throws -> UInt32 {
        // Field 1, a varint below 128.
        let bytes = books.encoded()
        try #require(bytes.count > 2 && bytes[0] == 8)
        return UInt32(bytes[1])
    }
}

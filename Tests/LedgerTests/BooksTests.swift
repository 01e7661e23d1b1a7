import Automata
import Testing

@testable import Ledger

@Suite("the books")
struct BooksTests {
    /// What can be read of the books.
    struct Reading: Equatable {
        var requests: [Request]
        var homes: [PeerID?]
        var placements: [RequestKey?]
        var admissions: [Admission]
        var tokens: [TokenState]

        init(_ books: Books) {
            requests = books.held.compactMap { books[$0] }
            homes = BooksTests.keys.map { books.home(of: $0) }
            placements = BooksTests.claims.map { books.request(placedBy: $0)?.key }
            admissions = books.admissions
            tokens = BooksTests.tokens.map { books.token($0, at: seconds(50)) }
        }
    }

    static let keys = ["a", "b"].map { key($0) }
    static let claims = [claim(1), claim(2), claim(1, on: PeerID(0xB6))]
    static let tokens = ["x", "y"].map { Digest(of: Array($0.utf8)) }

    private func books(_ facts: [Fact]) -> Books {
        var books = Books()
        for fact in facts { apply(fact, to: &books) }
        return books
    }

    private func apply(_ fact: Fact, to books: inout Books) {
        books.apply(Entry(index: books.index.next, at: seconds(Int(books.index.value) + 1), fact: fact))
    }

    @Test("a request that is made, placed, reported and ended reads so at every step")
    func life() throws {
        var books = books([.requested(key(), specification())])
        var request = try #require(books[key()])
        #expect((request.attempt, request.revision, request.status.state) == (.first, .first, .waiting))
        #expect((request.requestedAt, request.changedAt) == (seconds(1), seconds(1)))
        apply(.placed(key(), .first, claim(), .unknown), to: &books)
        #expect(books.request(placedBy: claim())?.status.state == .starting)
        apply(.reported(key(), claim(), sequence: 5, status(.running)), to: &books)
        apply(.changed(key(), specification(#"{"a":1}"#), Revision(2)), to: &books)
        request = try #require(books[key()])
        #expect((request.revision, request.status.revision, request.status.state) == (Revision(2), .first, .running))
        apply(.lost(key(), .first, reason: "gone"), to: &books)
        request = try #require(books[key()])
        #expect((request.attempt, request.placement, request.status.reason) == (Attempt(2), nil, "gone"))
        #expect(books.request(placedBy: claim()) == nil)
        apply(.ended(key()), to: &books)
        #expect(books.held.isEmpty)
    }

    @Test("a fact that does not fit changes nothing")
    func unfit() {
        let base: [Fact] = [
            .requested(key("a"), specification()), .placed(key("a"), .first, claim(1), .unknown),
            .reported(key("a"), claim(1), sequence: 5, status(.running)),
            .changed(key("a"), specification(#"{"a":1}"#), Revision(2)), .noted(key("b"), home: home),
            .invited(token: Self.tokens[0], expires: seconds(99)), .redeemed(token: Self.tokens[0], by: home),
        ]
        let unfit: [Fact] = [
            .requested(key("a"), specification("other")), .changed(key("a"), specification("late"), Revision(2)),
            .changed(key("none"), specification(), Revision(9)), .placed(key("a"), .first, claim(2), .unknown),
            .placed(key("a"), Attempt(2), claim(2), .unknown), .placed(key("none"), .first, claim(2), .unknown),
            .reported(key("a"), claim(2), sequence: 9, status(.failed)),
            .reported(key("a"), claim(1), sequence: 5, status(.failed)),
            .reported(key("a"), claim(1), sequence: 4, status(.failed)), .lost(key("a"), Attempt(2), reason: "late"),
            .lost(key("none"), .first, reason: "late"), .ended(key("none")), .forgotten(key("b"), home: box),
            .redeemed(token: Self.tokens[0], by: box), .redeemed(token: Self.tokens[1], by: box),
            .invited(token: Self.tokens[0], expires: seconds(999)),
        ]
        let before = Reading(books(base))
        for fact in unfit { #expect(Reading(books(base + [fact])) == before, "\(fact)") }
    }

    @Test("one claim is the placement of one request")
    func oneClaim() {
        let facts: [Fact] = [
            .requested(key("a"), specification()), .requested(key("b"), specification()),
            .placed(key("a"), .first, claim(), .unknown), .placed(key("b"), .first, claim(), .unknown),
        ]
        #expect(books(facts).request(placedBy: claim())?.key == key("a"))
        #expect(books(facts)[key("b")]?.placement == nil)
    }

    @Test("a note of another holder outlives a request of the same key, until that holder withdraws")
    func notes() {
        var books = books([.noted(key(), home: home), .requested(key(), specification())])
        #expect(books.home(of: key()) == home)
        apply(.forgotten(key(), home: home), to: &books)
        #expect(books.home(of: key()) == nil)
    }

    @Test("a token is worth something until it is used, once, or its time is over")
    func tokens() {
        let token = Self.tokens[0]
        var books = books([.invited(token: token, expires: seconds(50))])
        #expect(books.token(Self.tokens[1], at: seconds(1)) == .unknown)
        #expect(books.token(token, at: seconds(49)) == .valid)
        #expect(books.token(token, at: seconds(50)) == .expired(at: seconds(50)))
        apply(.redeemed(token: token, by: home), to: &books)
        apply(.redeemed(token: token, by: box), to: &books)
        #expect(books.token(token, at: seconds(1)) == .redeemed(by: home))
    }

    @Test("one admission a peer is at hand, the newest")
    func admissions() {
        func admission(_ name: String, _ peer: PeerID) -> Admission {
            Admission(peer: peer, kind: "machine", name: name, by: "link")
        }
        let facts = [("a", box), ("b", home), ("c", box)].map { Fact.admitted(admission($0.0, $0.1)) }
        #expect(books(facts).admissions.map(\.name) == ["b", "c"])
    }

    @Test("a gap in the log is our mistake, and stops the process")
    func gap() async {
        await #expect(processExitsWith: .failure) {
            var books = Books()
            books.apply(Entry(index: LedgerIndex(2), at: .zero, fact: .ended(key())))
        }
    }

    @Test(
        "replayed from any point, the books read the same; each request has at most one placement",
        arguments: 1...50 as ClosedRange<UInt64>)
    func replay(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let facts = (0..<200).map { _ in drawn(&random) }
        let whole = books(facts)
        var resumed = books(Array(facts.prefix(100)))
        for fact in facts.dropFirst(100) { apply(fact, to: &resumed) }
        #expect(Reading(whole) == Reading(resumed), "seed \(seed)")
        for claim in Self.claims {
            let placed = whole.held.compactMap { whole[$0] }.filter { $0.placement == claim }
            #expect(placed.count <= 1, "seed \(seed)")
            #expect(placed.first?.key == whole.request(placedBy: claim)?.key, "seed \(seed)")
        }
    }

    private func drawn(_ random: inout SeededRandom) -> Fact {
        let key = Self.keys[random.below(2)]
        let claim = Self.claims[random.below(3)]
        let attempt = Attempt(UInt32(1 + random.below(3)))
        return switch random.below(8) {
        case 0: .requested(key, specification())
        case 1: .changed(key, specification("\(random.below(9))"), Revision(UInt64(random.below(6))))
        case 2, 3: .placed(key, attempt, claim, .unknown)
        case 4: .reported(key, claim, sequence: UInt64(random.below(9)), status(.running))
        case 5: .lost(key, attempt, reason: "drawn")
        case 6: random.chance(perMille: 300) ? .ended(key) : .noted(key, home: home)
        default: .forgotten(key, home: home)
        }
    }
}

@Suite("sorted keys")
struct SortedKeysTests {
    @Test("they are what a sorted set of the same keys is", arguments: 1...50 as ClosedRange<UInt64>)
    func twin(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var (clever, naive) = (SortedKeys(), Set<RequestKey>())
        for step in 0..<300 {
            let drawn = key(String(random.below(20)), of: ["ada", "bob"][random.below(2)])
            if random.chance(perMille: 600) {
                clever.insert(drawn)
                naive.insert(drawn)
            } else {
                clever.remove(drawn)
                naive.remove(drawn)
            }
            #expect(clever.keys == naive.sorted(), "seed \(seed), step \(step)")
        }
    }
}

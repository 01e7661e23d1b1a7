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

@Suite("the queue of a ledger")
struct SearchQueueTests {
    @Test(
        "it gives what a slow and simple one gives, whatever comes and goes", arguments: 1...50 as ClosedRange<UInt64>)
    func twin(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var (clever, naive) = (SearchQueue(), [(key: RequestKey, project: String, since: Instant)]())
        var underway: Set<RequestKey> = []
        let held = ["": random.below(4), "a": random.below(4), "b": random.below(4)]
        let weights = ["": 1, "a": 1 + random.below(3), "b": 2]
        for step in 0..<200 {
            let drawn = key(String(random.below(20)), of: "ada")
            let known = naive.firstIndex { $0.key == drawn }
            switch random.below(4) {
            case 0, 1:
                let project = ["", "a", "b"][random.below(3)]
                clever.insert(drawn, project, since: seconds(step / 3))
                if known == nil { naive.append((drawn, project, seconds(step / 3))) }
            case 2:
                clever.remove(drawn)
                if let known { naive.remove(at: known) }
                underway.remove(drawn)
            default:
                let begins = random.below(2) == 0
                if begins { clever.begin(drawn, Holdings(partitions: 1)) } else { clever.settle(drawn) }
                if begins, known != nil { underway.insert(drawn) } else { underway.remove(drawn) }
            }
            var counts = held
            for item in naive where underway.contains(item.key) { counts[item.project, default: 0] += 1 }
            var waiting = naive.filter { !underway.contains($0.key) && $0.project != "b" }
            var expected: [RequestKey] = []
            while expected.count < 5, !waiting.isEmpty {
                let ranked = waiting.sorted { left, right in
                    let (one, two) = (
                        counts[left.project, default: 0] * weights[right.project, default: 1],
                        counts[right.project, default: 0] * weights[left.project, default: 1]
                    )
                    return one == two ? (left.since, left.key) < (right.since, right.key) : one < two
                }
                expected.append(ranked[0].key)
                counts[ranked[0].project, default: 0] += 1
                waiting.removeAll { $0.key == ranked[0].key }
            }
            let found = clever.next(
                5,
                shares: { ProjectShare(project: $0, held: held[$0, default: 0], weight: weights[$0, default: 1]) },
                admits: { key, _ in naive.first { $0.key == key }?.project != "b" })
            // Among equals of two projects the elder goes first; of the head of each line that is the whole line's order.
            #expect(found == expected, "seed \(seed), step \(step)")
        }
    }
}

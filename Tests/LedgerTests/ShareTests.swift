import Accounting
import Automata
import Testing

@testable import Ledger

@Suite("quotas, shares, and placements that give way")
struct ShareTests {
    private static let other = PeerID(0xB6)

    /// A ledger with the projects `a` and `b`, which may spend what they like; machines cost nothing.
    static func books(_ more: [Act] = []) throws -> Books {
        let euro = try #require(Currency("EUR"))
        let ada = AccountID("ada")
        var acts: [Act] = [
            .accountOpened(Account(id: ada, kind: .person, title: "Ada")),
            .machineListed(box, supplier: ada), .machineListed(other, supplier: ada),
        ]
        for project in ["a", "b"] {
            acts.append(
                .projectSet(ProjectOrder(id: ProjectID(project), customer: ada, currency: euro, ceiling: .zero)))
        }
        var books = Books()
        for act in acts + more {
            books.apply(Entry(index: books.index.next, at: seconds(1), fact: .accounting(act)))
            #expect(books.outcome == .done, "\(act)")
        }
        return books
    }

    private static func of(_ project: String?, memory: Int64 = 0, condition: String = "") -> Specification {
        var wanted = specification()
        wanted.project = project
        wanted.requirements = Requirements(memory: .mebibytes(memory), condition: condition)
        return wanted
    }

    /// Asks for and places as many requests of a project.
    private static func place(_ count: Int, of project: String?, from first: UInt64 = 1, in keeper: inout Keeper) {
        for number in 0..<UInt64(count) {
            let key = key("\(project ?? "none")\(first + number)")
            _ = keeper.ask(first + number, of(project), key: key)
            _ = keeper.commit()
            _ = keeper.feed(.announced(key))
            _ = keeper.feed(.found(key, .first, claim(first + number), .unknown))
            _ = keeper.commit()
            _ = keeper.feed(.ordered(claim(first + number), .first))
        }
    }

    private static func asks(_ project: String, held: Int = 0, weight: Int = 1) -> Outranking {
        Outranking(ledger: home, name: "m2", share: ProjectShare(project: project, held: held, weight: weight))
    }

    // MARK: Quotas

    @Test("what would be beyond the quota waits, and says so; when something ends, the oldest that waits is looked for")
    func quota() throws {
        var keeper = Keeper(books: try Self.books([.quotaSet(ProjectID("a"), Quota(partitions: 2))]))
        Self.place(2, of: "a", in: &keeper)
        for (number, name) in [(11 as UInt64, "late"), (12, "later")] {
            keeper.after(.seconds(1))
            _ = keeper.ask(number, Self.of("a"), key: key(name))
            _ = keeper.commit()
            #expect(!keeper.feed(.announced(key(name))).contains { if case .allocate = $0 { true } else { false } })
        }
        let waiting = try #require(keeper.keeper.view(of: key("late"))?.status)
        #expect(waiting.state == .waiting)
        #expect(waiting.reason.contains("quota") && waiting.reason.contains("3 partitions"), "\(waiting.reason)")

        _ = keeper.feed(.call(CallID(20), .ask(key("a1"), specification("{}", .destroyed), basedOn: nil, wait: nil)))
        _ = keeper.commit()
        _ = keeper.feed(.released(claim(1)))
        let effects = keeper.commit()
        #expect(effects.allocated == [key("late")])
    }

    @Test("the books refuse a placement beyond the quota, whoever proposes it, and its claim is released")
    func quotaInBooks() throws {
        var keeper = Keeper(books: try Self.books())
        Self.place(1, of: "a", in: &keeper)
        _ = keeper.ask(2, Self.of("a"), key: key("two"))
        _ = keeper.commit()
        _ = keeper.feed(.announced(key("two")))
        _ = keeper.feed(.found(key("two"), .first, claim(9), .unknown))
        let placed = try #require(keeper.proposed.first)
        keeper.proposed = [.accounting(.quotaSet(ProjectID("a"), Quota(partitions: 1))), placed]
        _ = keeper.commit()
        #expect(keeper.commit().contains(.release(claim(9))))
        #expect(keeper.keeper.books.holdings(of: "a").partitions == 1)
        #expect(keeper.keeper.books.contents.refusals.map(\.rule) == [.quotaExceeded])
        #expect(keeper.keeper.view(of: key("two"))?.status.reason.contains("quota is 1") == true)
    }

    @Test("what conditions reserve counts, and what a placed request asks for later; a lower quota ends nothing")
    func quotaOfCores() throws {
        let quota = Quota(cores: 6, memory: .mebibytes(1_024))
        var keeper = Keeper(books: try Self.books([.quotaSet(ProjectID("a"), quota)]))
        _ = keeper.ask(1, Self.of("a", condition: "cpu >= 4"))
        _ = keeper.commit()
        _ = keeper.feed(.announced(key()))
        _ = keeper.feed(.found(key(), .first, claim(), .unknown))
        _ = keeper.commit()
        #expect(keeper.keeper.books.holdings(of: "a") == Holdings(partitions: 1, cores: 4))
        #expect(keeper.ask(2, Self.of("a", condition: "cpu >= 8")).refusals == [.refused])
        #expect(keeper.ask(3, Self.of("a", memory: 2_048, condition: "cpu >= 4")).refusals == [.refused])
        _ = keeper.ask(4, Self.of("a", condition: "cpu >= 6"))
        _ = keeper.commit()
        #expect(keeper.keeper.books.holdings(of: "a").cores == 6)
        keeper.proposed = [.accounting(.quotaSet(ProjectID("a"), Quota(cores: 1)))]
        _ = keeper.commit()
        #expect(keeper.keeper.books[key()]?.placement == claim())
        _ = keeper.ask(5, Self.of("a", condition: "cpu >= 2"))
        _ = keeper.commit()
        #expect(keeper.keeper.books.holdings(of: "a").cores == 2, "less is always possible")
    }

    @Test("quotas and shares of projects that are not there, or out of range, are refused")
    func malformed() throws {
        let books = try Self.books()
        func rule(_ act: Act) -> Rule? { books.check(act, at: seconds(2))?.rule }
        #expect(rule(.quotaSet(ProjectID("none"), Quota(partitions: 1))) == .unknownProject)
        #expect(rule(.quotaSet(ProjectID("a"), Quota(partitions: -1))) == .overflow)
        #expect(rule(.quotaSet(ProjectID("a"), Quota(memory: ByteCount(-1)))) == .overflow)
        #expect(rule(.shareSet(ProjectID("none"), weight: 1)) == .unknownProject)
        #expect(rule(.shareSet(ProjectID("a"), weight: 0)) == .overflow)
        #expect(rule(.shareSet(ProjectID("a"), weight: 1_001)) == .overflow)
    }

    @Test("books with quotas are the same after a checkpoint, and those without are written as ever")
    func checkpoint() throws {
        let plain = try Self.books()
        #expect(String(decoding: plain.accounts.checkpoint, as: UTF8.self).contains("palmier.accounts/4"))
        let quota = Quota(partitions: 3, memory: .mebibytes(5))
        var keeper = Keeper(
            books: try Self.books([.quotaSet(ProjectID("a"), quota), .shareSet(ProjectID("b"), weight: 7)]))
        Self.place(2, of: "b", in: &keeper)
        keeper.proposed = [.gaveWay(key("b1"), .first, to: Self.asks("a", held: 0, weight: 1_000))]
        _ = keeper.commit()
        let books = keeper.keeper.books
        #expect(books[key("b1")]?.givesWay != nil)
        let again = try Books(books.contents)
        let accounts = try Accounts(checkpoint: books.accounts.checkpoint)
        #expect(accounts == books.accounts && accounts.allotment(of: ProjectID("a")).quota == quota)
        #expect(again.share(of: "b") == ProjectShare(project: "b", held: 1, weight: 7))
        #expect(again.holdings(of: "b") == books.holdings(of: "b"))
    }

    // MARK: Order

    @Test("of waiting requests those are looked for first whose projects have least for their share, then the oldest")
    func order() throws {
        var keeper = Keeper(books: try Self.books([.shareSet(ProjectID("b"), weight: 2)])) { $0.searchesAtOnce = 4 }
        Self.place(1, of: "a", in: &keeper)
        for (number, project) in ["a", "a", "a", "b", "b", "b"].enumerated() {
            keeper.after(.seconds(1))
            let key = key("w\(number)")
            _ = keeper.ask(UInt64(100 + number), Self.of(project), key: key)
            _ = keeper.commit()
            _ = keeper.feed(.announced(key))
            _ = keeper.feed(.notFound(key, .first, NoMachine(reason: "full", isHopeless: false)))
        }
        // a has 1 of share 1; b has 0, 1, 2 of share 2: two of b go first, then the older one of two that are level.
        #expect(keeper.feed(.offersImproved).allocated == ["w3", "w4", "w0", "w5"].map { key($0) })
    }

    @Test("what is being looked for counts as held in the claims of the same project")
    func underway() throws {
        var keeper = Keeper(books: try Self.books())
        var told: [Int] = []
        for number in 0..<3 as Range<UInt64> {
            _ = keeper.ask(number + 1, Self.of("a"), key: key("r\(number)"))
            _ = keeper.commit()
            for case .allocate(_, _, _, _, let pressing) in keeper.feed(.announced(key("r\(number)"))) {
                told.append(pressing.share.held)
            }
        }
        #expect(told == [0, 1, 2])
    }

    // MARK: Giving way

    @Test("a placement gives way to a project that has less, and never below what its share gives it")
    func givesWay() throws {
        var keeper = Keeper(books: try Self.books())
        Self.place(4, of: "a", in: &keeper)
        #expect(keeper.feed(.outranked(claim(1), by: Self.asks("c", held: 3))).facts == [])
        let effects = keeper.feed(.outranked(claim(1), by: Self.asks("c", held: 2)))
        #expect(effects.facts == [.gaveWay(key("a1"), .first, to: Self.asks("c", held: 2))])
        #expect(keeper.feed(.outranked(claim(1), by: Self.asks("c", held: 2))).facts == [], "once")
        #expect(keeper.commit().contains(.release(claim(1))))
        #expect(keeper.keeper.books.share(of: "a").held == 3)
        // What it has is told to a machine that heard of more.
        let no = keeper.feed(.outranked(claim(2), by: Self.asks("c", held: 2)))
        #expect(
            no == [
                .renewed(
                    [], lease: .seconds(30), echo: .zero, to: box, shares: [ProjectShare(project: "a", held: 3)])
            ])
        // Until the machine has emptied the partition it stays the request's, so that an exclusive one never runs twice.
        #expect(keeper.keeper.books[key("a1")]?.placement == claim(1))
        keeper.after(.seconds(1))
        #expect(keeper.feed(.timerFired(.order(key("a1")))).contains(.release(claim(1))), "repeated until released")
        _ = keeper.feed(.released(claim(1)))
        guard case .lost(_, .first, let reason)? = keeper.proposed.first else {
            Issue.record("not lost: \(keeper.proposed)")
            return
        }
        #expect(
            reason.contains("gave way to c of the ledger m2, which had 2 of share 1: a had 4 of share 1"), "\(reason)")
        #expect(keeper.commit().allocated == [key("a1")])
        #expect(keeper.keeper.view(of: key("a1"))?.attempt == Attempt(2))
    }

    @Test("the rule holds in the books, too: what does not fit there any more ends nothing")
    func rule() throws {
        var keeper = Keeper(books: try Self.books())
        Self.place(3, of: "a", in: &keeper)
        let other = Self.asks("c", held: 1)
        keeper.proposed = [.gaveWay(key("a1"), .first, to: other), .gaveWay(key("a2"), .first, to: other)]
        #expect(keeper.commit().contains(.release(claim(1))))
        #expect(!keeper.commit().contains(.release(claim(2))))
        #expect(keeper.keeper.books[key("a2")]?.givesWay == nil)
    }

    @Test("no swing: after one has given way to another, the opposite is never so, whatever they hold and weigh")
    func still() {
        var random = SeededRandom(seed: 1)
        var gave = 0
        for _ in 0..<2_000 {
            var one = ProjectShare(project: "a", held: random.below(200), weight: 1 + random.below(9))
            var two = ProjectShare(project: "b", held: random.below(200), weight: 1 + random.below(9))
            let sum = one.held + two.held
            guard one.mayGiveOne(to: two) else { continue }
            one.held -= 1
            two.held += 1
            gave += 1
            #expect(!two.mayGiveOne(to: one))
            #expect(one.held * (one.weight + two.weight) >= one.weight * sum, "within its part of what both have")
        }
        #expect(gave > 200)
    }

    @Test("a new primary goes on with a placement that was giving way")
    func takenOver() throws {
        var keeper = Keeper(books: try Self.books())
        Self.place(2, of: "a", in: &keeper)
        keeper.proposed = [.gaveWay(key("a1"), .first, to: Self.asks("c"))]
        _ = keeper.commit()
        var next = Keeper(books: keeper.keeper.books, at: keeper.now)
        #expect(next.feed(.started).contains(.release(claim(1))))
    }

    @Test(
        "full machines are asked once a second while that is heard, else more and more rarely, and nobody when nobody waits"
    )
    func pressing() throws {
        var keeper = Keeper(books: try Self.books())
        _ = keeper.ask(1, Self.of("a"))
        _ = keeper.commit()
        _ = keeper.feed(.announced(key()))
        let none = NoMachine(reason: "all are full", isHopeless: false)
        #expect(keeper.feed(.notFound(key(), .first, none)).sets(.press, at: keeper.now + .seconds(1)))
        var pauses: [Int64] = []
        for _ in 0..<6 {
            keeper.after(.seconds(1))
            let effects = keeper.feed(.timerFired(.press))
            #expect(effects.pressing == [key()])
            for case .set(.press, let at) in effects { pauses.append((at - keeper.now).milliseconds / 1_000) }
            _ = keeper.feed(.notFound(key(), .first, none))
        }
        #expect(pauses == [1, 2, 4, 8, 15, 15])
        let heard = keeper.feed(.pledged(key(), .first, machine: box))
        #expect(heard.sets(.press, at: keeper.now + .seconds(1)))
        keeper.after(.seconds(1))
        let again = keeper.feed(.timerFired(.search(key())))
        #expect(again.pledges == [box], "that machine first")
        _ = keeper.feed(.found(key(), .first, claim(), .unknown))
        _ = keeper.commit()
        keeper.after(.seconds(1))
        #expect(keeper.feed(.timerFired(.press)) == [])
    }
}

extension [RequestKeeper.Effect] {
    fileprivate var allocated: [RequestKey] {
        compactMap { if case .allocate(let key, _, _, _, _) = $0 { key } else { nil } }
    }

    fileprivate var pressing: [RequestKey] {
        compactMap { if case .allocate(let key, _, _, _, let how) = $0, how.presses { key } else { nil } }
    }

    fileprivate var pledges: [PeerID] {
        compactMap { if case .allocate(_, _, _, _, let how) = $0 { how.machine } else { nil } }
    }
}

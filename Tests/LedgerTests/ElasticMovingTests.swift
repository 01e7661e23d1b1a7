import Accounting
import Automata
import Testing

@testable import Ledger

/// Groups and prepared places where machines are drained, and where projects have quotas.
@Suite("groups and prepared places move with drains, and count for quotas")
struct ElasticMovingTests {
    private static func warm(_ count: Int, _ change: (inout Specification) -> Void = { _ in }) -> Specification {
        group(count) {
            $0.group?.isWarm = true
            change(&$0)
        }
    }

    private static func drain(_ reference: String, in colony: inout Colony) throws {
        let claim = try #require(colony.books[key(reference)]?.placement)
        colony.machines[claim.machine] = 0
        colony.feed(.leaving([claim], Leaving(reason: .drained), from: claim.machine))
    }

    @Test("a prepared place leaves a drained machine at once, and is prepared elsewhere")
    func prepared() throws {
        var colony = Colony(machines: 2)
        colony.ask("warm", Self.warm(1))
        let old = try #require(colony.books[key("warm.1")]?.placement)
        try Self.drain("warm.1", in: &colony)
        let member = try #require(colony.books[key("warm.1")])
        #expect(member.placement.map { $0.machine != old.machine } == true)
        #expect(member.attempt == Attempt(2) && member.status.state == .stopped)
        #expect(!colony.log.contains { if case .succeeding = $0 { true } else { false } })
        colony.ask("cache", specification())
        #expect(colony.books[key("cache")]?.adoption?.from == key("warm.1"))
    }

    @Test("a prepared place that finds no other machine than a drained one waits, and nobody takes it over")
    func nowhere() throws {
        var colony = Colony(machines: 1)
        colony.ask("warm", Self.warm(1))
        try Self.drain("warm.1", in: &colony)
        #expect(colony.books[key("warm.1")]?.placement == nil)
        colony.ask("cache", specification())
        #expect(colony.books[key("cache")]?.placement == nil && colony.books[key("cache")]?.adoption == nil)
        colony.machines = [PeerID(0x55): 4]
        colony.feed(.offersImproved)
        colony.advance(.seconds(30))
        #expect(colony.books[key("cache")]?.status.state == .running)
        #expect(colony.members("warm") == ["warm.1 stopped"])
    }

    @Test("members that are kept apart are apart from each other's successors, too, also for the next primary")
    func apart() throws {
        var colony = Colony(machines: 4)
        colony.ask("web", group(2) { $0.group?.spread = .host })
        colony.advance(.seconds(10))
        colony.answers = { _ in nil }
        try Self.drain("web.1", in: &colony)
        try Self.drain("web.2", in: &colony)
        let members = colony.books.members(of: key("web"))
        let machines = members.flatMap { [$0.placement?.machine, $0.successor?.claim.machine].compactMap { $0 } }
        #expect(machines.count == 4 && Set(machines).count == 4, "\(machines)")
        #expect(try Books(colony.books.contents).contents == colony.books.contents)
        colony.answers = { InstanceStatus(state: .running, revision: $0.revision) }
        colony.changeView()
        for member in members {
            let claim = try #require(colony.books[member.key]?.placement)
            colony.feed(.leaving([claim], Leaving(reason: .drained), from: claim.machine))
        }
        let moved = colony.books.members(of: key("web"))
        #expect(moved.map(\.placement) == members.map { $0.successor?.claim })
        #expect(moved.allSatisfy { $0.successor == nil && $0.isSettled })
        #expect(colony.view("web")?.status.state == .running)
    }

    @Test("a change of a group comes to a member that moves, at both places, and the group is as it asks in the end")
    func changedWhileMoving() throws {
        var colony = Colony(machines: 4)
        colony.ask("web", group(2))
        colony.answers = { _ in nil }
        try Self.drain("web.1", in: &colony)
        let successor = try #require(colony.books[key("web.1")]?.successor)
        colony.answers = { InstanceStatus(state: .running, revision: $0.revision) }
        colony.ask("web", group(2) { $0.parameters = "{\"a\": 1}" })
        colony.advance(.seconds(30))
        #expect(colony.books[key("web.1")]?.placement == successor.claim)
        #expect(colony.books.members(of: key("web")).allSatisfy { $0.specification.parameters == "{\"a\": 1}" })
        #expect(colony.view("web")?.status.state == .running, "\(colony.view("web")?.status.reason ?? "")")
    }

    @Test("what has taken a place over moves like everything else, and names nobody's place any more")
    func adopted() throws {
        var colony = Colony(machines: 2)
        colony.ask("warm", Self.warm(1))
        colony.ask("cache", specification())
        let old = try #require(colony.books[key("cache")]?.placement)
        #expect(colony.books[key("cache")]?.adoption != nil)
        try Self.drain("cache", in: &colony)
        let cache = try #require(colony.books[key("cache")])
        #expect(cache.placement.map { $0.machine != old.machine } == true && cache.status.state == .running)
        #expect(cache.adoption == nil && cache.attempt == Attempt(2) && cache.successor == nil)
        #expect(colony.orders.last { $0.request == key("cache") }?.takesOver == nil)
    }

    @Test("where the machine of a prepared place is not heard of, the next place is taken over")
    func unreachable() throws {
        var colony = Colony(machines: 3, rooms: 1)
        colony.ask("warm", Self.warm(2))
        let first = try #require(colony.books[key("warm.1")]?.placement)
        colony.feed(.machine(first.machine, name: "m1", reachable: false))
        colony.ask("cache", specification())
        #expect(colony.books[key("cache")]?.adoption?.from == key("warm.2"))
    }

    @Test("a prepared place counts for its project's quota, and who takes it over needs no more of it")
    func quota() throws {
        var colony = Colony()
        let listed = colony.machines.keys.sorted().map { Act.machineListed($0, supplier: AccountID("ada")) }
        let books = try ShareTests.books(listed + [.quotaSet(ProjectID("a"), Quota(partitions: 1))])
        colony.keeper = RequestKeeper(books: books)
        var wanted = specification()
        wanted.project = "a"
        colony.ask("warm", Self.warm(1) { $0.project = "a" })
        #expect(colony.books.holdings(of: "a").partitions == 1)
        colony.ask("cache", wanted)
        #expect(colony.books[key("cache")]?.adoption?.from == key("warm.1"))
        #expect(colony.books.holdings(of: "a").partitions == 1)
        #expect(colony.view("warm.1")?.status.reason.contains("quota") == true, "the next place has no room")
        wanted.desired = .destroyed
        colony.ask("cache", wanted)
        colony.advance(.seconds(10))
        #expect(colony.members("warm") == ["warm.1 stopped"])
        #expect(colony.books.holdings(of: "a").partitions == 1)
        let again = try Books(colony.books.contents)
        #expect(again.holdings(of: "a") == colony.books.holdings(of: "a"))
        colony.ask("warm", Self.warm(1) { ($0.project, $0.desired) = ("a", .destroyed) })
        colony.advance(.seconds(10))
        #expect(colony.books.held.isEmpty && colony.books.holdings(of: "a") == .none)
    }

    @Test("a change of a group beyond its project's quota waits and says so, without an entry for each look")
    func changeBeyondQuota() throws {
        var colony = Colony()
        let listed = colony.machines.keys.sorted().map { Act.machineListed($0, supplier: AccountID("ada")) }
        let quota = Quota(memory: .mebibytes(100))
        colony.keeper = RequestKeeper(
            books: try ShareTests.books(listed + [.quotaSet(ProjectID("a"), quota)]))
        colony.ask("web", group(2) { ($0.project, $0.requirements.memory) = ("a", .mebibytes(40)) })
        #expect(colony.members() == ["web.1 running", "web.2 running"])
        colony.ask("web", group(2) { ($0.project, $0.requirements.memory) = ("a", .mebibytes(70)) })
        let index = colony.books.index
        colony.advance(.seconds(20))  // less than a lease, which nobody renews here
        #expect(colony.books.index == index)
        #expect(colony.view()?.status.reason.contains("quota") == true, "\(colony.view()?.status.reason ?? "")")
        let members = colony.books.members(of: key("web"))
        #expect(members.allSatisfy { $0.specification.requirements.memory == .mebibytes(40) })
        colony.ask("web", group(2) { ($0.project, $0.requirements.memory) = ("a", .mebibytes(50)) })
        colony.advance(.seconds(60))
        #expect(colony.books.holdings(of: "a").memory == .mebibytes(100))
        #expect(colony.view()?.status.state == .running)
    }

    @Test("a group's patience comes to all members at once")
    func patience() {
        var colony = Colony()
        colony.ask("web", group(3))
        colony.answers = { _ in nil }
        colony.ask("web", group(3) { $0.patience = .seconds(300) })
        #expect(colony.books.members(of: key("web")).allSatisfy { $0.specification.patience == .seconds(300) })
    }
}

import Automata
import Testing

@testable import Ledger

@Suite("groups of instances")
struct GroupTests {
    @Test("a group makes its members, which are named after it; one number adds and removes them")
    func counted() {
        var colony = Colony()
        colony.ask("web", group(3))
        #expect(colony.members() == ["web.1 running", "web.2 running", "web.3 running"])
        #expect(colony.view()?.status.state == .running)
        colony.ask("web", group(5))
        #expect(colony.members().count == 5)
        colony.ask("web", group(1))
        #expect(colony.members() == ["web.1 running"])
        #expect(
            colony.books[key()]?.decisions.map(\.text) == [
                "scaled from 0 to 3: asked for", "scaled from 3 to 5: asked for", "scaled from 5 to 1: asked for",
            ])
        colony.ask("web", group(0))
        #expect(colony.members().isEmpty && colony.view()?.status.state == .running)
    }

    @Test("too many: those that do not run go first, then the newest; a number that is free again is used again")
    func order() {
        var colony = Colony(machines: 1, rooms: 3)
        colony.ask("web", group(2))
        colony.advance(.seconds(10))
        colony.ask("web", group(4))
        #expect(colony.members() == ["web.1 running", "web.2 running", "web.3 running", "web.4 waiting"])
        #expect(colony.view()?.status.state == .waiting)
        #expect(
            colony.view()?.status.reason.contains("3 of 4 running; web.4 is waiting: every machine is full") == true)
        colony.ask("web", group(3))
        #expect(colony.members() == ["web.1 running", "web.2 running", "web.3 running"])
        colony.ask("web", group(2))
        #expect(colony.members() == ["web.1 running", "web.2 running"])
        var gone = colony.books[key("web.1")]?.specification ?? specification()
        gone.desired = .destroyed
        colony.ask("web.1", gone)
        #expect(colony.members() == ["web.1 running", "web.2 running"], "a member that is destroyed is made again")
    }

    @Test("a group that is destroyed ends its members first, one that is stopped stops them all")
    func ended() {
        var colony = Colony()
        colony.ask("web", group(3))
        colony.ask("web", group(3) { $0.desired = .stopped })
        #expect(colony.members() == ["web.1 stopped", "web.2 stopped", "web.3 stopped"])
        #expect(colony.view()?.status.state == .stopped)
        colony.ask("web", group(3))
        #expect(colony.view()?.status.state == .running)
        colony.ask("web", group(3) { $0.desired = .destroyed })
        #expect(colony.members().isEmpty && colony.books[key()] == nil)
        #expect(colony.log.last == .ended(key()))
    }

    @Test("members are kept apart from each other, and a relation to the group holds to all of them")
    func spread() {
        var colony = Colony(machines: 3, rooms: 4)
        colony.ask("web", group(3) { $0.group?.spread = .host })
        colony.advance(.seconds(2))
        #expect(Set(colony.books.members(of: key()).compactMap { $0.placement?.machine }).count == 3)
        var other = specification()
        other.requirements.relations = [Relation(isApart: true, scope: .host, reference: "web")]
        colony.ask("db", other)
        #expect(colony.books[key("db")]?.placement == nil, "each machine has a member")
        colony.ask("web", group(2) { $0.group?.spread = .host })
        colony.advance(.seconds(20))
        #expect(colony.books[key("db")]?.placement != nil)
        colony.ask("web", group(3) { $0.group?.spread = .host })
        #expect(colony.books[key("web.3")]?.placement == nil, "the relation binds the group's members, too")
        #expect(colony.books.bonds(of: key("db"), asking: other).count == 2)
        other.requirements.relations = []
        colony.ask("db", other)
        colony.advance(.seconds(20))
        #expect(colony.books[key("web.3")]?.placement != nil, "db asks for nothing any more")
    }

    @Test("a change goes from member to member, and pauses at one that fails; what fails is changed first")
    func rolling() {
        var colony = Colony()
        colony.ask("web", group(3))
        colony.answers = { request in
            let isBad = request.specification.parameters == #"{"bad":1}"#
            return InstanceStatus(
                state: isBad ? .failed : .running, reason: isBad ? "no" : "", revision: request.revision)
        }
        colony.ask("web", group(3) { $0.parameters = #"{"bad":1}"# })
        colony.advance(.seconds(60))
        #expect(colony.members() == ["web.1 failed", "web.2 running", "web.3 running"])
        #expect(colony.view()?.status.state == .failed)
        #expect(colony.view()?.status.reason.contains("the change pauses: web.1 failed with it: no") == true)
        var before = colony.orders.count
        colony.ask("web", group(3) { $0.parameters = #"{"good":1}"# })
        #expect(colony.view()?.status.state == .running)
        #expect(colony.orders.dropFirst(before).map(\.request.reference) == ["web.1", "web.2", "web.3"])

        colony.answers = { _ in nil }  // one that never gets ready
        before = colony.orders.count
        colony.ask("web", group(3) { $0.parameters = #"{"slow":1}"# })
        #expect(colony.orders.dropFirst(before).map(\.request.reference) == ["web.1"])
        #expect(colony.view()?.status.reason.contains("2 still as before; the change waits for web.1") == true)
    }

    @Test("a new primary goes on where the last one stopped, and makes no member twice", arguments: 0..<12)
    func viewChange(after steps: Int) {
        var colony = Colony()
        colony.ask("web", group(2))
        // What the last primary had in its log when it ended.
        var books = Books()
        for fact in colony.log.prefix(steps) {
            books.apply(Entry(index: books.index.next, at: seconds(1_000), fact: fact))
        }
        var next = Colony()
        next.keeper = RequestKeeper(books: books)
        next.feed(.started)
        next.advance(.seconds(120))
        guard steps > 0 else { return #expect(next.books[key()] == nil) }
        #expect(next.members() == ["web.1 running", "web.2 running"], "after \(steps) entries")
    }

    @Test("the books take no member beyond the count, whatever is proposed")
    func bounded() {
        var books = Books()
        func apply(_ fact: Fact) { books.apply(Entry(index: books.index.next, at: seconds(1), fact: fact)) }
        apply(.requested(key(), group(1)))
        let member = books[key()]?.memberSpecification ?? specification()
        apply(.requested(key("web.1"), member))
        apply(.requested(key("web.2"), member))
        #expect(books.members(of: key()).map(\.key) == [key("web.1")])
        apply(.requested(key("other.1"), member.with { $0.membership?.group = "other" }))
        #expect(books[key("other.1")] == nil, "there is no such group")
        #expect((try? Books(books.contents))?.members(of: key()).map(\.key) == [key("web.1")])
    }

    @Test("a member is its group's, an instance becomes no group and a group no instance, and names have their bound")
    func refused() {
        var colony = Colony()
        colony.ask("web", group(1))
        var member = colony.books[key("web.1")]?.specification ?? specification()
        member.parameters = #"{"a":1}"#
        #expect(colony.refusal("web.1", member)?.message.contains("is a member of web") == true)
        #expect(colony.refusal("web", specification())?.message.contains("stays one") == true)
        colony.ask("db", specification())
        #expect(colony.refusal("db", group(2))?.message.contains("becomes no group") == true)
        #expect(colony.refusal(String(repeating: "x", count: 125), group(2))?.message.contains("no room") == true)
        #expect(colony.refusal("many", group(1_001))?.code == .invalid)
        let ruled = group(9) { $0.group?.scale = "min=1, max=3, metric=cpu, target=60%" }
        #expect(colony.refusal("ruled", ruled)?.message.contains("allows 1 to 3") == true)
        #expect(colony.books.held.allSatisfy { ["web", "web.1", "db"].contains($0.reference) })
    }

    @Test("a name of a member that is taken already is passed over")
    func taken() {
        var colony = Colony()
        colony.ask("web.2", specification())
        colony.ask("web", group(2))
        #expect(colony.members() == ["web.1 running", "web.3 running"])
    }
}

extension Specification {
    fileprivate func with(_ change: (inout Specification) -> Void) -> Specification {
        var copy = self
        change(&copy)
        return copy
    }
}

extension Colony {
    fileprivate mutating func refusal(_ reference: String, _ specification: Specification) -> Refusal? {
        if case .refused(let refusal)? = ask(reference, specification) { refusal } else { nil }
    }
}

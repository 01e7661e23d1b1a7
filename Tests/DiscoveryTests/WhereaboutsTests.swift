import Automata
import Testing

@testable import Discovery

@Suite("A resolver ends with its answer where the instance says when it moves")
struct WhereaboutsTests {
    private let here = SightingKey(interface: 2, addressFamily: 0, label: "a")
    private let there = SightingKey(interface: 2, addressFamily: 1, label: "a")
    private let other = SightingKey(interface: 2, addressFamily: 0, label: "b")

    /// What is asked inside an expectation may not mutate a value.
    private final class Watched {
        private var value = Whereabouts()

        func resolved(_ key: SightingKey, _ text: [[UInt8]]) -> Bool { value.resolved(key, text) }
        func heard(_ label: String, _ text: [[UInt8]]) -> [SightingKey] { value.heard(label, text) }
        func removed(_ key: SightingKey) { value.removed(key) }
    }

    private func text(_ mark: String?) -> [[UInt8]] {
        [Array("txtvers=1".utf8)] + (mark.map { [Array("at=\($0)".utf8)] } ?? [])
    }

    @Test("one that does not say keeps its resolver")
    func silent() {
        let whereabouts = Watched()
        #expect(!whereabouts.resolved(here, text(nil)))
        #expect(whereabouts.heard("a", text(nil)).isEmpty)
    }

    @Test("a new value asks for it again in every place where it was found, and for no other")
    func moved() {
        let whereabouts = Watched()
        for key in [here, there, other] { #expect(whereabouts.resolved(key, text("1"))) }
        #expect(whereabouts.heard("a", text("1")).isEmpty)
        #expect(Set(whereabouts.heard("a", text("2"))) == [here, there])
        #expect(whereabouts.heard("a", text("2")).isEmpty)
        #expect(whereabouts.resolved(here, text("2")))
    }

    @Test("an answer that is older than the text heard last does not end the resolver")
    func outdated() {
        let whereabouts = Watched()
        #expect(whereabouts.heard("a", text("2")).isEmpty)
        #expect(!whereabouts.resolved(here, text("1")))
        #expect(whereabouts.resolved(here, text("2")))
    }

    @Test("one that says no longer when it moves is asked for again")
    func fellSilent() {
        let whereabouts = Watched()
        #expect(whereabouts.resolved(here, text("1")))
        #expect(whereabouts.heard("a", text(nil)) == [here])
        #expect(!whereabouts.resolved(here, text(nil)))
    }

    @Test("what is gone is forgotten")
    func gone() {
        let whereabouts = Watched()
        #expect(whereabouts.heard("a", text("2")).isEmpty)
        #expect(whereabouts.resolved(here, text("2")))
        whereabouts.removed(here)
        #expect(whereabouts.resolved(here, text("1")))
    }

    @Test("another address, interface or port is another value")
    func marks() {
        func address(_ index: Int32, _ last: UInt8) -> InterfaceAddress {
            InterfaceAddress(interface: "eth\(index)", index: index, bytes: [10, 0, 0, last], isLoopback: false)
        }
        let marks = [
            Whereabouts.mark([address(1, 1)], port: 1), Whereabouts.mark([address(1, 2)], port: 1),
            Whereabouts.mark([address(2, 1)], port: 1), Whereabouts.mark([address(1, 1)], port: 2),
            Whereabouts.mark([address(1, 1), address(1, 2)], port: 1), Whereabouts.mark([], port: 1),
        ]
        #expect(Set(marks).count == marks.count)
        #expect(
            Whereabouts.mark([address(1, 1), address(2, 2)], port: 1)
                == Whereabouts.mark([address(2, 2), address(1, 1)], port: 1))
        #expect(marks.allSatisfy { $0.count <= 7 })
    }
}

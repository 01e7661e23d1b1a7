import Automata
import Testing

@testable import Claims

@Suite("whether a term holds, and what a condition reserves")
struct TermTests {
    private func term(_ text: String) throws -> Condition.Term {
        try #require(try Condition(text).terms.first)
    }

    @Test(
        "values of different kinds are never compared",
        arguments: ["cpu = 4", "cpu < 4", "memory >= 1GiB", "region = fr", "kernel > 1", "ipv6", "isolation = none"])
    func kinds(text: String) throws {
        let term = try term(text)
        let others: [PropertyValue] = [
            .word("4"), .words(["4"]), .number(4_000_000), .bytes(ByteCount(4)), .version([4]), .flag(true),
        ]
        for other in others where other.isOfOtherKind(than: term.property.kind) {
            #expect(!term.holds(for: other), "\(term) for \(other)")
        }
    }

    @Test(
        "numbers are compared with each sign",
        arguments: [
            ("cpu = 4", [false, true, false]), ("cpu != 4", [true, false, true]), ("cpu < 4", [true, false, false]),
            ("cpu <= 4", [true, true, false]), ("cpu > 4", [false, false, true]), ("cpu >= 4", [false, true, true]),
            ("cpu in (3, 5)", [true, false, true]), ("cpu not in (3, 5)", [false, true, false]),
        ])
    func numbers(text: String, holds: [Bool]) throws {
        let term = try term(text)
        #expect([3, 4, 5].map { term.holds(for: .number($0 * 1_000_000)) } == holds)
        #expect(
            try [3, 4, 5].map { try self.term("memory" + text.dropFirst(3)).holds(for: .bytes(ByteCount($0))) } == holds
        )
    }

    @Test("words are compared as they are written, without regard to case")
    func words() throws {
        #expect(try term("region = fr").holds(for: .word("FR")))
        #expect(try !term("region = fr").holds(for: .word("fr-west")))
        #expect(try term("region in (DE, fr)").holds(for: .word("de")))
        #expect(try !term("region != FR").holds(for: .word("fr")))
        // A machine whose owner does not say stands in no region that could be asked for, and outside of each.
        #expect(try !term("region = fr").holds(for: .word("")))
        #expect(try term("region != fr").holds(for: .word("")))
        #expect(try term("region = \"\"").holds(for: .word("")))
        #expect(try !term("region != \"\"").holds(for: .word("")))
    }

    @Test("several words are equal to each that they contain, and unequal to those that they do not")
    func severalWords() throws {
        let found = PropertyValue.words(["none", "Users"])
        #expect(try term("isolation = users").holds(for: found))
        #expect(try !term("isolation = bubblewrap").holds(for: found))
        #expect(try term("isolation in (bubblewrap, users)").holds(for: found))
        #expect(try !term("isolation != users").holds(for: found))
        #expect(try term("isolation != bubblewrap").holds(for: found))
        #expect(try !term("isolation not in (bubblewrap, none)").holds(for: found))
        #expect(try term("isolation not in (bubblewrap, users)").holds(for: .words([])))
    }

    @Test(
        "versions are compared number by number, and what is missing is 0",
        arguments: [
            ("kernel >= 6.1", [6, 1, 0], true), ("kernel >= 6.1", [6], false), ("kernel >= 6.9", [6, 10], true),
            ("kernel = 6.1", [6, 1, 0, 0], true), ("kernel = 6.1", [6, 1, 0, 1], false),
            ("kernel > 6.1", [6, 1, 0, 1], true),
            ("kernel < 6.1", [5, 99, 99], true), ("kernel <= 6.1.0", [6, 1], true),
            ("kernel in (5.10, 6.1)", [5, 10], true),
            ("kernel not in (5.10, 6.1)", [5, 10], false), ("kernel >= 0", [], true), ("kernel > 0", [], false),
        ] as [(String, [Int], Bool)])
    func versions(text: String, found: [Int], holds: Bool) throws {
        #expect(try term(text).holds(for: .version(found)) == holds)
    }

    @Test("a flag holds when it is as asked")
    func flags() throws {
        #expect(try term("ipv6").holds(for: .flag(true)))
        #expect(try !term("ipv6").holds(for: .flag(false)))
        #expect(try term("not ipv6").holds(for: .flag(false)))
    }

    @Test(
        "a condition reserves what it asks at least, wherever it is met",
        arguments: [
            ("cpu >= 4", Demand(cores: 4)), ("cpu > 4", Demand(cores: 5)), ("cpu = 4", Demand(cores: 4)),
            ("cpu >= 3.5", Demand(cores: 4)), ("cpu > 3.5", Demand(cores: 4)), ("cpu in (4, 2, 8)", Demand(cores: 2)),
            ("cpu < 4", .none), ("cpu <= 4", .none), ("cpu != 4", .none), ("cpu not in (4, 5)", .none),
            ("cpu > -5", Demand(cores: 0)), ("cpu >= -0.5", .none), ("cpu > -1", .none),
            ("not cpu < 4", Demand(cores: 4)),
            ("memory >= 8GiB", Demand(memory: .mebibytes(8_192))), ("memory > 1KiB", Demand(memory: ByteCount(1_025))),
            ("memory > 9223372036854775807", Demand(memory: ByteCount(.max))), ("gpu > 0", Demand(gpus: 1)),
            ("free >= 4, disk >= 1TB, load >= 1, price >= 1, kernel >= 6, region = fr, ipv6", .none),
            ("cpu >= 4, gpu >= 1, memory >= 1GiB", Demand(cores: 4, memory: .mebibytes(1_024), gpus: 1)),
            ("cpu >= 4, cpu >= 2", Demand(cores: 4)), ("cpu >= 4 or cpu >= 2", Demand(cores: 2)),
            ("cpu >= 4 or region = fr", .none),
            ("cpu >= 4, gpu >= 1 or cpu >= 8", Demand(cores: 4)),
            ("(cpu >= 4 and gpu >= 1) or (cpu >= 8 and gpu >= 2)", Demand(cores: 4, gpus: 1)),
            ("cpu >= 9000000000000", Demand(cores: 9_000_000_000_000)),
        ])
    func demand(text: String, demand: Demand) throws {
        #expect(try Demand(of: Condition(text)) == demand)
    }

    @Test("what two demands reserve together stays countable")
    func sum() {
        let sum = Demand(cores: 1, memory: ByteCount(.max), gpus: 2) + Demand(cores: 3, memory: ByteCount(1))
        #expect(sum == Demand(cores: 4, memory: ByteCount(.max), gpus: 2))
    }

    @Test(
        "whatever meets a condition has what it reserves",
        arguments: 1...50 as ClosedRange<UInt64>)
    func least(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<50 {
            let condition = RandomCondition.next(&random)
            let demand = Demand(of: condition)
            for _ in 0..<20 {
                let found = RandomCondition.machine(&random)
                guard condition.holds(found) else { continue }
                #expect(
                    found.cores >= demand.cores && found.memory >= demand.memory && found.gpus >= demand.gpus,
                    "\(condition)")
            }
        }
    }
}

extension PropertyValue {
    fileprivate func isOfOtherKind(than kind: Property.Kind) -> Bool {
        switch (self, kind) {
        case (.word, .word), (.words, .words), (.word, .words), (.words, .word), (.number, .number), (.bytes, .bytes),
            (.version, .version), (.flag, .flag):
            false
        default: true
        }
    }
}

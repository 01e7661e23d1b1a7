import Automata
import Testing

@testable import Claims

@Suite("terms that no machine can meet together")
struct ContradictionTests {
    private func pair(_ text: String) throws -> String? {
        try Condition(text).contradiction.map { "\($0), \($1)" }
    }

    @Test(
        "two terms of one conjunction that nothing meets are told",
        arguments: [
            ("cpu >= 4, cpu < 2", "cpu >= 4, cpu < 2"), ("cpu < 2, ipv6, cpu >= 4", "cpu < 2, cpu >= 4"),
            ("cpu > 4, cpu < 5", "cpu > 4, cpu < 5"), ("cpu >= 4, cpu < 4", "cpu >= 4, cpu < 4"),
            ("cpu = 4, cpu = 5", "cpu = 4, cpu = 5"), ("cpu = 4, cpu != 4", "cpu = 4, cpu != 4"),
            ("cpu in (1, 2), cpu > 2", "cpu in (1, 2), cpu > 2"),
            ("cpu in (1, 2), cpu in (3, 4)", "cpu in (1, 2), cpu in (3, 4)"),
            ("cpu in (1, 2), cpu not in (1, 2, 3)", "cpu in (1, 2), cpu not in (1, 2, 3)"),
            ("free > 0, free < 1", "free > 0, free < 1"),
            ("cpu not in (0, 1, 2), cpu < 3", "cpu not in (0, 1, 2), cpu < 3"),
            ("load > 0.5, load < 0.51", "load > 0.5, load < 0.51"),
            ("price > 0.02, price < 0.02", "price > 0.02, price < 0.02"),
            ("memory >= 8GiB, memory < 8GB", "memory >= 8GiB, memory < 8GB"),
            ("memory > 1B, memory < 3B, memory != 2B", nil),
            ("disk > 1kB, disk < 1001B", "disk > 1kB, disk < 1001B"),
            ("region = fr, region = de", "region = fr, region = de"),
            ("region = fr, region != FR", "region = fr, region != FR"),
            ("region in (fr, de), region = it", "region in (de, fr), region = it"),
            ("region in (fr, de), region not in (de, it, fr)", "region in (de, fr), region not in (de, fr, it)"),
            ("ipv6 = yes, ipv6 = no", "ipv6 = yes, ipv6 = no"), ("ipv6, not ipv6", "ipv6 = yes, ipv6 = no"),
            ("kernel >= 6.1, kernel < 6.1", "kernel >= 6.1, kernel < 6.1"),
            ("kernel = 6.1, kernel != 6.1.0", "kernel = 6.1, kernel != 6.1"),
            ("kernel in (5.10, 6.1), kernel > 6.1", "kernel in (5.10, 6.1), kernel > 6.1"),
            ("kernel <= 0, kernel != 0", "kernel <= 0, kernel != 0"),
            ("isolation = users, isolation != users", "isolation = users, isolation != users"),
            (
                "isolation in (users, none), isolation not in (none, users, bubblewrap)",
                "isolation in (none, users), isolation not in (bubblewrap, none, users)"
            ),
            ("continent = eu, continent in (na, sa)", "continent = eu, continent in (na, sa)"),
            (
                "state not in (joining, idle, worker, coordinator), state in (idle, worker)",
                "state not in (coordinator, idle, joining, worker), state in (idle, worker)"
            ),
        ])
    func pairs(text: String, expected: String?) throws {
        #expect(try pair(text) == expected)
    }

    @Test(
        "a term that nothing meets is told beside itself",
        arguments: [
            "cpu < 0", "memory < 0B", "cpu = 1.5", "cpu in (0.5, 1.5)", "free = -1", "load = 0.005", "price < 0",
            "disk <= -1B",
            "gpu <= -0.000001", "kernel < 0",
            "state not in (coordinator, drained, draining, failed, idle, joining, left, worker)",
            "cpu > 9223372036854.775807", "memory > 9223372036854775807B",
        ])
    func alone(text: String) throws {
        let pair = try #require(try Condition(text).contradiction)
        #expect(pair.0 == pair.1)
        #expect(try Condition.term(pair.0) == Condition(text))
    }

    @Test(
        "what one value meets is no contradiction",
        arguments: [
            "cpu >= 4, cpu <= 4", "cpu > 4, cpu < 6", "cpu > 0.5, cpu < 1.5", "cpu != 4, cpu != 5",
            "load > 0.5, load < 0.52",
            "region = fr, region = FR", "region != fr, region != de", "region = \"\", region != fr",
            "isolation = users, isolation = bubblewrap",
            "isolation != users, isolation != none, isolation != bubblewrap",
            "isolation in (users, none), isolation != users", "node = box-1, node = 7f3a-09c1-55d2-e0aa",
            "kernel > 6.1, kernel < 6.1.1", "kernel >= 0, kernel <= 0", "kernel > 6.1, kernel < 6.1.0.0.0.0.0.1",
            "kernel > 999999999, kernel != 1000", "cpu >= 4, memory < 1B", "cpu < 1", "ipv4, ipv6 = no",
            "cpu >= 9000000000000", "memory >= 9223372036854775807", "cpu != 4, cpu not in (0, 1, 2, 3)",
            "memory not in (0B, 1B, 2B), memory < 4B", "continent != eu, continent not in (na, sa)",
            // Two by two they can be met.
            "cpu >= 4, cpu <= 4, cpu != 4",
        ])
    func none(text: String) throws {
        #expect(try pair(text) == nil)
    }

    @Test(
        "a disjunction is contradictory when each branch is, with what stands beside it",
        arguments: [
            ("cpu < 0 or memory < 0B", "cpu < 0, cpu < 0"), ("cpu < 0 or cpu > 0", nil),
            ("cpu = 1 and cpu = 2 or cpu = 3 and cpu = 4", "cpu = 1, cpu = 2"),
            ("region = fr, region = de or region = it", "region = fr, region = de"),
            ("(region = de or region = it), region = fr", "region = fr, region = de"),
            ("region = fr, region = de or region = fr", nil), ("region = fr, region = de or cpu > 1", nil),
            ("region = fr or region = de, region = it or region = es", "region = fr, region = it"),
            ("region = fr or region = de, region = it or region = de", nil),
            ("ipv6, (cpu = 1, not ipv6) or (cpu > 2, cpu < 1)", "ipv6 = yes, ipv6 = no"),
            ("cpu = 1 or cpu = 2, cpu = 1 or cpu = 3, cpu = 2 or cpu = 3", "cpu = 1, cpu = 2"),
            ("cpu = 1 or (cpu = 2 and (free = 1 or free = 2)), cpu = 2, free = 3", "cpu = 2, cpu = 1"),
        ])
    func branches(text: String, expected: String?) throws {
        #expect(try pair(text) == expected)
    }

    @Test(
        "two random terms of one property contradict each other only where no machine meets both",
        arguments: 1...50 as ClosedRange<UInt64>)
    func sound(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<200 {
            let property = random.pick(Property.allCases) ?? .cpu
            let (left, right) = (
                RandomCondition.term(&random, of: property), RandomCondition.term(&random, of: property)
            )
            let isMet = (0..<40).contains { _ in
                let found = RandomCondition.found(&random, of: property)
                return left.holds(for: found) && right.holds(for: found)
            }
            if isMet { #expect(left.canHold(with: right), "seed \(seed): \(left), \(right)") }
            #expect(left.canHold(with: right) == right.canHold(with: left), "seed \(seed): \(left), \(right)")
        }
    }

    @Test(
        "whole numbers: two terms contradict each other exactly where none of them meets both",
        arguments: 1...50 as ClosedRange<UInt64>)
    func complete(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<200 {
            func small() -> Condition.Term {
                let comparison = random.pick(Condition.Term.Comparison.allCases) ?? .equal
                let isList = comparison == .among || comparison == .notAmong
                let values = (0..<(isList ? 1 + random.below(5) : 1)).map { _ in
                    PropertyValue.number(Int64(random.below(14) - 2) * 500_000)
                }
                return Condition.Term(.cpu, comparison, values).usual
            }
            let (left, right) = (small(), small())
            let isMet = (0...20).contains {
                left.holds(for: .number($0 * 1_000_000)) && right.holds(for: .number($0 * 1_000_000))
            }
            #expect(left.canHold(with: right) == isMet, "seed \(seed): \(left), \(right)")
        }
    }

    @Test("no machine meets a condition that is a contradiction", arguments: 1...50 as ClosedRange<UInt64>)
    func never(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<100 {
            let condition = RandomCondition.next(&random)
            guard condition.contradiction != nil else { continue }
            for _ in 0..<50 {
                #expect(!condition.holds(RandomCondition.machine(&random)), "seed \(seed): \(condition)")
            }
        }
    }

    @Test("a search through very many branches ends, and says nothing then")
    func bounded() throws {
        let choices = (1...15).map { "(cpu = \($0) or gpu = \($0))" }
        // Of fifteen that differ, three must share a property: contradictory at once.
        #expect(try Condition(choices.joined(separator: ",")).contradiction != nil)
        let wide = (1...24).map { "(cpu != \($0) or gpu != \($0))" } + ["free < 0 or free > 1, free = 1"]
        let condition = try Condition(wide.joined(separator: ","))
        let took = ContinuousClock().measure { #expect(condition.contradiction == nil) }
        #expect(took < .seconds(2))
    }
}

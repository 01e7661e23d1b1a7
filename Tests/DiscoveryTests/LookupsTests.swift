import Testing

@testable import Discovery

@Suite("Lookups")
struct LookupsTests {
    private func key(_ number: Int, family: Int32 = 0) -> SightingKey {
        SightingKey(interface: 2, addressFamily: family, label: "machine-\(number)")
    }

    @Test("an instance that two browsers show is resolved once, and is gone when neither shows it")
    func twoBrowsers() {
        var lookups = Lookups(othersMax: 4)
        #expect(lookups.appeared(key(1), in: .everyone) == [key(1)])
        #expect(lookups.appeared(key(1), in: .masters) == [])
        #expect(lookups.appeared(key(1), in: .masters) == [])
        #expect(lookups.disappeared(key(1), from: .masters).isGone == false)
        #expect(lookups.disappeared(key(1), from: .everyone).isGone)
        #expect(lookups.appeared(key(1), in: .everyone) == [key(1)], "it came back")
        #expect(lookups.disappeared(key(2), from: .everyone).isGone, "one that was never let in")
    }

    @Test("others are let in up to a number, masters all the same; who goes makes room for one that was passed over")
    func room() {
        var lookups = Lookups(othersMax: 2)
        for number in 1...5 { _ = lookups.appeared(key(number), in: .everyone) }
        #expect(lookups.passedOverCount == 3)
        #expect(lookups.appeared(key(9), in: .masters) == [key(9)])
        let (isGone, next) = lookups.disappeared(key(1), from: .everyone)
        #expect(isGone && next.count == 1 && lookups.passedOverCount == 2)
        // One that was passed over turns out to be a master.
        let passedOver = [3, 4, 5].map { key($0) }.first { !next.contains($0) }
        if let passedOver { #expect(lookups.appeared(passedOver, in: .masters) == [passedOver]) }
        #expect(lookups.passedOverCount == 1)
    }

    @Test("a known machine that becomes a master leaves its place to another")
    func promoted() {
        var lookups = Lookups(othersMax: 1)
        #expect(lookups.appeared(key(1), in: .everyone) == [key(1)])
        #expect(lookups.appeared(key(2), in: .everyone) == [])
        #expect(lookups.appeared(key(1), in: .masters) == [key(2)])
        #expect(lookups.passedOverCount == 0)
    }

    @Test("only so many are under way at once, and masters stand in front")
    func turns() {
        var lookups = Lookups(othersMax: 4_096)
        let first = (0..<1_000).flatMap { lookups.appeared(key($0), in: .everyone) }
        #expect(first.count == Lookups.atOnceMax)
        #expect(lookups.appeared(key(5_000), in: .masters) == [])
        #expect(lookups.settled(key(0)) == [key(5_000)])
        var known = Set(first + [key(5_000)])
        var open = Array(known.subtracting([key(0)]))
        while let key = open.popLast() {
            let next = lookups.settled(key)
            #expect(next.count <= 1)
            open += next
            known.formUnion(next)
        }
        #expect(known.count == 1_001, "each has had its turn")
    }

    @Test("what has settled is resolved again when it has moved, in its turn, and not twice; what is gone is not")
    func again() {
        var lookups = Lookups(othersMax: 4)
        _ = lookups.appeared(key(1), in: .everyone)
        #expect(lookups.again(key(1)) == [], "it is under way")
        #expect(lookups.settled(key(1)) == [])
        #expect(lookups.again(key(1)) == [key(1)])
        _ = lookups.disappeared(key(1), from: .everyone)
        #expect(lookups.again(key(1)) == [] && lookups.settled(key(1)) == [])
    }

    @Test("a flood of names and of masters ends at the bounds")
    func flood() {
        var lookups = Lookups(othersMax: 8)
        for number in 0..<20_000 {
            _ = lookups.appeared(key(number), in: number % 2 == 0 ? .masters : .everyone).map { lookups.settled($0) }
        }
        #expect(lookups.passedOverCount <= Lookups.passedOverMax)
        lookups.removeAll()
        #expect(lookups.appeared(key(1), in: .everyone) == [key(1)])
    }
}

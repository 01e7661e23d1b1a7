import Automata
import Testing

@Suite("seeded randomness")
struct SeededRandomTests {
    /// Computed by a program of its own in another language, after the authors' reference code.
    @Test("a seed replays for ever: the first draws of seed 1 are these")
    func golden() {
        var random = SeededRandom(seed: 1)
        let expected: [UInt64] = [
            0xb3f2_af6d_0fc7_10c5, 0x853b_5596_4736_4cea, 0x92f8_9756_082a_4514, 0x642e_1c7b_c266_a3a7,
            0xb27a_48e2_9a23_3673,
        ]
        #expect((0..<5).map { _ in random.next() } == expected)
    }

    @Test("bounded draws and shuffles of seed 1 are these, whatever the toolchain's own do")
    func goldenBounded() {
        var random = SeededRandom(seed: 1)
        #expect((0..<12).map { _ in random.below(10) } == [7, 5, 5, 3, 6, 1, 0, 3, 8, 5, 9, 9])
        random = SeededRandom(seed: 1)
        var cards = Array(0..<10)
        random.shuffle(&cards)
        #expect(cards == [3, 6, 1, 5, 0, 9, 2, 8, 4, 7])
    }

    @Test("a named part of a run draws its own numbers")
    func goldenStream() {
        var network = SeededRandom.stream(seed: 1, "network")
        let expected: [UInt64] = [0x1abe_16dc_7e09_c545, 0xcb66_7cf0_2690_f7cc, 0xd903_7cb6_cd4f_ba97]
        #expect((0..<3).map { _ in network.next() } == expected)
    }

    @Test("a copy draws what the original draws")
    func copies() {
        var original = SeededRandom(seed: 9)
        _ = original.next()
        var copy = original
        #expect((0..<10).map { _ in original.next() } == (0..<10).map { _ in copy.next() })
    }

    @Test("a draw below a bound is within it, and no outcome is preferred", arguments: [1, 2, 3, 7, 10, 64, 1_000])
    func uniform(bound: Int) {
        var random = SeededRandom(seed: UInt64(bound))
        let perOutcome = 1_000
        var counts = Array(repeating: 0, count: bound)
        for _ in 0..<bound * perOutcome { counts[random.below(bound)] += 1 }
        // Chi-squared with bound - 1 degrees of freedom: mean k, deviation √2k; six deviations leave room for any seed.
        let chi = counts.reduce(0.0) { sum, count in
            let difference = Double(count - perOutcome)
            return sum + difference * difference / Double(perOutcome)
        }
        let freedom = Double(bound - 1)
        #expect(chi <= freedom + 6 * (2 * freedom).squareRoot(), "bound \(bound): chi-squared \(chi)")
    }

    @Test("a draw below the largest bound is not negative")
    func wide() {
        var random = SeededRandom(seed: 3)
        for _ in 0..<1_000 { #expect(random.below(.max) >= 0) }
    }

    @Test("a draw below zero has no outcome, and stops the process")
    func noOutcome() async {
        await #expect(processExitsWith: .failure) {
            var random = SeededRandom(seed: 1)
            _ = random.below(0)
        }
    }

    @Test("a chance of 0 in 1,000 never comes, one of 1,000 always, one of 250 in a quarter of the draws")
    func chances() {
        var random = SeededRandom(seed: 5)
        #expect(!(0..<1_000).contains { _ in random.chance(perMille: 0) })
        #expect((0..<1_000).allSatisfy { _ in random.chance(perMille: 1_000) })
        let hits = (0..<10_000).count { _ in random.chance(perMille: 250) }
        #expect((2_200...2_800).contains(hits))
    }

    @Test("a duration is drawn from the whole range, both ends included")
    func durations() {
        var random = SeededRandom(seed: 6)
        let draws = (0..<200).map { _ in random.duration(in: .nanoseconds(5)...(.nanoseconds(8))) }
        #expect(Set(draws) == Set((5...8).map { .nanoseconds($0) }))
        #expect(random.duration(in: .seconds(1)...(.seconds(1))) == .seconds(1))
    }

    @Test("one of nothing is nothing; a shuffle keeps every element")
    func collections() {
        var random = SeededRandom(seed: 7)
        #expect(random.pick([Int]()) == nil)
        #expect(random.pick(["only"]) == "only")
        var cards = Array(0..<52)
        random.shuffle(&cards)
        #expect(cards != Array(0..<52))
        #expect(cards.sorted() == Array(0..<52))
        var none: [Int] = []
        random.shuffle(&none)
        #expect(none.isEmpty)
    }
}

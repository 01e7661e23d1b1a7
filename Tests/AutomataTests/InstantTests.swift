import Automata
import Testing

@Suite("instants and durations")
struct InstantTests {
    @Test("an instant moves by a duration, and the difference of two is that duration")
    func moves() {
        let start = Instant(milliseconds: 1_500)
        #expect(start + .seconds(2) - start == .seconds(2))
        #expect(start + .seconds(2) - .seconds(2) == start)
        #expect(start - (start + .seconds(2)) == .seconds(-2))
        #expect((start + .nanoseconds(1)) > start)
    }

    @Test("what lies beyond the end of time is the end of time, and before its beginning the beginning: nothing traps")
    func saturates() {
        let huge = Duration.seconds(Int64.max)
        #expect(Instant(milliseconds: 5) + huge == .distantFuture)
        #expect(Instant.distantFuture + .seconds(1) == .distantFuture)
        #expect(Instant(milliseconds: -5) - huge == Instant(nanoseconds: .min))
        #expect(Instant(milliseconds: -5) + .seconds(Int64.min) == Instant(nanoseconds: .min))
        #expect(Instant(milliseconds: 5) - .seconds(Int64.min) == .distantFuture)
        #expect(Instant(milliseconds: .max) == .distantFuture)
        #expect(Instant(milliseconds: .min) == Instant(nanoseconds: .min))
        #expect(Instant.distantFuture - Instant(nanoseconds: .min) == .nanoseconds(Int64.max))
    }

    @Test("a duration has whole nanoseconds, also at the end of what they can count")
    func nanoseconds() {
        #expect(Duration.milliseconds(1_500).nanoseconds == 1_500_000_000)
        #expect(Duration.milliseconds(-1_500).nanoseconds == -1_500_000_000)
        #expect(Duration(secondsComponent: 0, attosecondsComponent: 1_999_999_999).nanoseconds == 1)
        #expect(Duration.nanoseconds(Int64.max).nanoseconds == .max)
        #expect((Duration.nanoseconds(Int64.max) + .nanoseconds(1)).nanoseconds == .max)
        #expect((Duration.nanoseconds(Int64.min) - .nanoseconds(1)).nanoseconds == .min)
        #expect(Duration.seconds(Int64.min).nanoseconds == .min)
        #expect(Duration.microseconds(1_999).milliseconds == 1)
    }

    @Test("an instant is written in seconds with three decimals")
    func description() {
        #expect(Instant(milliseconds: 12_034).description == "12.034s")
        #expect(Instant.zero.description == "0.000s")
        #expect(Instant(nanoseconds: 1_999_999).description == "0.001s")
        #expect(Instant(milliseconds: -1_250).description == "-1.250s")
        #expect(Instant(milliseconds: -5).description == "-0.005s")
    }
}

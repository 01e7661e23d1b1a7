import Automata
import Testing

@Suite("the hours of an owner")
struct OwnerHoursTests {
    private static let day: Int64 = 86_400_000

    private func at(_ clock: String, day: Int64 = 20_000) -> Instant {
        let parts = clock.split(separator: ":").compactMap { Int64($0) }
        let milliseconds = ((parts[0] * 60 + parts[1]) * 60 + (parts.count > 2 ? parts[2] : 0)) * 1_000
        return Instant(milliseconds: day * Self.day + milliseconds)
    }

    @Test(
        "what is no part of a day is none",
        arguments: [
            "", "-", "19:00", "19:00-", "-07:00", "19:00-07:00-08:00", "24:00-07:00", "19:60-07:00", "19-07",
            "1900-0700",
            "19:00 - 07:00", "+9:00-07:00", "19:+0-07:00", "019:00-07:00", "19:000-07:00", "19:00:00-07:00",
            ":00-07:00",
            "19:-07:00", "٣:00-07:00", "a:00-07:00", "19:00–07:00",
        ])
    func nonsense(text: String) {
        #expect(OwnerHours(text) == nil)
    }

    @Test("a minute beyond the day is refused", arguments: [(-1, 0), (0, -1), (1_440, 0), (0, 1_440), (.max, .min)])
    func range(from: Int, until: Int) {
        #expect(OwnerHours(from: from, until: until) == nil)
    }

    @Test(
        "hours are read and printed with two digits each",
        arguments: [
            ("19:00-07:00", 1_140, 420, "19:00-07:00"), ("9:5-17:30", 545, 1_050, "09:05-17:30"),
            ("00:00-00:00", 0, 0, "00:00-00:00"), ("0:0-23:59", 0, 1_439, "00:00-23:59"),
        ])
    func read(text: String, from: Int, until: Int, printed: String) throws {
        let hours = try #require(OwnerHours(text))
        #expect((hours.from, hours.until) == (from, until))
        #expect(hours.description == printed)
        #expect(OwnerHours(printed) == hours)
    }

    @Test("the first minute is within, the last is not; past midnight they go on")
    func contains() throws {
        let office = try #require(OwnerHours("09:00-17:30"))
        #expect(!office.contains(at("8:59:59")) && office.contains(at("9:00")))
        #expect(office.contains(at("17:29:59")) && !office.contains(at("17:30")))
        let night = try #require(OwnerHours("19:00-07:00"))
        #expect(night.contains(at("19:00")) && night.contains(at("23:59:59")) && night.contains(at("0:00")))
        #expect(night.contains(at("6:59:59")) && !night.contains(at("7:00")) && !night.contains(at("18:59:59")))
        let always = try #require(OwnerHours("08:00-08:00"))
        #expect(always.contains(at("8:00")) && always.contains(at("7:59")) && always.contains(at("0:00")))
    }

    @Test("the next opening and closing are later than the instant, by at most a day")
    func next() throws {
        let night = try #require(OwnerHours("19:00-07:00"))
        #expect(night.opens(after: at("12:00")) == at("19:00"))
        #expect(night.closes(after: at("12:00")) == at("7:00", day: 20_001))
        #expect(night.closes(after: at("6:59:59")) == at("7:00"))
        #expect(night.closes(after: at("7:00")) == at("7:00", day: 20_001))
        #expect(night.opens(after: at("19:00")) == at("19:00", day: 20_001))
        let always = try #require(OwnerHours("08:00-08:00"))
        #expect(always.opens(after: at("7:00")) == nil && always.closes(after: at("7:00")) == nil)
    }

    @Test("before 1970 the days are as long", arguments: [-1, -20_000] as [Int64])
    func before(day: Int64) throws {
        let office = try #require(OwnerHours("09:00-17:30"))
        #expect(!office.contains(at("8:59:59", day: day)) && office.contains(at("9:00", day: day)))
        #expect(office.closes(after: at("9:00", day: day)) == at("17:30", day: day))
        #expect(office.opens(after: at("9:00", day: day)) == at("9:00", day: day + 1))
    }

    @Test("it opens where it begins to contain, and closes where it ends to", arguments: 1...50 as ClosedRange<UInt64>)
    func changes(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<100 {
            let hours = try #require(OwnerHours(from: random.below(1_440), until: random.below(1_440)))
            let now = Instant(milliseconds: Int64(random.below(1 << 42)) - (1 << 41))
            guard let opens = hours.opens(after: now), let closes = hours.closes(after: now) else {
                #expect(hours.from == hours.until && hours.contains(now), "seed \(seed)")
                continue
            }
            let instant = Duration.milliseconds(1)
            #expect(opens > now && opens <= now + .seconds(86_400), "seed \(seed)")
            #expect(closes > now && closes <= now + .seconds(86_400), "seed \(seed)")
            #expect(hours.contains(opens) && !hours.contains(opens - instant), "seed \(seed): \(hours)")
            #expect(!hours.contains(closes) && hours.contains(closes - instant), "seed \(seed): \(hours)")
            // In between nothing changes: the next change tells what is the case.
            #expect(hours.contains(now) == (closes < opens), "seed \(seed): \(hours)")
        }
    }
}

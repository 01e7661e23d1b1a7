import Console
import Testing

@Suite("Ages and durations")
struct WordingTests {
    @Test(
        "an age has two units only while the smaller one still says something",
        arguments: [
            (-5, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (192, "3m12s"), (599, "9m59s"), (600, "10m"),
            (10_799, "179m"), (10_800, "3h"), (19_200, "5h20m"), (28_800, "8h"), (172_799, "47h"), (172_800, "2d"),
            (273_600, "3d4h"), (691_200, "8d"), (34_560_000, "400d"),
        ] as [(Int64, String)])
    func age(seconds: Int64, text: String) {
        #expect(Wording.age(seconds: seconds) == text)
    }

    @Test(
        "a duration is a number with a unit, or whole seconds",
        arguments: [
            ("500ms", 500), ("90s", 90_000), ("90", 90_000), ("5m", 300_000), ("5min", 300_000), ("2h", 7_200_000),
            ("1.5s", 1_500), ("0", 0), ("1d", 86_400_000),
        ] as [(String, Int64)])
    func duration(text: String, milliseconds: Int64) {
        #expect(Wording.duration(text) == .milliseconds(milliseconds))
    }

    @Test(
        "what is no duration, negative or longer than a year is refused",
        arguments: ["", "s", "5 parsecs", "-1s", "-1", "nan s", "nans", "infs", "1e300d", "400d", "5mm"])
    func wrongDuration(text: String) {
        #expect(Wording.duration(text) == nil)
    }
}

import Testing

@testable import Automata

@Suite("the nearest known name")
struct NearestNameTests {
    @Test(
        "a letter too many, too few, changed, or swapped with the next is a step",
        arguments: [
            ("", "", 0), ("abc", "abc", 0), ("", "abc", 3), ("abc", "", 3), ("abc", "abxc", 1), ("abc", "ac", 1),
            ("abc", "axc", 1), ("abc", "acb", 1), ("abcd", "badc", 2), ("kitten", "sitting", 3), ("ca", "abc", 3),
        ])
    func steps(left: String, right: String, steps: Int) {
        #expect(editDistance(Array(left), Array(right)) == steps)
        #expect(editDistance(Array(right), Array(left)) == steps)
    }

    @Test(
        "a third of the letters may be wrong, and none of two",
        arguments: [
            ("prcie", "price"), ("lod", "load"), ("gup", "gpu"), ("memmory", "memory"), ("fr", nil), ("", nil),
            ("pxxce", nil), ("weather", nil), ("priority", nil), (String(repeating: "load", count: 1_000), nil),
            ("cpux", "cpu"), ("xpu", "cpu"),
        ])
    func nearest(name: String, nearest: String?) {
        #expect(nearestName(to: name, among: ["price", "load", "memory", "cpu", "gpu"]) == nearest)
    }
}

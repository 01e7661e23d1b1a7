import Testing

@testable import Claims

@Suite("the nearest known word")
struct NearestWordTests {
    private static let known = ["price", "load", "free", "memory", "cpu", "disk", "installed", "near", "gpu"]

    @Test(
        "nothing silly is suggested: only what may have been meant",
        arguments: [
            ("prcie", "price"), ("PRICE", "price"), ("memmory", "memory"), ("lod", "load"), ("inst", "installed"),
            ("gup", "gpu"), ("dpu", "cpu"), ("fr", nil), ("", nil), ("x", nil), ("weather", nil), ("lxxd", nil),
            ("priority", nil), (String(repeating: "load", count: 17), nil),
        ])
    func nearest(found: String, nearest: String?) {
        #expect(NearestWord.of(found, among: Self.known) == nearest)
    }
}

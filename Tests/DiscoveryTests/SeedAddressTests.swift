import Automata
import Testing

@testable import Discovery

@Suite("Addresses of seeds")
struct SeedAddressTests {
    @Test(
        "an address without a port has the usual one; a name without a port is looked up",
        arguments: [
            ("192.0.2.7", SeedAddress.endpoint(Endpoint(host: "192.0.2.7", port: 7_423))),
            ("fd00::7", .endpoint(Endpoint(host: "fd00::7", port: 7_423))),
            ("[fd00::7]", .endpoint(Endpoint(host: "fd00::7", port: 7_423))),
            ("[fd00::7]:99", .endpoint(Endpoint(host: "fd00::7", port: 99))),
            ("palm.example:99", .endpoint(Endpoint(host: "palm.example", port: 99))),
            ("palm.example", .name("palm.example")), ("cellar", .name("cellar")),
            ("palm.example.", .name("palm.example.")),
        ])
    func read(text: String, address: SeedAddress) {
        #expect(SeedAddress(text) == address)
    }

    @Test(
        "what is neither is refused",
        arguments: [
            "", ".", "a..b", "palm example", "palm.example:0", "palm.example:", ":7423", "[fd00::7",
            "http://palm.example",
            String(repeating: "x", count: 64), "a/b",
        ])
    func refused(text: String) {
        #expect(SeedAddress(text) == nil)
    }

    @Test("the lowest priority comes first; among equals a larger weight comes first more often, and none never")
    func order() {
        func place(_ priority: UInt32, _ weight: UInt32, _ host: String) -> ServiceLocation {
            ServiceLocation(priority: priority, weight: weight, endpoint: Endpoint(host: host, port: 1))
        }
        let all = [place(20, 0, "last"), place(10, 10, "light"), place(10, 30, "heavy"), place(10, 0, "rare")]
        var random = SeededRandom(seed: 7)
        var first: [String: Int] = [:]
        for _ in 0..<4_100 {
            let order = ServiceLocation.ordered(all, random: &random).map(\.host)
            #expect(order.count == 4 && order.last == "last")
            first[order[0], default: 0] += 1
        }
        #expect((2_800...3_200).contains(first["heavy"] ?? 0), "\(first)")
        #expect((850...1_150).contains(first["light"] ?? 0), "\(first)")
        #expect((50...180).contains(first["rare"] ?? 0), "\(first)")
    }
}

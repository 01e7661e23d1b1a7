import Automata
import Discovery
import Testing

@testable import Runtime

@Suite("Addresses named by --join")
struct SeedsTests {
    private let far = SeedAddress.endpoint(Endpoint(host: "192.0.2.1", port: 7_423))
    private let farEndpoint = Endpoint(host: "192.0.2.1", port: 7_423)
    private let domain = SeedAddress.name("palm.example")

    private func seconds(_ value: Double) -> Instant { Instant.zero + .seconds(value) }

    @Test("an address that fails is reported once for each reason, and tried ever later, at most once a minute")
    func backsOff() {
        let seeds = SeedBox([far], random: SeededRandom(seed: 1))
        var (tries, reports, now): ([Double], Int, Double) = ([], 0, 0)
        while now < 600 {
            if !seeds.due(at: seconds(now), isAlone: false).isEmpty {
                tries.append(now)
                #expect(seeds.due(at: seconds(now + 100), isAlone: true).isEmpty, "one try at a time")
                seeds.resolved(far, [farEndpoint])
                reports += seeds.failed(farEndpoint, now < 300 ? "refused" : "no route", at: seconds(now)).count
            }
            now += 0.25
        }
        #expect(reports == 2)
        let pauses = zip(tries.dropFirst(), tries).map { $0 - $1 }
        #expect(pauses.first.map { (0.75...1.25).contains($0) } == true, "\(pauses)")
        #expect(pauses.allSatisfy { $0 <= 60.25 } && pauses.last.map { $0 >= 45 } == true, "\(pauses)")
        #expect((14...24).contains(tries.count), "\(tries)")
    }

    @Test("an address that has answered is tried again only while this peer knows nobody")
    func answered() {
        let seeds = SeedBox([far], random: SeededRandom(seed: 1))
        #expect(seeds.due(at: seconds(0), isAlone: true) == [far])
        seeds.resolved(far, [farEndpoint])
        #expect(seeds.failed(farEndpoint, "refused", at: seconds(0)) == [far])
        #expect(seeds.due(at: seconds(5), isAlone: false) == [far], "it has not answered: it may lead elsewhere")
        seeds.resolved(far, [farEndpoint])
        #expect(seeds.reached(farEndpoint) == [far], "what was reported is taken back")
        #expect(seeds.due(at: seconds(9), isAlone: false).isEmpty)
        #expect(seeds.due(at: seconds(9), isAlone: true) == [far])
    }

    @Test("a name's peers are all tried; it fails with the last of them, and is looked up again")
    func names() {
        let seeds = SeedBox([domain], random: SeededRandom(seed: 1))
        #expect(seeds.due(at: seconds(0), isAlone: true) == [domain])
        #expect(seeds.failed(domain, "no name server answers", at: seconds(0)))
        #expect(seeds.due(at: seconds(2), isAlone: true) == [domain])
        let both = [Endpoint(host: "a.example", port: 1), Endpoint(host: "b.example", port: 2)]
        seeds.resolved(domain, both)
        #expect(seeds.failed(both[0], "refused", at: seconds(2)).isEmpty)
        #expect(seeds.due(at: seconds(200), isAlone: true).isEmpty)
        #expect(seeds.failed(both[1], "refused", at: seconds(2)) == [domain])
        #expect(seeds.due(at: seconds(5), isAlone: true) == [domain])
        seeds.resolved(domain, both)
        #expect(seeds.reached(both[1]) == [domain])
        #expect(seeds.failed(both[0], "refused", at: seconds(6)).isEmpty, "late, and no matter")
        #expect(seeds.failed(Endpoint(host: "nobody", port: 9), "refused", at: seconds(6)).isEmpty)
    }
}

/// `Seeds` behind a reference: expectations cannot call what mutates.
private final class SeedBox {
    private var seeds: Seeds

    init(_ addresses: [SeedAddress], random: SeededRandom) { seeds = Seeds(addresses, random: random) }

    func due(at now: Instant, isAlone: Bool) -> [SeedAddress] { seeds.due(at: now, isAlone: isAlone) }
    func resolved(_ address: SeedAddress, _ endpoints: [Endpoint]) { seeds.resolved(address, endpoints) }
    func reached(_ endpoint: Endpoint) -> [SeedAddress] { seeds.reached(endpoint) }
    func failed(_ endpoint: Endpoint, _ reason: String, at now: Instant) -> [SeedAddress] {
        seeds.failed(endpoint, reason, at: now)
    }
    func failed(_ address: SeedAddress, _ reason: String, at now: Instant) -> Bool {
        seeds.failed(address, reason, at: now)
    }
}

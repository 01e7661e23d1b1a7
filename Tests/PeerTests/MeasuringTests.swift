import Automata
import Claims
import Neighbours
import Testing

@testable import Peer

@Suite("what the host finds out about its machine")
struct MeasuringTests {
    let master = PeerID(0x10)
    let machine = PeerID(0x20)

    private func offer(_ village: Village) -> Advertisement? { village[master]?.neighbours[machine]?.advertisement }

    @Test("is told to masters and on the link, in its turn, and claims are judged by it")
    func told() throws {
        var village = Village(masters: [master], machines: [machine])
        village.pass(.seconds(5))
        #expect(offer(village)?.facts.memory == .mebibytes(1_024), "what instances may ask for is known from the start")
        let facts = MachineFacts(
            architecture: "arm64", cores: 8, memory: .mebibytes(1), gpus: 2, gpuModel: "T4", load: 50,
            terms: OwnerTerms(coresMax: 1))
        village.give(.measured(facts), to: machine)
        village.pass(.seconds(2))
        let heard = try #require(offer(village))
        #expect(heard.facts.architecture == "arm64" && heard.facts.load == 50 && heard.facts.gpuModel == "T4")
        #expect(heard.cores == 8 && heard.gpus == 2, "nothing of it is reserved")
        #expect(
            heard.facts.memory == .mebibytes(1_024) && heard.facts.terms == OwnerTerms(), "those are its owner's to say"
        )
        #expect(village[machine]?.claims.offer.facts.cores == 8)
        let published = village.performed(machine).compactMap {
            if case .publish(let advertisement) = $0 { advertisement } else { nil }
        }
        #expect(published.last?.facts.cores == 8)
    }

    @Test("is told once: the same again changes nothing")
    func quiet() {
        var village = Village(masters: [master], machines: [machine])
        village.pass(.seconds(5))
        let facts = MachineFacts(architecture: "arm64", cores: 8, load: 50)
        village.give(.measured(facts), to: machine)
        village.pass(.seconds(5))
        let before = village[machine]?.neighbours.own.sequence
        for _ in 0..<10 {
            village.give(.measured(facts), to: machine)
            village.pass(.seconds(30))
        }
        #expect(village[machine]?.neighbours.own.sequence == before)
    }

    @Test("that many changes come at once costs one publication a second")
    func coalesced() {
        var village = Village(masters: [master], machines: [machine])
        village.pass(.seconds(5))
        let before = village.performed(machine).count
        for load in 1...50 { village.give(.measured(MachineFacts(cores: 2, load: load)), to: machine) }
        village.pass(.seconds(1))
        let published = village.performed(machine).dropFirst(before).count {
            if case .publish = $0 { true } else { false }
        }
        #expect((1...2).contains(published), "\(published) publications")
        #expect(offer(village)?.facts.load == 50)
    }
}

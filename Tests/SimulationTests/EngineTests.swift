import Automata
import Testing

@testable import Simulation

@Suite("The engine's parts")
struct EngineTests {
    @Test("events come in the order of time, then of scheduling, from all three ranges of the queue", arguments: 1...3)
    func order(seed: Int) {
        var draw = Draw(seed: UInt64(seed), "test")
        var queue = EventQueue()
        defer { queue.close() }
        var pending: [Event] = []
        var now: Int64 = 0
        var sequence: UInt64 = 0
        for _ in 0..<3_000 {
            if pending.isEmpty || draw.below(5) < 3 {
                // At once, within the second, within the hour, later.
                let reach: [Int64] = [1, 1_000_000, 900_000_000, 3_000_000_000_000, 20_000_000_000_000]
                let at = now + Int64(draw.below(Int(reach[draw.below(reach.count)])))
                let event = Event(
                    at: at, sequence: sequence, target: 0, source: 0, slot: 0, kind: .note, detail: 0, life: 0)
                sequence += 1
                queue.push(event)
                pending.append(event)
            } else {
                let expected = pending.indices.min { pending[$0].precedes(pending[$1]) } ?? 0
                let event = queue.pop(until: .max)
                #expect(event?.sequence == pending[expected].sequence)
                now = event?.at ?? now
                pending.remove(at: expected)
            }
            #expect(queue.count == pending.count)
            if pending.count > 60 { pending.sort { $0.precedes($1) } }
        }
    }

    @Test("nothing later than the limit comes out")
    func limit() {
        var queue = EventQueue()
        defer { queue.close() }
        queue.push(Event(at: 50, sequence: 0, target: 1, source: 0, slot: 0, kind: .note, detail: 0, life: 0))
        #expect(queue.pop(until: 49) == nil)
        #expect(queue.pop(until: 50)?.target == 1)
        #expect(queue.pop(until: .max) == nil)
    }

    @Test("an event takes 32 bytes")
    func size() { #expect(MemoryLayout<Event>.size == 32) }

    @Test("the table finds every peer that is in it, and no other, through renaming")
    func table() {
        var draw = Draw(seed: 3, "test")
        var table = PeerTable(expected: 10)
        var known: [PeerID: UInt32] = [:]
        for number in 0..<UInt32(3_000) {
            let id = draw.id()
            table.insert(id, number: number)
            known[id] = number
            if number % 3 == 0, let old = known.first?.key {
                table.remove(old)
                known[old] = nil
                #expect(table.number(of: old) == nil)
            }
        }
        #expect(table.count == known.count)
        #expect(known.allSatisfy { table.number(of: $0.key) == $0.value })
        #expect(table.number(of: draw.id()) == nil)
    }

    @Test("a drifting clock never fires a timer early, nor more than a microsecond late")
    func clocks() {
        var draw = Draw(seed: 5, "test")
        let clocks = Clocks(peers: 20, offset: 0...5_000_000_000, driftPerMillion: -200...200, draw: &draw)
        for peer in 0..<UInt32(20) {
            for time in [0, 1_000_000, 77_000_000_000, 90_000_000_000_000] as [Int64] {
                let due = clocks.local(peer, at: time) + 3_000_000_000
                let fired = clocks.local(peer, at: clocks.global(peer, at: due))
                #expect(fired >= due && fired - due <= 1_000, "peer \(peer) at \(time): \(fired - due) ns")
            }
        }
    }

    @Test("a histogram's quantiles are right to three per cent")
    func quantiles() {
        var histogram = Histogram()
        for value in 1...100_000 { histogram.add(value) }
        for share in [0.01, 0.1, 0.5, 0.9, 0.99] {
            let wanted = share * 100_000
            #expect(abs(histogram.quantile(share) - wanted) < wanted * 0.035, "\(share)")
        }
        #expect(histogram.count == 100_000 && histogram.max == 100_000)
    }
}

@Suite("The modelled network")
struct NetworkTests {
    private func network(_ peers: Int = 10, _ latency: LatencyModel = .constant(1_000)) -> Network {
        Network(peers: peers, latency: latency, draw: Draw(seed: 1, "network"))
    }

    @Test("a cut stops both ways or one, for as long as it lasts")
    func cuts() {
        var network = network()
        defer { network.close() }
        let both = network.cut([1, 2], oneWay: false) ?? 99
        #expect(network.isCut(from: 1, to: 3) && network.isCut(from: 3, to: 1))
        #expect(!network.isCut(from: 1, to: 2) && !network.isCut(from: 3, to: 4))
        let mute = network.cut([3], oneWay: true) ?? 99
        #expect(network.isCut(from: 3, to: 4) && !network.isCut(from: 4, to: 3))
        network.heal(cut: both, peers: 10)
        #expect(!network.isCut(from: 1, to: 4) && network.isFaulty)
        network.heal(cut: mute, peers: 10)
        #expect(!network.isCut(from: 3, to: 4) && !network.isFaulty)
    }

    @Test("loss and doubling happen as often as they should")
    func rates() {
        var network = network()
        defer { network.close() }
        (network.loss, network.doubling) = (0.05, 0.02)
        let fates = (0..<100_000).map { _ in network.fate(from: 0, to: 1, bytes: 100, at: 0) }
        let lost = fates.count { $0.first < 0 }
        let doubled = fates.count { $0.second >= 0 }
        #expect((4_700...5_300).contains(lost) && (1_800...2_200).contains(doubled), "\(lost) lost, \(doubled) doubled")
    }

    @Test("bytes leave one after the other; a slow link takes its factor longer")
    func bandwidth() {
        var network = network()
        defer { network.close() }
        network.setBandwidth(8_000)  // a byte each millisecond
        #expect(network.fate(from: 0, to: 1, bytes: 10, at: 0).first == 10_001_000)
        #expect(network.fate(from: 0, to: 1, bytes: 10, at: 0).first == 20_001_000)
        network.setBandwidth(0)
        network.slow(5, factor: 7)
        #expect(network.fate(from: 0, to: 5, bytes: 10, at: 0).first == 7_000)
    }

    @Test("the transit-stub graph has 5,050 routers, is symmetric, and is the same for the same seed")
    func transitStub() {
        var (one, other) = (Draw(seed: 9, "topology"), Draw(seed: 9, "topology"))
        let graph = TransitStub(TransitStub.Shape(), peers: 300, draw: &one)
        let twin = TransitStub(TransitStub.Shape(), peers: 300, draw: &other)
        #expect(graph.routers == 5_050)
        for peer in 0..<UInt32(300) {
            let next = (peer * 7 + 1) % 300
            let delay = graph.delay(from: peer, to: next)
            #expect(delay == graph.delay(from: next, to: peer) && delay == twin.delay(from: peer, to: next))
            #expect((2_000_000..<1_000_000_000).contains(delay))
        }
    }
}

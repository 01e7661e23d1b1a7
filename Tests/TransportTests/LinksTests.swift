import Automata
import Testing

@testable import Identity
@testable import Transport

/// `Links` without sockets: one input, exact effects.
@Suite("links")
struct LinksTests {
    private let small = PeerID(0x10)
    private let large = PeerID(0x90)
    private let here = Endpoint(host: "192.0.2.1", port: 1)
    private let there = Endpoint(host: "192.0.2.2", port: 2)
    private let now = Instant(milliseconds: 1_000_000)

    private func identity(_ peer: PeerID) -> VerifiedIdentity {
        VerifiedIdentity(peer: peer, kind: .machine, name: "m", fabric: "lab", notAfter: now + .seconds(86_400))
    }

    private func greeting(_ incarnation: UInt64 = 1) -> Greeting {
        Greeting(
            versions: 1...1, fabric: "lab", software: "", clock: now, incarnation: Incarnation(incarnation))
    }

    private func links(own: PeerID, _ change: (inout TransportLimits) -> Void = { _ in }) -> Links {
        var limits = TransportLimits()
        change(&limits)
        return Links(own: own, limits: limits, seed: 1)
    }

    /// A link with an open connection that this side dialled.
    private func openDialled(_ links: inout Links, to peer: PeerID) -> ConnectionID {
        _ = links.effects(of: .learned(peer, [there]), at: now)
        _ = links.effects(of: .send([1], to: peer), at: now)
        let id = ConnectionID.dialled(links.nextDial - 1)
        _ = links.effects(of: .secured(id, identity(peer)), at: now)
        _ = links.effects(of: .greeted(id, greeting()), at: now)
        return id
    }

    private func accept(
        _ links: inout Links, _ number: UInt64, from peer: PeerID, incarnation: UInt64 = 1
    ) -> [Links.Effect] {
        let id = ConnectionID.accepted(number)
        _ = links.effects(of: .accepted(id, remote: here), at: now)
        _ = links.effects(of: .secured(id, identity(peer)), at: now)
        return links.effects(of: .greeted(id, greeting(incarnation)), at: now)
    }

    private func reports(_ effects: [Links.Effect]) -> [TransportEvent] {
        effects.compactMap { if case .report(let event) = $0 { event } else { nil } }
    }

    @Test("of two connections both sides keep the one that the smaller PeerID dialled")
    func simultaneousOpen() {
        var a = links(own: small)
        let byA = openDialled(&a, to: large)
        let atA = accept(&a, 0, from: large)
        #expect(atA.contains(.farewell(.accepted(0))) && a.links[large]?.current == byA)
        #expect(reports(atA).isEmpty)

        var b = links(own: large)
        let byB = openDialled(&b, to: small)
        let atB = accept(&b, 0, from: small)
        #expect(atB.contains(.farewell(byB)) && b.links[small]?.current == .accepted(0))
        #expect(reports(atB).isEmpty)
        #expect(b.counters.superseded == 1)
    }

    @Test("frames that arrive on a connection that is retiring are delivered until the other side's farewell")
    func retiringIsRead() {
        var b = links(own: large)
        let byB = openDialled(&b, to: small)
        _ = accept(&b, 0, from: small)
        #expect(b.effects(of: .received(byB, [7]), at: now) == [.report(.received(small, [7]))])
        #expect(b.effects(of: .farewelled(byB), at: now) == [.close(byB, .ended(.closedHere))])
        #expect(b.effects(of: .received(byB, [8]), at: now) == [])
        #expect(reports(b.effects(of: .ended(byB, .ended(.closedHere)), at: now)).isEmpty)
    }

    @Test("an attempt that has not greeted is dropped when the other side's connection opens")
    func attemptDropped() {
        var a = links(own: small)
        _ = a.effects(of: .learned(large, [there]), at: now)
        #expect(a.effects(of: .send([1], to: large), at: now).contains(.dial(.dialled(0), there)))
        let effects = accept(&a, 0, from: large)
        #expect(effects.contains(.close(.dialled(0), .ended(.closedHere))))
        #expect(effects.contains(.write(.accepted(0), [1])))
        #expect(reports(a.effects(of: .ended(.dialled(0), .ended(.closedHere)), at: now)).isEmpty)
        #expect(a.links[large]?.current == .accepted(0))
    }

    @Test("a new process of a peer replaces its old connection, and is announced as such")
    func restarted() {
        var a = links(own: small)
        _ = accept(&a, 0, from: large, incarnation: 1)
        let effects = accept(&a, 1, from: large, incarnation: 2)
        #expect(effects.contains(.close(.accepted(0), .ended(.restarted))))
        #expect(
            reports(effects) == [
                .disconnected(large, .restarted), .connected(identity(large), remote: here, greeting: greeting(2)),
            ])
        // A straggler of the old process is let go.
        let late = accept(&a, 2, from: large, incarnation: 1)
        #expect(late.contains(.farewell(.accepted(2))) && reports(late).isEmpty)
        #expect(a.links[large]?.current == .accepted(1))
    }

    @Test("endpoints are tried in turn: beside a silent one after the stagger, at once after a failed one")
    func endpointsInTurn() {
        var a = links(own: small)
        let third = Endpoint(host: "192.0.2.3", port: 3)
        _ = a.effects(of: .learned(large, [here, there, third]), at: now)
        let first = a.effects(of: .send([1], to: large), at: now)
        #expect(first.contains(.dial(.dialled(0), here)))
        #expect(first.contains(.set(.stagger(.peer(large)), now + .milliseconds(250))))
        #expect(a.effects(of: .fired(.stagger(.peer(large))), at: now).contains(.dial(.dialled(1), there)))
        let failed = a.effects(of: .ended(.dialled(1), .unreachable(.refused)), at: now)
        #expect(failed.contains(.dial(.dialled(2), third)))
        // The first whose TLS is up greets; the silent one is dropped.
        let won = a.effects(of: .secured(.dialled(2), identity(large)), at: now)
        #expect(won.contains(.greet(.dialled(2))) && won.contains(.close(.dialled(0), .ended(.closedHere))))
        #expect(a.effects(of: .secured(.dialled(0), identity(large)), at: now).isEmpty)
    }

    @Test(
        "a failed dial is repeated after 50 to 100 ms, then twice as long each time, at most 10 s, and never when nothing waits"
    )
    func backOff() {
        var a = links(own: small) { $0.frameLifetime = .seconds(1_000) }
        _ = a.effects(of: .learned(large, [there]), at: now)
        var instant = now
        var effects = a.effects(of: .send([1], to: large), at: instant)
        var longest = Duration.milliseconds(100)
        for attempt in 0..<12 {
            #expect(effects.contains(.dial(.dialled(UInt64(attempt)), there)))
            effects = a.effects(of: .ended(.dialled(UInt64(attempt)), .unreachable(.timedOut)), at: instant)
            #expect(reports(effects) == [.unreachable(large, .timedOut)])
            let retry = effects.compactMap { if case .set(.retry(large), let due) = $0 { due } else { nil } }
            #expect(retry.count == 1)
            let delay = Duration.nanoseconds((retry.first ?? instant).nanoseconds - instant.nanoseconds)
            #expect(delay >= longest / 2 && delay <= longest, "attempt \(attempt): \(delay)")
            longest = min(longest * 2, .seconds(10))
            instant = instant + delay
            effects = a.effects(of: .fired(.retry(large)), at: instant)
        }
        _ = a.effects(of: .close(large), at: instant)
        #expect(a.effects(of: .fired(.retry(large)), at: instant).isEmpty)
    }

    @Test("frames that nobody takes are dropped after their lifetime, not before")
    func expiry() {
        var a = links(own: small)
        let effects = a.effects(of: .send([1], to: large), at: now)
        #expect(effects.contains(.set(.expiry(large), now + .seconds(10))))
        _ = a.effects(of: .send([2], to: large), at: now + .seconds(4))
        let first = a.effects(of: .fired(.expiry(large)), at: now + .seconds(10))
        #expect(reports(first) == [.dropped(large, frames: 1, .expired)])
        #expect(first.contains(.set(.expiry(large), now + .seconds(14))))
        let second = a.effects(of: .fired(.expiry(large)), at: now + .seconds(14))
        #expect(reports(second) == [.dropped(large, frames: 1, .expired)])
        #expect(a.links[large] == nil, "a link that holds nothing is forgotten")
    }

    @Test("no more than the window is under way, and the rest follows as the kernel takes it")
    func window() {
        var a = links(own: small) { $0.windowBytes = 10 }
        let id = openDialled(&a, to: large)
        _ = a.effects(of: .written(id, 1), at: now)
        let frame = [UInt8](repeating: 1, count: 6)
        let written = (0..<4).flatMap { _ in a.effects(of: .send(frame, to: large), at: now) }
        #expect(written == [.write(id, frame), .write(id, frame)])
        #expect(a.effects(of: .written(id, 6), at: now) == [.write(id, frame)])
        #expect(a.effects(of: .written(id, 6), at: now) == [.write(id, frame)])
        #expect(a.effects(of: .written(id, 6), at: now) == [])
    }

    @Test("the newest frame is dropped when a queue is full, in frames or in bytes")
    func full() {
        var a = links(own: small) {
            $0.queueFrames = 3
            $0.queueBytes = 10
        }
        _ = a.effects(of: .send([1, 1, 1, 1, 1], to: large), at: now)
        #expect(
            reports(a.effects(of: .send([2, 2, 2, 2, 2, 2], to: large), at: now)) == [
                .dropped(large, frames: 1, .queueFull)
            ])
        _ = a.effects(of: .send([3], to: large), at: now)
        _ = a.effects(of: .send([4], to: large), at: now)
        #expect(reports(a.effects(of: .send([5], to: large), at: now)) == [.dropped(large, frames: 1, .queueFull)])
        #expect(a.links[large]?.queue.count == 3)
    }

    @Test("a connection is given up when the other side's certificate ends, and frames dial anew")
    func certificateEnds() {
        var a = links(own: small)
        let id = openDialled(&a, to: large)
        let end = identity(large).notAfter + .seconds(300)
        #expect(a.effects(of: .fired(.certificate(id)), at: end).contains(.farewell(id)))
        #expect(a.effects(of: .send([2], to: large), at: end).contains(.dial(.dialled(1), there)))
        let ended = a.effects(of: .ended(id, .ended(.certificateEnded)), at: end)
        #expect(reports(ended) == [.disconnected(large, .certificateEnded)])
    }

    @Test("a lost connection with frames waiting is dialled again at once")
    func redial() {
        var a = links(own: small) { $0.windowBytes = 1 }
        let id = openDialled(&a, to: large)
        _ = a.effects(of: .send([2], to: large), at: now)
        let effects = a.effects(of: .ended(id, .ended(.lost("reset"))), at: now)
        #expect(reports(effects) == [.disconnected(large, .lost("reset"))])
        #expect(effects.contains(.dial(.dialled(1), there)))
    }

    @Test("late, repeated and foreign inputs about connections that are gone do nothing")
    func foreign() {
        var a = links(own: small)
        let id = openDialled(&a, to: large)
        _ = a.effects(of: .ended(id, .ended(.closedByPeer)), at: now)
        for gone in [id, .accepted(99)] {
            let inputs: [Links.Input] = [
                .secured(gone, identity(large)), .greeted(gone, greeting()), .received(gone, [1]), .farewelled(gone),
                .written(gone, 5), .ended(gone, .ended(.closedHere)), .fired(.idle(gone)), .fired(.handshake(gone)),
                .fired(.farewell(gone)), .fired(.certificate(gone)),
            ]
            for input in inputs { #expect(a.effects(of: input, at: now).isEmpty, "\(input)") }
        }
    }

    /// Random inputs in any order: no trap, bounds kept, `connected` and `disconnected` alternate.
    @Test("3,000 random inputs a seed keep the bounds and the order of events", arguments: (1...40).map { UInt64($0) })
    func chaos(seed: UInt64) {
        var random = SeededRandom.stream(seed: seed, "links")
        var a = links(own: small) { $0.queueFrames = 5 }
        let peers = (1...4).map { PeerID(UInt8($0 * 0x30)) }
        var known: [ConnectionID] = []
        var timers: [LinkTimer] = []
        var instant = now
        var isConnected: [PeerID: Bool] = [:]
        var accepted: UInt64 = 0
        for step in 0..<3_000 {
            instant = instant + .milliseconds(random.below(500))
            let peer = random.pick(peers) ?? large
            let id = random.pick(known) ?? .accepted(1_000)
            let input: Links.Input
            switch random.below(14) {
            case 0, 1: input = .send([UInt8(random.below(256))], to: peer)
            case 2: input = .learned(peer, Array([here, there].prefix(random.below(3))))
            case 3: input = .connect(there)
            case 4: input = random.chance(perMille: 200) ? .close(peer) : .written(id, 1)
            case 5:
                accepted += 1
                known.append(.accepted(accepted))
                input = .accepted(.accepted(accepted), remote: here)
            case 6, 7: input = .secured(id, identity(peer))
            case 8, 9: input = .greeted(id, greeting(UInt64(1 + random.below(3))))
            case 10: input = .received(id, [1])
            case 11: input = .farewelled(id)
            case 12: input = .fired(random.pick(timers) ?? .retry(peer))
            default:
                known.removeAll { $0 == id }
                input = .ended(id, random.chance(perMille: 500) ? .unreachable(.refused) : .ended(.lost("chaos")))
            }
            for effect in a.effects(of: input, at: instant) {
                switch effect {
                case .dial(let id, _): known.append(id)
                case .set(let timer, _): timers.append(timer)
                case .report(.connected(let identity, _, _)):
                    #expect(isConnected[identity.peer] != true, "seed \(seed), step \(step)")
                    isConnected[identity.peer] = true
                case .report(.disconnected(let peer, _)):
                    #expect(isConnected[peer] == true, "seed \(seed), step \(step)")
                    isConnected[peer] = false
                case .report(.received(let peer, _)):
                    #expect(isConnected[peer] == true, "seed \(seed), step \(step): a frame of nobody")
                default: break
                }
            }
            #expect(a.links.values.allSatisfy { $0.queue.count <= 5 }, "seed \(seed), step \(step)")
            #expect(a.connections.count == known.count, "seed \(seed), step \(step)")
            #expect(a.strangers >= 0, "seed \(seed), step \(step)")
        }
        // Rare paths are reached, or the run says nothing.
        #expect(a.counters.opened > 20 && a.counters.superseded > 0 && a.counters.unreachable > 0, "seed \(seed)")
        _ = a.effects(of: .shutdown, at: instant)
        var last: [Links.Effect] = []
        for id in known { last = a.effects(of: .ended(id, .ended(.closedHere)), at: instant) }
        #expect(known.isEmpty || last.contains(.stopped), "seed \(seed)")
        #expect(a.strangers == 0 && a.connections.isEmpty && a.dials.isEmpty, "seed \(seed)")
    }
}

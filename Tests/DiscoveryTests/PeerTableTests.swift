import Automata
import Testing

@testable import Discovery

@Suite("Peer table")
struct PeerTableTests {
    private var table = PeerTable(own: PeerID(0x01), peersMax: 3)
    private let other = PeerID(0xA5)

    @Test("a peer is told once, and again when something of it changes")
    mutating func found() throws {
        let first = try text(other, sequence: 1)
        #expect(try see(other, first) == [.event(.found(told(first, ["10.0.0.7:7000"])))])
        #expect(try see(other, first) == [])
        let second = try text(other, sequence: 2, free: 5)
        #expect(try see(other, second) == [.event(.found(told(second, ["10.0.0.7:7000"])))])
    }

    @Test("endpoints of all places are collected: routable IPv4, IPv6, link-local, loopback")
    mutating func endpoints() throws {
        let one = try text(other, sequence: 1)
        _ = table.resolved(key(other, 1), Sighting(host: "127.0.0.1", port: 7_000, text: one))
        _ = table.resolved(key(other, 2, 1), Sighting(host: "fe80::9%eth0", port: 7_000, text: one))
        _ = table.resolved(key(other, 3, 1), Sighting(host: "2001::9", port: 7_000, text: one))
        let last = table.resolved(key(other, 2), Sighting(host: "10.0.0.7", port: 7_000, text: one))
        let all = ["10.0.0.7:7000", "[2001::9]:7000", "[fe80::9%eth0]:7000", "127.0.0.1:7000"]
        #expect(try last == [.event(.found(told(one, all)))])
        #expect(table.removed(key(other, 2)) == [.event(.found(try told(one, Array(all.dropFirst()))))])
    }

    @Test("a peer that vanishes without the flag has failed, with it has ended, and that is told at once and once")
    mutating func vanished() throws {
        _ = try see(other, text(other, sequence: 1))
        #expect(table.removed(key(other)) == [.event(.vanished(other, ended: false))])
        #expect(table.removed(key(other)) == [])
        _ = try see(other, text(other, sequence: 1))
        #expect(try see(other, text(other, sequence: 1, ended: true)) == [.event(.vanished(other, ended: true))])
        #expect(try see(other, text(other, sequence: 1)) == [])
        #expect(table.removed(key(other)) == [])
        #expect(table.count == 0)
    }

    @Test("a peer that ended and starts again before its records are gone is found again")
    mutating func reborn() throws {
        _ = try see(other, text(other, sequence: 9))
        _ = try see(other, text(other, sequence: 10, ended: true))
        let again = try text(other, incarnation: 2, sequence: 0)
        #expect(try see(other, again) == [.event(.found(told(again, ["10.0.0.7:7000"])))])
    }

    @Test("an older text, heard late on another link, adds its address and changes nothing else")
    mutating func stale() throws {
        let new = try text(other, sequence: 5, free: 1)
        _ = try see(other, new)
        let old = try text(other, sequence: 4, free: 8)
        let outcomes = table.resolved(key(other, 3), Sighting(host: "10.1.0.7", port: 7_000, text: old))
        #expect(try outcomes == [.event(.found(told(new, ["10.0.0.7:7000", "10.1.0.7:7000"])))])
    }

    @Test("where there is no room for another machine there still is for a master")
    mutating func mastersHaveRoom() throws {
        for byte in UInt8(2)...4 { _ = try see(PeerID(byte), text(PeerID(byte), sequence: 1)) }
        let refused = try see(PeerID(5), text(PeerID(5), sequence: 1))
        #expect(refused.count == 1 && table.count == 3)
        if case .refused = refused[0] {} else { Issue.record("a fourth machine is kept") }
        #expect(!table.knowsMaster)
        var master = Advertisement(
            peer: PeerID(6), incarnation: Incarnation(1), sequence: 1, name: "m", fabric: "lab", state: .idle)
        master.apiPort = 8_443
        _ = try see(PeerID(6), AdvertisementText.encode(master))
        #expect(table.count == 4 && table.knowsMaster)
    }

    @Test("a text that comes before an address waits for it; one that comes after counts at once")
    mutating func textFirst() throws {
        let first = try text(other, sequence: 1)
        #expect(table.textHeard(key(other), first) == [])
        _ = try see(other, first)
        let second = try text(other, sequence: 2)
        #expect(try table.textHeard(key(other), second) == [.event(.found(told(second, ["10.0.0.7:7000"])))])
    }

    @Test("a text over the IP version that gave no address yet counts too: it may be the last one, with the ended flag")
    mutating func textElsewhere() throws {
        _ = try see(other, text(other, sequence: 1))
        let last = try text(other, sequence: 1, ended: true)
        #expect(table.textHeard(key(other, 2, 1), last) == [.event(.vanished(other, ended: true))])
        #expect(table.removed(key(other)) == [])
        #expect(table.count == 0)
    }

    @Test("a text under another peer's label, a label of nobody and a malformed text change nothing")
    mutating func impostors() throws {
        let foreign = try text(PeerID(0xB6), sequence: 1)
        #expect(isRefused(try see(other, foreign)))
        let nobody = SightingKey(interface: 2, addressFamily: 0, label: "printer")
        #expect(isRefused(table.resolved(nobody, Sighting(host: "10.0.0.9", port: 1, text: foreign))))
        #expect(isRefused(try see(other, [Array("txtvers=1".utf8)])))
        #expect(table.count == 0)
    }

    @Test("our own service is not found, but heard")
    mutating func ourselves() throws {
        let own = try text(table.own, sequence: 1)
        let outcomes = try see(table.own, own)
        #expect(outcomes == [.heardSelf(try AdvertisementText.decode(own))])
        #expect(table.count == 0)
    }

    @Test("more peers than the bound are refused, and there is room again when one goes")
    mutating func bound() throws {
        for byte: UInt8 in [2, 3, 4] { _ = try see(PeerID(byte), text(PeerID(byte), sequence: 1)) }
        #expect(isRefused(try see(other, text(other, sequence: 1))))
        #expect(table.count == 3)
        _ = table.removed(key(PeerID(2)))
        #expect(try !isRefused(see(other, text(other, sequence: 1))))
    }

    @Test("one peer seen in very many places is bounded too")
    mutating func places() throws {
        let one = try text(other, sequence: 1)
        for interface in 1...100 {
            _ = table.resolved(
                key(other, Int32(interface)), Sighting(host: "10.0.0.\(interface)", port: 7_000, text: one))
        }
        let outcomes = table.resolved(key(other, 1), Sighting(host: "10.0.1.1", port: 7_000, text: one))
        guard case .event(.found(let advertisement)) = outcomes.first else {
            Issue.record("a changed address was not told: \(outcomes)")
            return
        }
        #expect(advertisement.endpoints.count == PeerTable.endpointsMax)
    }

    @Test("a lost back end makes nobody vanish; what the next one does not see within its time does")
    mutating func fading() throws {
        let gone = PeerID(0xB6)
        _ = try see(other, text(other, sequence: 1))
        _ = try see(gone, text(gone, sequence: 1))
        table.fade()
        #expect(try see(other, text(other, sequence: 1)) == [])
        #expect(table.dropFaded() == [.event(.vanished(gone, ended: false))])
        #expect(table.dropFaded() == [])
        #expect(table.count == 1)
    }

    private mutating func see(_ peer: PeerID, _ text: [[UInt8]]) throws -> [PeerTable.Outcome] {
        table.resolved(key(peer), Sighting(host: "10.0.0.7", port: 7_000, text: text))
    }

    private func key(_ peer: PeerID, _ interface: Int32 = 2, _ family: Int32 = 0) -> SightingKey {
        SightingKey(
            interface: interface, addressFamily: family, label: InstanceLabel.make(name: "machine", peer: peer))
    }

    private func text(
        _ peer: PeerID, incarnation: UInt64 = 1, sequence: UInt64, free: Int = 8, ended: Bool = false
    ) throws -> [[UInt8]] {
        try AdvertisementText.encode(
            Advertisement(
                peer: peer, incarnation: Incarnation(incarnation), sequence: sequence, name: "machine", fabric: "lab",
                state: .idle, capacity: 8, free: free, ended: ended))
    }

    private func told(_ text: [[UInt8]], _ endpoints: [String]) throws -> Advertisement {
        var advertisement = try AdvertisementText.decode(text)
        advertisement.endpoints = endpoints.compactMap { Endpoint($0) }
        return advertisement
    }

    private func isRefused(_ outcomes: [PeerTable.Outcome]) -> Bool {
        if case .refused = outcomes.first { return outcomes.count == 1 }
        return false
    }
}

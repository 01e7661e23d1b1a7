import Automata
import Testing

@testable import Discovery

@Suite("Publication")
struct PublicationTests {
    @Test("a label has the machine's name and the whole PeerID, and at most 63 bytes of whole characters")
    func labels() {
        let peer = PeerID(0xA5)
        #expect(InstanceLabel.make(name: "cellar", peer: peer) == "cellar a5000000000000000000000000000000")
        for name in ["x", String(repeating: "é", count: 40), "a b.c\\d", "👩‍👩‍👧‍👦👩‍👩‍👧‍👦"] {
            for alternate: UInt16 in [0, 2, 999] {
                let label = InstanceLabel.make(name: name, peer: peer, alternate: alternate)
                #expect(label.utf8.count <= 63)
                #expect(InstanceLabel.peer(of: label) == peer)
            }
        }
        #expect(InstanceLabel.make(name: "x", peer: peer) != InstanceLabel.make(name: "x", peer: peer, alternate: 2))
    }

    @Test("a name that looks like an id does not change whose label it is")
    func impostor() {
        let label = InstanceLabel.make(name: PeerID(0xB6).description.prefix(30) + "", peer: PeerID(0xA5))
        #expect(InstanceLabel.peer(of: label) == PeerID(0xA5))
        #expect(InstanceLabel.peer(of: "printer on the second floor") == nil)
        #expect(InstanceLabel.peer(of: "") == nil)
    }

    @Test("sub-types follow state and role")
    func subtypes() {
        var advertisement = Advertisement(peer: PeerID(1), incarnation: Incarnation(1), name: "n", fabric: "f")
        var seen: [MachineState: [String]] = [:]
        for state in MachineState.allCases {
            advertisement.state = state
            seen[state] = InstanceLabel.subtypes(of: advertisement)
        }
        #expect(
            seen == [
                .joining: [], .idle: ["_idle"], .worker: ["_worker"], .coordinator: ["_coordinator"], .draining: [],
                .drained: [], .left: [], .failed: [],
            ])
        advertisement.apiPort = 8_443
        advertisement.state = .idle
        #expect(InstanceLabel.subtypes(of: advertisement) == ["_idle", "_master"])
        advertisement.leads = [LedgerLead(ledger: PeerID(1), epoch: 1, view: 0, members: 1)]
        #expect(InstanceLabel.subtypes(of: advertisement) == ["_coordinator", "_idle", "_master"])
        advertisement.state = .coordinator
        #expect(InstanceLabel.subtypes(of: advertisement) == ["_coordinator", "_master"])
    }

    @Test("records in wire form")
    func records() throws {
        let publication = try Publication(
            of: Advertisement(
                peer: PeerID(0xA5), incarnation: Incarnation(1), name: "a.b", fabric: "f", state: .idle,
                endpoints: [Endpoint(host: "::", port: 0x1234)]), alternate: 0)
        let records = ServiceRecords(type: "_palmier._tcp")
        let service = records.place(of: publication.service, hostName: ["host", "local"])
        #expect(service.name == "a\\.b\\032a5000000000000000000000000000000._palmier._tcp.local")
        #expect(service.unique)
        #expect(service.data == [0, 0, 0, 0, 0x12, 0x34, 4] + Array("host".utf8) + [5] + Array("local".utf8) + [0])
        let subtype = records.subtype("_idle", of: publication)
        #expect(subtype.name == "_idle._sub._palmier._tcp.local")
        #expect(subtype.data.prefix(5) == [36, UInt8(ascii: "a"), UInt8(ascii: "."), UInt8(ascii: "b"), 32])
        #expect(!subtype.unique)
    }

    @Test(
        "a ledger is a service of its own: whose it is, who leads it, in which view, and whether that one still serves")
    func ledgers() throws {
        var advertisement = Advertisement(
            peer: PeerID(0xA5), incarnation: Incarnation(1), name: "m2", fabric: "lab", state: .idle,
            endpoints: [Endpoint(host: "::", port: 0x1234)])
        advertisement.leads = [LedgerLead(ledger: PeerID(0xB6), epoch: 3, view: 4, members: 2)]
        let ledger = try #require(try Publication(of: advertisement, alternate: 0).ledgers.first)
        #expect(ledger.label == "m2 leads b6000000000000000000000000000000" && ledger.port == 0x1234)
        #expect(
            ledger.text.map { String(decoding: $0, as: UTF8.self) } == [
                "txtvers=1", "id=b6000000000000000000000000000000", "fab=lab", "by=a5000000000000000000000000000000",
                "view=3.4", "members=2", "serving=1",
            ])
        advertisement.leads[0].name = "accounts of the laboratory"
        let named = try #require(try Publication(of: advertisement, alternate: 0).ledgers.first)
        #expect(named.label == "accounts of the  at m2 b6000000000000000000000000000000")
        #expect(named.text.contains(Array("name=accounts of the laboratory".utf8)))
        advertisement.leads[0].name = ""
        advertisement.ended = true
        let ended = try #require(try Publication(of: advertisement, alternate: 0).ledgers.first)
        #expect(ended.text.last == Array("serving=0".utf8) && ended.label == ledger.label)

        let type = try #require(LinkService.type(beside: "_palmier._tcp"))
        #expect(type == "_palmier-ledger._tcp")
        let records = ServiceRecords(type: type).all(ledger, hostName: ["host", "local"])
        #expect(records.map(\.kind) == [.pointer, .service, .text, .pointer])
        #expect(records[1].name == "m2\\032leads\\032b6000000000000000000000000000000._palmier-ledger._tcp.local")
        #expect(LinkService.type(beside: "_palmier-tests._tcp") == nil)
    }

    @Test("the first publication goes at once, later ones once a second, the latest wins")
    func pace() {
        var pacer = PublicationPacer<Int>(interval: .seconds(1))
        let start = ContinuousClock.Instant.now
        #expect(pacer.offer(1, at: start) == .publish(1))
        #expect(pacer.offer(2, at: start + .milliseconds(10)) == .wait(until: start + .seconds(1)))
        #expect(pacer.offer(3, at: start + .milliseconds(20)) == .replaced)
        #expect(pacer.due(at: start + .milliseconds(999)) == nil)
        #expect(pacer.due(at: start + .seconds(1)) == 3)
        #expect(pacer.due(at: start + .seconds(1)) == nil)
        #expect(pacer.offer(4, at: start + .milliseconds(1_500)) == .wait(until: start + .seconds(2)))
        pacer.drop(at: start + .milliseconds(1_600))
        #expect(pacer.due(at: start + .seconds(5)) == nil)
        #expect(pacer.offer(5, at: start + .seconds(5)) == .publish(5))
    }
}

@Suite("Interface addresses")
struct InterfaceAddressTests {
    private let lo4 = InterfaceAddress(interface: "lo", index: 1, bytes: [127, 0, 0, 1], isLoopback: true)
    private let lo6 = InterfaceAddress(
        interface: "lo", index: 1, bytes: [UInt8](repeating: 0, count: 15) + [1], isLoopback: true)
    private let lan4 = InterfaceAddress(interface: "eth0", index: 2, bytes: [10, 0, 0, 7], isLoopback: false)
    private let link4 = InterfaceAddress(interface: "eth0", index: 2, bytes: [169, 254, 1, 1], isLoopback: false)
    private let link6 = InterfaceAddress(
        interface: "eth0", index: 2, bytes: [0xfe, 0x80] + [UInt8](repeating: 0, count: 13) + [9], isLoopback: false)
    private let lan6 = InterfaceAddress(
        interface: "eth0", index: 2, bytes: [0x20, 1] + [UInt8](repeating: 0, count: 13) + [9], isLoopback: false)

    private func publishable(_ all: [InterfaceAddress], _ interfaces: [String]? = nil, at hosts: [String] = [])
        -> [InterfaceAddress]
    {
        InterfaceAddress.publishable(
            all, interfaces: interfaces, listening: Listening(at: hosts.map { Endpoint(host: $0, port: 1) }))
    }

    @Test("IPv6 loopback is not published, link-local addresses only where there is no other")
    func choice() {
        #expect(publishable([lan6, link6, link4, lan4, lo6, lo4]) == [lo4, lan4, lan6])
        #expect(publishable([link6, link4]) == [link4, link6])
    }

    @Test("only allowed interfaces and addresses that the peer listens at are published")
    func restriction() {
        #expect(publishable([lo4, lan4, lan6], ["lo"]) == [lo4])
        #expect(publishable([lo4, lan4, lan6], at: ["10.0.0.7"]) == [lan4])
        #expect(publishable([lo4, lan4, lan6], at: ["0.0.0.0"]) == [lo4, lan4])
        #expect(publishable([lo4, lan4, lan6], at: ["::"]) == [lo4, lan4, lan6])
    }

    @Test("no interface fills the link with addresses")
    func bound() {
        let many = (1...9).map {
            InterfaceAddress(interface: "eth0", index: 2, bytes: [10, 0, 0, UInt8($0)], isLoopback: false)
        }
        #expect(publishable(many).count == InterfaceAddress.perFamilyMax)
    }
}

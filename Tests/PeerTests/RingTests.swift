import Automata
import Ledger
import Neighbours
import Overlay
import Testing

@testable import Peer

@Suite("The ring among the other parts")
struct RingTests {
    private static let ids = (1...9).map { PeerID(high: UInt64($0) << 60 | 0x7777 << 32, low: UInt64($0)) }
    private let key = Key(high: 0x5A5A << 48, low: 1)

    /// One master, the others machines; all have had time to agree.
    private static func village(hasDiscovery: Bool = true) -> Village {
        var village = Village(masters: [ids[0]], machines: Array(ids.dropFirst()), hasDiscovery: hasDiscovery)
        if !hasDiscovery {
            // A chain of addresses: each knows the one before it alone.
            for (id, before) in zip(ids.dropFirst(), ids) { village.meet(id, before) }
        }
        village.pass(.seconds(60))
        return village
    }

    private func root(of key: Key, among ids: [PeerID]) -> PeerID? {
        ids.min { $0.isCloser(to: key, than: $1) }
    }

    @Test("peers that discovery or addresses bring together are one ring", arguments: [true, false])
    func together(hasDiscovery: Bool) throws {
        var village = Self.village(hasDiscovery: hasDiscovery)
        for id in Self.ids {
            guard case .status(let status) = try village.answer(.status, at: id) else { throw Unexpected() }
            #expect(status.isActive)
            #expect(Set(status.leafSet.smaller + status.leafSet.larger) == Set(Self.ids).subtracting([id]))
        }
    }

    @Test("a lookup from everywhere finds the same root; traced, it says by which way", arguments: [false, true])
    func lookup(traced: Bool) throws {
        var village = Self.village()
        for id in Self.ids {
            guard case .found(let route) = try village.answer(.lookup(key, traced: traced), at: id) else {
                throw Unexpected("no route from \(id)")
            }
            #expect(route.root == root(of: key, among: Self.ids))
            #expect(route.peers.isEmpty != traced)
            if traced { #expect(route.peers.first == id && route.peers.last == route.root) }
        }
    }

    @Test("who routes a message says each time where it is: whom it reaches is to answer, and those between may forget")
    func origins() throws {
        var village = Self.village()
        let from = village.wire.count
        for _ in 0..<2 {
            for id in Self.ids { _ = try village.answer(.lookup(key, traced: false), at: id) }
        }
        var seen = 0
        for (from, _, message) in village.wire[from...] {
            guard case .overlay(.routed(let routed, _), let contacts) = message, routed.origin == from else { continue }
            seen += 1
            #expect(contacts.contains { $0.peer == from && !$0.isNowhere })
        }
        #expect(seen >= 2 * (Self.ids.count - 1))
    }

    @Test("a neighbour that is known by its hello alone is named with its address")
    func named() throws {
        let village = Self.village()
        var peer = try #require(village.homes[Self.ids[0]]?.peer)
        let far = PeerID(0xFA)
        let contacts = peer.contacts(of: Array(Self.ids), for: far)
        #expect(Set(contacts.map(\.peer)) == Set(Self.ids) && contacts.allSatisfy { !$0.isNowhere })
        #expect(peer.contacts(of: [Self.ids[1]], for: far).map(\.peer) == [Self.ids[1]])
    }

    @Test("a lookup that nobody answers is refused in the end")
    func silence() throws {
        var village = Self.village()
        let root = try #require(self.root(of: key, among: Self.ids))
        let origin = try #require(Self.ids.first { $0 != root })
        village.cut = [[origin, root].sorted()]
        guard
            case .refused(let refusal) = try village.answer(
                .lookup(key, traced: false), at: origin, after: .seconds(15))
        else { throw Unexpected("an answer from behind the cut") }
        #expect([.timedOut, .unreachable].contains(refusal.code) && !refusal.remedy.isEmpty)
    }

    @Test("what one peer puts, another gets, also when the root that took it has died")
    func objects() throws {
        var village = Self.village()
        let bytes = Array("palm".utf8)
        guard case .stored(let id, let copies) = try village.answer(.put(bytes), at: Self.ids[2], after: .seconds(1))
        else { throw Unexpected("not stored") }
        #expect(copies >= 2)
        guard case .contents(bytes) = try village.answer(.get(id), at: Self.ids[7], after: .seconds(1)) else {
            throw Unexpected("not read")
        }
        let root = try #require(self.root(of: id, among: Self.ids))
        village.kill(root)
        village.pass(.seconds(60))
        let reader = try #require(Self.ids.last { $0 != root })
        guard case .contents(bytes) = try village.answer(.get(id), at: reader, after: .seconds(1)) else {
            throw Unexpected("not read after the root's death")
        }
        guard case .refused(let refusal) = try village.answer(.get(key), at: reader, after: .seconds(60)) else {
            throw Unexpected("read what nobody has put")
        }
        #expect(refusal.code == .notFound)
    }

    @Test("a peer that restarts where nobody is announced comes back through those that it remembers")
    func remembered() throws {
        var village = Self.village(hasDiscovery: false)
        let last = try #require(Self.ids.last)
        village.pass(.seconds(900))
        #expect(village.homes[last]?.ring.isEmpty == false)
        village.kill(last)
        village.pass(.seconds(60))
        village.restart(last)
        village.pass(.seconds(60))
        guard case .status(let status) = try village.answer(.status, at: last) else { throw Unexpected() }
        #expect(status.isActive && Set(status.leafSet.smaller).count == 8, "\(status)")
    }

    @Test("peers of the ring that are nobody's neighbours are not watched, nor taken for machines to claim")
    func strangers() throws {
        let village = Self.village(hasDiscovery: false)
        let last = try #require(Self.ids.last)
        let known = village[last]?.neighbours.all.map(\.advertisement.peer) ?? []
        #expect(!known.contains(Self.ids[3]), "\(known)")
    }
}

private struct Unexpected: Error {
    let what: String
    init(_ what: String = "another answer") { self.what = what }
}

@Suite("Address book")
struct AddressBookTests {
    private let here = Endpoint(host: "10.0.0.1", port: 1)
    private let there = Endpoint(host: "10.0.0.2", port: 2)

    @Test("a peer's own word outweighs hearsay until it cannot be reached there")
    func ownWord() {
        var book = AddressBook()
        let peer = PeerID(0xA1)
        let first = book.learn(PeerContact(peer: peer, endpoints: [here]), proven: false)
        #expect(first)
        let again = book.learn(PeerContact(peer: peer, endpoints: [here]), proven: true)
        #expect(!again, "nothing new for the host")
        let hearsay = book.learn(PeerContact(peer: peer, endpoints: [there]), proven: false)
        #expect(!hearsay && book[peer] == [here])
        book.doubt(peer)
        let late = book.learn(PeerContact(peer: peer, endpoints: [there]), proven: false)
        #expect(late && book[peer] == [there])
    }

    @Test("who is not needed and was not named lately is forgotten")
    func bounds() {
        var book = AddressBook()
        var tidied = 0
        for number in 0..<UInt64(1_000) {
            if book.isCrowded {
                book.tidy(keeping: stride(from: UInt64(900), through: 0, by: -100).map { PeerID(high: $0, low: 0) })
                tidied += 1
            }
            _ = book.learn(PeerContact(peer: PeerID(high: number, low: 0), endpoints: [here]), proven: false)
        }
        let known = (0..<UInt64(1_000)).filter { !book[PeerID(high: $0, low: 0)].isEmpty }
        #expect(known.filter { $0 % 100 == 0 }.count == 10 && known.contains(999) && !known.contains(799))
        #expect(known.count <= 10 + 2 * AddressBook.othersMax && tidied > 8, "\(known.count), tidied \(tidied) times")
    }

    @Test("an introduction is made once on a connection, also to whose address is not known")
    func introductions() {
        var book = AddressBook()
        let peer = PeerID(0xA1)
        let (first, second) = (book.introduce(to: peer), book.introduce(to: peer))
        #expect(first && !second && book[peer].isEmpty && book.contacts(of: [peer]).isEmpty)
        book.newConnection(with: peer)
        let third = book.introduce(to: peer)
        #expect(third)
    }

    @Test("nobody without an address is in the book; long lists are cut")
    func words() {
        var book = AddressBook()
        let nowhere = book.learn(PeerContact(peer: PeerID(0xA1), endpoints: []), proven: true)
        #expect(!nowhere && book[PeerID(0xA1)].isEmpty)
        _ = book.learn(PeerContact(peer: PeerID(0xB2), endpoints: Array(repeating: here, count: 20)), proven: true)
        #expect(book[PeerID(0xB2)].count == PeerContact.endpointsMax)
        #expect(book.contacts(of: [PeerID(0xA1), PeerID(0xB2)]).map(\.peer) == [PeerID(0xB2)])
    }
}

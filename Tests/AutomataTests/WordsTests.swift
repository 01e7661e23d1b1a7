import Automata
import Testing

@Suite("the words that all layers share")
struct WordsTests {
    @Test("a PeerID is written as 32 digits, most significant first, and read back")
    func peerID() {
        let id = PeerID(high: 0x7f3a_09c1_55d2_e0aa, low: 0x0102_0304_0506_0708)
        #expect(id.description == "7f3a09c155d2e0aa0102030405060708")
        #expect(id.fingerprint == "7f3a-09c1-55d2-e0aa")
        #expect(PeerID(id.description) == id)
        #expect(PeerID(id.description.uppercased()) == id)
        #expect(PeerID(bytes: id.bytes) == id)
        #expect(PeerID(0xA5).description == "a5" + String(repeating: "0", count: 30))
    }

    @Test(
        "what is no PeerID is none",
        arguments: [
            "", "a5", "7f3a-09c1-55d2-e0aa", String(repeating: "g", count: 32), String(repeating: "٣", count: 32),
        ])
    func noPeerID(text: String) {
        #expect(PeerID(text) == nil)
    }

    @Test("PeerIDs are ordered as unsigned 128-bit numbers", arguments: 1...20 as ClosedRange<UInt64>)
    func ordered(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let (a, b) = (PeerID(high: random.next(), low: random.next()), PeerID(high: random.next(), low: random.next()))
        #expect((a < b) == a.bytes.lexicographicallyPrecedes(b.bytes), "seed \(seed)")
        #expect(PeerID(high: 1, low: 0) > PeerID(high: 0, low: .max))
    }

    @Test(
        "Kademlia (2002), 2.1: the distance is zero to itself, symmetric, keeps the triangle inequality, and is unidirectional",
        arguments: 1...20 as ClosedRange<UInt64>)
    func distance(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let (a, b, c) = (random.next(), random.next(), random.next())
        let (x, y, z) = (PeerID(high: a, low: b), PeerID(high: b, low: c), PeerID(high: c, low: a))
        #expect(x.distance(to: x) == PeerID(high: 0, low: 0))
        #expect(x.distance(to: y) == y.distance(to: x), "seed \(seed)")
        // For any point and distance there is exactly one other point.
        let there = x.distance(to: y)
        #expect(PeerID(high: x.high ^ there.high, low: x.low ^ there.low) == y)
        let (xy, yz) = (x.distance(to: y).high, y.distance(to: z).high)
        let (sum, overflow) = xy.addingReportingOverflow(yz)
        #expect(overflow || x.distance(to: z).high <= sum, "seed \(seed)")
    }

    @Test("SHA-256 of \"abc\" is as in FIPS 180-4, whole and piece by piece; a PeerID is its first 128 bits")
    func digest() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        let digest = Digest(of: Array("abc".utf8))
        #expect(digest.description == expected)
        #expect(Digest(hexadecimal: expected) == digest)
        #expect(PeerID(publicKeyDigest: digest).description == String(expected.prefix(32)))
        var builder = DigestBuilder()
        builder.update(Array("a".utf8))
        #expect(builder.finish() == Digest(of: Array("a".utf8)))
        builder.update(Array("bc".utf8))
        #expect(builder.finish() == digest)
        #expect(Digest(bytes: [1, 2, 3]) == nil)
        #expect(Digest(hexadecimal: String(expected.dropLast())) == nil)
    }

    @Test("hexadecimal text is read in either case, and nothing else is")
    func hexadecimal() {
        #expect([UInt8](hexadecimal: "00ffA5") == [0, 255, 0xA5])
        #expect([UInt8](hexadecimal: "") == [])
        for text in ["0", "0x", "zz", " 0", "０１"] { #expect([UInt8](hexadecimal: text) == nil) }
        #expect((0...255).map { UInt8($0) } == [UInt8](hexadecimal: ((0...255).map { UInt8($0) }).hexadecimal))
    }

    @Test("an endpoint is read as it is written", arguments: ["10.0.0.1:7423", "[fe80::1]:7423", "host.local:1"])
    func endpoint(text: String) {
        #expect(Endpoint(text)?.description == text)
    }

    @Test(
        "what is no endpoint is none",
        arguments: [
            "", ":", "host", "host:", ":80", "[]:80", "host:0", "host:65536", "host:-1", "host:+80", "fe80::1:80",
            "host: 80",
            "[[::1]]:80",
        ])
    func noEndpoint(text: String) {
        #expect(Endpoint(text) == nil)
    }

    @Test("the newer advertisement is of the later life, then of the larger sequence")
    func advertisements() {
        func advertisement(_ incarnation: UInt64, _ sequence: UInt64) -> Advertisement {
            Advertisement(
                peer: PeerID(1), incarnation: Incarnation(incarnation), sequence: sequence, name: "a", fabric: "lab")
        }
        #expect(advertisement(2, 1).isNewer(than: advertisement(1, 9)))
        #expect(advertisement(1, 2).isNewer(than: advertisement(1, 1)))
        #expect(!advertisement(1, 1).isNewer(than: advertisement(1, 1)))
        #expect(!advertisement(1, 9).isNewer(than: advertisement(2, 1)))
    }

    @Test("a peer with a port for users is a master, one without is none")
    func masters() {
        var advertisement = Advertisement(peer: PeerID(1), incarnation: Incarnation(1), name: "a", fabric: "lab")
        #expect(!advertisement.isMaster)
        advertisement.apiPort = 7424
        #expect(advertisement.isMaster)
    }

    @Test("counters are written as people read them")
    func descriptions() {
        #expect(PartitionNumber(3).description == "p03")
        #expect(PartitionNumber(12).description == "p12")
        #expect(ByteCount(1_023).description == "1023 B")
        #expect(ByteCount.mebibytes(64).description == "64 MiB")
        #expect(ByteCount.mebibytes(2_048).description == "2 GiB")
        #expect(ByteCount.mebibytes(1_536).description == "1536 MiB")
        let claim = ClaimReference(
            machine: PeerID(0xA5), partition: PartitionNumber(0), fencing: FencingNumber.zero.next)
        #expect(claim.description == "a500-0000-0000-0000/p00#1")
        #expect(Refusal(.conflict, "it moved", remedy: "read it").description == "it moved; read it")
        #expect(Refusal(.conflict, "it moved").description == "it moved")
    }

    @Test("claims and requests are ordered by their parts, the first part first")
    func order() {
        func claim(_ machine: UInt8, _ partition: Int, _ fencing: UInt64) -> ClaimReference {
            ClaimReference(
                machine: PeerID(machine), partition: PartitionNumber(partition), fencing: FencingNumber(fencing))
        }
        let claims = [claim(1, 0, 9), claim(1, 1, 0), claim(1, 1, 1), claim(2, 0, 0)]
        #expect(claims.reversed().sorted() == claims)
        func key(_ customer: String, _ reference: String) -> RequestKey {
            RequestKey(customer: Customer(customer), reference: reference)
        }
        let keys = [key("a", "z"), key("b", "a"), key("b", "b")]
        #expect(keys.reversed().sorted() == keys)
    }
}

import Automata
import Testing

@testable import Discovery

@Suite("TXT record")
struct AdvertisementTextTests {
    @Test("a machine's text is this, byte for byte")
    func goldenMachine() throws {
        let strings = try AdvertisementText.encode(machine).map { String(decoding: $0, as: UTF8.self) }
        #expect(
            strings == [
                "txtvers=1", "id=a5000000000000000000000000000000", "fab=lab", "inc=1763700000000", "seq=12",
                "name=machine-07", "state=worker", "cap=8", "free=3", "mem=8589934592",
            ])
    }

    @Test("a master's text is this, byte for byte")
    func goldenMaster() throws {
        let strings = try AdvertisementText.encode(master).map { String(decoding: $0, as: UTF8.self) }
        #expect(
            strings == [
                "txtvers=1", "id=a5000000000000000000000000000000", "fab=lab", "inc=1763700000000", "seq=12",
                "name=machine-07", "state=worker", "cap=8", "free=3", "mem=8589934592", "price=250000", "api=8443",
                "led=1201", "lead0=/2.1.3", "rep=1", "ended=1",
            ])
    }

    @Test("what was encoded is decoded to the same, without endpoints")
    func roundTrip() throws {
        for advertisement in [machine, master, largest] {
            var expected = advertisement
            expected.endpoints = []
            #expect(try AdvertisementText.decode(AdvertisementText.encode(advertisement)) == expected)
        }
    }

    @Test(
        "the text has at most 200 bytes for a usual peer and 1,100 for any, keys of at most 9 characters, and txtvers first"
    )
    func limits() throws {
        #expect(try size(of: machine) <= 200)
        #expect(try size(of: master) <= 200)
        #expect(try size(of: largest) == 1083)
        for string in try AdvertisementText.encode(largest) {
            #expect(string.count <= 255)
            #expect(string.prefix { $0 != UInt8(ascii: "=") }.count <= 9)
        }
        #expect(try AdvertisementText.encode(largest).first == Array("txtvers=1".utf8))
    }

    @Test("keys are read in any case and order, the first of two counts, and unknown ones are ignored")
    func tolerance() throws {
        var strings = try AdvertisementText.encode(machine)
        strings.reverse()
        strings.append(Array("SEQ=99".utf8))
        strings += ["future=1", "org.freedesktop.Avahi.cookie=7", "flag", "", "=nokey"].map { Array($0.utf8) }
        let position = try #require(strings.firstIndex { $0.starts(with: Array("state=".utf8)) })
        strings[position] = Array("STATE=worker".utf8)
        var expected = machine
        expected.endpoints = []
        #expect(try AdvertisementText.decode(strings) == expected)
    }

    @Test(
        "a wrong field refuses the whole text and is named",
        arguments: [
            ("id=a5", "id"), ("id=zz000000000000000000000000000000", "id"), ("fab=", "fab"), ("name=", "name"),
            ("name=a\u{1b}[2J", "name"), ("name=a\u{202e}b", "name"), ("state=asleep", "state"), ("inc=-1", "inc"),
            ("inc=18446744073709551616", "inc"), ("seq=+1", "seq"), ("seq=", "seq"), ("cap=65536", "cap"),
            ("free=0x1", "free"), ("mem=9223372036854775808", "mem"), ("price=-5", "price"), ("api=0", "api"),
            ("api=65536", "api"), ("led=x", "led"), ("lead0=a5/1.0.1", "lead0"),
            ("lead0=a5000000000000000000000000000000/1.0", "lead0"),
            ("lead0=a5000000000000000000000000000000/1.-1.3", "lead0"), ("rep=2", "rep"), ("ended=2", "ended"),
            ("ended=yes", "ended"),
        ])
    func malformed(string: String, key: String) throws {
        var strings = try AdvertisementText.encode(master)
        let position = try #require(strings.firstIndex { $0.starts(with: Array("\(key)=".utf8)) })
        strings[position] = Array(string.utf8)
        let error = #expect(throws: AdvertisementTextError.self) { try AdvertisementText.decode(strings) }
        #expect(error?.code == .malformed && error?.key == key)
        #expect(error?.message.contains("\"\(key)\"") == true)
    }

    @Test("a missing field, another version and an overlong text are refused with their reasons")
    func refusals() throws {
        let strings = try AdvertisementText.encode(machine)
        for key in ["txtvers", "id", "fab", "inc", "seq", "name", "state", "cap", "free", "mem"] {
            let rest = strings.filter { !$0.starts(with: Array("\(key)=".utf8)) }
            let error = #expect(throws: AdvertisementTextError.self) { try AdvertisementText.decode(rest) }
            #expect(error?.code == .missing && error?.key == key)
        }
        let other = [Array("txtvers=2".utf8)] + strings.dropFirst()
        #expect(throws: AdvertisementTextError.self) { try AdvertisementText.decode(other) }
        let long = strings + Array(repeating: [UInt8](repeating: 120, count: 255), count: 5)
        let error = #expect(throws: AdvertisementTextError.self) { try AdvertisementText.decode(long) }
        #expect(error?.code == .tooLarge)
    }

    @Test("an advertisement that nobody would accept is not encoded")
    func encodingBounds() {
        for change: (inout Advertisement) -> Void in [
            { $0.name = "" }, { $0.name = String(repeating: "x", count: 64) }, { $0.fabric = "a\nb" },
            { $0.capacity = -1 }, { $0.free = 65_536 }, { $0.memory = ByteCount(-1) }, { $0.price = -1 },
        ] {
            var advertisement = machine
            change(&advertisement)
            #expect(throws: AdvertisementTextError.self) { try AdvertisementText.encode(advertisement) }
        }
    }

    @Test("mutated bytes never trap, and what is accepted keeps its bounds", arguments: [UInt64(1), 2, 3, 4])
    func mutation(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let originals = try [machine, master, largest].map { try AdvertisementText.encode($0) }
        var accepted = 0
        for _ in 0..<5_000 {
            var strings = random.pick(originals) ?? []
            for _ in 0...random.below(4) { mutate(&strings, &random) }
            guard let advertisement = try? AdvertisementText.decode(strings) else { continue }
            accepted += 1
            // What was accepted can be encoded: it is within every bound.
            #expect(throws: Never.self, "seed \(seed): \(strings)") { try AdvertisementText.encode(advertisement) }
        }
        #expect(
            accepted > 0, "seed \(seed) never gave a text that is accepted: the mutation is too strong to test that")
    }

    private func mutate(_ strings: inout [[UInt8]], _ random: inout SeededRandom) {
        guard !strings.isEmpty else { return }
        let index = random.below(strings.count)
        switch random.below(6) {
        case 0: strings.remove(at: index)
        case 1: strings.append(strings[index])
        case 2: strings.swapAt(index, random.below(strings.count))
        case 3: strings[index] = Array(strings[index].prefix(random.below(strings[index].count + 1)))
        case 4: strings[index].append(UInt8(truncatingIfNeeded: random.next()))
        default:
            guard !strings[index].isEmpty else { return }
            strings[index][random.below(strings[index].count)] = UInt8(truncatingIfNeeded: random.next())
        }
    }

    private func size(of advertisement: Advertisement) throws -> Int {
        try AdvertisementText.encode(advertisement).reduce(0) { $0 + 1 + $1.count }
    }

    private var machine: Advertisement {
        Advertisement(
            peer: PeerID(0xA5), incarnation: Incarnation(1_763_700_000_000), sequence: 12, name: "machine-07",
            fabric: "lab", state: .worker, endpoints: [Endpoint(host: "::", port: 7_000)], capacity: 8, free: 3,
            memory: .mebibytes(8_192))
    }

    private var master: Advertisement {
        var master = machine
        master.price = 250_000
        master.apiPort = 8_443
        master.ledger = LedgerIndex(1_201)
        master.leads = [LedgerLead(ledger: PeerID(0xA5), epoch: 2, view: 1, members: 3)]
        master.takesReplicas = true
        master.ended = true
        return master
    }

    private var largest: Advertisement {
        var largest = master
        largest.incarnation = Incarnation(.max)
        largest.sequence = .max
        largest.name = String(repeating: "é", count: 31) + "n"
        largest.fabric = String(repeating: "f", count: 63)
        largest.state = .coordinator
        largest.region = String(repeating: "r", count: 63)
        largest.network = String(repeating: "n", count: 63)
        largest.capacity = 65_535
        largest.free = 65_535
        largest.memory = ByteCount(.max)
        largest.price = .max
        largest.apiPort = 65_535
        largest.ledger = LedgerIndex(.max)
        largest.leads = (0..<UInt8(Advertisement.leadsMax)).map {
            LedgerLead(ledger: PeerID($0), epoch: .max, view: .max, members: .max)
        }
        return largest
    }
}

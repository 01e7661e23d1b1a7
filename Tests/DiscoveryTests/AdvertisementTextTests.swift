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

    @Test("a machine's facts stand behind, the most important first, byte for byte")
    func goldenFacts() throws {
        let strings = try AdvertisementText.encode(offered).map { String(decoding: $0, as: UTF8.self) }
        #expect(
            strings == [
                "txtvers=1", "id=a5000000000000000000000000000000", "fab=lab", "inc=1763700000000", "seq=12",
                "name=machine-07", "state=worker", "cap=8", "free=3", "mem=8589934592", "price=50000", "cpu=3/8",
                "gpu=1/2", "arch=x86-64", "tot=17179869184", "disk=250000000000", "iso=users", "cc=fr", "cont=eu",
                "reg=eu-west", "hours=19:00-07:00", "maxmem=4294967296", "maxcpu=4", "rate=10000/2000/1000000",
                "load=75",
                "ip=46", "kern=6.1.0", "gpum=NVIDIA A100-SXM4-40GB", "net=192.0.2.0/24",
            ])
    }

    @Test("what was encoded is decoded to the same, without endpoints")
    func roundTrip() throws {
        var released = machine
        released.facts.installed = [1, 0xFFEE_0000_0000_0001, .max]
        for advertisement in [machine, master, offered, released] {
            var expected = advertisement
            expected.endpoints = []
            #expect(try AdvertisementText.decode(AdvertisementText.encode(advertisement)) == expected)
        }
    }

    @Test(
        "the text has at most 200 bytes for a usual peer without facts, 400 for any machine and 1,300 for any, keys of at most 9 characters, and txtvers first"
    )
    func limits() throws {
        #expect(try size(of: machine) <= 200)
        #expect(try size(of: master) <= 200)
        let mark = Whereabouts.markBytesMax + 1
        #expect(try size(of: offered) + mark <= 400)
        #expect(try size(of: largest) + mark <= 1_300)
        #expect(try size(of: largestMachine) + mark <= 400)
        #expect(Whereabouts.mark([], port: 65_535).count <= Whereabouts.markBytesMax)
        for string in try AdvertisementText.encode(largest) + AdvertisementText.encode(offered) {
            #expect(string.count <= 255)
            #expect(string.prefix { $0 != UInt8(ascii: "=") }.count <= 9)
        }
        #expect(try AdvertisementText.encode(largest).first == Array("txtvers=1".utf8))
    }

    @Test("a machine with long names and many facts stays within 400 bytes", arguments: [UInt64(1), 2, 3])
    func machineBound(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        func text(_ most: Int) -> String { String(repeating: "w", count: random.below(most + 1)) }
        for _ in 0..<2_000 {
            var any = largestMachine
            any.name = "n" + text(62)
            any.fabric = "f" + text(62)
            any.region = text(63)
            any.network = text(63)
            any.sequence = random.next() >> UInt64(random.below(64))
            any.memory = ByteCount(Int64(truncatingIfNeeded: random.next() >> UInt64(random.below(64))))
            any.price = Int64(random.next() >> UInt64(1 + random.below(63)))
            any.facts.architecture = text(80)
            any.facts.kernel = text(80)
            any.facts.gpuModel = text(80)
            any.facts.isolation = (0..<random.below(6)).map { "\($0)" + text(20) }
            any.facts.installed = (0..<random.below(20)).map { _ in random.next() }
            any.ended = random.chance(perMille: 500)
            let strings = try AdvertisementText.encode(any)
            #expect(AdvertisementText.size(strings) + 1 + Whereabouts.markBytesMax <= 400, "seed \(seed)")
            let read = try AdvertisementText.decode(strings)
            #expect(
                read.name == any.name && read.price == any.price && read.state == any.state && read.ended == any.ended)
            #expect(read.memory == max(.zero, any.memory))
        }
    }

    @Test("what finds no room is left out from the end: what decides whether a machine can serve stays longest")
    func importance() throws {
        var crowded = offered
        crowded.facts.installed = (0..<16).map { $0 }
        var kept: [Set<String>] = []
        for length in stride(from: 1, through: 63, by: 6) {
            crowded.name = String(repeating: "n", count: length)
            crowded.fabric = String(repeating: "f", count: length)
            let keys = try AdvertisementText.encode(crowded).map {
                String(decoding: $0.prefix { $0 != UInt8(ascii: "=") }, as: UTF8.self)
            }
            kept.append(Set(keys))
        }
        for (more, less) in zip(kept, kept.dropFirst()) where !less.isSubset(of: more) {
            // A short one may take the place of a long one, which is less important.
            #expect(less.subtracting(more).isSubset(of: ["net", "rel", "kern", "ip", "load", "rate", "gpum"]))
        }
        #expect(kept.allSatisfy { $0.isSuperset(of: ["cpu", "gpu", "arch", "tot"]) })
        #expect(kept.first?.contains("gpum") == true && kept.last?.contains("gpum") == false)
    }

    @Test("of releases as many are told as there is room for, the newest first")
    func releases() throws {
        var short = machine
        short.facts.installed = (0..<16).map { UInt64.max - $0 }
        let told = try AdvertisementText.decode(AdvertisementText.encode(short)).facts.installed
        #expect(told.count >= 8 && told == Array(short.facts.installed.prefix(told.count)))
        var long = largestMachine
        long.facts = MachineFacts(installed: [7])
        #expect(try AdvertisementText.decode(AdvertisementText.encode(long)).facts.installed == [7])
    }

    @Test("what cannot be shown, or is not known, is left out, and the machine is found all the same")
    func unshowable() throws {
        var odd = offered
        odd.facts.gpuModel = "a\u{1b}[2J"
        odd.facts.architecture = String(repeating: "x", count: 64)
        odd.facts.country = "FR"
        odd.facts.continent = "europe"
        odd.facts.isolation = ["a,\n"]
        odd.facts.cores = 70_000
        (odd.memory, odd.gpus) = (ByteCount(-5), -3)
        let read = try AdvertisementText.decode(AdvertisementText.encode(odd))
        #expect(read.facts.gpuModel.isEmpty && read.facts.architecture.isEmpty && read.facts.country.isEmpty)
        #expect(read.facts.continent.isEmpty && read.facts.isolation.isEmpty && read.facts.cores == 0)
        #expect(read.memory == .zero && read.gpus == 0 && read.facts.gpus == 2)
        #expect(read.region == "eu-west")
    }

    @Test(
        "a wrong fact refuses the whole text and is named",
        arguments: [
            ("cpu=3", "cpu"), ("cpu=9/8", "cpu"), ("cpu=1/65536", "cpu"), ("cpu=-1/8", "cpu"), ("cpu=1/2/3", "cpu"),
            ("gpu=/1", "gpu"), ("arch=", "arch"), ("arch=a\u{7}", "arch"), ("tot=1x", "tot"), ("disk=-1", "disk"),
            ("iso=,", "iso"), ("iso=users,none", "iso"), ("iso=a,b,c,d,e", "iso"), ("cc=FR", "cc"), ("cc=fra", "cc"),
            ("cont=e", "cont"), ("hours=25:00-07:00", "hours"), ("hours=19:00", "hours"),
            ("maxmem=4611686018427387905", "maxmem"),
            ("maxcpu=65536", "maxcpu"), ("rate=1/2", "rate"), ("rate=1/2/9007199254740993", "rate"),
            ("load=10000001", "load"), ("ip=64", "ip"), ("ip=", "ip"), ("kern=a\u{202e}", "kern"), ("gpum=", "gpum"),
            ("rel=00", "rel"), ("rel=xx00000000000000", "rel"), ("rel=", "rel"), ("reg=a\nb", "reg"), ("net=", "net"),
        ])
    func wrongFacts(string: String, key: String) throws {
        let strings = try AdvertisementText.encode(machine) + [Array(string.utf8)]
        let error = #expect(throws: AdvertisementTextError.self) { try AdvertisementText.decode(strings) }
        #expect(error?.code == .malformed && error?.key == key)
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
            { $0.capacity = -1 }, { $0.free = 65_536 }, { $0.price = -1 }, { $0.region = "a\nb" },
        ] {
            var advertisement = machine
            change(&advertisement)
            #expect(throws: AdvertisementTextError.self) { try AdvertisementText.encode(advertisement) }
        }
    }

    @Test("mutated bytes never trap, and what is accepted keeps its bounds", arguments: [UInt64(1), 2, 3, 4])
    func mutation(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let originals = try [machine, master, largest, offered, largestMachine].map { try AdvertisementText.encode($0) }
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

    /// A machine with all facts that a usual one has.
    private var offered: Advertisement {
        var offered = machine
        (offered.price, offered.cores, offered.gpus, offered.region) = (50_000, 3, 1, "eu-west")
        offered.network = "192.0.2.0/24"
        offered.facts = MachineFacts(
            architecture: "x86-64", cores: 8, memory: .mebibytes(16_384), disk: ByteCount(250_000_000_000), gpus: 2,
            gpuModel: "NVIDIA A100-SXM4-40GB", kernel: "6.1.0", isolation: ["users"], hasIPv4: true, hasIPv6: true,
            country: "fr", continent: "eu", load: 75,
            terms: OwnerTerms(
                rates: .init(core: 10_000, memory: 2_000, gpu: 1_000_000), hours: OwnerHours("19:00-07:00"),
                memoryMax: .mebibytes(4_096), coresMax: 4))
        return offered
    }

    /// Everything as long as it can be.
    private var largestMachine: Advertisement {
        var machine = largest
        (machine.apiPort, machine.ledger, machine.leads, machine.takesReplicas) = (nil, nil, [], false)
        (machine.cores, machine.gpus) = (65_535, 65_535)
        func long(_ letter: String) -> String { String(repeating: letter, count: 63) }
        machine.facts = MachineFacts(
            architecture: long("a"), cores: 65_535, memory: ByteCount(.max), disk: ByteCount(.max), gpus: 65_535,
            gpuModel: long("g"), kernel: long("9"), isolation: ["bubblewrap", "none", "users"], hasIPv4: true,
            hasIPv6: true, country: "fr", continent: "eu", load: .max,
            terms: OwnerTerms(
                rates: .init(core: .max, memory: .max, gpu: .max), hours: OwnerHours("19:00-07:00"),
                memoryMax: ByteCount(.max), coresMax: 65_535), installed: Array(repeating: .max, count: 16))
        return machine
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

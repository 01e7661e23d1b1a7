import Automata

/// The keys of a text that are left out where they find no room, the most important first: what decides whether a machine
/// can serve at all stands before what decides how well, and before what costs the most room.
///
/// | key | value |
/// | --- | --- |
/// | `reg`, `net` of a master | where replicas of ledgers are kept is chosen by them |
/// | `cpu` | cores that are not reserved, `/`, cores in all |
/// | `gpu` | the same of accelerators |
/// | `arch` | architecture |
/// | `tot` | memory in all, in bytes |
/// | `disk` | free on the disk that instances write to, in bytes |
/// | `iso` | how instances are kept apart, comma between several |
/// | `cc`, `cont` | country and continent, two letters each |
/// | `reg` | region |
/// | `hours` | when the machine is for others, in UTC |
/// | `maxmem`, `maxcpu` | the most that one instance may ask for |
/// | `rate` | millionths per hour of a core, a gigabyte and an accelerator, `/` between them |
/// | `load` | processes that want to run, for each core, in hundredths |
/// | `ip` | `4`, `6` or `46`: families of addresses beyond the link |
/// | `kern` | kernel |
/// | `gpum` | model of the accelerators |
/// | `net` | subnet of the first address |
/// | `rel` | releases that are installed, newest first: 16 hexadecimal digits each, as many as there is room for |
///
/// A key without a value says that the machine has nothing of it or does not know. What cannot be shown on a person's screen
/// is left out: it must not keep a machine from being found.
enum FactKey: String, CaseIterable {
    case mastersRegion, mastersNetwork
    case cpu, gpu, arch, tot, disk, iso, cc, cont
    case region
    case hours, maxmem, maxcpu, rate, load, ip, kern, gpum
    case network
    case rel

    private var name: String {
        switch self {
        case .mastersRegion, .region: "reg"
        case .mastersNetwork, .network: "net"
        default: rawValue
        }
    }

    // MARK: Writing

    /// - Returns: `key=value` of at most `room` bytes; nil when there is nothing to say, or no room for it.
    func string(of advertisement: Advertisement, room: Int) -> [UInt8]? {
        if self == .rel { return releases(advertisement.facts.installed, room: room) }
        guard let value = value(of: advertisement), !value.isEmpty else { return nil }
        let string = Array("\(name)=\(value)".utf8)
        return string.count <= room ? string : nil
    }

    private func value(of advertisement: Advertisement) -> String? {
        let facts = advertisement.facts
        let terms = facts.terms
        switch self {
        case .mastersRegion: return advertisement.isMaster ? shown(advertisement.region) : nil
        case .mastersNetwork: return advertisement.isMaster ? shown(advertisement.network) : nil
        case .region: return advertisement.isMaster ? nil : shown(advertisement.region)
        case .network: return advertisement.isMaster ? nil : shown(advertisement.network)
        case .cpu: return share(advertisement.cores, of: facts.cores)
        case .gpu: return share(advertisement.gpus, of: facts.gpus)
        case .arch: return shown(facts.architecture)
        case .tot: return amount(facts.memory.bytes)
        case .disk: return amount(facts.disk.bytes)
        case .iso: return shown(facts.isolation.prefix(Self.kindsMax).joined(separator: ","))
        case .cc: return Self.isLand(facts.country) ? facts.country : nil
        case .cont: return Self.isLand(facts.continent) ? facts.continent : nil
        case .hours: return terms.hours?.description
        case .maxmem: return terms.memoryMax.map { String(min(max(0, $0.bytes), Self.bytesMax)) }
        case .maxcpu: return terms.coresMax.map { String(min(max(0, $0), Self.countMax)) }
        case .rate:
            let rates = [terms.rates.core, terms.rates.memory, terms.rates.gpu].map { min(max(0, $0), Self.rateMax) }
            return rates == [0, 0, 0] ? nil : rates.map { String($0) }.joined(separator: "/")
        case .load: return amount(Int64(min(facts.load, Self.loadMax)))
        case .ip: return (facts.hasIPv4 ? "4" : "") + (facts.hasIPv6 ? "6" : "")
        case .kern: return shown(facts.kernel)
        case .gpum: return shown(facts.gpuModel)
        case .rel: return nil
        }
    }

    private func shown(_ text: String) -> String? { AdvertisementText.isReadable(Array(text.utf8)) ? text : nil }

    private func amount(_ count: Int64) -> String? { count > 0 ? String(min(count, Self.bytesMax)) : nil }

    private func share(_ left: Int, of all: Int) -> String? {
        guard (1...Self.countMax).contains(all) else { return nil }
        return "\(min(max(0, left), all))/\(all)"
    }

    private func releases(_ digests: [UInt64], room: Int) -> [UInt8]? {
        // A string has at most 255 bytes.
        let fitting = (min(room, 255) - name.utf8.count - 1) / Self.digestDigits
        guard fitting > 0, !digests.isEmpty else { return nil }
        let digits = digests.prefix(min(fitting, MachineFacts.installedMax)).map { digest in
            let digits = String(digest, radix: 16)
            return String(repeating: "0", count: Self.digestDigits - digits.count) + digits
        }
        return Array("\(name)=\(digits.joined())".utf8)
    }

    // MARK: Reading

    /// A larger number of cores or accelerators is taken for nonsense.
    static let countMax = 65_535
    static let loadMax = 10_000_000
    static let kindsMax = 4
    static let bytesMax: Int64 = 1 << 62
    static let rateMax: Int64 = 1 << 53
    private static let digestDigits = 16

    /// - Throws: `malformed` when the key is there and breaks its bound.
    func read(_ fields: TextFields, into advertisement: inout Advertisement) throws(AdvertisementTextError) {
        guard let value = fields[name] else { return }
        switch self {
        case .mastersRegion, .mastersNetwork: break
        case .region: advertisement.region = try fields.people(name)
        case .network: advertisement.network = try fields.people(name)
        case .cpu: (advertisement.cores, advertisement.facts.cores) = try shares(fields)
        case .gpu: (advertisement.gpus, advertisement.facts.gpus) = try shares(fields)
        case .arch: advertisement.facts.architecture = try fields.people(name)
        case .tot: advertisement.facts.memory = ByteCount(try bytes(fields))
        case .disk: advertisement.facts.disk = ByteCount(try bytes(fields))
        case .iso: advertisement.facts.isolation = try kinds(fields)
        case .cc: advertisement.facts.country = try land(fields)
        case .cont: advertisement.facts.continent = try land(fields)
        case .hours:
            guard let hours = OwnerHours(try fields.text(name, bytesMax: 11)) else { throw .malformed(name, value) }
            advertisement.facts.terms.hours = hours
        case .maxmem: advertisement.facts.terms.memoryMax = ByteCount(try bytes(fields))
        case .maxcpu: advertisement.facts.terms.coresMax = Int(try fields.number(name, max: UInt64(Self.countMax)))
        case .rate:
            let rates = try numbers(fields, count: 3, max: Self.rateMax)
            advertisement.facts.terms.rates = .init(core: rates[0], memory: rates[1], gpu: rates[2])
        case .load: advertisement.facts.load = Int(try fields.number(name, max: UInt64(Self.loadMax)))
        case .ip:
            let families = try fields.text(name, bytesMax: 2)
            guard ["4", "6", "46"].contains(families) else { throw .malformed(name, value) }
            advertisement.facts.hasIPv4 = families.contains("4")
            advertisement.facts.hasIPv6 = families.contains("6")
        case .kern: advertisement.facts.kernel = try fields.people(name)
        case .gpum: advertisement.facts.gpuModel = try fields.people(name)
        case .rel: advertisement.facts.installed = try digests(fields)
        }
    }

    private func bytes(_ fields: TextFields) throws(AdvertisementTextError) -> Int64 {
        Int64(try fields.number(name, max: UInt64(Self.bytesMax)))
    }

    /// What is left, and all of it.
    private func shares(_ fields: TextFields) throws(AdvertisementTextError) -> (Int, Int) {
        let counts = try numbers(fields, count: 2, max: Int64(Self.countMax))
        guard counts[0] <= counts[1] else { throw .malformed(name, fields[name]) }
        return (Int(counts[0]), Int(counts[1]))
    }

    /// Decimal numbers with a stroke between them.
    private func numbers(_ fields: TextFields, count: Int, max: Int64) throws(AdvertisementTextError) -> [Int64] {
        let parts = try fields.text(name, bytesMax: 60).split(separator: "/", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { part -> Int64? in
            guard part.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int64(part), number <= max
            else { return nil }
            return number
        }
        guard numbers.count == count, parts.count == count else { throw .malformed(name, fields[name]) }
        return numbers
    }

    private func kinds(_ fields: TextFields) throws(AdvertisementTextError) -> [String] {
        let kinds = try fields.people(name).split(separator: ",", omittingEmptySubsequences: false).map { String($0) }
        guard kinds.count <= Self.kindsMax, kinds.allSatisfy({ !$0.isEmpty }), kinds == kinds.sorted() else {
            throw .malformed(name, fields[name])
        }
        return kinds
    }

    private func land(_ fields: TextFields) throws(AdvertisementTextError) -> String {
        let letters = try fields.text(name, bytesMax: 2)
        guard Self.isLand(letters) else { throw .malformed(name, fields[name]) }
        return letters
    }

    /// Two lower-case letters.
    private static func isLand(_ text: String) -> Bool {
        text.utf8.count == 2 && text.utf8.allSatisfy { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
    }

    private func digests(_ fields: TextFields) throws(AdvertisementTextError) -> [UInt64] {
        let text = try fields.text(name, bytesMax: Self.digestDigits * MachineFacts.installedMax)
        guard let bytes = [UInt8](hexadecimal: text), !bytes.isEmpty, bytes.count % 8 == 0 else {
            throw .malformed(name, fields[name])
        }
        return stride(from: 0, to: bytes.count, by: 8).map { start in
            bytes[start..<(start + 8)].reduce(0) { $0 << 8 | UInt64($1) }
        }
    }
}

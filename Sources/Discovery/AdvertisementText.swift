public import Automata

/// The TXT record of a peer's service: `key=value` strings by RFC 6763, section 6.
///
/// | key | value |
/// | --- | --- |
/// | `txtvers` | `1`; first; another version is refused whole |
/// | `id` | PeerID, 32 hexadecimal digits |
/// | `fab` | fabric, 1 to 63 bytes of UTF-8 |
/// | `inc`, `seq` | incarnation and sequence |
/// | `name` | what people call the machine, 1 to 63 bytes of UTF-8 |
/// | `state` | a `MachineState`; `draining` with every partition free is `drained` |
/// | `cap`, `free` | partitions in all and without a tenant, 0 to 65,535 |
/// | `mem` | bytes that instances may still ask for; 0 when more is promised than there is |
/// | `price` | millionths of the unit of account per partition and hour; left out when 0 |
/// | `api` | the port for users; a master only |
/// | `led` | how far the master's own ledger had come when this was published; a master only |
/// | `lead0` … `lead7` | ledgers that the master leads: the founder's id (none: its own), `/`, epoch `.` view `.` members |
/// | `rep` | `1` when the master takes replicas of others' ledgers; else left out |
/// | `reg`, `net` | its region, as its owner says, and the subnet of its first address |
/// | facts | what the machine is, has in all, and may do for whom (`FactKey`) |
/// | `ended` | `1` before a goodbye; else left out |
/// | `at` | changes with the peer's addresses and port (`Whereabouts`); added by a back end that watches them |
///
/// The text of a machine has at most 400 bytes, that of a master 1,300 (RFC 6763, 6.2: what fits a message of 512 bytes with
/// its names, and a packet of Ethernet). Every text has the keys up to `mem`, `price`, and those of a master up to `rep`; the
/// others stand in it in their order of importance (`FactKey`), and one that finds no room is left out. So what is not in the
/// text is not known, and no decision is made by it: a connection's `hello` tells all of it.
///
/// Typically 180 to 330 bytes. Keys that are not listed are ignored, so that a later version may add some. Endpoints are
/// not in the text: hosts come from address records, the port from SRV.
public enum AdvertisementText {
    /// A longer text is refused before it is read, and a master's is not made.
    static let bytesMax = 1_300
    /// Of a peer that is no master.
    static let machineBytesMax = 400
    static let version = "1"
    /// Partitions that one machine may announce; a larger number is taken for nonsense.
    static let partitionsMax = 65_535

    /// - Returns: the strings in the order of the table above, each at most 255 bytes.
    /// - Throws: `malformed` when a field of ours breaks its bound, so that nobody would accept the text.
    public static func encode(_ advertisement: Advertisement) throws(AdvertisementTextError) -> [[UInt8]] {
        try check(people: advertisement.fabric, key: "fab")
        try check(people: advertisement.name, key: "name")
        if !advertisement.region.isEmpty { try check(people: advertisement.region, key: "reg") }
        if !advertisement.network.isEmpty { try check(people: advertisement.network, key: "net") }
        try check(partitions: advertisement.capacity, key: "cap")
        try check(partitions: advertisement.free, key: "free")
        try check(amount: advertisement.price, key: "price")
        var pairs: [(String, String)] = [
            ("txtvers", version), ("id", advertisement.peer.description), ("fab", advertisement.fabric),
            ("inc", advertisement.incarnation.description), ("seq", String(advertisement.sequence)),
            ("name", advertisement.name), ("state", Self.word(of: advertisement.state)),
            ("cap", String(advertisement.capacity)), ("free", String(advertisement.free)),
            ("mem", String(max(0, advertisement.memory.bytes))),
        ]
        if advertisement.price != 0 { pairs.append(("price", String(advertisement.price))) }
        if let port = advertisement.apiPort { pairs += mastersPairs(advertisement, port: port) }
        var strings = pairs.map { Array("\($0)=\($1)".utf8) }
        let end = advertisement.ended ? [Array("ended=1".utf8)] : []
        let most = advertisement.isMaster ? bytesMax : machineBytesMax
        var room = most - size(strings) - size(end) - Whereabouts.markBytesMax - 1
        for key in FactKey.allCases {
            guard let string = key.string(of: advertisement, room: room - 1) else { continue }
            room -= 1 + string.count
            strings.append(string)
        }
        return strings + end
    }

    /// Earlier versions do not know `drained`: it is draining with every partition free.
    private static func word(of state: MachineState) -> String {
        state == .drained ? MachineState.draining.rawValue : state.rawValue
    }

    private static func mastersPairs(_ advertisement: Advertisement, port: UInt16) -> [(String, String)] {
        var pairs = [("api", String(port))]
        if let ledger = advertisement.ledger { pairs.append(("led", ledger.description)) }
        for (number, lead) in advertisement.leads.prefix(Advertisement.leadsMax).enumerated() {
            let ledger = lead.ledger == advertisement.peer ? "" : lead.ledger.description
            pairs.append(("lead\(number)", "\(ledger)/\(lead.epoch).\(lead.view).\(lead.members)"))
        }
        if advertisement.takesReplicas { pairs.append(("rep", "1")) }
        return pairs
    }

    /// In wire form: each string has a byte for its length before it.
    static func size(_ strings: [[UInt8]]) -> Int { strings.reduce(0) { $0 + 1 + $1.count } }

    /// Reads strings received from anybody.
    ///
    /// - Parameter strings: in any order; the first occurrence of a key counts (RFC 6763, 6.4).
    /// - Returns: an advertisement without endpoints.
    /// - Throws: what is wrong with it; an advertisement is taken whole or not at all.
    public static func decode(_ strings: [[UInt8]]) throws(AdvertisementTextError) -> Advertisement {
        let size = size(strings)
        guard size <= bytesMax else {
            throw AdvertisementTextError(.tooLarge, key: "", "the text has \(size) bytes, at most \(bytesMax) are read")
        }
        let fields = TextFields(strings)
        guard let version = fields["txtvers"] else { throw .missing("txtvers") }
        guard version == Array(Self.version.utf8) else {
            throw AdvertisementTextError(
                .version, key: "txtvers", "the text has version \(printable(version)), this peer reads \(Self.version)")
        }
        guard let peer = PeerID(try fields.text("id", bytesMax: 32)) else { throw .malformed("id", fields["id"]) }
        guard let state = MachineState(rawValue: try fields.text("state", bytesMax: 32)) else {
            throw .malformed("state", fields["state"])
        }
        var advertisement = Advertisement(
            peer: peer, incarnation: Incarnation(try fields.number("inc")),
            sequence: try fields.number("seq"), name: try fields.people("name"), fabric: try fields.people("fab"),
            state: state)
        advertisement.capacity = Int(try fields.number("cap", max: UInt64(partitionsMax)))
        advertisement.free = Int(try fields.number("free", max: UInt64(partitionsMax)))
        if state == .draining, advertisement.free == advertisement.capacity { advertisement.state = .drained }
        advertisement.memory = ByteCount(Int64(try fields.number("mem", max: UInt64(Int64.max))))
        advertisement.price = Int64(try fields.number("price", max: UInt64(Int64.max), default: 0))
        if fields["api"] != nil {
            let port = UInt16(try fields.number("api", max: 65_535))
            guard port > 0 else { throw .malformed("api", fields["api"]) }
            advertisement.apiPort = port
        }
        if fields["led"] != nil { advertisement.ledger = LedgerIndex(try fields.number("led")) }
        for number in 0..<Advertisement.leadsMax {
            guard let lead = fields["lead\(number)"] else { break }
            guard let lead = LedgerLead(lead, of: peer) else { throw .malformed("lead\(number)", lead) }
            advertisement.leads.append(lead)
        }
        advertisement.takesReplicas = try fields.number("rep", max: 1, default: 0) == 1
        for key in FactKey.allCases { try key.read(fields, into: &advertisement) }
        advertisement.ended = try fields.number("ended", max: 1, default: 0) == 1
        return advertisement
    }

    private static func check(people text: String, key: String) throws(AdvertisementTextError) {
        guard isReadable(Array(text.utf8)) else { throw .malformed(key, Array(text.utf8)) }
    }

    private static func check(partitions count: Int, key: String) throws(AdvertisementTextError) {
        guard (0...partitionsMax).contains(count) else { throw .malformed(key, Array(String(count).utf8)) }
    }

    private static func check(amount: Int64, key: String) throws(AdvertisementTextError) {
        guard amount >= 0 else { throw .malformed(key, Array(String(amount).utf8)) }
    }

    /// Whether bytes may stand on a person's screen: 1 to 63 bytes of UTF-8 without control characters, which could
    /// drive a terminal.
    static func isReadable(_ bytes: [UInt8]) -> Bool {
        guard (1...63).contains(bytes.count), let text = String(validating: bytes, as: UTF8.self) else { return false }
        return text.unicodeScalars.allSatisfy { !isControl($0) }
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: true
        default: false
        }
    }

    /// At most 40 bytes of foreign text for a message, controls replaced.
    static func printable(_ bytes: [UInt8]) -> String {
        let text = String(decoding: bytes.prefix(40), as: UTF8.self).unicodeScalars
            .map { isControl($0) ? "?" : String($0) }.joined()
        return "\"\(text)\(bytes.count > 40 ? "…" : "")\""
    }
}

/// Why a TXT record was not taken.
public struct AdvertisementTextError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: String, Hashable, Sendable, CaseIterable {
        case tooLarge, version, missing, malformed
    }

    public let code: Code
    /// The key concerned; empty when it is the text as a whole.
    public let key: String
    public let message: String

    init(_ code: Code, key: String, _ message: String) {
        self.code = code
        self.key = key
        self.message = message
    }

    static func missing(_ key: String) -> AdvertisementTextError {
        AdvertisementTextError(.missing, key: key, "the text has no \"\(key)\"")
    }

    static func malformed(_ key: String, _ value: [UInt8]?) -> AdvertisementTextError {
        let found = AdvertisementText.printable(value ?? [])
        return AdvertisementTextError(.malformed, key: key, "\"\(key)\" has the value \(found), which is out of bounds")
    }

    public var description: String { message }
}

extension LedgerLead {
    /// Reads `ledger/epoch.view.members`, or, of the peer's own ledger, `/epoch.view.members`.
    fileprivate init?(_ bytes: [UInt8], of peer: PeerID) {
        guard bytes.count <= 66, let text = String(validating: bytes, as: UTF8.self) else { return nil }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let ledger = parts[0].isEmpty ? peer : PeerID(String(parts[0])) else { return nil }
        let numbers = parts[1].split(separator: ".", omittingEmptySubsequences: false)
        guard numbers.count == 3, numbers.allSatisfy({ $0.allSatisfy(\.isNumber) }), let epoch = UInt32(numbers[0]),
            let view = UInt32(numbers[1]), let members = UInt32(numbers[2])
        else { return nil }
        self.init(ledger: ledger, epoch: epoch, view: view, members: members)
    }
}

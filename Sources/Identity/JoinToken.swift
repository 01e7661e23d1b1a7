public import Automata

/// An invitation that one machine, master or person redeems once, from anywhere: `palmier-` and Base32 (RFC 4648, lower
/// case, no padding), so that a double click selects it and no mail program breaks it.
///
/// It says where a master is, which root to trust, and a secret that proves the invitation. Whoever has it can use it
/// until it expires: it travels like a password.
public struct JoinToken: Hashable, Sendable {
    /// What the invited becomes.
    public var kind: IdentityKind
    /// Where masters listen for peers; the first is preferred; 1 to 8.
    public var endpoints: [Endpoint]
    /// Where the first endpoint's host answers users: enrolment goes there.
    public var apiPort: UInt16
    /// Pins the fabric's root, so that the first connection needs no trust in the network.
    public var rootDigest: Digest
    public var secret: JoinSecret
    public var expires: Instant

    public init(
        kind: IdentityKind, endpoints: [Endpoint], apiPort: UInt16, rootDigest: Digest, secret: JoinSecret,
        expires: Instant
    ) {
        self.kind = kind
        self.endpoints = endpoints
        self.apiPort = apiPort
        self.rootDigest = rootDigest
        self.secret = secret
        self.expires = expires
    }

    private static let prefix = "palmier-"
    private static let version: UInt8 = 1

    /// The form that people copy and paste.
    public var text: String {
        precondition((1...8).contains(endpoints.count), "a join token names \(endpoints.count) endpoints, not 1 to 8")
        var bytes: [UInt8] = [Self.version, kind.number]
        bytes += rootDigest.bytes + secret.bytes
        bytes += bigEndian(UInt64(max(0, expires.milliseconds) / 1_000), count: 5)
        bytes += bigEndian(UInt64(apiPort), count: 2)
        bytes.append(UInt8(endpoints.count))
        for endpoint in endpoints {
            let host = Array(endpoint.host.utf8.prefix(255))
            bytes += bigEndian(UInt64(endpoint.port), count: 2) + [UInt8(host.count)] + host
        }
        bytes += Digest(of: bytes).bytes.prefix(Self.checksumSize)
        return Self.prefix + Base32.encode(bytes)
    }

    /// Tells a token that lost a character from a wrong one.
    private static let checksumSize = 4

    /// Reads the copied form; surrounding white space and upper case do no harm.
    public init(text: String) throws(IdentityError) {
        let malformed = { (what: String) in
            IdentityError(
                .malformed, "the join token \(what)",
                remedy: "copy it whole, from \"\(Self.prefix)\" to its last character")
        }
        let trimmed = String(text.filter { !$0.isWhitespace }).lowercased()
        guard trimmed.hasPrefix(Self.prefix) else { throw malformed("does not begin with \"\(Self.prefix)\"") }
        guard trimmed.utf8.count <= 4_096, let bytes = Base32.decode(trimmed.dropFirst(Self.prefix.count)),
            bytes.count > Self.checksumSize
        else { throw malformed("has a character that does not belong there, or is cut off") }
        let body = Array(bytes.dropLast(Self.checksumSize))
        guard Digest(of: body).bytes.prefix(Self.checksumSize) == bytes.suffix(Self.checksumSize) else {
            throw malformed("is damaged: its checksum does not match")
        }
        var reader = Reader(rest: body[...])
        guard reader.number(1) == UInt64(Self.version) else {
            throw IdentityError(
                .malformed, "the join token is of another version of palmier",
                remedy: "use the same version on both sides")
        }
        guard let kind = reader.number(1).flatMap({ IdentityKind(number: UInt8($0)) }),
            let root = reader.bytes(32).flatMap({ Digest(bytes: $0) }),
            let secret = reader.bytes(JoinSecret.size).flatMap({ JoinSecret(bytes: $0) }),
            let expires = reader.number(5), let apiPort = reader.number(2), let count = reader.number(1),
            (1...8).contains(count)
        else { throw malformed("is incomplete") }
        var endpoints: [Endpoint] = []
        for _ in 0..<count {
            guard let port = reader.number(2), port > 0, let size = reader.number(1), size > 0,
                let host = reader.bytes(Int(size)).flatMap({ String(validating: $0, as: UTF8.self) })
            else { throw malformed("is incomplete") }
            endpoints.append(Endpoint(host: host, port: UInt16(port)))
        }
        guard reader.rest.isEmpty else { throw malformed("is longer than it says") }
        self.init(
            kind: kind, endpoints: endpoints, apiPort: UInt16(apiPort), rootDigest: root, secret: secret,
            expires: Instant(milliseconds: Int64(expires) * 1_000))
    }

    private struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func bytes(_ count: Int) -> [UInt8]? {
            guard rest.count >= count else { return nil }
            defer { rest = rest.dropFirst(count) }
            return Array(rest.prefix(count))
        }

        mutating func number(_ count: Int) -> UInt64? {
            bytes(count).map { $0.reduce(0) { $0 << 8 | UInt64($1) } }
        }
    }
}

/// The part of a token that only the invited knows: 128 random bits. Not printable: no description shows it.
public struct JoinSecret: Hashable, Sendable, CustomStringConvertible {
    public let bytes: [UInt8]
    static let size = 16

    /// From the system's random source.
    public init() {
        var system = SystemRandomNumberGenerator()
        bytes = (0..<Self.size).map { _ in UInt8.random(in: .min ... .max, using: &system) }
    }

    /// nil unless 16 bytes.
    public init?(bytes: [UInt8]) {
        guard bytes.count == Self.size else { return nil }
        self.bytes = bytes
    }

    public var description: String { "join secret" }
}

extension IdentityKind {
    fileprivate var number: UInt8 {
        switch self {
        case .machine: 1
        case .master: 2
        case .person: 3
        case .instance: 4
        }
    }

    fileprivate init?(number: UInt8) {
        guard let kind = Self.allCases.first(where: { $0.number == number }) else { return nil }
        self = kind
    }
}

private func bigEndian(_ value: UInt64, count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * (count - 1 - $0))) }
}

/// RFC 4648, section 6, in lower case and without padding.
enum Base32 {
    private static let digits = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 5 {
                count -= 5
                text.append(digits[Int(bits >> UInt32(count) & 31)])
            }
        }
        if count > 0 { text.append(digits[Int(bits << UInt32(5 - count) & 31)]) }
        return String(decoding: text, as: UTF8.self)
    }

    /// nil for a foreign character or bits left over that are not zero.
    static func decode(_ text: Substring) -> [UInt8]? {
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for character in text.utf8 {
            guard let value = digits.firstIndex(of: character) else { return nil }
            bits = bits << 5 | UInt32(value)
            count += 5
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        guard count < 5, bits & ((1 << UInt32(count)) - 1) == 0 else { return nil }
        return bytes
    }
}

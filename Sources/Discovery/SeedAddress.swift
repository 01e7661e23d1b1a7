public import Automata

#if canImport(Glibc)
import Glibc
#endif

/// Where a peer of another link is looked for: a value of `--join`.
public enum SeedAddress: Hashable, Sendable, CustomStringConvertible {
    /// `HOST:PORT`, or an address without a port, which stands for 7423.
    case endpoint(Endpoint)
    /// A name without a port: what the SRV records of `_palmier._tcp.NAME` say (RFC 2782); a host of that name, port
    /// 7423, where there are none.
    case name(String)

    public static let defaultPort: UInt16 = 7_423

    /// - Returns: nil for what is neither an address nor a name.
    public init?(_ text: String) {
        if let literal = Self.literal(text) {
            self = .endpoint(Endpoint(host: literal, port: Self.defaultPort))
        } else if let endpoint = Endpoint(text) {
            self = .endpoint(endpoint)
        } else if Self.isName(text) {
            self = .name(text)
        } else {
            return nil
        }
    }

    public var description: String {
        switch self {
        case .endpoint(let endpoint): endpoint.description
        case .name(let name): name
        }
    }

    /// The host, for those who know the port themselves.
    public var host: String {
        switch self {
        case .endpoint(let endpoint): endpoint.host
        case .name(let name): name
        }
    }

    private static func literal(_ text: String) -> String? {
        let bare = text.hasPrefix("[") && text.hasSuffix("]") ? String(text.dropFirst().dropLast()) : text
        var room = in6_addr()
        let isLiteral = inet_pton(AF_INET, bare, &room) == 1 || inet_pton(AF_INET6, bare, &room) == 1
        return isLiteral ? bare : nil
    }

    /// Labels of 1 to 63 letters, digits, hyphens and underscores; 253 characters in all (RFC 1035, 2.3.4).
    private static func isName(_ text: String) -> Bool {
        let labels = (text.hasSuffix(".") ? text.dropLast() : text[...]).split(
            separator: ".", omittingEmptySubsequences: false)
        return text.utf8.count <= 253
            && labels.allSatisfy { label in
                (1...63).contains(label.utf8.count)
                    && label.utf8.allSatisfy { byte in
                        switch byte {
                        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                            true
                        default: false
                        }
                    }
            }
    }
}

import Automata

/// What a certificate says of its subject: `palmier://FABRIC/ROLE/NAME`, each part percent-encoded (RFC 3986).
public struct CertifiedName: Hashable, Sendable, CustomStringConvertible {
    /// The place of a certificate in a chain.
    public enum Role: Hashable, Sendable {
        case root
        case authority
        case identity(IdentityKind)
    }

    /// Empty only in the request of a machine that does not know yet which fabric will take it.
    public var fabric: String
    public var role: Role
    /// The peer's name; for a root the fabric's.
    public var name: String

    public init(fabric: String, role: Role, name: String) {
        self.fabric = fabric
        self.role = role
        self.name = name
    }

    /// The word in the URI.
    var roleWord: String {
        switch role {
        case .root: "root"
        case .authority: "authority"
        case .identity(let kind): kind.rawValue
        }
    }

    public var uri: String {
        "palmier://\(percentEncoded(fabric))/\(roleWord)/\(percentEncoded(name))"
    }

    public var description: String { uri }

    /// Reads the URI; nil for anything that `uri` does not produce.
    public init?(uri: String) {
        let scheme = "palmier://"
        guard uri.hasPrefix(scheme) else { return nil }
        let parts = uri.dropFirst(scheme.count).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, let fabric = percentDecoded(parts[0]), let name = percentDecoded(parts[2]),
            !name.isEmpty
        else { return nil }
        let role: Role
        switch parts[1] {
        case "root": role = .root
        case "authority": role = .authority
        default:
            guard let kind = IdentityKind(rawValue: String(parts[1])) else { return nil }
            role = .identity(kind)
        }
        self.init(fabric: fabric, role: role, name: name)
        guard self.uri == uri else { return nil }
    }

    /// The DNS name that a leaf carries as well, so that an HTTP client that checks host names can ask for "a master of
    /// this fabric" whatever the address: `master.lab.palmier.internal`.
    public static func dnsName(of kind: IdentityKind, fabric: String) -> String {
        "\(kind.rawValue).\(fabric).palmier.internal"
    }

    /// Checks a fabric's name: it is a DNS label, because it stands in service names and certificates.
    public static func check(fabric: String) throws(IdentityError) {
        let legal = fabric.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
        }
        guard legal, (1...63).contains(fabric.utf8.count), !fabric.hasPrefix("-"), !fabric.hasSuffix("-") else {
            throw IdentityError(
                .invalidName, "\"\(fabric.prefix(80))\" cannot be a fabric's name",
                remedy: "use 1 to 63 lower-case letters, digits and inner hyphens, such as \"lab-2\"")
        }
    }

    /// Checks a peer's name: 1 to 63 bytes of text without control characters.
    public static func check(name: String) throws(IdentityError) {
        let legal = name.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
        guard legal, (1...63).contains(name.utf8.count), name.contains(where: { !$0.isWhitespace }) else {
            throw IdentityError(
                .invalidName, "\"\(name.prefix(80))\" cannot be the name of a machine, person or instance",
                remedy: "use 1 to 63 bytes of text without control characters")
        }
    }
}

private func percentEncoded(_ text: String) -> String {
    var encoded = ""
    for byte in text.utf8 {
        let scalar = Unicode.Scalar(byte)
        let unreserved = byte < 0x80 && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
        if unreserved || "-._~".unicodeScalars.contains(scalar) {
            encoded.unicodeScalars.append(scalar)
        } else {
            encoded += "%" + [byte].hexadecimal.uppercased()
        }
    }
    return encoded
}

private func percentDecoded(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "%") else {
            bytes.append(byte)
            continue
        }
        guard rest.count >= 2, let value = [UInt8](hexadecimal: String(decoding: rest.prefix(2), as: UTF8.self)) else {
            return nil
        }
        bytes += value
        rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
}

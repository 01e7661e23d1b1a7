import Foundation
import Lab

/// A member's peer port, spoken to with a member's certificate by `openssl`, which says whatever it is given.
struct PeerDoor {
    /// `host:port`.
    let address: String
    let trial: Trial

    /// Connects as a member, greets, and says these bytes; leaves after a while if it is not turned out before.
    ///
    /// - Parameter identity: the member's directory of key and chain.
    func say(_ bytes: [UInt8], as identity: String) async throws {
        let words = Self.frame(hello) + bytes
        let file = "\(trial.folder)/words-\(UUID().uuidString)"
        try Data(words).write(to: URL(fileURLWithPath: file))
        // The leaf comes from the first block of the file, what vouches for it from the second.
        let chain = try String(contentsOfFile: "\(identity)/chain.pem", encoding: .utf8)
        let end = "-----END CERTIFICATE-----"
        let authority = chain.components(separatedBy: end).dropFirst().first.map { $0 + end + "\n" } ?? ""
        try authority.write(toFile: "\(file).pem", atomically: true, encoding: .utf8)
        // 124 (timeout) and a connection that is closed by the other side are expected ends.
        _ = try await Place.machine.run(
            [
                "timeout", "4", "bash", "-c",
                #"{ cat "$0"; sleep 3; } | openssl s_client -quiet -tls1_3 -alpn palmier/1 -connect "$1" "#
                    + #"-cert "$2/chain.pem" -cert_chain "$0.pem" -key "$2/key.pem""#, file, address, identity,
            ])
    }

    /// The certificate that a door shows now: its lines between the PEM marks.
    static func certificate(at address: String) async throws -> String {
        let shown = try await Place.machine.run(
            [
                "timeout", "5", "bash", "-c", #"openssl s_client -alpn palmier/1,h2,http/1.1 -connect "$0" </dev/null"#,
                address,
            ])
        let parts = shown.output.split(separator: "-----")
        guard let begin = parts.firstIndex(of: "BEGIN CERTIFICATE"), begin + 1 < parts.count else {
            throw Unexpected("no certificate is shown at \(address): \(shown.output)\(shown.error)")
        }
        return parts[begin + 1].trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Four bytes of length, then the payload (`Specs/wire/transport.proto`).
    static func frame(_ payload: [UInt8]) -> [UInt8] { lengthBytes(UInt32(payload.count)) + payload }

    static func lengthBytes(_ length: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) }
    }

    /// `Hello`, written down a second time on purpose.
    private var hello: [UInt8] {
        let clock = UInt64(Date().timeIntervalSince1970 * 1_000)
        let fabric = Array(trial.fabric.utf8)
        return [0x08, 1, 0x10, 1, 0x1A, UInt8(fabric.count)] + fabric + [0x28] + Self.varint(clock) + [0x30]
            + Self.varint(clock)
    }

    private static func varint(_ value: UInt64) -> [UInt8] {
        var (rest, bytes) = (value, [UInt8]())
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
}

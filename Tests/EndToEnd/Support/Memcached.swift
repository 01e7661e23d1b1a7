import Foundation
import Lab

/// A client of memcached's text protocol, run where the user is: a few lines of bash, since the test's own process stands
/// in none of a LAN's namespaces.
struct Memcached: Sendable {
    let host: String
    let port: Int
    let place: Place

    /// - Throws: `Unexpected` when the instance publishes no address.
    init(_ instance: InstanceDocument, from place: Place) throws {
        guard let host = instance.connection.host, let port = instance.connection.port else {
            throw Unexpected("\(instance.reference) publishes no host and port: \(instance)")
        }
        (self.host, self.port, self.place) = (host, port, place)
    }

    /// Stores a value, and reads it back over another connection.
    func remember(_ value: String, as key: String) async throws {
        let answer = try await talk(#"set \#(key) 0 0 \#(value.utf8.count)\r\n\#(value)\r\n"#)
        guard answer.contains("STORED") else { throw Unexpected("memcached at \(host):\(port) says `\(answer)`") }
        try await expect(value, as: key)
    }

    func expect(_ value: String, as key: String) async throws {
        let answer = try await talk(#"get \#(key)\r\n"#)
        guard answer.contains("\r\n\(value)\r\n") else {
            throw Unexpected("memcached at \(host):\(port) says `\(answer)`, not \(value)")
        }
    }

    /// Whether something speaks the protocol there.
    func answers() async throws -> Bool {
        let output = try await place.run(command(#"version\r\n"#), within: .seconds(10))
        return output.output.contains("VERSION")
    }

    /// The process behind it.
    func pid() async throws -> Int32 {
        let answer = try await talk(#"stats\r\n"#)
        guard let line = answer.split(separator: "\r\n").first(where: { $0.hasPrefix("STAT pid ") }),
            let pid = Int32(line.dropFirst("STAT pid ".count))
        else { throw Unexpected("memcached at \(host):\(port) tells no pid: `\(answer)`") }
        return pid
    }

    private func talk(_ words: String) async throws -> String {
        try await place.run(command(words), within: .seconds(10)).check().output
    }

    private func command(_ words: String) -> [String] {
        // timeout(1) also where the other side takes the connection and says nothing.
        let script = #"exec 3<>"/dev/tcp/$0/$1" && printf "$2" >&3 && cat <&3"#
        return ["timeout", "5", "bash", "-c", script, host, String(port), words + #"quit\r\n"#]
    }
}

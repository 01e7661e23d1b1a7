import Automata
import Foundation

/// As much of memcached's text protocol as shows that one serves (memcached: doc/protocol.txt).
enum Memcached {
    /// Asks for the version, stores a value, reads it back. Blocks, for seconds at the most.
    ///
    /// - Throws: `Refusal` with what was answered.
    static func use(host: String, port: UInt16) throws {
        let connection = try connect(host, port)
        defer { close(connection) }
        try exchange(connection, "version\r\n") { $0.hasPrefix("VERSION ") && $0.hasSuffix("\r\n") }
        try exchange(connection, "set bench 0 0 5\r\nhello\r\n") { $0 == "STORED\r\n" }
        try exchange(connection, "get bench\r\n") { $0 == "VALUE bench 0 5\r\nhello\r\nEND\r\n" }
    }

    private static func connect(_ host: String, _ port: UInt16) throws -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, "\(port)", &hints, &found) == 0, let address = found else {
            throw Refusal(.failed, "\(host) is no address")
        }
        defer { freeaddrinfo(address) }
        let file = socket(address.pointee.ai_family, address.pointee.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), 0)
        var patience = timeval(tv_sec: 2, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &patience, size)
        setsockopt(file, SOL_SOCKET, SO_SNDTIMEO, &patience, size)
        guard file >= 0, Glibc.connect(file, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0 else {
            let reason = String(cString: strerror(errno))
            close(file)
            throw Refusal(.failed, "nobody answers at \(host) port \(port): \(reason)")
        }
        return file
    }

    private static func exchange(_ connection: Int32, _ command: String, _ isExpected: (String) -> Bool) throws {
        let bytes = Array(command.utf8)
        guard send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw Refusal(.failed, "memcached takes no command: \(String(cString: strerror(errno)))")
        }
        var answer = ""
        var buffer = [UInt8](repeating: 0, count: 512)
        while !isExpected(answer) {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0, answer.utf8.count < buffer.count else {
                throw Refusal(.failed, "memcached answered \(answer.debugDescription) to \(command.debugDescription)")
            }
            answer += String(decoding: buffer[..<count], as: UTF8.self)
        }
    }
}

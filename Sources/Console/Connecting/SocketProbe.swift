import Foundation
import Glibc

/// Whether anybody answers at a Unix socket: the file alone says nothing, since it stays behind a killed master.
enum SocketProbe {
    /// - Returns: why not; nil when somebody does.
    static func failure(at path: String) -> String? {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        // sun_path holds 108 bytes with the zero behind (unix(7)).
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            return "the path is longer than the 107 bytes that a socket may have"
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return String(cString: strerror(errno)).lowercased() }
        defer { close(descriptor) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        return result == 0 ? nil : String(cString: strerror(errno)).lowercased()
    }
}

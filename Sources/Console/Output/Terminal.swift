import Foundation
import Glibc

/// The two streams, and whether somebody looks at them.
public enum Terminal {
    public static var outputIsTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
    public static var errorsAreTerminal: Bool { isatty(STDERR_FILENO) == 1 }
    public static var inputIsTerminal: Bool { isatty(STDIN_FILENO) == 1 }

    /// Columns of the terminal behind a stream; nil when there is none.
    public static func width(of descriptor: Int32) -> Int? {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    public static var outputWidth: Int? { width(of: STDOUT_FILENO) }

    /// Writes a result. When nobody reads any more (`| head`), the process ends: there is nothing left to do.
    public static func write(_ text: String) { write(Array(text.utf8)) }

    public static func writeLine(_ text: String) { write(text + "\n") }

    public static func write(_ bytes: [UInt8]) {
        guard writeAll(bytes, to: STDOUT_FILENO) else { exit(1) }
    }

    /// Writes what is not the result. When that fails, there is nobody to be told.
    public static func note(_ text: String) {
        _ = writeAll(Array((text + "\n").utf8), to: STDERR_FILENO)
    }

    static func writeRaw(_ text: String, to descriptor: Int32) {
        _ = writeAll(Array(text.utf8), to: descriptor)
    }

    /// The line that somebody types; nil at the end of the input.
    public static func ask(_ question: String) -> String? {
        writeRaw(question, to: STDERR_FILENO)
        return readLine(strippingNewline: true)
    }

    private static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN {
                var wish = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&wish, 1, 1_000)
                continue
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}

public import API
import Automata
import Foundation
import Glibc

/// An object's bytes in files and streams of this machine.
public enum ObjectFile {
    /// Reads a file whole, or standard input for `-`.
    ///
    /// - Throws: `ProblemDocument`: `notFound`, or `invalid` when it cannot be read or is more than an object holds.
    public static func read(_ path: String) throws(ProblemDocument) -> [UInt8] {
        guard path != "-" else { return try read(STDIN_FILENO, "standard input") }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let isMissing = errno == ENOENT || errno == ENOTDIR
            throw ProblemDocument(
                isMissing ? .notFound : .invalid, "cannot read \(path): \(reason())",
                remedy: "name a file that you can read, or - for standard input")
        }
        defer { close(descriptor) }
        if let size = size(of: path), size > Bounds.objectBytesMax { throw Bounds.tooLarge(size) }
        return try read(descriptor, path)
    }

    /// Of a regular file; nil for anything else, which is as long as can be read from it.
    private static func size(of path: String) -> Int? {
        let keys: Set<URLResourceKey> = [.isRegularFileKey, .fileSizeKey]
        // What cannot be asked is found out by reading.
        guard let values = try? URL(filePath: path).resolvingSymlinksInPath().resourceValues(forKeys: keys) else {
            return nil
        }
        return values.isRegularFile == true ? values.fileSize : nil
    }

    /// Writes a file; one that is there is replaced.
    public static func write(_ bytes: [UInt8], to path: String) throws(ProblemDocument) {
        do {
            try Data(bytes).write(to: URL(fileURLWithPath: path))
        } catch {
            throw ProblemDocument(
                .invalid, "cannot write \(path): \(reason())",
                remedy: "name a file in a directory that you can write to")
        }
    }

    /// Whether a terminal shows it as it is: text without what a terminal would obey.
    public static func isHarmless(_ bytes: [UInt8]) -> Bool {
        guard let text = String(validating: bytes, as: UTF8.self) else { return false }
        return text.split(whereSeparator: { $0 == "\n" || $0 == "\t" || $0 == "\r\n" }).allSatisfy {
            Table.printable(String($0)) == $0
        }
    }

    private static func read(_ descriptor: Int32, _ name: String) throws(ProblemDocument) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while bytes.count <= Bounds.objectBytesMax {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw ProblemDocument(
                    .invalid, "cannot read \(name): \(reason())",
                    remedy: "name a file that you can read, or - for standard input")
            }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
        throw Bounds.tooLarge(nil)
    }

    private static func reason() -> String { String(cString: strerror(errno)).lowercased() }
}

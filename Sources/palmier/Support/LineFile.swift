import Automata
import Foundation
import Synchronization

/// A file written line by line, with a buffer.
final class LineFile: Sendable {
    private let handle: FileHandle
    private let buffer = Mutex(Data())
    private static let bufferBytes = 1 << 20

    /// - Throws: `Refusal` `invalid` when it cannot be created.
    init(_ path: String) throws {
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let handle = FileHandle(forWritingAtPath: path)
        else {
            throw Refusal(
                .invalid, "\(path) cannot be written", remedy: "name a file in a directory that you can write to")
        }
        self.handle = handle
    }

    func write(_ line: String) {
        buffer.withLock { buffer in
            buffer.append(contentsOf: line.utf8)
            buffer.append(10)
            guard buffer.count >= Self.bufferBytes else { return }
            handle.write(buffer)
            buffer.removeAll(keepingCapacity: true)
        }
    }

    func close() throws {
        let rest = buffer.withLock { $0 }
        try handle.write(contentsOf: rest)
        try handle.close()
    }
}

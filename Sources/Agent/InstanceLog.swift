internal import Foundation
import Glibc

/// Which of an instance's two outputs.
public enum LogStream: String, Hashable, Sendable, CaseIterable {
    case stdout, stderr
}

/// One output of an instance: a file that it appends to, and the one before.
///
/// Offsets count from the instance's first byte, and stay right when the file is cut: what was cut off is counted in
/// `base`. Cutting copies and then truncates, since the instance keeps the file open; bytes written between the two are lost.
struct InstanceLog {
    let control: String
    let stream: LogStream
    /// A guess: two files of this size a stream and an instance.
    static let bytesMax: Int64 = 8 << 20

    var path: String { "\(control)/\(stream.rawValue).log" }
    private var earlier: String { path + ".1" }
    private var basePath: String { "\(control)/\(stream.rawValue).base" }

    private var base: Int64 {
        (try? Disk.read(basePath, upTo: 30)).flatMap { Int64($0.trimmingCharacters(in: .whitespacesAndNewlines)) } ?? 0
    }

    /// Cuts the file when it has grown too large.
    func cut() throws(AgentError) {
        let size = Disk.size(path)
        guard size > Self.bytesMax else { return }
        try Disk.remove(earlier)
        do {
            try FileManager.default.copyItem(atPath: path, toPath: earlier)
        } catch {
            throw AgentError(.diskFailed, "cannot copy \(path): \(error)", remedy: "free space on that disk")
        }
        try Disk.write(String(base + Disk.size(earlier)), to: basePath, mode: 0o600, durable: false)
        guard truncate(path, 0) == 0 else { throw Disk.failure("cannot cut", path) }
    }

    /// - Parameter offset: from the first byte ever; negative: from the end; before what is kept: from what is kept.
    /// - Returns: at most `limit` bytes, and the offset to go on at.
    func read(offset: Int64, limit: Int) throws(AgentError) -> (bytes: [UInt8], nextOffset: Int64) {
        let base = base
        let earlierSize = Disk.size(earlier)
        let end = base + Disk.size(path)
        var position = max(offset < 0 ? end + offset : offset, base - earlierSize, 0)
        var bytes: [UInt8] = []
        if position < base {
            bytes = try part(of: earlier, at: position - (base - earlierSize), limit: limit)
            position += Int64(bytes.count)
        }
        if position >= base, position < end, bytes.count < limit {
            let more = try part(of: path, at: position - base, limit: limit - bytes.count)
            bytes += more
            position += Int64(more.count)
        }
        return (bytes, min(position, max(end, 0)))
    }

    private func part(of path: String, at offset: Int64, limit: Int) throws(AgentError) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return [] }
            throw Disk.failure("cannot read", path)
        }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: max(0, limit))
        let count = pread(file, &bytes, bytes.count, off_t(offset))
        guard count >= 0 else { throw Disk.failure("cannot read", path) }
        return Array(bytes.prefix(count))
    }

    /// The last lines, for a reason.
    static func end(control: String) -> String {
        for stream in [LogStream.stderr, .stdout] {
            let log = InstanceLog(control: control, stream: stream)
            if let (bytes, _) = try? log.read(offset: -2000, limit: 2000), !bytes.isEmpty {
                return String(decoding: bytes, as: UTF8.self).end()
            }
        }
        return ""
    }
}

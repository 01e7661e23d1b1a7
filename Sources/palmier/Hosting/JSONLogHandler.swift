import Automata
import Foundation
import Logging
import Runtime

/// One JSON object a line on standard error: for journals and collectors.
struct JSONLogHandler: LogHandler {
    let label: String
    var logLevel = Logger.Level.info
    var metadata = Logger.Metadata()

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        var fields: [String: String] = all.mapValues { "\($0)" }
        fields["at"] = Date(timeIntervalSince1970: Double(HostClock.wallClock.milliseconds) / 1_000)
            .formatted(.iso8601.time(includingFractionalSeconds: true))
        fields["level"] = event.level.rawValue
        fields["event"] = "\(event.message)"
        do {
            var line = try JSONSerialization.data(
                withJSONObject: fields, options: [.sortedKeys, .withoutEscapingSlashes])
            line.append(0x0A)
            FileHandle.standardError.write(line)
        } catch {
            FileHandle.standardError.write(Data("\(event.level) \(event.message)\n".utf8))
        }
    }
}

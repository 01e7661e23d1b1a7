public import Automata
import Glibc
internal import Releases

/// What groups are scaled by, as it is at one instance.
extension PartitionKeeper {
    /// A JSON object of numbers that an instance keeps up to date in its directory (`$HOME`), best by renaming a new file
    /// over it.
    static let metricsFile = "metrics.json"
    static let metricsBytesMax = 16 << 10

    /// The metric that the order asks for: cores that it keeps busy, bytes that it holds, or a number that it publishes.
    ///
    /// - Returns: nil where none is asked for, while nothing runs, and while there is nothing to tell.
    func gauge() -> Gauge? {
        guard case .order(let order) = wish, let metric = order.specification.membership?.metric, !metric.isEmpty,
            let record, record.claim == order.claim, let latest, latest.claim == order.claim,
            latest.status.state == .running
        else {
            computed = nil
            return nil
        }
        let millionths: Int64?
        switch metric {
        case "cpu": millionths = cores(leftovers(record))
        case "memory": millionths = Self.millionths(Double(ProcessTable.memory(of: leftovers(record))))
        default: millionths = published(metric)
        }
        return millionths.map { Gauge(claim: order.claim, metric: metric, millionths: $0) }
    }

    /// How many cores the processes kept busy since they were looked at last.
    private func cores(_ pids: [pid_t]) -> Int64? {
        let (ticks, now) = (ProcessTable.ticks(of: pids), ContinuousClock.now)
        defer { computed = (ticks, now) }
        // Fewer than before: processes ended that nobody has waited for.
        guard let last = computed, ticks >= last.ticks, now - last.at >= .milliseconds(100) else { return nil }
        let seconds = Double(ticks - last.ticks) / Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
        return Self.millionths(seconds / ((now - last.at) / .seconds(1)))
    }

    /// From the file that the instance writes, else from its connection parameters.
    private func published(_ metric: String) -> Int64? {
        for text in [Self.readRegularFile("\(place.directory)/\(Self.metricsFile)"), latest?.status.connection] {
            guard let text, case .object(let members)? = try? JSONValue(parsing: text) else { continue }
            switch members[metric] {
            case .integer(let number)?: return Self.millionths(Double(number))
            case .number(let number)?: return Self.millionths(number)
            case .string(let words)?: if let number = Decimal6(words) { return max(0, number.millionths) }
            case .null?, .boolean?, .array?, .object?, nil: continue
            }
        }
        return nil
    }

    static func millionths(_ value: Double) -> Int64? {
        guard value.isFinite, value >= 0 else { return nil }
        return Int64(min(value * 1_000_000, Double(Gauge.millionthsMax / 2)))
    }

    /// What a tenant puts there may be no file, or a link to another one's: it is not followed, and nobody waits for it.
    private static func readRegularFile(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { return nil }
        defer { Glibc.close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= metricsBytesMax else {
            return nil
        }
        var bytes = [UInt8](repeating: 0, count: metricsBytesMax)
        let count = Glibc.read(file, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes.prefix(count), as: UTF8.self) : nil
    }
}

extension InstanceHost {
    /// What instances of groups use or publish; only of those whose groups are scaled by it.
    public func gauges() async -> [Gauge] {
        var gauges: [Gauge] = []
        for place in partitions { if let gauge = await gauge(of: place.number) { gauges.append(gauge) } }
        return gauges
    }
}

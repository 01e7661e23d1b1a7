import Foundation

/// What a benchmark prints: `palmier.bench/1`.
public struct BenchmarkDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.bench/1"
    public var machine: BenchmarkMachine
    public var figures: [Figure]

    public init(machine: BenchmarkMachine, figures: [Figure]) {
        self.machine = machine
        self.figures = figures
    }

    /// The figures that fall short of what they shall reach.
    public var short: [Figure] { figures.filter { !$0.isReached } }
}

/// What a benchmark ran on. A figure means nothing without it.
public struct BenchmarkMachine: Codable, Hashable, Sendable {
    /// The processor's own name; the architecture where the kernel does not tell it.
    public var cpu: String
    /// Those that this process may use.
    public var cores: Int
    /// Bytes.
    public var memory: Int64
    /// The kernel's name and release.
    public var kernel: String
    /// The distribution's own name.
    public var os: String

    public init(cpu: String, cores: Int, memory: Int64, kernel: String, os: String) {
        self.cpu = cpu
        self.cores = cores
        self.memory = memory
        self.kernel = kernel
        self.os = os
    }

    /// The machine that this process runs on.
    public static var current: BenchmarkMachine {
        var names = utsname()
        uname(&names)
        return BenchmarkMachine(
            cpu: value(of: "model name", in: text("/proc/cpuinfo"), separator: ":") ?? string(names.machine),
            cores: ProcessInfo.processInfo.activeProcessorCount,
            memory: Int64(clamping: ProcessInfo.processInfo.physicalMemory),
            kernel: "\(string(names.sysname)) \(string(names.release))",
            os: value(of: "PRETTY_NAME", in: text("/etc/os-release"), separator: "=") ?? "unknown")
    }

    /// The first value of a key in `key SEPARATOR value` lines, without quotes; nil where there is none.
    static func value(of key: String, in text: String, separator: Character) -> String? {
        for line in text.split(separator: "\n") {
            guard let end = line.firstIndex(of: separator),
                line[..<end].trimmingCharacters(in: .whitespaces) == key
            else { continue }
            let value = line[line.index(after: end)...].trimmingCharacters(in: CharacterSet(charactersIn: " \t\""))
            if !value.isEmpty { return value }
        }
        return nil
    }

    private static func text(_ path: String) -> String {
        // A kernel without the file has nothing to tell: the description says so, and the figures stand.
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }

    /// A field of `utsname`, which Swift sees as a tuple of characters.
    private static func string(_ field: some Any) -> String {
        withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

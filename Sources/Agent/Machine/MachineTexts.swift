import Automata

/// What the kernel's texts say about the machine. Each function gives nil, or nothing, for a text that it cannot read.
enum MachineTexts {
    /// What the architecture is called here: `x86-64`, `arm64`, else the kernel's own word in lower case.
    ///
    /// - Parameter machine: as `uname -m` prints it.
    static func architecture(_ machine: String) -> String? {
        switch machine {
        case "": nil
        case "x86_64", "amd64": "x86-64"
        case "aarch64", "arm64", "aarch64_be": "arm64"
        case let name where name.hasPrefix("armv"): "arm"
        case "i386", "i486", "i586", "i686": "x86"
        case let name: String(name.lowercased().map { $0 == "_" ? "-" : $0 }).cut(toBytes: 63)
        }
    }

    /// `6.1.0` of `6.1.0-28-amd64`.
    ///
    /// - Parameter release: `/proc/sys/kernel/osrelease`.
    static func kernel(_ release: String) -> String? {
        var numbers: [Substring] = []
        for part in release.split(separator: ".", omittingEmptySubsequences: false).prefix(4) {
            let digits = part.prefix { $0.isASCII && $0.isNumber }
            guard (1...9).contains(digits.count) else { break }
            numbers.append(digits)
            guard digits.endIndex == part.endIndex else { break }
        }
        return numbers.isEmpty ? nil : numbers.joined(separator: ".")
    }

    /// How many processors this process may run on.
    ///
    /// - Parameter status: `/proc/self/status`, whose line `Cpus_allowed_list` is as `0-3,8` (proc_pid_status(5)).
    static func allowedCores(_ status: String) -> Int? {
        let key = "Cpus_allowed_list:"
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix(key) }) else { return nil }
        var count = 0
        for range in line.dropFirst(key.count).trimmed.split(separator: ",") {
            let ends = range.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1],
                (0...coreMax).contains(first), (first...coreMax).contains(last)
            else { return nil }
            count += last - first + 1
        }
        return count > 0 ? count : nil
    }

    /// The largest number of a processor that is believed.
    private static let coreMax = 65_535

    /// The group of this process in the unified hierarchy, as `/user.slice`.
    ///
    /// - Parameter groups: `/proc/self/cgroup`, with a line `0::PATH` (cgroups(7)).
    static func unifiedGroup(_ groups: String) -> String? {
        guard let line = groups.split(separator: "\n").first(where: { $0.hasPrefix("0::/") }) else { return nil }
        let path = String(line.dropFirst(3))
        // A group outside of this process's name space is shown so; there is nothing to read of it.
        return path.split(separator: "/").contains("..") ? nil : path
    }

    /// Whole cores' worth of time that a group may use, at least one; nil: as much as there is.
    ///
    /// - Parameter limit: `cpu.max`: `QUOTA PERIOD` or `max PERIOD`, in microseconds (the kernel's admin-guide/cgroup-v2).
    static func cores(ofLimit limit: String) -> Int? {
        let parts = limit.trimmed.split(separator: " ")
        guard parts.count == 2, let quota = Int64(parts[0]), let period = Int64(parts[1]), quota > 0, period > 0
        else { return nil }
        return Int(max(1, quota / period))
    }

    /// Processes that wanted to run in the last minute, for each core, in hundredths.
    ///
    /// - Parameter averages: `/proc/loadavg`, whose first number has two digits behind the point (proc_loadavg(5)).
    static func load(_ averages: String, cores: Int) -> Int? {
        let parts = averages.prefix { $0 != " " }.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].count == 2, parts.joined().allSatisfy({ $0.isASCII && $0.isNumber }),
            let whole = Int(parts[0]), let rest = Int(parts[1]), whole < 1_000_000
        else { return nil }
        return (whole * 100 + rest) / max(1, cores)
    }

    /// What an accelerator is called by NVIDIA's driver.
    ///
    /// - Parameter information: `/proc/driver/nvidia/gpus/…/information`, with a line `Model: NAME`.
    static func nvidiaModel(_ information: String) -> String? {
        let line = information.split(separator: "\n").first { $0.hasPrefix("Model:") }
        guard let name = line?.dropFirst("Model:".count).trimmed, !name.isEmpty else { return nil }
        return String(name)
    }

    /// `0x030200` and the like, as `/sys/bus/pci/devices/…/{class,vendor,device}` has them.
    static func hexadecimal(_ text: String) -> UInt32? {
        let digits = text.trimmed
        guard digits.hasPrefix("0x"), (3...10).contains(digits.count) else { return nil }
        return UInt32(digits.dropFirst(2), radix: 16)
    }
}

/// A device on the PCI bus, as far as it may be an accelerator.
struct PCIDevice: Hashable, Sendable {
    /// `0000:65:00.0`.
    var place: String
    /// Base class, sub-class and interface.
    var kind: UInt32
    var vendor: UInt32
    var device: UInt32

    /// Whether software may compute on it.
    ///
    /// A 3D controller and a processing accelerator are for that. A display controller is, when it is of one who makes such:
    /// a server's console is one, too. Intel's at `00:02.0` is part of the processor.
    var isAccelerator: Bool {
        switch kind >> 8 {
        case 0x0302, 0x1200: true
        case 0x0300: Self.vendors[vendor] != nil && !(vendor == 0x8086 && place.hasSuffix(":00:02.0"))
        default: false
        }
    }

    /// Its vendor's name and its own number, for nothing of the kernel says more.
    var model: String {
        let digits = String(device, radix: 16)
        let number = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        return "\(Self.vendors[vendor] ?? "vendor \(String(vendor, radix: 16))") \(number)"
    }

    private static let vendors: [UInt32: String] = [0x10DE: "NVIDIA", 0x1002: "AMD", 0x8086: "Intel"]
}

extension StringProtocol {
    /// Without blanks and line ends around it.
    fileprivate var trimmed: SubSequence {
        let rest = drop { $0.isWhitespace }
        guard let last = rest.lastIndex(where: { !$0.isWhitespace }) else { return rest.prefix(0) }
        return rest[...last]
    }
}

extension String {
    /// As many whole characters from its front as have at most so many bytes.
    func cut(toBytes most: Int) -> String {
        var kept = ""
        for character in self {
            guard kept.utf8.count + character.utf8.count <= most else { break }
            kept.append(character)
        }
        return kept
    }
}

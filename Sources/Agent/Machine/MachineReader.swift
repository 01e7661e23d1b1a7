public import Automata
import Glibc

/// Finds out what this machine is and has (Linux). What cannot be read is not known, and no error: a machine without it
/// is a machine that some requests pass over.
public struct MachineReader: Sendable {
    private let root: String
    private let stateDirectory: String

    /// - Parameters:
    ///   - stateDirectory: on the disk that instances write to.
    ///   - root: where `/proc` and `/sys` are.
    public init(stateDirectory: String, root: String = "") {
        self.stateDirectory = stateDirectory
        self.root = root
    }

    /// Architecture, kernel, cores and accelerators, with what varies as it is now.
    public func facts() -> MachineFacts {
        var facts = MachineFacts(cores: cores ?? 0)
        facts.architecture = MachineTexts.architecture(Self.unameMachine) ?? ""
        facts.kernel = text("/proc/sys/kernel/osrelease").flatMap { MachineTexts.kernel($0) } ?? ""
        let models = accelerators
        facts.gpus = models.count
        facts.gpuModel = Self.model(of: models)
        facts.load = load(cores: facts.cores) ?? 0
        facts.disk = diskFree ?? .zero
        return facts
    }

    /// Processes that want to run, for each core, in hundredths; nil: not known.
    public func load(cores: Int) -> Int? {
        text("/proc/loadavg").flatMap { MachineTexts.load($0, cores: cores) }
    }

    /// What an ordinary user may still write on the disk of the state directory, or of the first directory above it that
    /// is there.
    public var diskFree: ByteCount? {
        var path = stateDirectory
        var status = statvfs()
        while statvfs(path, &status) != 0 {
            guard let slash = path.lastIndex(of: "/"), path != "/" else { return nil }
            path = slash == path.startIndex ? "/" : String(path[..<slash])
        }
        let (bytes, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return ByteCount(overflow ? .max : Int64(clamping: bytes))
    }

    // MARK: Parts

    /// Those that this process may use: what it is bound to, and what its group and those above it may use at most.
    private var cores: Int? {
        let allowed = text("/proc/self/status").flatMap { MachineTexts.allowedCores($0) }
        var limits: [Int] = []
        if var group = text("/proc/self/cgroup").flatMap({ MachineTexts.unifiedGroup($0) }) {
            while true {
                let folder = group == "/" ? "" : group
                if let limit = text("/sys/fs/cgroup\(folder)/cpu.max").flatMap({ MachineTexts.cores(ofLimit: $0) }) {
                    limits.append(limit)
                }
                guard let slash = group.lastIndex(of: "/"), group != "/" else { break }
                group = slash == group.startIndex ? "/" : String(group[..<slash])
            }
        }
        return ([allowed].compactMap { $0 } + limits).min()
    }

    /// The model of each accelerator, in the order of their places on the bus.
    private var accelerators: [String] {
        let bus = "/sys/bus/pci/devices"
        let devices = Disk.names(in: root + bus).compactMap { place -> PCIDevice? in
            func number(_ name: String) -> UInt32? {
                text("\(bus)/\(place)/\(name)").flatMap { MachineTexts.hexadecimal($0) }
            }
            guard let kind = number("class"), let vendor = number("vendor") else { return nil }
            return PCIDevice(place: place, kind: kind, vendor: vendor, device: number("device") ?? 0)
        }
        let named = nvidiaModels
        let found = devices.filter(\.isAccelerator)
        let models = found.map { named[$0.place.lowercased()] ?? $0.model }
        // In a container the driver may tell of what the bus does not show.
        let unseen = named.filter { place, _ in !found.contains { $0.place.lowercased() == place } }
        return models + unseen.sorted { $0.key < $1.key }.map(\.value)
    }

    /// By place on the bus; looked up only.
    private var nvidiaModels: [String: String] {
        let folder = "/proc/driver/nvidia/gpus"
        var models: [String: String] = [:]
        for place in Disk.names(in: root + folder) {
            models[place.lowercased()] = text("\(folder)/\(place)/information").flatMap { MachineTexts.nvidiaModel($0) }
        }
        return models
    }

    /// One word for all: their common model, or each of them once.
    static func model(of models: [String]) -> String {
        var each: [String] = []
        for model in models where !each.contains(model) { each.append(model) }
        return each.joined(separator: " + ").cut(toBytes: 63)
    }

    private func text(_ path: String) -> String? {
        (try? Disk.read(root + path, upTo: 64 << 10)) ?? nil
    }

    private static var unameMachine: String {
        var name = utsname()
        guard uname(&name) == 0 else { return "" }
        return withUnsafeBytes(of: name.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

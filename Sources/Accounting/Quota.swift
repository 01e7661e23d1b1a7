public import Automata
import OrderedCollections

/// The most that a project's placed requests may hold together; nil: as much as they like.
public struct Quota: Hashable, Sendable {
    /// 0 to `countMax`.
    public var partitions: Int?
    /// 0 to `countMax`.
    public var cores: Int?
    /// 0 to `memoryMax`.
    public var memory: ByteCount?
    /// Accelerators; 0 to `countMax`.
    public var gpus: Int?

    public static let countMax = 1_000_000
    public static let memoryMax = ByteCount(1 << 60)
    public static let none = Quota()

    public init(partitions: Int? = nil, cores: Int? = nil, memory: ByteCount? = nil, gpus: Int? = nil) {
        self.partitions = partitions
        self.cores = cores
        self.memory = memory
        self.gpus = gpus
    }

    /// What of the holdings is beyond the quota, first: in words for people what they come to, and what may be.
    public func excess(of holdings: Holdings) -> (found: String, most: String)? {
        if let partitions, holdings.partitions > partitions {
            return (Self.count(holdings.partitions, "partition"), "\(partitions)")
        }
        if let cores, holdings.cores > cores { return (Self.count(holdings.cores, "core"), "\(cores)") }
        if let memory, holdings.memory > memory { return ("\(holdings.memory) of memory", "\(memory)") }
        if let gpus, holdings.gpus > gpus { return (Self.count(holdings.gpus, "accelerator"), "\(gpus)") }
        return nil
    }

    private static func count(_ number: Int, _ word: String) -> String { "\(number) \(word)\(number == 1 ? "" : "s")" }
}

/// What a project may have of machines, and how much beside others.
public struct Allotment: Hashable, Sendable {
    public var quota = Quota.none
    /// 1 to `ProjectShare.weightMax`.
    public var weight = 1

    public init() {}
}

extension Accounts {
    /// What was said of the project; nothing in particular where nobody has said anything.
    public func allotment(of project: ProjectID) -> Allotment { allotments[project] ?? Allotment() }

    func checkQuota(_ id: ProjectID, _ quota: Quota) throws(RuleBreach) {
        _ = try project(id)
        for (count, what) in [(quota.partitions, "partitions"), (quota.cores, "cores"), (quota.gpus, "accelerators")] {
            guard let count, !(0...Quota.countMax).contains(count) else { continue }
            throw RuleBreach(
                .overflow, "the quota of \(id) is \(count) \(what)", remedy: "give 0 to \(Quota.countMax)")
        }
        if let memory = quota.memory, !(.zero...Quota.memoryMax).contains(memory) {
            throw RuleBreach(
                .overflow, "the quota of \(id) is \(memory.bytes) bytes of memory",
                remedy: "give 0 to \(Quota.memoryMax)")
        }
    }

    mutating func onQuota(_ id: ProjectID, _ quota: Quota) throws(RuleBreach) -> Outcome {
        try checkQuota(id, quota)
        return allot(id) { $0.quota = quota }
    }

    func checkShare(_ id: ProjectID, weight: Int) throws(RuleBreach) {
        _ = try project(id)
        guard (1...ProjectShare.weightMax).contains(weight) else {
            throw RuleBreach(
                .overflow, "the share of \(id) is \(weight)", remedy: "give 1 to \(ProjectShare.weightMax)")
        }
    }

    mutating func onShare(_ id: ProjectID, weight: Int) throws(RuleBreach) -> Outcome {
        try checkShare(id, weight: weight)
        return allot(id) { $0.weight = weight }
    }

    private mutating func allot(_ id: ProjectID, _ change: (inout Allotment) -> Void) -> Outcome {
        let before = allotment(of: id)
        var after = before
        change(&after)
        guard after != before else { return .repeated }
        allotments[id] = after == Allotment() ? nil : after
        return .done
    }
}

extension Quota: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        partitions.write(to: &bytes)
        cores.write(to: &bytes)
        (memory?.bytes).write(to: &bytes)
        gpus.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        let (partitions, cores): (Int?, Int?) = (try .init(from: &reader), try .init(from: &reader))
        let memory: Int64? = try .init(from: &reader)
        self.init(
            partitions: partitions, cores: cores, memory: memory.map { ByteCount($0) }, gpus: try .init(from: &reader))
    }
}

extension Allotment: Canonical {
    func write(to bytes: inout CanonicalBytes) {
        quota.write(to: &bytes)
        weight.write(to: &bytes)
    }
    init(from reader: inout CheckpointReader) throws(CheckpointError) {
        quota = try .init(from: &reader)
        weight = try .init(from: &reader)
    }
}

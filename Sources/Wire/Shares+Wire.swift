import Accounting
import Automata
import SwiftProtobuf
import WireSchema

// How what projects have and may have is written.

extension WireReserves {
    init(_ holdings: Holdings) {
        self.init()
        cores = UInt64(clamping: holdings.cores)
        memoryBytes = UInt64(clamping: holdings.memory.bytes)
        gpus = UInt64(clamping: holdings.gpus)
    }

    func decoded() throws(WireError) -> Holdings {
        Holdings(
            cores: Int(try counter(cores, "cores that are reserved")),
            memory: ByteCount(Int64(try counter(memoryBytes, "memory that is reserved"))),
            gpus: Int(try counter(gpus, "accelerators that are reserved")))
    }
}

extension WireProjectShare {
    init(_ share: ProjectShare) {
        self.init()
        project = share.project
        held = UInt32(clamping: share.held)
        weight = UInt32(clamping: share.weight)
    }

    func decoded() throws(WireError) -> ProjectShare {
        ProjectShare(
            project: try text(project, "a project", bytes: 0...WireBounds.nameBytesMax),
            held: Int(try number(held, "what a project holds", 0...UInt32(ProjectShare.heldMax))),
            weight: try projectWeight(weight))
    }
}

func projectWeight(_ value: UInt32) throws(WireError) -> Int {
    Int(try number(value, "a project's share", 1...UInt32(ProjectShare.weightMax)))
}

extension WireOutranking {
    init(_ other: Outranking) {
        self.init()
        ledger = other.ledger.data
        name = other.name
        share = WireProjectShare(other.share)
    }

    func decoded() throws(WireError) -> Outranking {
        Outranking(
            ledger: try peer(ledger, "the ledger of a claim"),
            name: try text(name, "a ledger's name", bytes: 0...WireBounds.nameBytesMax),
            share: try required(hasShare, share, "what a claim's project has").decoded())
    }
}

extension WireQuotaOrder {
    init(_ id: ProjectID, _ quota: Quota) {
        self.init()
        project = id.name
        if let count = quota.partitions { partitions = UInt32(clamping: count) }
        if let count = quota.cores { cores = UInt32(clamping: count) }
        if let memory = quota.memory { memoryBytes = memory.bytes }
        if let count = quota.gpus { gpus = UInt32(clamping: count) }
    }

    func decoded() throws(WireError) -> Quota {
        func count(_ isThere: Bool, _ value: UInt32, _ what: StaticString) throws(WireError) -> Int? {
            isThere ? Int(try number(value, what, 0...UInt32(Quota.countMax))) : nil
        }
        return Quota(
            partitions: try count(hasPartitions, partitions, "a quota of partitions"),
            cores: try count(hasCores, cores, "a quota of cores"),
            memory: hasMemoryBytes
                ? ByteCount(try number(memoryBytes, "a quota of memory", 0...Quota.memoryMax.bytes)) : nil,
            gpus: try count(hasGpus, gpus, "a quota of accelerators"))
    }
}

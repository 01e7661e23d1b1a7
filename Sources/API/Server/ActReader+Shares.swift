import Accounting
import Automata
import Ledger

/// What projects may have of machines.
extension ActReader {
    /// What is not said stays, where a replica of the books is here.
    func quota(of project: String, _ body: String) throws(ProblemDocument) -> Act {
        let reader = try BodyReader(body, known: ["partitions", "cores", "memoryMiB", "gpus", "remove"])
        let removes = try reader.boolean("remove") ?? false
        var quota = Quota.none
        if !removes { quota = try view.held().quota(of: project) }
        let counts = 0...Int64(Quota.countMax)
        if let count = try reader.integer("partitions", in: counts) { quota.partitions = Int(count) }
        if let count = try reader.integer("cores", in: counts) { quota.cores = Int(count) }
        if let count = try reader.integer("memoryMiB", in: 0...Quota.memoryMax.bytes >> 20) {
            quota.memory = .mebibytes(count)
        }
        if let count = try reader.integer("gpus", in: counts) { quota.gpus = Int(count) }
        let saysBound = ["partitions", "cores", "memoryMiB", "gpus"].contains { reader.has($0) }
        guard removes || saysBound else {
            throw missing("partitions", "a bound for partitions, cores, memoryMiB or gpus, or remove")
        }
        return .quotaSet(ProjectID(project), quota)
    }

    func share(of project: String, _ body: String) throws(ProblemDocument) -> Act {
        let reader = try BodyReader(body, known: ["share"])
        guard let weight = try reader.integer("share", in: 1...Int64(ProjectShare.weightMax)) else {
            throw missing("share", "a number from 1 to \(ProjectShare.weightMax)")
        }
        return .shareSet(ProjectID(project), weight: Int(weight))
    }
}

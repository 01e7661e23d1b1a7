import ArgumentParser

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measures this build on this machine.",
        discussion: Help.text(
            examples: .init("palmier bench lan", "a table of all figures of a local network"),
            .init("palmier bench lan -o json", "the same as a document, for the record"),
            .init("palmier bench allocation", "how requests find machines, simulated and real"),
            .init("palmier bench overlay --figures hops_mean", "a figure of the ring, from its published scenario"),
            .init("palmier bench ledger", "a ledger with two replicas, next to etcd"),
            .init("palmier bench simulator", "speed and memory of the simulator")),
        subcommands: [BenchAllocation.self, BenchLan.self, BenchLedger.self, BenchOverlay.self, BenchSimulator.self])
}

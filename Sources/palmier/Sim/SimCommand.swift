import ArgumentParser

struct SimCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sim", abstract: "Whole peers on virtual time, with faults; a seed repeats a run bit for bit.",
        discussion: Help.text(
            examples: .init("palmier sim run Simulations/first-light.yaml --seed 7", "one run"),
            .init("palmier sim run Simulations/first-light.yaml --seeds 1...500 --jobs 2", "many runs")),
        subcommands: [SimRun.self, SimList.self, SimCheck.self, SimShrink.self, SimMerge.self, SimPublish.self])
}

import Agent
import Automata
import Logging
import Neighbours
import Peer
import Storage

/// What the machine is and has, looked at again and again.
extension PeerHost {
    static func machine(_ configuration: Configuration) async -> MachineSource {
        MachineSource(
            reader: MachineReader(stateDirectory: configuration.stateDirectory), cores: configuration.cores,
            memory: configuration.memory ?? MachineMemory.forInstances,
            // One that runs no instances keeps none apart.
            isolation: configuration.partitions > 0 ? await configuration.isolation.kinds() : [],
            country: configuration.country, continent: configuration.continent, terms: configuration.terms)
    }

    /// What the owner has said while the machine ran, as far as this start does not say something else.
    static func word(
        _ kept: OwnerWord, _ configuration: Configuration, _ store: Store, _ logger: Logger
    ) async throws -> OwnerWord {
        var word = kept
        if word.offer.yield(to: configuration.said) {
            try await store.write(WriteBatch(word: word))
            logger.notice(
                "offer.startWins",
                metadata: [
                    "forgotten": "what `palmier node offer` had set of what this start's settings say",
                    "kept": word.offer.isEmpty ? "nothing" : "what they do not say",
                ])
        }
        if word.isDrained { logger.notice("node.drained", metadata: ["until": "palmier node undrain"]) }
        return word
    }

    /// Tells the peer what has changed by a step that matters.
    func measure() async {
        // What the peer was made with, which the first look is compared with.
        var gauge = MachineGauge(told: await read(\.neighbours.own.facts))
        while await rest(configuration.measureEvery) {
            let installed = await agent.installedReleases(most: MachineFacts.installedMax)
            if let facts = gauge.take(machine.facts(installed: installed)) { input(.measured(facts)) }
        }
    }
}

import Agent
import Automata
import Neighbours
import Peer

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

    /// Tells the peer what has changed by a step that matters.
    func measure() async {
        // What the peer was made with, which the first look is compared with.
        var gauge = MachineGauge(told: await snapshot().neighbours.own.facts)
        while await rest(configuration.measureEvery) {
            let installed = await agent.installedReleases(most: MachineFacts.installedMax)
            if let facts = gauge.take(machine.facts(installed: installed)) { input(.measured(facts)) }
        }
    }
}

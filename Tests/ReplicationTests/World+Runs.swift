import Automata

@testable import Replication

extension World {
    /// A whole run: faults drawn from the seed for a minute, then none; everything that was promised is checked.
    static func run(_ seed: UInt64, sabotage: Replica.Sabotage = [], isTold: Bool = false) -> World {
        var draw = SeededRandom(seed: seed)
        var settings = World.Settings()
        settings.members = draw.chance(perMille: 300) ? 5 : 3
        settings.spares = 1 + draw.below(2)
        settings.loss = draw.chance(perMille: 500) ? draw.below(80) : 0
        settings.repeats = draw.chance(perMille: 500) ? draw.below(60) : 0
        settings.delay = .milliseconds(1 + draw.below(30))
        settings.prunes = draw.chance(perMille: 400)
        settings.damages = draw.chance(perMille: 500)
        settings.configuration.checkpointInterval = 16
        settings.configuration.cachedMax = draw.chance(perMille: 500) ? 8 : 64
        settings.configuration.batchEntriesMax = 4
        settings.configuration.fetchEntriesMax = 16
        settings.configuration.sabotage = sabotage
        settings.forgetsView = sabotage.contains(.forgetView)
        settings.keepsStore = sabotage.contains(.amnesia)
        var world = World(seed: seed, settings)
        world.isTold = isTold
        world.run(for: .seconds(60))
        let before = world.clients.map(\.done)
        world.calm()
        world.run(for: .seconds(40)) { world in
            zip(before, world.clients).allSatisfy { $1.done > $0 + 5 }
        }
        world.check(
            zip(before, world.clients).allSatisfy { $1.done > $0 + 5 },
            "I4 \(zip(before, world.clients.map(\.done)).map { $1 - $0 }) after the faults")
        if world.violation == nil {
            world.run(for: .seconds(10))
            world.isQuiet = true
            world.run(for: .seconds(5))
            world.checkAtEnd()
        }
        return world
    }
}

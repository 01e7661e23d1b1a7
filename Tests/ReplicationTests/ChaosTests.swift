import Automata
import Testing

@testable import Replication

@Suite("Replicas under drawn faults")
struct ChaosTests {
    @Test("nothing is lost, nothing is done twice, all agree, and afterwards everybody is served", arguments: seeds)
    func chaos(seed: UInt64) {
        let world = World.run(seed)
        #expect(world.violation == nil, "seed \(seed): \(world.violation ?? "")")
    }

    @Test("the same seed is the same run")
    func replay() {
        let (first, second) = (World.run(3), World.run(3))
        #expect(first.trace.finish() == second.trace.finish())
    }

    static let seeds = Array(UInt64(1)...40)
}

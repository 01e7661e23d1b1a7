import Automata
import Foundation
import Testing

@testable import Replication

@Suite("Replicas in every order of what may happen")
struct ExplorationTests {
    static let scopes = [
        Scope(name: "three, one request, two views, quick", writesTakeLong: false),
        Scope(name: "three, one request, two views"),
        Scope(name: "three, one request, two views, a crash, quick", crashes: 1, writesTakeLong: false),
        Scope(name: "three, one request, two views, a crash", crashes: 1),
        Scope(name: "three, one request, three views, quick", viewMax: 2, writesTakeLong: false),
        Scope(name: "three, two requests, two views, quick", requests: 2, writesTakeLong: false),
        Scope(name: "one and a learner, a crash", members: 1, hasLearner: true, requests: 2, viewMax: 2, crashes: 2),
    ]

    @Test(arguments: scopes)
    func holds(scope: Scope) {
        var search = Exploration(scope)
        let clock = ContinuousClock()
        var result = Exploration.Result()
        let took = clock.measure { result = search.run() }
        print(scope.name, result.states, result.steps, result.depth, result.nodes, result.letters, "cores", result.cores, result.reached, result.isComplete, took)
        for line in result.trace { print("   ", line) }
        #expect(result.violation == nil, "\(scope.name): \(result.violation ?? "")\n\(result.trace.joined(separator: "\n"))")
    }
}

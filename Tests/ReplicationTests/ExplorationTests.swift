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
        Scope(name: "three, one request, damage", crashes: 1, damages: 1, writesTakeLong: false),
        Scope(name: "three, a read", reads: 1, writesTakeLong: false),
        Scope(name: "three, told wishes", tellsWishes: true, writesTakeLong: false),
        Scope(name: "one and a learner, a crash", members: 1, hasLearner: true, requests: 2, viewMax: 2, crashes: 1),
        Scope(
            name: "a spare takes a place", hasLearner: true, target: [0, 1, 3], requests: 0, viewMax: 1,
            nextViewMax: 1, writesTakeLong: false),
        Scope(
            name: "a spare takes the primary's place", hasLearner: true, target: [1, 2, 3], requests: 0, viewMax: 1,
            nextViewMax: 1, writesTakeLong: false),
        Scope(
            name: "a spare takes a place, request", hasLearner: true, target: [0, 1, 3], requests: 1, viewMax: 0,
            nextViewMax: 1, writesTakeLong: false),
    ]

    struct Bug: CustomTestStringConvertible, Sendable {
        var scope: Scope
        var invariant: String
        var testDescription: String { scope.name }

        init(_ name: String, _ sabotage: Replica.Sabotage, _ invariant: String, _ scope: Scope) {
            self.scope = scope
            self.scope.name = name
            self.scope.sabotage = sabotage
            self.invariant = invariant
        }
    }

    static let bugs = [
        Bug("commit by minority", .commitByMinority, "I3", Scope(writesTakeLong: false)),
        Bug("skip sessions", .skipSessions, "ONCE", Scope(viewMax: 0, writesTakeLong: false)),
        Bug("apply early", .applyEarly, "", Scope(writesTakeLong: false)),
        Bug("own log", .ownLog, "I3", Scope(writesTakeLong: false)),
        Bug("early acknowledgement", .earlyAcknowledgement, "I3", Scope(crashes: 1)),
        Bug("forget view", .forgetView, "", Scope(crashes: 1, writesTakeLong: false)),
        Bug("early vote", .earlyVote, "I3", Scope(crashes: 1)),
        Bug("amnesia", .amnesia, "I3", Scope(crashes: 1, writesTakeLong: false)),
        Bug("stale read", .staleRead, "STALE READ", Scope(reads: 1, writesTakeLong: false)),
        Bug("cut damaged", .cutDamaged, "I3", Scope(crashes: 1, damages: 1, writesTakeLong: false)),
        Bug(
            "hasty epoch", .hastyEpoch, "",
            Scope(hasLearner: true, target: [0, 1, 3], nextViewMax: 0, writesTakeLong: false)),
        Bug("cut first", .cutFirst, "I3", Scope(viewMax: 2, writesTakeLong: false)),
        Bug("longest log", .longestLog, "I3", Scope(requests: 2, viewMax: 2, writesTakeLong: false)),
    ]

    @Test(arguments: scopes)
    func holds(scope: Scope) { look(scope) }

    @Test(arguments: bugs)
    func finds(bug: Bug) { look(bug.scope) }

    func look(_ scope: Scope) {
        var scope = scope
        scope.statesMax = 200_000
        var search = Exploration(scope)
        let clock = ContinuousClock()
        var result = Exploration.Result()
        let took = clock.measure { result = search.run() }
        print(
            scope.name, result.states, result.steps, result.depth, "nodes", result.nodes, result.letters, "cores",
            result.cores, result.reached, result.isComplete, took)
        if let violation = result.violation { print("  ", violation) }
        for line in result.trace { print("      ", line) }
        fflush(nil)
    }
}

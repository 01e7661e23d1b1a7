import Automata
import Testing

@testable import Replication

@Suite("Replicas in every order of what may happen")
struct ExplorationTests {
    static let scopes = [
        Scope(name: "three, two views, disks at once", writesTakeLong: false, statesMin: 5_000),
        Scope(name: "three, two views", statesMin: 12_000),
        Scope(name: "three, two views, a crash, disks at once", crashes: 1, writesTakeLong: false, statesMin: 25_000),
        Scope(name: "three, two views, a crash", crashes: 1, statesMin: 200_000),
        Scope(name: "three, three views, disks at once", viewMax: 2, writesTakeLong: false, statesMin: 35_000),
        Scope(
            name: "three, two requests, two views", requests: 2, writesTakeLong: false, statesMax: 400_000,
            isSeenWhole: false),
        Scope(name: "three, a damaged entry", crashes: 1, damages: 1, writesTakeLong: false, statesMin: 45_000),
        Scope(name: "three, a read", reads: 1, writesTakeLong: false, statesMin: 4_500),
        Scope(name: "three, wishes as messages", tellsWishes: true, writesTakeLong: false, statesMin: 50_000),
        Scope(
            name: "one and a learner, a crash", members: 1, hasLearner: true, requests: 2, viewMax: 2, crashes: 1,
            statesMin: 19_000),
        Scope(
            name: "a spare takes a place", hasLearner: true, target: [0, 1, 3], requests: 1, viewMax: 0,
            nextViewMax: 1, writesTakeLong: false, statesMax: 300_000, isSeenWhole: false),
        Scope(
            name: "a spare takes the primary's place", hasLearner: true, target: [1, 2, 3], requests: 0,
            nextViewMax: 1, writesTakeLong: false, statesMax: 300_000, isSeenWhole: false),
    ]

    @Test(
        "no two execute different entries at one place, no view lacks what an earlier one has committed or begins twice",
        arguments: scopes)
    func holds(scope: Scope) {
        var search = Exploration(scope)
        let result = search.run()
        #expect(result.violation == nil, "\(result.violation ?? ""):\n\(result.trace.joined(separator: "\n"))")
        #expect(result.isComplete == scope.isSeenWhole, "\(result.states) states")
        #expect(result.states >= (scope.isSeenWhole ? scope.statesMin : scope.statesMax))
        #expect(result.reached["executed", default: 0] > 0 && result.reached["started", default: 0] > 0)
    }

    struct Bug: CustomTestStringConvertible, Sendable {
        var scope: Scope
        var invariant: String
        var testDescription: String { scope.name }

        init(_ name: String, _ sabotage: Replica.Sabotage, breaks invariant: String, _ scope: Scope) {
            self.scope = scope
            self.scope.name = name
            self.scope.sabotage = sabotage
            self.invariant = invariant
        }
    }

    static let bugs = [
        Bug("commit by minority", .commitByMinority, breaks: "I3", Scope(writesTakeLong: false)),
        Bug("skip sessions", .skipSessions, breaks: "ONCE", Scope(viewMax: 0, writesTakeLong: false)),
        Bug("own log", .ownLog, breaks: "I3", Scope(writesTakeLong: false)),
        Bug("early acknowledgement", .earlyAcknowledgement, breaks: "I3", Scope(crashes: 1)),
        Bug("forget view", .forgetView, breaks: "ONE PRIMARY", Scope(crashes: 1, writesTakeLong: false)),
        Bug("early vote", .earlyVote, breaks: "I3", Scope(crashes: 1)),
        Bug("amnesia", .amnesia, breaks: "I3", Scope(crashes: 1, writesTakeLong: false)),
        Bug("stale read", .staleRead, breaks: "STALE READ", Scope(reads: 1, writesTakeLong: false)),
        Bug("cut damaged", .cutDamaged, breaks: "I3", Scope(crashes: 1, damages: 1, writesTakeLong: false)),
    ]

    @Test("a known bug is found, by what it breaks", arguments: bugs)
    func finds(bug: Bug) {
        var search = Exploration(bug.scope)
        let result = search.run()
        #expect(result.violation?.hasPrefix(bug.invariant) == true, "\(result.violation ?? "nothing found")")
        #expect(!result.trace.isEmpty)
    }
}

import Claims
import Foundation
import Ledger
import Testing

@Suite("Claims in every order of what may happen")
struct ClaimExplorationTests {
    static let scopes = [
        ClaimScope(
            name: "one request, two machines, a succession", successions: 1, statesMax: 20_000, isSeenWhole: false),
        ClaimScope(
            name: "one request, two machines, a restart of each", restarts: 2, statesMax: 20_000, isSeenWhole: false),
        ClaimScope(
            name: "two requests, two machines", requestCount: 2, exclusives: 2, ticks: 2, statesMax: 20_000,
            isSeenWhole: false),
        ClaimScope(
            name: "two requests, one machine of two partitions", machines: 1, partitions: 2, requestCount: 2,
            exclusives: 1, ticks: 2, restarts: 1, changes: 1, destructions: 1, statesMax: 20_000, isSeenWhole: false),
        ClaimScope(
            name: "two machines of two partitions", partitions: 2, successions: 1, statesMax: 20_000, isSeenWhole: false
        ),
        ClaimScope(
            name: "two rendezvous", rendezvous: 2, ticks: 2, restarts: 1, statesMax: 60_000, isSeenWhole: false),
    ]

    /// Bounds are so many times wider for whoever has the time.
    static var depth: Int { ProcessInfo.processInfo.environment["PALMIER_EXPLORE"].flatMap(Int.init) ?? 1 }

    @Test("an exclusive request never runs on two machines, and a partition never has two tenants", arguments: scopes)
    func holds(scope: ClaimScope) {
        var wide = scope
        wide.statesMax *= Self.depth
        var search = ClaimExploration(wide)
        let result = search.run()
        #expect(result.violation == nil, "\(result.violation ?? ""):\n\(result.trace.joined(separator: "\n"))")
        print(
            "claims, \(scope.name): \(result.states) states, \(result.steps) steps, depth \(result.depth), "
                + "\(result.nodes) nodes, \(result.letters) messages, \(result.isComplete ? "all" : "cut off")")
        #expect(result.runs > 0 || scope.exclusives == 0)
        #expect(result.isComplete || !scope.isSeenWhole || result.states > wide.statesMax)
    }

    struct Bug: CustomTestStringConvertible, Sendable {
        var scope: ClaimScope
        var invariant: String
        var testDescription: String { scope.name }

        init(
            _ name: String, _ sabotage: ClaimKeeper.Sabotage = [], ledger: RequestKeeper.Sabotage = [],
            breaks invariant: String, _ scope: ClaimScope = ClaimScope()
        ) {
            self.scope = scope
            self.invariant = invariant
            (self.scope.name, self.scope.sabotage, self.scope.ledgerSabotage) = (name, sabotage, ledger)
        }
    }

    /// Those that need time to pass lie deep: for whoever has the time.
    static let slow = [
        Bug("late count", .lateCount, breaks: "I1", ClaimScope(ticks: 4)),
        Bug("renews lost", ledger: .renewsLost, breaks: "I1", ClaimScope(ticks: 4)),
        Bug("short patience", ledger: .shortPatience, breaks: "I1", ClaimScope(ticks: 3)),
        Bug("hasty successor", ledger: .hastySuccessor, breaks: "I1", ClaimScope(successions: 1)),
    ]

    static let quick = [
        Bug("reused number", .reusedNumber, breaks: "I2"),
        Bug("occupied grant", .occupiedGrant, breaks: "I2", ClaimScope(requestCount: 2, destructions: 1)),
        Bug("late persist", .latePersist, breaks: "I2", ClaimScope(requestCount: 2, restarts: 1)),
        Bug("old order", .oldOrder, breaks: "NEWEST", ClaimScope(changes: 1)),
        Bug("early release", .earlyRelease, breaks: "I2", ClaimScope(destructions: 1)),
        Bug("unwritten order", ledger: .unwrittenOrder, breaks: "PLACED"),
        Bug("two winners", ledger: .twoWinners, breaks: "PLACED"),
        Bug("two winners of two rendezvous", ledger: .twoWinners, breaks: "PLACED", ClaimScope(rendezvous: 2)),
    ]

    @Test("a known bug is found, by what it breaks", arguments: quick + (depth > 1 ? slow : []))
    func finds(bug: Bug) {
        var search = ClaimExploration(bug.scope)
        let result = search.run()
        print("claims, sabotage \(bug.scope.name): \(result.states) states, depth \(result.depth)")
        #expect(result.violation?.hasPrefix(bug.invariant) == true, "\(result.violation ?? "nothing found")")
        #expect(!result.trace.isEmpty)
    }
}

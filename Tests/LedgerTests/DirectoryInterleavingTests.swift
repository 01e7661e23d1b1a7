import Automata
import Testing

@testable import Ledger

@Suite("masters that announce one exclusive request at once")
struct DirectoryInterleavingTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var masters: Int
        var askers: [Int]
        var losses = 0
        var resends = 0
        var destroys = 0

        var testDescription: String {
            "\(masters) masters, asked: \(askers), \(losses) lost, \(resends) resent, \(destroys) destroyed"
        }
    }

    static let cases = [
        Case(masters: 2, askers: [0, 1], losses: 4, resends: 4),
        Case(masters: 3, askers: [0, 1], losses: 1, resends: 1),
        Case(masters: 3, askers: [1, 2], losses: 2, resends: 1),
        Case(masters: 3, askers: [0, 1, 2], losses: 1, resends: 0),
        Case(masters: 2, askers: [0, 1], losses: 2, resends: 2, destroys: 2),
        Case(masters: 3, askers: [0, 1], losses: 0, resends: 1, destroys: 1),
    ]

    @Test(
        "in every interleaving at most one settles; once faults stop one does, unless it is destroyed, and all agree who",
        arguments: cases)
    func everyInterleaving(world: Case) {
        let start = DirectoryModel(
            masters: world.masters, askers: world.askers, losses: world.losses, resends: world.resends,
            destroys: world.destroys)
        var seen: Set<Int> = [start.hashValue]
        var stack: [(world: DirectoryModel, path: [DirectoryModel.Action])] = [(start, [])]
        let allowed = world.destroys
        var quiet = 0
        while let (world, path) = stack.popLast() {
            let actions = world.actions
            if world.settled > 1 {
                Issue.record("\(world.settled) masters settled after \(path)")
                return
            }
            if actions.isEmpty
                || (world.askers.isEmpty && actions.allSatisfy { if case .resend = $0 { true } else { false } })
            {
                quiet += 1
                let healed = world.healed(rounds: 6)
                if !healed.isAgreed || (world.destroys == allowed && healed.settled != 1) {
                    let end = healed.nodes.map { "\($0.phase), notes \($0.home?.fingerprint ?? "none")" }
                    Issue.record("no agreement in the end after \(path): \(end)")
                    return
                }
            }
            for action in actions {
                var next = world
                next.perform(action)
                if seen.insert(next.hashValue).inserted { stack.append((next, path + [action])) }
            }
        }
        #expect(quiet > 0, "none of \(seen.count) states was quiet")
    }
}

import Automata
import Groups
import Neighbours
import Overlay

// How masters of the whole ring come to know each other.
//
//     (settled in the ring) ──join, greeting──▶ Groups ──deliver──▶ a master that does not know the greeter
//     (that one) ──route to the greeter's key──▶ the greeter ──met──▶ Neighbours ──hello, introductions──▶ (both)
//
// A name is held once because two majorities of the masters share one (`Directory`): that is worth nothing where masters
// do not know how many there are. On a link they see each other; those that meet on the overlay alone may have met some,
// by the replicas that they keep for each other, and take these for all. So each joins one group, and greets it.

extension Peer {
    /// The group of all masters of a ring.
    static let mastersGroup = PeerID(publicKeyDigest: Digest(of: "palmier masters".utf8))

    /// Between two greetings: doubles from the first to the last, since news come by the newcomer's own; later ones are for
    /// rings that were apart.
    static let greetingFirst: Duration = .seconds(10)
    static let greetingLast: Duration = .seconds(600)

    /// Joins the group of masters, and greets them; safe to repeat.
    mutating func greetMasters(at now: Instant, into effects: inout [Effect]) {
        guard isMaster, isSettled, !isStopping, !rules.sabotage.contains(.unsociable) else { return }
        if greetings == 0 { groups(.join(group: Self.mastersGroup, value: 1), at: now, into: &effects) }
        groups(.multicast(group: Self.mastersGroup, payload: []), at: now, into: &effects)
        let pause = min(Self.greetingLast, Self.greetingFirst * (1 << min(greetings, 10)))
        greetings += 1
        effects.append(.set(.greeting, at: now + pause))
    }

    /// A master greets: one that is not known here is asked for its hello, wherever it is.
    mutating func onGreeting(of peer: PeerID, at now: Instant, into effects: inout [Effect]) {
        guard isMaster, !isStopping, peer != id, neighbours[peer]?.isLive != true else { return }
        let route = Overlay.Input.route(key: peer, application: .register, payload: Self.helloWanted, traced: false)
        overlay(route, at: now, into: &effects)
        // Where it was, there may be others that have not heard of this one.
        guard greetings > 2 else { return }
        greetings = 2
        effects.append(.set(.greeting, at: now + Self.greetingFirst))
    }

    /// What says "a master asks for your hello" in place of a number of the register; earlier versions pass it over.
    private static let helloWanted: [UInt8] = [1]

    /// - Returns: whether a routed message of the register is such a question.
    mutating func takesGreeting(_ routed: Routed, at now: Instant, into effects: inout [Effect]) -> Bool {
        guard routed.payload == Self.helloWanted else { return false }
        if routed.key == id, isMaster, !isStopping, routed.origin != id {
            neighbours(.met(routed.origin), at: now, into: &effects)
        }
        return true
    }
}

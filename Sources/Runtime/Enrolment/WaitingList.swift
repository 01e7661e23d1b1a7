import Automata
import Identity

/// Those who asked to be let in: who waits, and for a while what became of the others. Bounded: strangers shall not fill
/// the memory, and one stranger shall not push out all others.
struct WaitingList {
    /// Oldest first; at most `pendingMax`.
    private(set) var enrolments: [Enrolment] = []
    private let configuration: EnrolmentConfiguration

    init(configuration: EnrolmentConfiguration) {
        self.configuration = configuration
    }

    subscript(peer: PeerID) -> Enrolment? {
        enrolments.first { $0.ask.request.peer == peer }
    }

    /// Who waits, oldest first.
    func pending(at now: Instant) -> [Enrolment] {
        let oldest = now - configuration.lifetime
        return enrolments.filter { $0.state == .pending && $0.requestedAt > oldest }
    }

    /// The one who waits and is called so: a fingerprint, an id, or a name that one alone has.
    mutating func find(_ who: String, at now: Instant) throws(Refusal) -> Enrolment {
        forget(at: now)
        let waiting = enrolments.filter { $0.state == .pending }
        if let exact = waiting.first(where: { $0.fingerprint == who || $0.ask.request.peer.description == who }) {
            return exact
        }
        let named = waiting.filter { $0.ask.name == who }
        guard named.count < 2 else {
            let list = named.map(\.fingerprint).joined(separator: ", ")
            throw Refusal(
                .conflict, "\(named.count) who wait are called \(who): \(list)", remedy: "name the fingerprint")
        }
        guard let one = named.first else {
            throw Refusal(
                .notFound, "nobody called \(who) waits to be let in here",
                remedy: "look with `palmier node list --pending`")
        }
        return one
    }

    /// Adds one who waits for a person.
    mutating func note(_ ask: EnrolmentAsk, at now: Instant) throws(Refusal) -> Enrolment {
        let enrolment = Enrolment(ask: ask, state: .pending, requestedAt: now)
        if self[ask.request.peer] != nil {
            replace(enrolment)
            return enrolment
        }
        let waiting = enrolments.filter { $0.state == .pending }
        guard waiting.count < configuration.pendingMax,
            waiting.count(where: { $0.ask.address == ask.address }) < configuration.pendingPerAddressMax
        else {
            throw Refusal(
                .overloaded, "too many wait to be let in (\(waiting.count))",
                remedy: "approve or reject some: `palmier node list --pending`")
        }
        remember(enrolment)
        return enrolment
    }

    /// Puts an enrolment in the place of the same peer's earlier one; adds it, if there is room, when there is none.
    mutating func keep(_ enrolment: Enrolment) {
        if self[enrolment.ask.request.peer] != nil {
            replace(enrolment)
        } else {
            remember(enrolment)
        }
    }

    mutating func forget(at now: Instant) {
        enrolments.removeAll { now - $0.requestedAt >= configuration.lifetime }
    }

    private mutating func remember(_ enrolment: Enrolment) {
        // Those who have their answer make room first.
        if enrolments.count >= configuration.pendingMax,
            let index = enrolments.firstIndex(where: { $0.state != .pending })
        {
            enrolments.remove(at: index)
        }
        guard enrolments.count < configuration.pendingMax else { return }
        enrolments.append(enrolment)
    }

    private mutating func replace(_ enrolment: Enrolment) {
        guard let index = enrolments.firstIndex(where: { $0.ask.request.peer == enrolment.ask.request.peer }) else {
            return
        }
        var enrolment = enrolment
        if enrolment.state == .pending { enrolment.requestedAt = enrolments[index].requestedAt }
        enrolments[index] = enrolment
    }
}

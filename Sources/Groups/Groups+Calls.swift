import Automata
import Overlay

/// An anycast, or a question for a summary, of this peer that waits for its answer.
struct Call: Sendable {
    enum Kind: Sendable {
        case anycast(payload: [UInt8], atLeast: Int64?)
        case summary
    }

    /// Ours, in messages; never used twice.
    let number: UInt64
    /// The caller's.
    let id: UInt64
    let group: Key
    let kind: Kind
    var attempt: UInt8 = 0
    /// The attempt's, or when the next one begins.
    var deadline = Instant.distantFuture
    /// The attempt came back from a broken tree; the next one waits.
    var isAnswered = false
}

/// The origin's side of anycasts and questions.
extension Groups {
    mutating func onAnycast(
        _ payload: [UInt8], to key: Key, id: UInt64, atLeast: Int64?, at now: Instant, into effects: inout [Effect]
    ) {
        guard payload.count <= configuration.payloadBytesMax else {
            let max = configuration.payloadBytesMax
            effects.append(.ended(id: id, .payloadTooLarge(bytes: payload.count, max: max)))
            return
        }
        guard calls.count < configuration.callsMax else {
            effects.append(.ended(id: id, .busy))
            return
        }
        begin(.anycast(payload: payload, atLeast: atLeast), id: id, group: key, at: now, into: &effects)
    }

    mutating func onSummaryAsked(of key: Key, id: UInt64, at now: Instant, into effects: inout [Effect]) {
        if let index = index(of: key), groups[index].place == .root {
            effects.append(.summary(id: id, group: key, groups[index].summary(own: self.id)))
            return
        }
        guard calls.count < configuration.callsMax else {
            effects.append(.summary(id: id, group: key, nil))
            return
        }
        begin(.summary, id: id, group: key, at: now, into: &effects)
    }

    private mutating func begin(
        _ kind: Call.Kind, id: UInt64, group: Key, at now: Instant, into effects: inout [Effect]
    ) {
        nextNumber &+= 1
        calls.append(Call(number: nextNumber, id: id, group: group, kind: kind))
        attempt(at: calls.count - 1, now, into: &effects)
    }

    private mutating func attempt(at index: Int, _ now: Instant, into effects: inout [Effect]) {
        calls[index].attempt += 1
        calls[index].isAnswered = false
        calls[index].deadline = now + configuration.callTimeout
        wake(at: calls[index].deadline, into: &effects)
        let call = calls[index]
        switch call.kind {
        case .summary:
            effects.append(.route(key: call.group, payload: RoutedPayload.ask(number: call.number).bytes))
        case .anycast(let payload, let atLeast):
            let header = RoutedPayload.AnycastHeader(
                number: call.number, attempt: call.attempt, isDirect: call.attempt > 1, atLeast: atLeast)
            if !header.isDirect, self.index(of: call.group) != nil {
                search(header, payload, in: call.group, for: id, at: now, into: &effects)
            } else {
                let payload = RoutedPayload.anycast(header, payload: payload)
                effects.append(.route(key: call.group, payload: payload.bytes))
            }
        }
    }

    // MARK: Answers

    mutating func onVisitEnded(
        _ number: UInt64, attempt: UInt8, _ end: VisitEnd, at now: Instant, into effects: inout [Effect]
    ) {
        // A late answer of an earlier attempt: good news count all the same.
        guard let index = calls.firstIndex(where: { $0.number == number }), case .anycast = calls[index].kind else {
            return
        }
        switch end {
        case .accepted(let member, let answer):
            guard answer.count <= configuration.payloadBytesMax else {
                counters.refused &+= 1
                return
            }
            finish(at: index, .accepted(by: member, answer: answer), into: &effects)
        case .nobody(let visited, let reach):
            guard attempt == calls[index].attempt, !calls[index].isAnswered else { return }
            if reach == .broken, Int(attempt) < configuration.attemptsMax {
                calls[index].isAnswered = true
                calls[index].deadline = now + configuration.answerTimeout
                wake(at: calls[index].deadline, into: &effects)
            } else {
                finish(at: index, .nobody(visited: Int(visited), isComplete: reach == .whole), into: &effects)
            }
        }
    }

    mutating func onSummary(_ number: UInt64, _ summary: Summary, into effects: inout [Effect]) {
        guard let index = calls.firstIndex(where: { $0.number == number }), case .summary = calls[index].kind else {
            return
        }
        let call = calls.remove(at: index)
        effects.append(.summary(id: call.id, group: call.group, summary))
    }

    /// The overlay gave a message of ours up.
    mutating func onUndeliverable(_ routed: Routed, at now: Instant, into effects: inout [Effect]) {
        let number: UInt64? =
            switch RoutedPayload(routed.payload) {
            case .anycast(let header, _): header.number
            case .ask(let number): number
            // A join is repeated in any case; a multicast is lost.
            case .join, .multicast, nil: nil
            }
        guard routed.origin == id, let number, let index = calls.firstIndex(where: { $0.number == number }) else {
            return
        }
        // The next attempt soon, and not at once: the ring is in trouble.
        calls[index].deadline = min(calls[index].deadline, now + configuration.answerTimeout)
        wake(at: calls[index].deadline, into: &effects)
    }

    /// Attempts that did not come back, or that came back from a broken tree and have waited.
    mutating func onCallsDue(at now: Instant, into effects: inout [Effect]) {
        for number in calls.filter({ $0.deadline <= now }).map(\.number) {
            guard let index = calls.firstIndex(where: { $0.number == number }) else { continue }
            let call = calls[index]
            guard Int(call.attempt) >= configuration.attemptsMax else {
                attempt(at: index, now, into: &effects)
                continue
            }
            switch call.kind {
            case .anycast: finish(at: index, .unanswered, into: &effects)
            case .summary:
                calls.remove(at: index)
                effects.append(.summary(id: call.id, group: call.group, nil))
            }
        }
    }

    private mutating func finish(at index: Int, _ result: AnycastResult, into effects: inout [Effect]) {
        effects.append(.ended(id: calls.remove(at: index).id, result))
    }

    // MARK: The root's side of questions

    mutating func onAsk(_ number: UInt64, of key: Key, from origin: PeerID, into effects: inout [Effect]) {
        let summary = index(of: key).map { groups[$0].summary(own: id) } ?? .empty
        if origin == id {
            onSummary(number, summary, into: &effects)
        } else {
            effects.append(.send(.summary(number: number, summary), to: origin))
        }
    }
}

import Automata

/// What one seed makes of a scenario: when which part begins, and every fault, drawn or scripted.
struct RunPlan: Sendable {
    var seed: UInt64
    /// Slots for peers: those who live at once, with room for newcomers.
    var slots: Int
    /// Who joins at the start: the slots from 0.
    var first: Int
    /// Whom the churn keeps alive on average.
    var live: Int
    var joinEnds: Int64
    var mastersJoinEnds: Int64
    /// The measured time.
    var begins: Int64
    var ends: Int64
    /// From here on nothing is wrong any more, and after a while every promise must hold.
    var quietFrom: Int64
    var over: Int64
    var interval: Int64
    /// How long whoever dies at a step of a placement is away.
    var stepAway: ClosedRange<Duration> = .seconds(1)...(.seconds(60))
    var churn: ChurnModel
    var trace: [TraceEntry] = []
    var faults: [ScriptedFault]
    /// The network's own, to which it returns after a fault.
    var loss: Double
    var doubling: Double
    var disorder: Int64
    /// What the network still loses right after the healing: lookups of that time must arrive all the same.
    var quietLoss: Double
    /// After the last excuse the ring may take so long to heal.
    var grace: Int64

    /// For the reader of a violation.
    var description: String {
        var words: [String] = ["\(first) peers"]
        switch churn {
        case .none: break
        case .sessions(let length, _): words.append("sessions of \(length.mean) s on average")
        case .trace(let file, _): words.append("churn of \(file)")
        case .failing(let period, let probability, let away):
            words.append("every \(period) each fails with probability \(probability) for \(away)")
        }
        if loss > 0 { words.append("loss \(loss.percent)") }
        for fault in faults { words.append(fault.words) }
        return words.joined(separator: "; ")
    }
}

extension ScriptedFault {
    /// When and what, in a few words.
    var words: String {
        let when: String
        switch trigger {
        case .at(let delay): when = "at \(delay)"
        case .events(let count): when = "after \(count) events"
        case .when(let condition): when = "when \(condition)"
        }
        let span = lasts > .zero ? " for \(lasts)" : ""
        return "\(when) \(action.words)\(among == .anyone ? "" : " of the \(among.rawValue)")\(span)"
    }
}

extension ScriptedFault.Action {
    /// What it does, in a few words.
    var words: String {
        switch self {
        case .crash(let amount, let back, let disk):
            "crash \(amount.words)" + (back.map { ", back after \($0)" } ?? "")
                + (disk || back == nil ? "" : " without disk")
        case .loseMachine(let amount, let back):
            "lose the machine of \(amount.words)" + (back.map { ", back after \($0)" } ?? "")
        case .fullDisk(let amount): "fill the disk of \(amount.words)"
        case .leave(let amount): "leave \(amount.words)"
        case .join(let count): "join \(count)"
        case .restart(let amount, let every, let graceful):
            "\(graceful ? "restart" : "kill and restart") \(amount.words), one each \(every)"
        case .partition(let amount, let oneWay): "\(oneWay ? "mute" : "cut off") \(amount.words)"
        case .slow(let amount, let factor): "slow \(amount.words) \(factor) times"
        case .stall(let amount): "stall \(amount.words)"
        case .loss(let share): "lose \(share.percent)"
        case .doubling(let share): "double \(share.percent)"
        case .disorder(let most): "disorder \(most)"
        }
    }
}

extension ScriptedFault.Amount {
    var words: String {
        switch self {
        case .count(let count): "\(count)"
        case .share(let share): share.percent
        }
    }
}

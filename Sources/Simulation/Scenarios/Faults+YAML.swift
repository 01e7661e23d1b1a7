import Automata
import Yams

/// A scripted fault as a scenario writes it: one trigger (`at`, `after-events`, `when`), one action, and how long.
///
///     faults:
///       - {at: 5min, crash: 50%}
///       - {at: 10min, crash: 3, back: 30s, disk: lost}
///       - {after-events: 100000, partition: 30%, for: 60s}
///       - {when: live < 80, join: 40, for: 10s}
///       - {at: 1min, restart: 100%, every: 2s, graceful: true}
///       - {at: 2min, lose-machine: 2, among: machines, back: 30s}
extension Reader {
    mutating func faults(_ node: Node) throws -> [ScriptedFault] {
        guard case .sequence(let items) = node else { throw error(node, "expected a list of faults") }
        var faults: [ScriptedFault] = []
        for (index, item) in items.enumerated() {
            var draft = Draft(salt: UInt64(index) &+ 1)
            try read(item, into: &draft, keys: Self.faultKeys)
            faults.append(try draft.fault { self.error(item, $0) })
        }
        return faults
    }

    private struct Draft {
        var salt: UInt64
        var trigger: ScriptedFault.Trigger?
        var action: ScriptedFault.Action?
        var lasts: Duration = .zero
        var back: Duration?
        var disk = true
        var every: Duration = .seconds(1)
        var graceful = true
        var factor = 10
        var among = Role.anyone
        var count = 0

        func fault(_ refuse: (String) -> ScenarioError) throws(ScenarioError) -> ScriptedFault {
            guard let trigger else { throw refuse("expected a trigger: at, after-events or when") }
            guard var action, count == 1 else {
                throw refuse(
                    "expected one action: crash, lose-machine, leave, join, restart, partition, one-way-partition, slow, "
                        + "stall, full-disk, loss, repeat or disorder")
            }
            switch action {
            case .crash(let amount, _, _): action = .crash(amount, back: back, disk: disk)
            case .loseMachine(let amount, _): action = .loseMachine(amount, back: back)
            case .restart(let amount, _, _): action = .restart(amount, every: every, graceful: graceful)
            case .slow(let amount, _): action = .slow(amount, factor: factor)
            case .stall where lasts == .zero: throw refuse("expected `for:`, how long the stall lasts")
            case .leave, .join, .partition, .stall, .fullDisk, .loss, .doubling, .disorder: break
            }
            return ScriptedFault(trigger, action, lasts: lasts, among: among, salt: salt)
        }

        mutating func set(_ action: ScriptedFault.Action) {
            self.action = action
            count += 1
        }
    }

    private static let faultKeys: [String: Field<Draft>] = [
        "at": { $0.trigger = .at(try $2.duration($1)) },
        "after-events": { $0.trigger = .events(try $2.integer($1)) },
        "when": { $0.trigger = .when(try $2.condition($1)) },
        "for": { $0.lasts = try $2.lasting($1) },
        "salt": { $0.salt = try $2.parse($1, "a whole number from 0 on") { UInt64($0) } },
        "back": { $0.back = try $2.lasting($1) },
        "disk": { draft, node, reader in
            draft.disk = try reader.parse(node, "kept or lost") { $0 == "kept" ? true : $0 == "lost" ? false : nil }
        },
        "among": { draft, node, reader in
            let roles = Role.allCases.map(\.rawValue).joined(separator: ", ")
            draft.among = try reader.parse(node, "one of \(roles)") { Role(rawValue: $0) }
        },
        "every": { $0.every = try $2.lasting($1) },
        "graceful": { $0.graceful = try $2.flag($1) },
        "factor": { $0.factor = try $2.positive($1) },
        "crash": { $0.set(.crash(try $2.amount($1), back: nil, disk: true)) },
        "lose-machine": { $0.set(.loseMachine(try $2.amount($1), back: nil)) },
        "full-disk": { $0.set(.fullDisk(try $2.amount($1))) },
        "leave": { $0.set(.leave(try $2.amount($1))) },
        "join": { $0.set(.join(try $2.integer($1))) },
        "restart": { $0.set(.restart(try $2.amount($1), every: .seconds(1), graceful: true)) },
        "partition": { $0.set(.partition(try $2.amount($1), oneWay: false)) },
        "one-way-partition": { $0.set(.partition(try $2.amount($1), oneWay: true)) },
        "slow": { $0.set(.slow(try $2.amount($1), factor: 10)) },
        "stall": { $0.set(.stall(try $2.amount($1))) },
        "loss": { $0.set(.loss(try $2.share($1))) },
        "repeat": { $0.set(.doubling(try $2.share($1))) },
        "disorder": { $0.set(.disorder(try $2.duration($1))) },
    ]

    func amount(_ node: Node) throws(ScenarioError) -> ScriptedFault.Amount {
        try parse(node, "a count such as 3 or a share such as 50%") { text in
            if let share = Self.share(text) { return .share(share) }
            return Int(text).flatMap { $0 >= 0 ? .count($0) : nil }
        }
    }

    /// `live < 80`, `live > 200`, `lookups > 1000`, `wrong > 0`, `lost > 0`.
    func condition(_ node: Node) throws(ScenarioError) -> ScriptedFault.Condition {
        try parse(node, "a condition such as live < 80, live > 200, lookups > 1000, wrong > 0 or lost > 0") { text in
            let words = text.split(separator: " ")
            guard words.count == 3, let bound = Int(words[2]) else { return nil }
            switch (words[0], words[1]) {
            case ("live", "<"): return .liveBelow(bound)
            case ("live", ">"): return .liveAbove(bound)
            case ("lookups", ">"): return .lookupsAbove(bound)
            case ("wrong", ">"): return .wrongAbove(bound)
            case ("lost", ">"): return .lostAbove(bound)
            default: return nil
            }
        }
    }
}

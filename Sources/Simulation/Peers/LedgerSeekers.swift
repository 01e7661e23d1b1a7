import Automata
import Ledger
import Peer
import Replication

/// Masters who ask the overlay, when all faults are long over, who leads each ledger that was ever founded; and where the
/// replicas of each stand then.
///
/// - **found**: each master is told the primary that leads, whichever LAN it is on.
/// - **apart**: the replicas of a ledger are not all on one LAN where two LANs have masters that take them.
struct LedgerSeekers: Sendable {
    struct Question: Sendable {
        var master: UInt32
        var ledger: PeerID
        var words: [LedgerWord]?
    }

    /// Calls of seekers have ids from here on.
    static let firstCall: UInt64 = 1 << 41
    /// How long before the end they ask.
    static let lead: Int64 = 30_000_000_000

    private(set) var questions: [Question] = []

    mutating func call(_ master: UInt32, _ ledger: PeerID) -> CallID {
        questions.append(Question(master: master, ledger: ledger))
        return CallID(Self.firstCall + UInt64(questions.count - 1))
    }

    func knows(_ id: CallID) -> Bool { id.value >= Self.firstCall && id.value - Self.firstCall < questions.count }

    mutating func answered(_ id: CallID, _ words: [LedgerWord]) {
        questions[Int(id.value - Self.firstCall)].words = words
    }
}

extension PeerPopulation {
    /// Whether ledgers are looked for at the end.
    var isSeeking: Bool { settings.joinsByMachines && settings.replicas > 0 && isRingChecked }

    mutating func seekLedgers(_ core: inout World) {
        let masters = (0..<UInt32(count)).filter { hosts[Int($0)].isMaster }
        for asker in masters where watch.running.contains(asker) {
            for founder in masters {
                let ledger = core.id(of: founder)
                let id = seekers.call(asker, ledger)
                give(.ringCall(id, .ledger(.ledger(ledger))), to: asker, &core)
            }
        }
    }

    /// What a ledger's primary knows of its group.
    private struct Group {
        var primary: UInt32
        var held: HeldLedger
    }

    private func group(of ledger: PeerID) -> Group? {
        let leading = watch.running.items.sorted().compactMap { host in
            hosts[Int(host)].peer?.ledgers.first { $0.id == ledger && $0.isLeading }.map {
                Group(primary: host, held: $0)
            }
        }
        return leading.max { $0.held.replica.view < $1.held.replica.view }
    }

    mutating func checkSeekers(_ core: inout World) {
        for question in seekers.questions where !core.isOver {
            guard let group = group(of: question.ledger) else { continue }  // I4's
            let wanted = core.id(of: group.primary)
            guard question.words?.contains(where: { $0.primary == wanted }) != true else {
                reached["ledger found", default: 0] += 1
                if hosts[Int(question.master)].lan != hosts[Int(group.primary)].lan {
                    reached["ledger found from another LAN", default: 0] += 1
                }
                if wanted != question.ledger { reached["heir of a ledger found", default: 0] += 1 }
                continue
            }
            let told = question.words.map { words in
                words.isEmpty
                    ? "nobody" : words.map { "\($0.primary.fingerprint) in view \($0.view)" }.joined(separator: ", ")
            }
            watch.checker.report(
                "found",
                "\(name(question.master)) is told that the ledger \(question.ledger.fingerprint) is led by "
                    + "\(told ?? "(no answer)"); \(name(group.primary)) leads it in view \(group.held.replica.view)",
                [question.master, group.primary], &core)
        }
        checkSites(&core)
    }

    private mutating func checkSites(_ core: inout World) {
        let masters = watch.running.items.filter { hosts[Int($0)].isMaster }
        guard Set(masters.map { hosts[Int($0)].lan }).count > 1 else { return }
        for founder in 0..<UInt32(count) where hosts[Int(founder)].isMaster && !core.isOver {
            guard let group = group(of: core.id(of: founder)) else { continue }
            let members = group.held.replica.membership.members.compactMap { core.number(of: $0.peer) }
            guard members.count > settings.replicas else { continue }
            if Set(members.map { hosts[Int($0)].lan }).count > 1 {
                reached["replicas on several LANs", default: 0] += 1
                continue
            }
            watch.checker.report(
                "apart",
                "all replicas of \(name(founder))'s ledger are on LAN \(hosts[Int(group.primary)].lan + 1): "
                    + members.map { name($0) }.joined(separator: ", "), members, &core)
        }
    }
}

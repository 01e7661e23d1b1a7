import Automata
import Peer
import Replication

enum RegisterKind: CaseIterable {
    case near, keep, kept, keptNewer, askLedger, askName, told, survey

    init(_ message: RegisterMessage) {
        self =
            switch message {
            case .near: .near
            case .keep: .keep
            case .kept(_, newer: nil): .kept
            case .kept(_, newer: .some): .keptNewer
            case .ask(_, .ledger): .askLedger
            case .ask(_, .name): .askName
            case .told: .told
            case .survey: .survey
            }
    }

    var sample: RegisterMessage {
        switch self {
        case .near: .near(number: .max, [PeerContact(peer: beta, endpoints: []), ledgerWord.members[0]])
        case .keep: .keep(ledgerWord)
        case .kept: .kept(beta, newer: nil)
        case .keptNewer: .kept(beta, newer: ledgerWord)
        case .askLedger: .ask(number: 0, .ledger(beta))
        case .askName: .ask(number: 7, .name("lab"))
        case .told: .told(number: 7, [ledgerWord])
        case .survey: .survey
        }
    }
}

let ledgerWord = LedgerWord(
    ledger: beta, view: View(epoch: 3, number: 70_000),
    members: [
        PeerContact(peer: alpha, endpoints: [Endpoint(host: "192.0.2.1", port: 7_423)]),
        PeerContact(peer: beta, endpoints: []),
    ], name: "lab", isServing: true)

enum HolderKind: CaseIterable {
    case refused, yields

    init(_ message: HolderMessage) {
        self =
            switch message {
            case .refused: .refused
            case .yields: .yields
            }
    }

    var sample: HolderMessage {
        switch self {
        case .refused: .refused("its owner lets it hold no replicas")
        case .yields: .yields("")
        }
    }
}

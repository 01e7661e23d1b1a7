import Automata
import Peer
import Replication
import SwiftProtobuf
import WireSchema

extension WireRegisterMessage {
    init(_ message: RegisterMessage) {
        self.init()
        switch message {
        case .near(let number, let peers):
            near = .with {
                $0.number = number
                $0.peers = [WireContact](Array(peers.prefix(WireBounds.leavesMax)))
            }
        case .keep(let word): keep = WireLedgerWord(word)
        case .kept(let ledger, let newer):
            kept = .with {
                $0.ledger = ledger.data
                if let newer { $0.newer = WireLedgerWord(newer) }
            }
        case .ask(let number, let question):
            ask = .with {
                $0.number = number
                switch question {
                case .ledger(let ledger): $0.ledger = ledger.data
                case .name(let name): $0.name = name
                }
            }
        case .told(let number, let words):
            told = .with {
                $0.number = number
                $0.words = words.prefix(LedgerRegister.toldMax).map { WireLedgerWord($0) }
            }
        case .survey: survey = WireEmpty()
        }
    }

    func decoded() throws(WireError) -> RegisterMessage {
        switch kind {
        case .near(let it):
            let peers = try list(it.peers, "peers near a key", max: WireBounds.leavesMax) {
                (contact) throws(WireError) in
                try contact.decoded()
            }
            return .near(number: it.number, peers)
        case .keep(let it): return .keep(try it.decoded())
        case .kept(let it):
            return .kept(try peer(it.ledger, "a ledger"), newer: it.hasNewer ? try it.newer.decoded() : nil)
        case .ask(let it):
            switch it.kind {
            case .ledger(let ledger): return .ask(number: it.number, .ledger(try peer(ledger, "a ledger")))
            case .name(let name):
                let name = try text(name, "a ledger's name", bytes: 1...WireBounds.labelBytesMax)
                return .ask(number: it.number, .name(name))
            case nil: throw noKind("a question for a ledger", it.unknownFields)
            }
        case .told(let it):
            let words = try list(it.words, "ledgers that are told", max: LedgerRegister.toldMax) {
                (word) throws(WireError) in try word.decoded()
            }
            return .told(number: it.number, words)
        case .survey: return .survey
        case nil: throw noKind("a message of the register", unknownFields)
        }
    }
}

extension WireLedgerWord {
    init(_ word: LedgerWord) {
        self.init()
        ledger = word.ledger.data
        (epoch, view) = (word.view.epoch, word.view.number)
        members = word.members.map { WireContact($0) }
        name = word.name
        serving = word.isServing
    }

    func decoded() throws(WireError) -> LedgerWord {
        let members = try list(members, "a ledger's members", max: LedgerWord.membersMax) {
            (contact) throws(WireError) in try contact.decoded()
        }
        guard !members.isEmpty else { throw WireError(.missing, "a ledger's members are missing") }
        return LedgerWord(
            ledger: try peer(ledger, "a ledger"), view: View(epoch: epoch, number: view), members: members,
            name: try text(name, "a ledger's name", bytes: 0...WireBounds.labelBytesMax), isServing: serving)
    }
}

extension WireHolderMessage {
    init(_ message: HolderMessage, of ledger: PeerID) {
        self.init()
        self.ledger = ledger.data
        switch message {
        case .refused(let reason): refused = cut(reason)
        case .yields(let reason): yields = cut(reason)
        }
    }

    func decoded() throws(WireError) -> HolderMessage {
        switch kind {
        case .refused(let reason): .refused(try text(reason, "a reason", bytes: 0...WireBounds.reasonBytesMax))
        case .yields(let reason): .yields(try text(reason, "a reason", bytes: 0...WireBounds.reasonBytesMax))
        case nil: throw noKind("a holder's message", unknownFields)
        }
    }
}

import Foundation
import Peer
import WireSchema

@testable import Wire

/// What the register's words must not say.
enum RegisterViolations {
    static func all() throws -> [RefusalTests.Violation] {
        let (keep, ask) = (message(.keep), message(.askName))
        let (near, told, kept) = (message(.near), message(.told), message(.kept))
        return [
            try .init("a word of nobody", .missing, of: keep) { $0.register.keep.members = [] },
            try .init("a word with nine members", of: keep) { message in
                guard let member = message.register.keep.members.first else { return }
                message.register.keep.members = Array(repeating: member, count: 9)
            },
            try .init("a word of a short ledger", of: keep) { $0.register.keep.ledger.removeLast() },
            try .init("a ledger's long name", of: keep) { $0.register.keep.name = RefusalTests.long(64) },
            try .init("a question for nothing", .missing, of: ask) { $0.register.ask.kind = nil },
            try .init("a question for an empty name", of: ask) { $0.register.ask.name = "" },
            try .init("65 peers near a key", of: near) { message in
                guard let peer = message.register.near.peers.first else { return }
                message.register.near.peers = Array(repeating: peer, count: 65)
            },
            try .init("nine words at once", of: told) { message in
                guard let word = message.register.told.words.first else { return }
                message.register.told.words = Array(repeating: word, count: 9)
            },
            try .init("kept of no ledger", of: kept) { $0.register.kept.ledger = Data() },
            try .init("a message of the register that says nothing", .missing, of: keep) { $0.register.kind = nil },
            try .init("a holder's word of no ledger", of: .holder(beta, .yields("full"))) { $0.holder.ledger = Data() },
            try .init("a holder's long reason", of: .holder(beta, .yields("full"))) {
                $0.holder.yields = RefusalTests.long(4_097)
            },
        ]
    }

    private static func message(_ kind: RegisterKind) -> PeerMessage { .register(kind.sample) }
}

import Automata
import Ledger

/// The words in which calls are refused.
extension CallRouter {
    /// What a ledger is called and which rules it keeps to is its founder's to say, who says it where it starts.
    static func noRight(_ call: Call, of ledger: PeerID, _ peer: PeerID) -> Refusal {
        guard case .record(.described) = call else {
            return Refusal(.refused, "\(peer.fingerprint) has no right to ask this")
        }
        return Refusal(
            .refused,
            "the name and the rules of the ledger \(ledger.fingerprint) are for the master to say that has founded it; "
                + "\(peer.fingerprint) has not",
            remedy: "start that master with them: `palmier master --replicas …`", rule: founderOnly)
    }

    /// The name of the rule that only a ledger's founder describes it.
    static let founderOnly = "founder-only"

    /// A machine tells of its own claims, and a forwarded call is never forwarded again.
    static func otherMachine(_ machine: PeerID) -> Refusal {
        Refusal(
            .refused, "only a master, or \(machine.fingerprint) itself, answers for it",
            remedy: "ask one of `palmier master list`")
    }

    static func unknownMachine(_ machine: PeerID) -> Refusal {
        Refusal(
            .notFound, "no machine \(machine.fingerprint) is known here", remedy: "`palmier node list` shows all")
    }

    static func unreachable(_ master: String) -> Refusal {
        Refusal(.unreachable, "\(master) does not answer", remedy: "repeat the call when it is back")
    }

    /// A later call has asked for something else.
    static func overtaken(_ key: RequestKey) -> Refusal {
        Refusal(
            .conflict, "\(key) was asked for with something else while this call waited for who keeps it",
            remedy: "`palmier instance show \(key.reference)` says what holds")
    }

    static func unled(_ primary: Primary, _ key: RequestKey?) -> Refusal {
        guard let key else {
            return Refusal(
                .unreachable,
                "the ledger is led by \(primary.name), which does not answer, and no replica has taken its place",
                remedy: "see `palmier ledger status`, and repeat it when a majority of its replicas runs: that is safe")
        }
        return Refusal(
            .unreachable,
            "\(key) is held by the ledger that \(primary.name) led, which does not answer, and no replica can take its "
                + "place",
            remedy: "what runs goes on running; ask again when it is back, or take another name")
    }
}

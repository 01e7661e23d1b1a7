import Accounting
import Automata
import Replication

/// One thing about a ledger that is not as it must be: what, where, and what to do.
public struct LedgerFinding: Codable, Hashable, Sendable {
    public enum Kind: String, Codable, Hashable, Sendable, CaseIterable {
        /// An entry is not what its digest says, or does not follow the one in front of it.
        case broken
        /// A replica does not give back an entry that was written there.
        case damaged
        /// A replica answers with other entries than it was asked for.
        case disorder
        /// Replicas have different entries at one place.
        case differs
        /// The books contradict themselves, or their history.
        case books
        /// The two ledgers of a contract disagree about it.
        case contract
        /// One of the two ledgers has counted further in time: usage is on its way, or was lost.
        case behind
    }

    public var kind: Kind
    /// Which replica; nil where it is about more than one.
    public var replica: String?
    public var entry: UInt64?
    /// Of a contract, how its ledgers disagree: `one-sided`, `terms`, `signature`, `end`, `behind`, `count`, `invoice`.
    public var mismatch: String?
    /// Digests, where it is about an entry.
    public var expected: String?
    public var found: String?
    /// What it is, in a sentence.
    public var text: String
    /// What to do.
    public var remedy: String

    init(
        _ kind: Kind, replica: String? = nil, entry: UInt64? = nil, expected: String? = nil, found: String? = nil,
        _ text: String, remedy: String
    ) {
        self.kind = kind
        self.replica = replica
        self.entry = entry
        self.expected = expected
        self.found = found
        self.text = text
        self.remedy = remedy
    }
}

extension LedgerFinding {
    /// Which ledger it is about.
    struct Subject {
        var name: String
        var id: PeerID
    }

    static func broken(
        _ op: OpNumber, expected: Digest, found: Digest, on replica: String, of ledger: Subject
    ) -> LedgerFinding {
        LedgerFinding(
            .broken, replica: replica, entry: op.value, expected: expected.description, found: found.description,
            "the chain breaks on \(replica) at entry \(op): what it says behind the entry in front has the digest "
                + "\(short(expected)), and it carries \(short(found))",
            remedy: makeAnew(replica, ledger))
    }

    static func unreadable(_ op: OpNumber, on replica: String, of ledger: Subject) -> LedgerFinding {
        LedgerFinding(
            .damaged, replica: replica, entry: op.value,
            "\(replica) cannot read entry \(op) from its disk any more",
            remedy: "\(replica) mends it by itself from the other replicas, as soon as they answer it: run "
                + "`palmier ledger verify \(ledger.name)` again; if it stays, check that disk (dmesg)")
    }

    static func disorder(
        _ op: OpNumber, insteadOf wanted: OpNumber, on replica: String, of ledger: Subject
    ) -> LedgerFinding {
        LedgerFinding(
            .disorder, replica: replica, entry: wanted.value,
            "\(replica) answers with entry \(op) where entry \(wanted) was asked for",
            remedy: "use the same version of palmier on all masters, then `palmier ledger verify \(ledger.name)` again")
    }

    static func differs(_ disagreement: LedgerAudit.Disagreement, of ledger: Subject) -> LedgerFinding {
        let sides = disagreement.sides
        let told = sides.map { "\($0.names.joined(separator: ", ")): \(short($0.digest))" }.joined(separator: "; ")
        let odd = sides.count == 2 && sides[1].names.count == 1 && sides[0].names.count > 1 ? sides[1].names[0] : nil
        return LedgerFinding(
            .differs, replica: odd, entry: disagreement.op.value, expected: sides.first?.digest.description,
            found: sides.dropFirst().first?.digest.description,
            "replicas differ at entry \(disagreement.op)"
                + (disagreement.places > 1 ? " and \(disagreement.places - 1) more" : "") + ": \(told)",
            remedy: odd.map { makeAnew($0, ledger) }
                ?? "stop all masters that keep \(ledger.name), and keep their state directories: no majority agrees"
        )
    }

    static func books(_ discrepancy: Discrepancy, of ledger: Subject) -> LedgerFinding {
        LedgerFinding(
            .books, "\(discrepancy.kind.rawValue): \(discrepancy.description)",
            remedy:
                "this is a defect of palmier: report it, with what `palmier ledger verify \(ledger.name) -o json` prints"
        )
    }

    static func contract(_ difference: Difference, _ contract: ContractID, with other: String) -> LedgerFinding {
        let settle = "`palmier contract settle \(contract)` records on each side what the other one has"
        let remedy =
            switch difference.kind {
            case .behind: "usage is on its way, or was lost: \(settle); then `palmier ledger verify` again"
            case .invoice: "\(settle); what then still differs is to be corrected in one of them"
            case .signature: "`palmier contract countersign \(contract)` goes on where it ended"
            case .end: "`palmier contract end \(contract)` goes on where it ended"
            case .terms, .count: correction
            }
        var finding = LedgerFinding(
            difference.kind == .behind ? .behind : .contract,
            "contract \(contract) with \(other): \(difference.kind.rawValue): \(difference.description)",
            remedy: remedy)
        finding.mismatch = difference.kind.rawValue
        return finding
    }

    static func oneSided(_ contract: ContractID, with other: String) -> LedgerFinding {
        var finding = LedgerFinding(
            .contract, "contract \(contract) with \(other): one-sided: it is recorded here only", remedy: correction)
        finding.mismatch = "one-sided"
        return finding
    }

    private static let correction = "compare both sides, `palmier ledger export` of each, and correct one of them"

    /// A replica that cannot be believed is made anew by the others.
    private static func makeAnew(_ replica: String, _ ledger: Subject) -> String {
        "stop \(replica), move the directory ledgers/\(ledger.id) of its state aside, and start it again: it fetches "
            + "the log from the other replicas; then `palmier ledger verify \(ledger.name)`"
    }

    /// Where no majority of whole replicas is left, nobody can give the log to one that is made anew.
    func withoutMajority(of ledger: Subject) -> LedgerFinding {
        guard kind == .broken || kind == .differs else { return self }
        var finding = self
        finding.remedy =
            "too few replicas are whole to make another anew: keep all state directories as they are, start the masters that "
            + "were not asked, then `palmier ledger verify \(ledger.name)` again"
        return finding
    }

    /// Enough of a digest to tell it from others.
    static func short(_ digest: Digest) -> String { String(digest.description.prefix(16)) + "…" }
}

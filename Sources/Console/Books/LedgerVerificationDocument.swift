public import API
import Accounting
public import Automata
import Ledger
import Peer
import Replication

/// What `palmier ledger verify NAME` prints: what was recomputed of a ledger, and everything that is not as it must be.
public struct LedgerVerificationDocument: Codable, Hashable, Sendable {
    public enum State: String, Codable, Hashable, Sendable, CaseIterable {
        /// All holds, and all was asked.
        case ok
        /// Nothing is wrong with what was asked, and not all could be asked.
        case incomplete
        /// Something is wrong.
        case problem
    }

    public struct Replica: Codable, Hashable, Sendable {
        public var name: String
        /// `agrees`; `differs` from most others; `broken`, its chain; `damaged`, its disk; `not asked`.
        public var state: String
        /// Why it was not asked, or not to the end; empty otherwise.
        public var reason: String
        /// The oldest and the last entry that it told.
        public var first: UInt64
        public var last: UInt64
        /// Of the last one, 64 hexadecimal digits; empty where there is none.
        public var digest: String
    }

    public struct Books: Codable, Hashable, Sendable {
        /// They are recomputed up to this entry.
        public var entry: UInt64
        public var requests: Int
        public var accounts: Int
        public var movements: Int
        public var invoices: Int
        /// Acts that a rule forbids: they are in the log, and changed nothing.
        public var refusedActs: Int
    }

    public struct Contract: Codable, Hashable, Sendable {
        public var contract: String
        /// The other ledger; this one, where it keeps both accounts.
        public var ledger: String
        /// `agrees`, `differs`, `behind`, `offered` (not countersigned yet), `not asked`; `signed` within one ledger.
        public var state: String
    }

    public var schema = "palmier.ledger-verification/1"
    public var name: String
    public var id: String
    public var state: State
    /// All replicas that were read have all entries up to here.
    public var entry: UInt64
    /// There: it tells this log from all others up to that entry. Empty where replicas differ.
    public var digest: String
    public var replicas: [Replica]
    public var books: Books
    public var contracts: [Contract]
    public var findings: [LedgerFinding]
    /// What could not be asked or computed, each with its reason.
    public var missing: [String]

    public var exitCode: ExitCode {
        switch state {
        case .ok: .done
        case .incomplete: .accepted
        case .problem: .failed
        }
    }
}

public struct LedgerVerificationsDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.ledger-verifications/1"
    public var ledgers: [LedgerVerificationDocument]
    /// Ledgers that could not be read at all, each with its reason.
    public var missing: [String]

    public init(ledgers: [LedgerVerificationDocument], missing: [String]) {
        self.ledgers = ledgers
        self.missing = missing
    }

    /// Of the worst of them.
    public var exitCode: ExitCode {
        let codes = ledgers.map(\.exitCode)
        if codes.contains(.failed) { return .failed }
        return codes.contains(.accepted) || !missing.isEmpty ? .accepted : .done
    }
}

extension LedgerVerificationDocument {
    /// - Parameter others: the books of other ledgers, for contracts with them.
    /// - Parameter names: what ledgers are called.
    public init(_ audit: LedgerAudit, others: [PeerID: LedgerReplay] = [:], names: [PeerID: String] = [:]) {
        let disagreement = audit.disagreement
        let replay = audit.replay
        let checked = ContractCheck(replay, others: others, names: names)
        name = audit.name
        id = audit.ledger.description
        replicas = audit.replicas.map { Replica($0, disagreement) }
        let agreed = audit.agreedThrough
        entry = agreed.value
        digest =
            disagreement == nil ? audit.replicas.lazy.compactMap { $0.digest(at: agreed) }.first?.description ?? "" : ""
        books = Books(
            entry: replay.op.value, requests: replay.books.held.count,
            accounts: replay.books.accounts.accountViews.count, movements: replay.movements, invoices: replay.invoices,
            refusedActs: replay.refused)
        contracts = checked.contracts
        findings =
            audit.replicas.flatMap(\.findings) + (disagreement.map { [.differs($0, of: audit.subject)] } ?? [])
            + replay.discrepancies.map { .books($0, of: audit.subject) } + checked.findings
        if replicas.count(where: { $0.state == "agrees" }) * 2 <= replicas.count {
            findings = findings.map { $0.withoutMajority(of: audit.subject) }
        }
        missing = Self.missing(audit) + checked.missing
        let isWrong = findings.contains { $0.kind != .behind }
        state = isWrong ? .problem : missing.isEmpty && findings.isEmpty ? .ok : .incomplete
    }

    private static func missing(_ audit: LedgerAudit) -> [String] {
        var missing = audit.replicas.compactMap { replica in
            replica.ended.map { why in
                replica.digests.isEmpty
                    ? "\(replica.name) was not asked: \(why)"
                    : "\(replica.name) was asked up to entry \(replica.last): \(why)"
            }
        }
        let replay = audit.replay
        let last = audit.replicas.map(\.last).max() ?? .zero
        let kept = audit.replicas.filter { !$0.digests.isEmpty }.map(\.first).min() ?? OpNumber(1)
        if kept > OpNumber(1) {
            missing.append(
                "the log's beginning is not kept by any replica that was asked: entries 1 to \(kept.value - 1) are in a "
                    + "checkpoint only, so the books cannot be recomputed")
        } else if replay.op < last {
            missing.append(
                "the books are recomputed up to entry \(replay.op) of \(last) only: no replica gives the next")
        }
        if replay.unknown > 0 {
            missing.append(
                "\(replay.unknown) of the entries are of a later version: verify with the palmier that runs on the masters"
            )
        }
        return missing
    }
}

extension LedgerVerificationDocument.Replica {
    fileprivate init(_ replica: LedgerAudit.Replica, _ disagreement: LedgerAudit.Disagreement?) {
        name = replica.name
        reason = replica.ended ?? ""
        first = replica.digests.isEmpty ? 0 : replica.first.value
        last = replica.last.value
        digest = replica.digest(at: replica.last)?.description ?? ""
        let isOdd = disagreement.map { $0.sides.dropFirst().contains { $0.names.contains(replica.name) } } ?? false
        let kinds = Set(replica.findings.map(\.kind))
        state =
            if kinds.contains(.broken) || kinds.contains(.disorder) {
                "broken"
            } else if isOdd {
                "differs"
            } else if kinds.contains(.damaged) {
                "damaged"
            } else if replica.ended != nil {
                "not asked"
            } else {
                "agrees"
            }
    }
}

/// Contracts with accounts that other ledgers keep: what both sides say, compared.
struct ContractCheck {
    private(set) var contracts: [LedgerVerificationDocument.Contract] = []
    private(set) var findings: [LedgerFinding] = []
    private(set) var missing: [String] = []

    init(_ replay: LedgerReplay, others: [PeerID: LedgerReplay], names: [PeerID: String]) {
        for (contract, isSigned) in replay.books.accounts.contractViews {
            let other = contract.supplierLedger == replay.ledger ? contract.customerLedger : contract.supplierLedger
            let name = names[other] ?? other.fingerprint
            guard !contract.isWithinOneLedger else {
                let state = isSigned ? "signed" : "offered"
                contracts.append(.init(contract: contract.id.name, ledger: name, state: state))
                continue
            }
            let state = compare(contract, isSigned, replay, others[other], name)
            contracts.append(.init(contract: contract.id.name, ledger: name, state: state))
        }
    }

    private mutating func compare(
        _ contract: Accounting.Contract, _ isSigned: Bool, _ mine: LedgerReplay, _ theirs: LedgerReplay?, _ name: String
    ) -> String {
        guard let theirs, theirs.unknown == 0, let here = mine.books.accounts.statement(of: contract.id) else {
            missing.append("contract \(contract.id): the other ledger, \(name), could not be read")
            return "not asked"
        }
        guard let there = theirs.books.accounts.statement(of: contract.id) else {
            if !isSigned, contract.offeredBy == mine.ledger { return "offered" }
            findings.append(.oneSided(contract.id, with: name))
            return "differs"
        }
        let found = reconcile(here, there).map { LedgerFinding.contract($0, contract.id, with: name) }
        findings += found
        return found.isEmpty
            ? (isSigned ? "agrees" : "offered") : found.allSatisfy { $0.kind == .behind } ? "behind" : "differs"
    }
}

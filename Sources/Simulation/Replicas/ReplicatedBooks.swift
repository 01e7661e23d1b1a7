import Accounting
import Automata

/// The replicated state: the shipping accounts, changed by the log's operations and by nothing else.
///
/// An operation moves money from one account to another; some are refused, since an account is not there. What is
/// refused is so on every replica.
struct ReplicatedBooks: Sendable {
    private(set) var accounts: Accounts
    /// Movements that were taken, and that were refused.
    private(set) var taken = 0
    private(set) var refused = 0

    static let accountsCount = 6
    private static let euro = Currency("EUR")
    private static let names = (0...accountsCount).map { AccountID("account-\($0)") }

    /// Before the first operation; all runs begin with the same.
    static let first: ReplicatedBooks = {
        var accounts = Accounts()
        var history = History()
        for name in names.dropLast() {
            accounts.apply(
                .accountOpened(Account(id: name, kind: .person, title: name.name)), at: .zero, into: &history)
        }
        return ReplicatedBooks(accounts: accounts)
    }()

    private init(accounts: Accounts) { self.accounts = accounts }

    /// - Throws: where the bytes are no checkpoint.
    init(checkpoint: [UInt8]) throws { self.init(accounts: try Accounts(checkpoint: checkpoint)) }

    var checkpoint: [UInt8] { accounts.checkpoint }

    /// What breaks I5; nil when all is well.
    var discrepancy: String? { accounts.audit().first?.description }

    /// Whether they are the same books; of what happened only in this process it says nothing.
    func isSame(as other: ReplicatedBooks) -> Bool { accounts == other.accounts }

    /// A movement between two accounts, the last of which does not exist; the rest makes it longer.
    static func operation(_ draw: inout Draw) -> [UInt8] {
        let from = draw.below(accountsCount)
        let to = draw.below(accountsCount + 1)
        let cents = draw.below(65_536)
        let padding = draw.below(40)
        return [UInt8(from), UInt8(to), UInt8(cents >> 8), UInt8(cents & 255)] + Array(repeating: 7, count: padding)
    }

    mutating func apply(_ operation: [UInt8], at now: Instant) {
        guard operation.count >= 4, let euro = Self.euro, Int(operation[0]) < Self.names.count,
            Int(operation[1]) < Self.names.count
        else { return }
        let amount = Int128(Int(operation[2]) << 8 | Int(operation[3])) * 10_000_000_000
        let posting = Posting(
            lines: [
                .init(account: Self.names[Int(operation[0])], amount: Money(trillionths: -amount)),
                .init(account: Self.names[Int(operation[1])], amount: Money(trillionths: amount)),
            ], currency: euro, reason: "moved")
        var history = History()
        if accounts.apply(.posted(posting), at: now, into: &history) == .done { taken += 1 } else { refused += 1 }
    }
}

extension [UInt8] {
    /// FNV-1a.
    var fingerprint: UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in self { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return hash
    }
}

public import Automata
import OrderedCollections

// What surfaces show.

extension Accounts {
    /// An account, whether it is open, and what it owes and is due.
    public struct AccountView: Hashable, Sendable {
        public let account: Account
        public let isOpen: Bool
        public let balances: Balances
    }

    /// A price in force from an instant on.
    public struct PriceView: Hashable, Sendable {
        public let path: PricePath
        public let price: Price
        public let currency: Currency
        public let from: Instant
    }

    /// All accounts, by name.
    public var accountViews: [AccountView] {
        accounts.values.map { AccountView(account: $0.account, isOpen: $0.isOpen, balances: $0.balances) }
            .sorted { $0.account.id < $1.account.id }
    }

    public func accountView(_ id: AccountID) -> AccountView? {
        accounts[id].map { AccountView(account: $0.account, isOpen: $0.isOpen, balances: $0.balances) }
    }

    /// All projects, by name, as they stand in the cycle of `now`.
    public func projectStatuses(at now: Instant) -> [ProjectStatus] {
        projects.keys.sorted().compactMap { projectStatus($0, at: now) }
    }

    public func projectStatus(_ id: ProjectID, at now: Instant) -> ProjectStatus? {
        projects[id]?.rolled(to: now).status
    }

    /// All prices that are kept, path by path in the order in which the paths were made.
    public var priceViews: [PriceView] {
        prices.elements.flatMap { path, steps in
            steps.map { PriceView(path: path, price: $0.price, currency: $0.currency, from: $0.from) }
        }
    }

    /// All resources, by name.
    public var resourceViews: [Resource] { resources.values.map(\.resource).sorted { $0.id < $1.id } }

    /// Agreements with accounts that other ledgers keep, in the order in which they were recorded, and whether the other
    /// side has countersigned.
    public var contractViews: [(contract: Contract, isSigned: Bool)] {
        contracts.values.map { ($0.contract, $0.isSigned) }
    }

    /// Who supplies a machine.
    public func supplier(listedFor machine: PeerID) -> AccountID? { machines[machine] }

    /// What is reserved for an instance.
    public func hold(of instance: InstanceID) -> Hold? { instances[instance]?.hold }

    /// What became of an invoice that may still be paid or credited.
    public func invoiceStatus(_ number: InvoiceNumber) -> InvoiceStatus? { invoices[number] }

    /// Invoices that are not settled, by number.
    public var outstanding: [(number: InvoiceNumber, status: InvoiceStatus)] {
        invoices.elements.filter { $0.value.outstanding != .zero }.sorted { $0.key < $1.key }
            .map { ($0.key, $0.value) }
    }

    /// What a hold would reserve, or why it would be refused: the price that `plan` shows before an act.
    public func quote(_ order: HoldOrder, at now: Instant) -> Result<Money, RuleBreach> {
        do throws(RuleBreach) {
            return .success(try plan(order, at: now).amount)
        } catch {
            return .failure(error)
        }
    }
}

extension ProjectState {
    fileprivate var status: ProjectStatus { ProjectStatus(order: order, spent: spent, held: held) }
}

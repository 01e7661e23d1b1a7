public import Automata
import OrderedCollections

/// The books of one ledger: who gave what to whom, what it is worth, what is invoiced, and what may still be spent.
///
/// A value that is fed acts and the instant at which its ledger recorded them, and appends movements and invoices to a
/// history. It is a pure function of the acts: the same acts in the same order leave the same value on every replica. It
/// keeps balances, open sums and merged stretches of usage, never every movement; a store keeps the history.
///
/// It follows the unified business model of ERP5, on which SlapOS's accounting stands: *resources* move between *nodes*
/// (accounts of persons and organisations) along *paths* (prices, contracts) in *movements*, and carry *items* (machine,
/// partition, release, instance, subscription).
///
/// **Movements.** A source gives, a destination receives. Money follows the thing: who received for more than it gave
/// owes the difference. A debt is `accrued` when something is used, `invoiced` when an invoice is issued, and gone when
/// it is paid. Values are exact; the line of an invoice is rounded to whole coins, and the difference is a movement.
///
/// **Usage** is identified by (instance, resource, period). What is counted already is `repeated`, and changes nothing;
/// what overlaps it in part is refused. Usage by its own supplier is recorded at no price; what costs nothing is a
/// movement, and no line of an invoice.
///
/// **A budget is a hold.** Placing an instance reserves the price of its next period against its project's ceiling;
/// usage in that period uses the hold up. What an instance used is a fact and always recorded, also beyond its hold:
/// then the next hold is refused, and whoever asked has to stop the instance.
///
/// **Invoices** are numbered from 1 without gaps per issuer, each with the digest of the one before. A run closes the
/// running sums of whole days; what comes late is in the next run's invoices, and a repeated run finds nothing to do.
///
/// **Invariant I5**: every movement has a source and a destination; usage is counted exactly once; what customers owe
/// equals what suppliers are due. `audit()` recomputes it.
///
/// **Two ledgers.** What is used under a contract is counted in both. The supplier's ledger invoices it; the customer's
/// records that document, and closes its own running sums by it: what it has not counted itself, it does not take as
/// billed. Payments and credit notes are recorded on both sides. `reconcile` compares the two.
///
/// **Left to others**: who may record what, and when (the ledger); keeping movements and invoices (its store).
///
/// Every act is checked whole before anything changes: a refused one leaves the books, bit by bit, as they were. The very
/// same act again changes nothing and is no error, so that whoever lost its answer may repeat it.
public struct Accounts: Hashable, Sendable {
    var accounts: OrderedDictionary<AccountID, AccountState> = [:]
    var projects: OrderedDictionary<ProjectID, ProjectState> = [:]
    /// Of projects of which something was said.
    var allotments: OrderedDictionary<ProjectID, Allotment> = [:]
    /// In the order in which they were made; at most `reservationsMax`.
    var reservations: OrderedDictionary<ReservationID, Reservation> = [:]
    var resources: OrderedDictionary<ResourceID, ResourceState> = [:]
    var machines: OrderedDictionary<PeerID, AccountID> = [:]
    var prices: OrderedDictionary<PricePath, [PriceStep]> = [:]
    var instances: OrderedDictionary<InstanceID, InstanceState> = [:]
    var subscriptions: OrderedDictionary<SubscriptionID, SubscriptionState> = [:]
    var terms: OrderedDictionary<Pair, BillingTerms> = [:]
    /// Used and not yet invoiced.
    var open: OrderedDictionary<Relation, OrderedDictionary<OpenKey, OpenSum>> = [:]
    /// Those that may still be paid or credited.
    var invoices: OrderedDictionary<InvoiceNumber, InvoiceStatus> = [:]
    var series: OrderedDictionary<AccountID, SeriesState> = [:]
    var incidents: OrderedDictionary<IncidentID, Incident> = [:]
    /// Corrections by hand, until their period is closed.
    var postings: OrderedDictionary<PostingID, PostingState> = [:]
    var contracts: OrderedDictionary<ContractID, ContractState> = [:]
    /// Documents of other ledgers.
    var received: OrderedDictionary<InvoiceNumber, Receipt> = [:]
    /// No usage that begins before is taken.
    public internal(set) var closedBefore = Instant.zero
    /// The newest movement.
    public internal(set) var lastMovement = MovementNumber.zero

    // Bounds. They decide what is refused, so they are the same on every replica: constants, not settings.

    /// Lines of one posting.
    public static let postingLinesMax = 1_000
    /// Resources of one hold.
    public static let holdLinesMax = 100
    /// Prices on one path between two closings.
    public static let priceStepsMax = 1_000
    /// Cycles that one run charges for one subscription: more than 27 years of days.
    public static let cyclesPerRunMax = 10_000
    /// Payments of one invoice, and credit notes.
    public static let paymentsMax = 1_000
    /// Lines of an invoice of another ledger.
    public static let receivedLinesMax = 4_000
    /// Partitions of a machine.
    public static let partitionsMax = 10_000
    /// How far a machine's clock may be ahead of its ledger's.
    public static let aheadMax = Duration.seconds(24 * 3_600)

    public init() {}

    /// What became of an act.
    public enum Outcome: Hashable, Sendable {
        case done
        /// It was recorded before; nothing changed.
        case repeated
        /// A rule forbids it; nothing changed.
        case refused(RuleBreach)
    }

    /// Which rule an act breaks; nil when `apply` would take it.
    ///
    /// - Complexity: a few look-ups, and for an invoice run as much as the run.
    public func check(_ act: Act, at now: Instant) -> RuleBreach? {
        do throws(RuleBreach) {
            switch act {
            case .accountOpened(let account): _ = try checkOpening(account)
            case .accountChanged(let account): try checkChange(account)
            case .accountClosed(let id): _ = try checkClosing(id)
            case .projectSet(let order): _ = try checkProject(order)
            case .quotaSet(let project, let quota): try checkQuota(project, quota)
            case .shareSet(let project, let weight): try checkShare(project, weight: weight)
            case .reserved(let order): _ = try checkReservation(order, at: now)
            case .reservationCancelled(let id): _ = try checkCancelling(id, at: now)
            case .resourceDefined(let resource): _ = try checkResource(resource)
            case .machineListed(let machine, let supplier): try checkMachine(machine, supplier)
            case .priceSet(let order): _ = try checkPrice(order)
            case .posted(let posting): _ = try checkPosting(posting)
            case .used(let report): _ = try plan(report, at: now)
            case .held(let order): _ = try plan(order, at: now)
            case .released(let instance): _ = try self.instance(instance)
            case .subscribed(let order): _ = try plan(order, at: now)
            case .unsubscribed(let id, let end): _ = try checkUnsubscribing(id, at: end)
            case .billingSet(let terms): try checkBilling(terms)
            case .billed(let run): _ = try plan(run, at: now)
            case .incident(let incident): _ = try checkIncident(incident)
            case .credited(let order): _ = try plan(order, at: now)
            case .paid(let payment): _ = try checkPayment(payment)
            case .contractOffered(let contract): _ = try checkOffer(contract)
            case .contractCountersigned(let id, let digest, let ledger):
                _ = try checkCountersignature(id, digest, ledger)
            case .contractEnded(let id, let end): _ = try checkContractEnd(id, at: end)
            case .closedBefore(let instant): try checkHorizon(instant, at: now)
            case .invoiceReceived(let invoice): _ = try plan(invoice, at: now)
            }
            return nil
        } catch {
            return error
        }
    }

    /// Records an act, or refuses it and changes nothing.
    ///
    /// - Parameter history: what moved and which invoices were issued is appended to it.
    @discardableResult
    public mutating func apply(_ act: Act, at now: Instant, into history: inout History) -> Outcome {
        do throws(RuleBreach) {
            switch act {
            case .accountOpened(let account): return try onOpened(account)
            case .accountChanged(let account): try onChanged(account)
            case .accountClosed(let id): return try onClosed(id)
            case .projectSet(let order): return try onProject(order, at: now)
            case .quotaSet(let project, let quota): return try onQuota(project, quota)
            case .shareSet(let project, let weight): return try onShare(project, weight: weight)
            case .reserved(let order): return try onReserved(order, at: now)
            case .reservationCancelled(let id): return try onCancelled(id, at: now)
            case .resourceDefined(let resource): return try onResource(resource)
            case .machineListed(let machine, let supplier): try onMachine(machine, supplier)
            case .priceSet(let order): return try onPrice(order)
            case .posted(let posting): return try onPosted(posting, at: now, into: &history)
            case .used(let report): return try onUsed(report, at: now, into: &history)
            case .held(let order): return try onHeld(order, at: now)
            case .released(let instance): return try onReleased(instance, at: now)
            case .subscribed(let order): return try onSubscribed(order, at: now)
            case .unsubscribed(let id, let end): return try onUnsubscribed(id, at: end)
            case .billingSet(let terms): try onBilling(terms)
            case .billed(let run): return try onBilled(run, at: now, into: &history)
            case .incident(let incident): return try onIncident(incident)
            case .credited(let order): return try onCredited(order, at: now, into: &history)
            case .paid(let payment): return try onPaid(payment, at: now, into: &history)
            case .contractOffered(let contract): return try onOffered(contract)
            case .contractCountersigned(let id, let digest, let ledger):
                return try onCountersigned(id, digest, ledger)
            case .contractEnded(let id, let end): return try onContractEnded(id, at: end)
            case .closedBefore(let instant): try onHorizon(instant, at: now)
            case .invoiceReceived(let invoice): return try onReceived(invoice, at: now, into: &history)
            }
            return .done
        } catch {
            return .refused(error)
        }
    }

    /// Numbers a movement, adds it to the balances of both sides, and appends it to the history.
    mutating func record(_ movement: Movement, into history: inout History) {
        lastMovement = MovementNumber(lastMovement.value + 1)
        var numbered = movement
        numbered.number = lastMovement
        let quantity = Int128(movement.quantity.millionths)
        accounts.change(movement.source) { state in
            state.balances.add(-movement.value, movement.stage, movement.currency)
            if let resource = movement.resource { state.balances.add(-quantity, of: resource) }
        }
        accounts.change(movement.destination) { state in
            state.balances.add(movement.value, movement.stage, movement.currency)
            if let resource = movement.resource { state.balances.add(quantity, of: resource) }
        }
        history.movements.append(numbered)
    }
}

/// A supplier and a customer.
struct Pair: Hashable, Sendable {
    var supplier: AccountID
    var customer: AccountID
}

extension OrderedDictionary {
    /// Changes a value where it lies; nothing when there is none. Writing through `dictionary[key]?` swaps the value with
    /// the last one and back, which was a third of the time of recording usage.
    mutating func change(_ key: Key, _ body: (inout Value) -> Void) {
        guard let index = index(forKey: key) else { return }
        body(&values[index])
    }
}

public import Accounting
import Automata
import Foundation
import SwiftProtobuf
import WireSchema

extension Act {
    /// An act by itself; in a ledger's entry it is a fact.
    public func encoded() -> [UInt8] { WireAct(self).bytes() }

    /// Reads an act. Whether it keeps to the rules of the books is for the books to say.
    public init(decoding bytes: [UInt8]) throws(WireError) {
        self = try WireAct(parsing: bytes).decoded()
    }
}

extension WireAct {
    init(_ act: Act) {
        self.init()
        switch act {
        case .accountOpened(let account): accountOpened = WireAccount(account)
        case .accountChanged(let account): accountChanged = WireAccount(account)
        case .accountClosed(let account): accountClosed = account.name
        case .projectSet(let order): projectSet = WireProjectOrder(order)
        case .quotaSet(let project, let quota): quotaSet = WireQuotaOrder(project, quota)
        case .shareSet(let project, let weight):
            shareSet = .with {
                $0.project = project.name
                $0.weight = UInt32(clamping: weight)
            }
        case .reserved(let order): reserved = WireReservationOrder(order)
        case .reservationCancelled(let id): reservationCancelled = id.name
        case .resourceDefined(let resource): resourceDefined = WireResource(resource)
        case .machineListed(let machine, let supplier):
            machineListed = .with {
                $0.machine = machine.data
                $0.supplier = supplier.name
            }
        case .priceSet(let order): priceSet = WirePriceOrder(order)
        case .posted(let posting): posted = WirePosting(posting)
        case .used(let report): used = WireUsageReport(report)
        case .held(let order): held = WireHoldOrder(order)
        case .released(let instance): released = instance.name
        case .subscribed(let order): subscribed = WireSubscriptionOrder(order)
        case .unsubscribed(let subscription, let end):
            unsubscribed = .with {
                $0.id = subscription.name
                $0.atNanoseconds = end.nanoseconds
            }
        case .billingSet(let terms): billingSet = WireBillingTerms(terms)
        case .billed(let run): billed = WireInvoiceRun(run)
        case .incident(let incident): self.incident = WireIncident(incident)
        case .credited(let order): credited = WireCreditOrder(order)
        case .paid(let payment): paid = WirePayment(payment)
        case .contractOffered(let contract): contractOffered = WireContract(contract)
        case .contractCountersigned(let contract, let terms, let ledger):
            contractCountersigned = .with {
                $0.contract = contract.name
                $0.terms = Data(terms.bytes)
                $0.by = ledger.data
            }
        case .contractEnded(let contract, let end):
            contractEnded = .with {
                $0.contract = contract.name
                $0.atNanoseconds = end.nanoseconds
            }
        case .closedBefore(let instant): closedBeforeNanoseconds = instant.nanoseconds
        case .invoiceReceived(let invoice): invoiceReceived = WireInvoice(invoice)
        }
    }

    func decoded() throws(WireError) -> Act {
        switch kind {
        case .accountOpened(let account): .accountOpened(try account.decoded())
        case .accountChanged(let account): .accountChanged(try account.decoded())
        case .accountClosed(let account): .accountClosed(try accountID(account, "an account"))
        case .projectSet(let order): .projectSet(try order.decoded())
        case .quotaSet(let order):
            .quotaSet(ProjectID(try bookName(order.project, "a project")), try order.decoded())
        case .shareSet(let order):
            .shareSet(
                ProjectID(try bookName(order.project, "a project")), weight: try projectWeight(order.weight))
        case .reserved(let order): .reserved(try order.decoded())
        case .reservationCancelled(let id): .reservationCancelled(try reservationID(id))
        case .resourceDefined(let resource): .resourceDefined(try resource.decoded())
        case .machineListed(let listing):
            .machineListed(
                try peer(listing.machine, "a listed machine"), supplier: try accountID(listing.supplier, "a supplier"))
        case .priceSet(let order): .priceSet(try order.decoded())
        case .posted(let posting): .posted(try posting.decoded())
        case .used(let report): .used(try report.decoded())
        case .held(let order): .held(try order.decoded())
        case .released(let instance): .released(try instanceID(instance))
        case .subscribed(let order): .subscribed(try order.decoded())
        case .unsubscribed(let end):
            .unsubscribed(
                SubscriptionID(try bookName(end.id, "a subscription")),
                at: try instant(end.atNanoseconds, "a subscription's end"))
        case .billingSet(let terms): .billingSet(try terms.decoded())
        case .billed(let run): .billed(try run.decoded())
        case .incident(let incident): .incident(try incident.decoded())
        case .credited(let order): .credited(try order.decoded())
        case .paid(let payment): .paid(try payment.decoded())
        case .contractOffered(let contract): .contractOffered(try contract.decoded())
        case .contractCountersigned(let signature):
            .contractCountersigned(
                ContractID(try bookName(signature.contract, "a contract")),
                terms: try digest(signature.terms, "a contract's terms"),
                by: try peer(signature.by, "who countersigned"))
        case .contractEnded(let end):
            .contractEnded(
                ContractID(try bookName(end.contract, "a contract")),
                at: try instant(end.atNanoseconds, "a contract's end"))
        case .closedBeforeNanoseconds(let instant):
            .closedBefore(try Wire.instant(instant, "the end of what is closed"))
        case .invoiceReceived(let invoice): .invoiceReceived(try invoice.decoded())
        case nil: throw noKind("an act", unknownFields)
        }
    }
}

import Accounting
import Automata
import Identity
import Ledger
import Logging
import Peer
import Runtime

/// The routes of the books: `{ledger}` is a ledger's name, id or fingerprint, or `-` for that of the master asked.
///
/// Any master that holds a replica tells what is in them; any master takes a write, which its primary records. Writes are
/// for administrators, and may be repeated: the very same act again changes nothing.
extension Routes {
    static let accountRoutes = bookReadings + bookWrites

    private static let bookReadings: [Route] = [
        reading("accounts") { try Answer($0.accounts(for: $2)) },
        reading("accounts/{account}") { try Answer($0.account(named: $1.part("account"), for: $2)) },
        reading("projects") { try Answer($0.projects(for: $2)) },
        reading("projects/{project}") { try Answer($0.project(named: $1.part("project"), for: $2)) },
        reading("reservations") { try Answer($0.reservations(for: $2)) },
        reading("reservations/{reservation}") {
            try Answer($0.reservation(named: $1.part("reservation"), for: $2))
        },
        reading("resources") { view, _, _ in try Answer(view.resources()) },
        reading("prices") { try Answer($0.prices(for: $2)) },
        reading("suppliers") { view, _, _ in try Answer(view.suppliers()) },
        reading("invoices") { try Answer($0.openInvoices(for: $2)) },
        reading("contracts") { try Answer($0.contracts(for: $2)) },
        reading("contracts/{contract}") { try Answer($0.contract(named: $1.part("contract"), for: $2)) },
        reading("subscriptions") { try Answer($0.subscriptions(for: $2)) },
        reading("subscriptions/{subscription}") {
            try Answer($0.subscription(named: $1.part("subscription"), for: $2))
        },
        reading("incidents") { try Answer($0.incidents(for: $2)) },
    ]

    private static let bookWrites: [Route] = [
        writing("accounts", "open accounts") { try $0.account($1.body) },
        writing("accounts/{account}", "change accounts") { try $0.change(of: $1.part("account"), $1.body) },
        writing("accounts/{account}/close", "close accounts") { .accountClosed(AccountID(try $1.part("account"))) },
        writing("projects", "set projects") { try $0.project($1.body) },
        writing("projects/{project}/quota", "set quotas") { try $0.quota(of: $1.part("project"), $1.body) },
        writing("projects/{project}/share", "set shares") { try $0.share(of: $1.part("project"), $1.body) },
        writing("projects/{project}/reservations", "reserve places") {
            try $0.reservation(of: $1.part("project"), $1.body)
        },
        writing("reservations/{reservation}/cancel", "cancel reservations") {
            .reservationCancelled(ReservationID(try $1.part("reservation")))
        },
        writing("resources", "define resources") { try $0.resource($1.body) },
        writing("prices", "set prices") { try $0.price($1.body) },
        writing("suppliers", "say whose a machine is") { try $0.supplier($1.body) },
        writing("terms", "set terms of billing") { try $0.terms($1.body) },
        writing("invoice-runs", "bill customers") { try $0.run($1.body) },
        writing("payments", "record payments") { try $0.payment($1.body) },
        writing("incidents", "record incidents") { try $0.incident($1.body) },
        writing("credits", "give credit") { try $0.credit($1.body) },
        writing("corrections", "correct accounts") { try $0.correction($1.body) },
        writing("contracts", "offer contracts") { try $0.contract($1.body) },
        writing("contracts/{contract}/countersign", "countersign contracts") {
            try $0.countersignature(of: $1.part("contract"), $1.body)
        },
        writing("contracts/{contract}/end", "end contracts") { try $0.contractEnd(of: $1.part("contract"), $1.body) },
        writing("subscriptions", "subscribe projects") { try $0.subscription($1.body) },
        writing("subscriptions/{subscription}/end", "end subscriptions") {
            try $0.subscriptionEnd(of: $1.part("subscription"), $1.body)
        },
        writing("received", "record what another ledger bills", content: .largeDocument(bytesMax: receivedBytesMax)) {
            try $0.received($1.body)
        },
        writingAll("usage", "record usage") { try $0.usage($1.body) },
    ]

    /// An invoice of the most lines that are taken, with names of usual lengths.
    private static let receivedBytesMax = 4 << 20

    private static func reading(
        _ path: String, _ answer: @escaping @Sendable (BooksView, Exchange, Principal) throws -> Answer
    ) -> Route {
        Route(.get, "/v1/ledgers/{ledger}/\(path)") { routes, exchange, who in
            let text = try exchange.part("ledger")
            return try answer(BooksView(await routes.views(of: text), named: text), exchange, known(who))
        }
    }

    /// - Parameter what: that only administrators may.
    private static func writing(
        _ path: String, _ what: String, content: Exchange.Content = .document,
        _ act: @escaping @Sendable (ActReader, Exchange) throws -> Act
    ) -> Route {
        writingAll(path, what, content: content) { [try act($0, $1)] }
    }

    /// The same for what takes several acts, one after the other: each may be repeated, so may all of them. A dry run tries
    /// the first alone, since the others follow from it.
    private static func writingAll(
        _ path: String, _ what: String, content: Exchange.Content = .document,
        _ acts: @escaping @Sendable (ActReader, Exchange) throws -> [Act]
    ) -> Route {
        Route(.post, "/v1/ledgers/{ledger}/\(path)", query: ["dryRun"], content: content) { routes, exchange, who in
            let who = try known(who)
            try who.requireAdministrator(what)
            let text = try exchange.part("ledger")
            let view = try BooksView(await routes.views(of: text), named: text)
            let acts = try acts(ActReader(view: view), exchange)
            for act in acts { try view.expectSayable(act) }
            guard let first = acts.first else { throw RequestDesk.defect }
            guard try !exchange.flag("dryRun") else { return try routes.tried(first, view) }
            for act in acts.dropLast() { _ = try await routes.record(act, view, by: who) }
            return try await routes.record(acts[acts.count - 1], view, by: who)
        }
    }

    private func tried(_ act: Act, _ view: BooksView) throws -> Answer {
        let trial = try view.trial(of: act)
        return try Answer(
            RecordedDocument(
                act: view.words(of: act), name: view.subject(of: act), ledger: view.name,
                ledgerId: view.ledger.description,
                changes: trial.changes, issued: trial.issued, master: view.master,
                at: DocumentCoding.text(of: view.now)))
    }

    private func record(_ act: Act, _ view: BooksView, by who: Principal) async throws -> Answer {
        let index: LedgerIndex
        switch await service.call(.record(.accounting(act)), of: view.ledger) {
        case .recorded(let found): index = found
        case .refused(let refusal): throw ProblemDocument(refusal)
        case .request, .requests, .log, .seenClaims, .owner, .elsewhere: throw RequestDesk.defect
        }
        logger.notice(
            "books.recorded",
            metadata: [
                "act": "\(view.words(of: act))", "ledger": "\(view.name)", "entry": "\(index.value)",
                "by": "\(who.name)",
            ])
        let after = try await caughtUp(view, with: index)
        return try Answer(
            RecordedDocument(
                act: view.words(of: act), name: view.subject(of: act), ledger: view.name,
                ledgerId: view.ledger.description,
                entry: index.value, issued: after.issued(by: act.issuer, since: view.books), master: view.master,
                at: DocumentCoding.text(of: service.now)))
    }

    /// Waits until the replica here has the entry, so that whoever has written reads it here: a moment where another master
    /// leads, two seconds at most. What is recorded is recorded, also when this replica is slower.
    private func caughtUp(_ view: BooksView, with index: LedgerIndex) async throws -> BooksView {
        var view = view
        for _ in 0..<100 where view.books != nil {
            view = try BooksView(await views(), named: view.ledger.description)
            if let books = view.books, books.index >= index { break }
            try await Task.sleep(for: .milliseconds(20))
        }
        return view
    }
}

extension BooksView {
    /// What an act is about, in words that people and logs read.
    func words(of act: Act) -> String { "\(act.kind) \(subject(of: act))" }

    /// The name of what it is about.
    func subject(of act: Act) -> String {
        if case .machineListed(let machine, _) = act { return views.knownName(of: machine) }
        return act.subject
    }
}

extension Act {
    fileprivate var kind: String {
        switch self {
        case .accountOpened: "account"
        case .accountChanged: "change of account"
        case .accountClosed: "closing of account"
        case .projectSet: "project"
        case .quotaSet: "quota of project"
        case .shareSet: "share of project"
        case .reserved: "reservation"
        case .reservationCancelled: "end of reservation"
        case .resourceDefined: "resource"
        case .machineListed: "supplier of machine"
        case .priceSet: "price of"
        case .posted: "correction"
        case .used: "usage of"
        case .held: "hold of"
        case .released: "release of"
        case .subscribed: "subscription"
        case .unsubscribed: "end of subscription"
        case .billingSet: "terms of"
        case .billed: "invoices of"
        case .incident: "incident"
        case .credited: "credit of"
        case .paid: "payment"
        case .contractOffered: "contract"
        case .contractCountersigned: "countersignature of"
        case .contractEnded: "end of contract"
        case .closedBefore: "closing before"
        case .invoiceReceived: "received invoice"
        }
    }

    fileprivate var subject: String {
        switch self {
        case .accountOpened(let account), .accountChanged(let account): account.id.name
        case .accountClosed(let id): id.name
        case .projectSet(let order): order.id.name
        case .quotaSet(let project, _), .shareSet(let project, _): project.name
        case .reserved(let order): order.id.name
        case .reservationCancelled(let id): id.name
        case .resourceDefined(let resource): resource.id.name
        case .machineListed(let machine, _): machine.fingerprint
        case .priceSet(let order): order.path.resource.name
        case .posted(let posting): posting.id?.name ?? ""
        case .used(let report): report.instance.name
        case .held(let order): order.instance.name
        case .released(let instance): instance.name
        case .subscribed(let order): order.id.name
        case .unsubscribed(let id, _): id.name
        case .billingSet(let terms): "\(terms.supplier) to \(terms.customer)"
        case .billed(let run): run.supplier.name
        case .incident(let incident): incident.id.name
        case .credited(let order): "\(order.invoice)"
        case .paid(let payment): payment.id.name
        case .contractOffered(let contract): contract.id.name
        case .contractCountersigned(let id, _, _): id.name
        case .contractEnded(let id, _): id.name
        case .closedBefore(let instant): DocumentCoding.text(of: instant)
        case .invoiceReceived(let invoice): "\(invoice.number)"
        }
    }

    /// Whose series it may add to.
    fileprivate var issuer: AccountID? {
        switch self {
        case .billed(let run): run.supplier
        case .credited(let order): order.invoice.issuer
        case .accountOpened, .accountChanged, .accountClosed, .projectSet, .quotaSet, .shareSet, .reserved,
            .reservationCancelled, .resourceDefined,
            .machineListed, .priceSet, .posted, .used, .held, .released, .subscribed, .unsubscribed, .billingSet,
            .incident, .paid,
            .contractOffered, .contractCountersigned, .contractEnded, .closedBefore, .invoiceReceived:
            nil
        }
    }
}

import Automata
public import Releases

/// The books of a ledger from the user's side.
///
/// `ledger` is a name, an id or a fingerprint; `-` is the one that the master asked has founded. Whoever writes names it by
/// its id: another master, asked after a broken connection, would take `-` for its own.
extension PalmierClient {
    /// The id of the ledger that the master asked has founded.
    public func ownLedger() async throws -> String {
        let all = try await ledgers()
        guard
            let id = all.own ?? all.ledgers.first(where: { $0.name == all.master })?.id
                ?? all.elsewhere.first(where: { $0.name == all.master })?.id
        else {
            throw ClientError(
                .notFound, "\(all.master) knows nothing of the ledger that it has founded",
                remedy: "name a ledger with --ledger; `palmier ledger status` shows all")
        }
        return id
    }

    // MARK: Looking

    public func accounts(of ledger: String) async throws -> AccountsDocument {
        try await read(Self.books(ledger, "accounts"))
    }

    public func account(_ name: String, of ledger: String) async throws -> AccountDocument {
        try await read(Self.books(ledger, "accounts", name))
    }

    public func projects(of ledger: String) async throws -> ProjectsDocument {
        try await read(Self.books(ledger, "projects"))
    }

    public func project(_ name: String, of ledger: String) async throws -> ProjectDocument {
        try await read(Self.books(ledger, "projects", name))
    }

    public func reservations(of ledger: String) async throws -> ReservationsDocument {
        try await read(Self.books(ledger, "reservations"))
    }

    public func reservation(_ name: String, of ledger: String) async throws -> ReservationDocument {
        try await read(Self.books(ledger, "reservations", name))
    }

    public func resources(of ledger: String) async throws -> ResourcesDocument {
        try await read(Self.books(ledger, "resources"))
    }

    public func prices(of ledger: String) async throws -> PricesDocument {
        try await read(Self.books(ledger, "prices"))
    }

    public func suppliers(of ledger: String) async throws -> SuppliersDocument {
        try await read(Self.books(ledger, "suppliers"))
    }

    public func openInvoices(of ledger: String) async throws -> OpenInvoicesDocument {
        try await read(Self.books(ledger, "invoices"))
    }

    public func contracts(of ledger: String) async throws -> ContractsDocument {
        try await read(Self.books(ledger, "contracts"))
    }

    public func contract(_ name: String, of ledger: String) async throws -> ContractDocument {
        try await read(Self.books(ledger, "contracts", name))
    }

    public func subscriptions(of ledger: String) async throws -> SubscriptionsDocument {
        try await read(Self.books(ledger, "subscriptions"))
    }

    public func subscription(_ name: String, of ledger: String) async throws -> SubscriptionDocument {
        try await read(Self.books(ledger, "subscriptions", name))
    }

    public func incidents(of ledger: String) async throws -> IncidentsDocument {
        try await read(Self.books(ledger, "incidents"))
    }

    // MARK: Recording

    /// What the books can be told.
    public enum BookAct: Sendable {
        case open(AccountRequest)
        case change(String, AccountChangeRequest)
        case close(String)
        case project(ProjectRequest)
        case quota(String, QuotaRequest)
        case share(String, ShareRequest)
        /// For a project.
        case reserve(String, ReservationRequest)
        case cancelReservation(String)
        case resource(ResourceDocument)
        case price(PriceRequest)
        case supplier(SupplierRequest)
        case terms(TermsRequest)
        case bill(InvoiceRunRequest)
        case pay(PaymentRequest)
        case incident(IncidentRequest)
        case credit(CreditRequest)
        case correct(CorrectionRequest)
        case offer(ContractRequest)
        case countersign(String, CountersignatureRequest)
        case endContract(String, ContractEndRequest)
        case subscribe(SubscriptionRequest)
        case unsubscribe(String, SubscriptionEndRequest)
        /// An invoice or a credit note of another ledger: the JSON of `palmier ledger invoices NUMBER --format json`.
        case receive(JSONValue)
        case use(UsageRequest)
    }

    /// Records an act; it may be repeated: the very same act again changes nothing.
    ///
    /// - Parameter dryRun: says what would become of it, and records nothing.
    public func record(_ act: BookAct, in ledger: String, dryRun: Bool = false) async throws -> RecordedDocument {
        func tell(_ parts: [String], _ body: (some Encodable & Sendable)?) async throws -> RecordedDocument {
            let path = Self.books(ledger, parts)
            return try await write(path + (dryRun ? "?dryRun=true" : ""), body, wait: Self.failover)
        }
        switch act {
        case .open(let body): return try await tell(["accounts"], body)
        case .change(let name, let body): return try await tell(["accounts", name], body)
        case .close(let name): return try await tell(["accounts", name, "close"], Optional<String>.none)
        case .project(let body): return try await tell(["projects"], body)
        case .quota(let name, let body): return try await tell(["projects", name, "quota"], body)
        case .share(let name, let body): return try await tell(["projects", name, "share"], body)
        case .reserve(let name, let body): return try await tell(["projects", name, "reservations"], body)
        case .cancelReservation(let name):
            return try await tell(["reservations", name, "cancel"], Optional<String>.none)
        case .resource(let body): return try await tell(["resources"], body)
        case .price(let body): return try await tell(["prices"], body)
        case .supplier(let body): return try await tell(["suppliers"], body)
        case .terms(let body): return try await tell(["terms"], body)
        case .bill(let body): return try await tell(["invoice-runs"], body)
        case .pay(let body): return try await tell(["payments"], body)
        case .incident(let body): return try await tell(["incidents"], body)
        case .credit(let body): return try await tell(["credits"], body)
        case .correct(let body): return try await tell(["corrections"], body)
        case .offer(let body): return try await tell(["contracts"], body)
        case .countersign(let name, let body): return try await tell(["contracts", name, "countersign"], body)
        case .endContract(let name, let body): return try await tell(["contracts", name, "end"], body)
        case .subscribe(let body): return try await tell(["subscriptions"], body)
        case .unsubscribe(let name, let body): return try await tell(["subscriptions", name, "end"], body)
        case .receive(let body): return try await tell(["received"], body)
        case .use(let body): return try await tell(["usage"], body)
        }
    }

    /// What a master may take besides: a ledger whose primary died finds another one meanwhile.
    private static let failover = Duration.seconds(10)

    private static func books(_ ledger: String, _ parts: String...) -> String { books(ledger, parts) }

    private static func books(_ ledger: String, _ parts: [String]) -> String {
        "/v1/ledgers/" + ([ledger] + parts).map { escape($0) }.joined(separator: "/")
    }
}

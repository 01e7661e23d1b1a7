public import Automata

/// A month of usage by many customers, for measuring: books that are ready to take it, and the reports.
public struct UsageWorkload: Sendable {
    public let customers: Int
    /// Of each customer.
    public let instances: Int
    /// Of each instance, an hour each.
    public let hours: Int
    public static let start = CivilDate(dayNumber: 20_454)  // 2026-01-01

    /// - Parameter hours: at most 744, so that all of them are in one month.
    public init(customers: Int, instances: Int, hours: Int) {
        precondition(
            customers > 0 && instances > 0 && (1...744).contains(hours),
            "\(customers) customers, \(instances) instances, \(hours) hours")
        self.customers = customers
        self.instances = instances
        self.hours = hours
    }

    public var movements: Int { customers * instances * hours }
    /// When the month is over.
    public var end: Instant { Cycle.month.instant(1, after: Self.start.start) }

    /// What comes before the first report.
    public var preparation: [Act] {
        var acts: [Act] = [
            .accountOpened(Account(id: AccountID("lab"), kind: .organisation, title: "The Laboratory")),
            .resourceDefined(Resource(id: ResourceID("cpu"), title: "Processor time", unit: .hour)),
            .machineListed(PeerID(1), supplier: AccountID("lab")),
        ]
        guard let euro = Currency("EUR") else { return acts }
        acts.append(
            .priceSet(
                PriceOrder(
                    path: PricePath(resource: ResourceID("cpu")), price: Price(millionths: 12_345), currency: euro,
                    from: .zero)))
        for customer in 0..<customers {
            let account = AccountID("customer-\(customer)")
            let project = ProjectID("project-\(customer)")
            acts.append(.accountOpened(Account(id: account, kind: .person, title: "Customer \(customer)")))
            acts.append(
                .projectSet(ProjectOrder(id: project, customer: account, currency: euro, ceiling: .movementMax)))
            for instance in 0..<instances {
                acts.append(
                    .held(
                        HoldOrder(
                            instance: id(customer, instance), project: project, machine: PeerID(1),
                            period: Period(from: Self.start.start, to: end), lines: [])))
            }
        }
        return acts
    }

    /// The report of a number below `movements`: all instances for an hour, then for the next.
    public func report(_ number: Int) -> UsageReport {
        let (hour, place) = number.quotientAndRemainder(dividingBy: customers * instances)
        let (customer, instance) = place.quotientAndRemainder(dividingBy: instances)
        let start = Self.start.start + .seconds(hour * 3_600)
        return UsageReport(
            instance: id(customer, instance), resource: ResourceID("cpu"),
            period: Period(from: start, to: start + .seconds(3_600)),
            quantity: Quantity(millionths: 250_000 + Int64(number % 1_000) * 100), machine: PeerID(1),
            partition: PartitionNumber(instance), release: ReleaseName("file:///releases/worker.yaml"))
    }

    private func id(_ customer: Int, _ instance: Int) -> InstanceID {
        InstanceID("customer-\(customer)/instance-\(instance)")
    }

    /// The run that invoices all of it.
    public var run: Act { .billed(InvoiceRun(supplier: AccountID("lab"), cycle: .month, through: end)) }
}

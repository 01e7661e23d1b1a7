/// Has places of machines kept for a project.
public struct ReservationRequest: Codable, Hashable, Sendable {
    /// 1 to 63 letters, digits and `-_.`.
    public var name: String
    /// A date or an instant in UTC.
    public var from: String
    public var until: String
    /// How many places, 1 to 256.
    public var count: Int
    /// What each place's machine must have; relations are none of it.
    public var requirements: RequestDocument.Needs?

    public init(
        name: String, from: String, until: String, count: Int, requirements: RequestDocument.Needs? = nil
    ) {
        self.name = name
        self.from = from
        self.until = until
        self.count = count
        self.requirements = requirements
    }
}

/// A reservation, and where its places are kept.
public struct ReservationDocument: Codable, Hashable, Sendable {
    public struct Place: Codable, Hashable, Sendable {
        /// From 1.
        public var number: Int
        /// `booked` (a machine keeps it), `used` (an instance has it), `searching`.
        public var state: String
        /// The machine that keeps it; nil: none does.
        public var node: String?
        public var fingerprint: String?
        /// `p00`, `p01`, …
        public var partition: String?
        /// The instance that has it, as `customer/reference`; nil: none has.
        public var instance: String?
        /// Why no machine keeps it; empty where one does.
        public var reason: String
    }

    public var schema = "palmier.reservation/1"
    public var name: String
    public var project: String
    /// `ahead`, `open`, `over`, `cancelled`.
    public var state: String
    /// ISO 8601, in UTC.
    public var from: String
    public var until: String
    public var count: Int
    /// How many places machines keep.
    public var booked: Int
    /// How many of those instances have.
    public var used: Int
    public var requirements: InstanceDocument.Needs
    public var places: [Place]
    /// What machines say to a place that none keeps; nil: all are kept, or nothing is to be.
    public var machines: MachinesDocument?
    /// When it was made; ISO 8601.
    public var madeAt: String
    public var source: BooksSource?

    /// Whether every place is kept.
    public var isComplete: Bool { booked == count }
}

public struct ReservationsDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.reservations/1"
    /// In the order in which they were made; of each only how many places are kept, not which.
    public var reservations: [ReservationDocument]
    public var source: BooksSource
}

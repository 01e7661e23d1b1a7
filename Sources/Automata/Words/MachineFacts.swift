/// What a machine is, what it has in all, and what its owner allows: told beside what is free at the moment.
///
/// Soft state like the advertisement that carries it. Texts are at most 63 bytes.
public struct MachineFacts: Hashable, Sendable {
    /// `x86-64`, `arm64`, …; empty: not known.
    public var architecture: String
    /// Cores; 0: not known.
    public var cores: Int
    /// What instances together may ask for.
    public var memory: ByteCount
    /// Free on the disk that instances write to.
    public var disk: ByteCount
    /// Accelerators.
    public var gpus: Int
    /// Of all of them; empty where there is none.
    public var gpuModel: String
    /// As in `6.1.0`; empty: not known.
    public var kernel: String
    /// How instances are kept apart there: `none`, `users` or `bubblewrap`; sorted.
    public var isolation: [String]
    /// Whether it has an address of that family beyond its link.
    public var hasIPv4: Bool
    public var hasIPv6: Bool
    /// Two letters (ISO 3166-1) and two letters of a continent, lower case; empty: its owner does not say.
    public var country: String
    public var continent: String
    /// Processes that want to run, for each core, in hundredths.
    public var load: Int
    /// What its owner allows and asks.
    public var terms: OwnerTerms
    /// The first eight bytes of the digests of releases that are installed, the newest first; at most `installedMax`.
    public var installed: [UInt64]

    /// Partitions without a tenant that are kept for reservations.
    public var reserved = 0

    public static let installedMax = 16

    public init(
        architecture: String = "", cores: Int = 0, memory: ByteCount = .zero, disk: ByteCount = .zero, gpus: Int = 0,
        gpuModel: String = "", kernel: String = "", isolation: [String] = [], hasIPv4: Bool = false,
        hasIPv6: Bool = false, country: String = "", continent: String = "", load: Int = 0,
        terms: OwnerTerms = OwnerTerms(), installed: [UInt64] = []
    ) {
        self.architecture = architecture
        self.cores = cores
        self.memory = memory
        self.disk = disk
        self.gpus = gpus
        self.gpuModel = gpuModel
        self.kernel = kernel
        self.isolation = isolation
        self.hasIPv4 = hasIPv4
        self.hasIPv6 = hasIPv6
        self.country = country
        self.continent = continent
        self.load = load
        self.terms = terms
        self.installed = installed
    }
}

/// What the owner of a machine asks and allows; holds whatever a request says.
public struct OwnerTerms: Hashable, Sendable {
    /// What an hour of one unit costs, in millionths of the fabric's unit of account. A partition's own price stands in the
    /// advertisement.
    public struct Rates: Hashable, Sendable {
        /// A core for an hour.
        public var core: Int64
        /// A gigabyte (10⁹ bytes) of memory for an hour.
        public var memory: Int64
        /// An accelerator for an hour.
        public var gpu: Int64

        public init(core: Int64 = 0, memory: Int64 = 0, gpu: Int64 = 0) {
            self.core = core
            self.memory = memory
            self.gpu = gpu
        }
    }

    public var rates: Rates
    /// When the machine is for others; nil: always.
    public var hours: OwnerHours?
    /// The most memory that one instance may ask for; nil: what there is.
    public var memoryMax: ByteCount?
    /// The most cores that one instance may ask for; nil: what there is.
    public var coresMax: Int?

    public init(
        rates: Rates = Rates(), hours: OwnerHours? = nil, memoryMax: ByteCount? = nil, coresMax: Int? = nil
    ) {
        self.rates = rates
        self.hours = hours
        self.memoryMax = memoryMax
        self.coresMax = coresMax
    }
}

/// A part of each day, in UTC: a machine's clock and its neighbours' agree on that without knowing where they stand.
public struct OwnerHours: Hashable, Sendable, CustomStringConvertible {
    /// Minutes of the day, 0 to 1,439; equal to `until`: the whole day. One that is later than `until` goes past midnight.
    public var from: Int
    public var until: Int

    /// - Returns: nil when a minute is out of its range.
    public init?(from: Int, until: Int) {
        guard (0..<1_440).contains(from), (0..<1_440).contains(until) else { return nil }
        self.from = from
        self.until = until
    }

    private init(allDayFrom minute: Int) {
        (from, until) = (minute, minute)
    }

    /// Reads `19:00-07:00`.
    public init?(_ text: some StringProtocol) {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Self.minute($0) }
        guard ends.count == 2, let from = ends[0], let until = ends[1] else { return nil }
        self.init(from: from, until: until)
    }

    private static func minute(_ text: some StringProtocol) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ (1...2).contains($0.utf8.count) }) else { return nil }
        guard parts.joined().utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        guard let hour = Int(parts[0]), let minute = Int(parts[1]), hour < 24, minute < 60 else { return nil }
        return hour * 60 + minute
    }

    /// The whole day.
    public static let always = OwnerHours(allDayFrom: 0)
    public var isAlways: Bool { from == until }

    /// Whether the machine is for others then.
    public func contains(_ instant: Instant) -> Bool {
        let minute = Self.minute(of: instant)
        if from == until { return true }
        return from < until ? (from..<until).contains(minute) : minute >= from || minute < until
    }

    /// The next instant at which the machine closes, later than `instant`; nil when it never does.
    public func closes(after instant: Instant) -> Instant? {
        from == until ? nil : Self.next(until, after: instant)
    }

    /// The next instant at which it opens, later than `instant`; nil when it is always open.
    public func opens(after instant: Instant) -> Instant? {
        from == until ? nil : Self.next(from, after: instant)
    }

    private static let day: Int64 = 86_400_000

    private static func minute(of instant: Instant) -> Int {
        let milliseconds = (instant.milliseconds % day + day) % day
        return Int(milliseconds / 60_000)
    }

    private static func next(_ minute: Int, after instant: Instant) -> Instant {
        let today = (instant.milliseconds % day + day) % day
        let wait = Int64(minute) * 60_000 - today
        return instant + .milliseconds(wait > 0 ? wait : wait + day)
    }

    public var description: String { "\(Self.clock(from))-\(Self.clock(until))" }

    private static func clock(_ minute: Int) -> String {
        let (hour, rest) = (minute / 60, minute % 60)
        return "\(hour < 10 ? "0" : "")\(hour):\(rest < 10 ? "0" : "")\(rest)"
    }
}

/// Where a machine stands, as it says itself: what two instances may have in common. Empty texts: not known.
public struct Place: Hashable, Sendable {
    /// What people call the machine.
    public var name: String
    /// The subnet of its first address.
    public var network: String
    public var region: String
    public var country: String
    public var continent: String

    public static let unknown = Place()

    public init(
        name: String = "", network: String = "", region: String = "", country: String = "", continent: String = ""
    ) {
        self.name = name
        self.network = network
        self.region = region
        self.country = country
        self.continent = continent
    }

    /// What it says of a scope; nil for the machine itself.
    public func word(of scope: Relation.Scope) -> String? {
        switch scope {
        case .host: nil
        case .lan: network
        case .country: country
        case .continent: continent
        }
    }
}

/// A relation whose other instance has a machine.
public struct Standing: Hashable, Sendable {
    public var relation: Relation
    /// Where the other one is.
    public var machine: PeerID
    public var place: Place

    public init(relation: Relation, machine: PeerID, place: Place) {
        self.relation = relation
        self.machine = machine
        self.place = place
    }

    /// Whether a machine stands as the relation says. Of two places that are not known nothing is sure, so that they are
    /// neither the same nor apart.
    public func holds(on machine: PeerID, at place: Place) -> Bool {
        guard let (here, there) = relation.scope == .host ? nil : words(place) else {
            return (machine == self.machine) != relation.isApart
        }
        guard !here.isEmpty, !there.isEmpty else { return !relation.isApart && machine == self.machine }
        return (here == there) != relation.isApart
    }

    private func words(_ place: Place) -> (String, String)? {
        guard let here = place.word(of: relation.scope), let there = self.place.word(of: relation.scope) else {
            return nil
        }
        return (here, there)
    }
}

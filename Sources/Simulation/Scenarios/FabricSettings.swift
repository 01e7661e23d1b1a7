/// Whole peers in place of overlays alone: how many on which links, what users ask of them, how their disks behave.
public struct FabricSettings: Sendable, Equatable {
    /// Links, each a multicast domain of its own.
    public var lans = 1
    /// Of each LAN.
    public var masters = 3
    public var machines = 20
    /// Masters start within so long; nil: like everyone, within the scenario's `join`.
    public var mastersJoin: Duration?
    /// Of each LAN so many are told the address of a peer elsewhere (`--join`).
    public var joiners = 2
    /// Machines are told the addresses of machines, so that masters of several LANs meet on the overlay alone; else masters
    /// are told those of masters.
    public var joinsByMachines = false
    /// Whether peers have addresses, and reach only whose address they have learned.
    public var addresses = true
    /// Of each machine.
    public var partitions = 4
    /// Passive replicas of each master's ledger; 0: a ledger has one copy, and its disk is never lost.
    public var replicas = 0
    /// How long a replica may be away before another takes its place.
    public var replaceAfter: Duration = .seconds(60)
    public var requests = 0
    /// Of 1,000 requests how many are exclusive.
    public var exclusivePerMille = 300
    /// Of 1,000 requests how many a project pays for; 0: nobody keeps accounts.
    public var paidPerMille = 0
    /// Of 1,000 requests how many ask for a machine of one LAN, which masters of others find over the wide area.
    public var regionalPerMille = 0
    /// Of 1,000 requests how many are to be on another host than an earlier one of the same customer.
    public var apartPerMille = 0
    /// Of 1,000 requests how many are destroyed, stopped or changed later.
    public var changedPerMille = 400
    /// How often an owner drains a machine while faults strike, and for how long each.
    public var drains: ClosedRange<Int> = 0...0
    public var drainedFor: ClosedRange<Duration> = .seconds(30)...(.seconds(120))
    /// Of 1,000 machines how many have owner's hours, which end once while faults strike.
    public var hoursPerMille = 0
    /// How long a peer is in the ring before its machine joins the groups of offers.
    public var groupsAfter: Duration = .seconds(30)
    /// Nil: nobody asks for groups of instances.
    public var elastic: ElasticSettings?
    /// So many peers die as a message of a placement is sent: a claim, a grant, an order, a search, and so on.
    public var stepDeaths: ClosedRange<Int> = 0...0
    /// So many rendezvous die as they ask for a search's next member.
    public var searchDeaths: ClosedRange<Int> = 0...0
    /// Within this another rendezvous has every search whose own died; nil: nobody looks.
    public var handover: Duration?
    public var disk = DiskSettings()
    /// A packet to all of a link takes so long, and is lost for so many of its receivers.
    public var linkDelay: Duration = .milliseconds(1)
    public var multicastLoss = 0.1
    /// Nil: nobody but `requests` asks for a machine.
    public var placements: PlacementSettings?
    /// Nil: nobody puts an object.
    public var objects: ObjectSettings?
    /// Nil: nobody is a member of a group.
    public var groups: GroupSettings?
    /// Nil: no projects ask for more than there is.
    public var shares: ShareSettings?
    /// Nil: nobody reserves places.
    public var reservations: ReservationSettings?

    public init() {}

    /// Whether machines' owners do anything.
    var hasOwners: Bool { drains.upperBound > 0 || hoursPerMille > 0 }

    /// Peers at the start.
    public var peers: Int { lans * (masters + machines) }
}

/// How the disks of simulated machines behave. From the shares each seed draws; none of a kind is always among the draws.
public struct DiskSettings: Sendable, Equatable {
    /// How long a write takes to be durable.
    public var latency: ClosedRange<Duration> = .microseconds(200)...(.milliseconds(20))
    /// Of all writes.
    public var failures: ClosedRange<Double> = 0...0
    /// Of the objects on a disk whose process or machine crashes.
    public var rot: ClosedRange<Double> = 0...0

    public init() {}
}

/// Two projects with equal shares that ask for more than there is, one after the other, and one with a quota.
public struct ShareSettings: Sendable, Equatable {
    public enum Ledgers: String, Sendable, CaseIterable {
        case one, two
        /// One or two, as the seed is even or odd.
        case drawn
    }

    /// Requests of the first.
    public var greedy = 300
    /// Requests of the second, and how long after the first it begins.
    public var late = 150
    public var after: Duration = .seconds(90)
    /// In how many ledgers the two projects are.
    public var ledgers: Ledgers = .drawn
    /// Partitions of the third, which asks for three times as many; 0: there is none.
    public var quota = 0

    public init() {}
}

/// A project that reserves places of machines, and asks for instances in them when they begin.
public struct ReservationSettings: Sendable, Equatable {
    public var count = 6
    /// Of each.
    public var places: ClosedRange<Int> = 1...2
    /// How long before it begins each is asked for.
    public var ahead: ClosedRange<Duration> = .seconds(10)...(.seconds(120))

    public init() {}
}

/// Who puts and gets objects, and what differs from the shipped configuration.
public struct ObjectSettings: Sendable, Equatable {
    /// Puts and gets a second, of all users together.
    public var rate = 0.2
    public var bytesMax = 2_000
    public var reconcile: Duration?
    /// What each machine gives.
    public var storeBytesMax: Int?

    public init() {}
}

/// Who asks for groups of instances, and for places that are prepared ahead.
public struct ElasticSettings: Sendable, Equatable {
    /// Requests that are groups, whose counts their users change again and again.
    public var count = 6
    public var membersMax = 4
    /// How often each count is changed.
    public var changes = 4
    /// Of 1,000 changes how many say other parameters, so that members are changed one after the other.
    public var rollingPerMille = 300
    /// Groups of prepared places, one of each of so many customers.
    public var warm = 3

    public init() {}
}

/// Who is in groups, and what differs from the shipped configuration.
public struct GroupSettings: Sendable, Equatable {
    public var count = 3
    /// Joins, leaves, changes, multicasts and searches a second, of all members together.
    public var rate = 0.2
    public var childrenMax: Int?

    public init() {}
}

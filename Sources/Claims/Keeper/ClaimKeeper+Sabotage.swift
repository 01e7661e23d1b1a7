public import Automata

extension ClaimKeeper {
    /// Mistakes of a machine that the invariants' checkers must find.
    public struct Sabotage: OptionSet, Hashable, Sendable {
        public let rawValue: UInt16
        public init(rawValue: UInt16) { self.rawValue = rawValue }

        /// A partition is granted under the number that it had before.
        public static let reusedNumber = Sabotage(rawValue: 1)
        /// A partition is granted that is being emptied.
        public static let occupiedGrant = Sabotage(rawValue: 1 << 1)
        /// A grant leaves without its number on the disk: that is written when its order comes.
        public static let latePersist = Sabotage(rawValue: 1 << 2)
        /// A grant waits for its order for ever.
        public static let endlessGrant = Sabotage(rawValue: 1 << 3)
        /// An order is followed although a newer one was.
        public static let oldOrder = Sabotage(rawValue: 1 << 4)
        /// A claim is said to be released while its instance is still being stopped.
        public static let earlyRelease = Sabotage(rawValue: 1 << 5)
        /// A newer attempt that is refused ends the older one.
        public static let refusedVacates = Sabotage(rawValue: 1 << 6)
        /// A prolonged lease counts from the answer.
        public static let lateCount = Sabotage(rawValue: 1 << 7)
        /// A tenant is put out without asking its ledger, whatever its project has.
        public static let seizes = Sabotage(rawValue: 1 << 8)
        /// A booking is not on the disk.
        public static let forgetsBookings = Sabotage(rawValue: 1 << 9)
        /// What is promised already is promised again.
        public static let bookedTwice = Sabotage(rawValue: 1 << 10)
        /// A place that is kept for a reservation is let to anybody.
        public static let letsIn = Sabotage(rawValue: 1 << 11)
        /// Who is there when a booking begins may stay.
        public static let neverVacates = Sabotage(rawValue: 1 << 12)

        /// By the names that the command line takes, and the invariants that must catch them; those that need what drawn
        /// faults do not bring together have none, and are for the exploration of every order.
        public static let ofClaims: [(name: String, sabotage: Sabotage, caughtBy: [String])] = [
            ("reused-number", .reusedNumber, ["I2"]), ("occupied-grant", .occupiedGrant, ["I2"]),
            ("late-persist", .latePersist, ["I2"]), ("endless-grant", .endlessGrant, ["I4"]),
            ("old-order", .oldOrder, ["newest"]), ("early-release", .earlyRelease, ["I2"]),
        ]
        /// Those of tenants that give way.
        public static let ofShares: [(name: String, sabotage: Sabotage, caughtBy: [String])] = [
            ("shares-seize", .seizes, ["taken"])
        ]
        /// Those of reservations.
        public static let ofReservations: [(name: String, sabotage: Sabotage, caughtBy: [String])] = [
            ("booking-forgotten", .forgetsBookings, ["booked"]), ("booked-twice", .bookedTwice, ["once"]),
            ("booking-open", .letsIn, ["kept"]), ("booking-squatted", .neverVacates, ["booked", "kept"]),
        ]
        public static let named = ofClaims + ofShares + ofReservations
    }

    /// Grants that wait for their orders, and when they stop to.
    public var promises: [(claim: ClaimReference, expires: Instant)] {
        partitions.compactMap { partition in
            guard case .tentative(let grant) = partition.tenancy else { return nil }
            let claim = ClaimReference(machine: machine, partition: partition.number, fencing: partition.fencing)
            return (claim, grant.expires)
        }
    }
}

extension RequestKeeper {
    /// Mistakes of a ledger's primary that the invariants' checkers must find.
    public struct Sabotage: OptionSet, Hashable, Sendable {
        public let rawValue: UInt16
        public init(rawValue: UInt16) { self.rawValue = rawValue }

        /// A machine is ordered before the log has the placement.
        public static let unwrittenOrder = Sabotage(rawValue: 1)
        /// Whoever is found second is ordered as well.
        public static let twoWinners = Sabotage(rawValue: 1 << 1)
        /// Leases are prolonged of claims that were given up.
        public static let renewsLost = Sabotage(rawValue: 1 << 2)
        /// An attempt is given up after a third of the lease that the machine was given.
        public static let shortPatience = Sabotage(rawValue: 1 << 3)
        /// Who begins to lead does not wait for the leases that its predecessor gave.
        public static let hastySuccessor = Sabotage(rawValue: 1 << 4)
        /// A machine is not told that its claim is in no ledger.
        public static let silentLapse = Sabotage(rawValue: 1 << 5)

        /// A request moves as soon as it has a successor, whatever that does.
        public static let releaseBeforeReady = Sabotage(rawValue: 1 << 6)

        /// Its claims say that the project has nothing.
        public static let claimsNothing = Sabotage(rawValue: 1 << 7)
        /// It never asks full machines.
        public static let neverPresses = Sabotage(rawValue: 1 << 8)

        /// A group never lets a member go.
        public static let hoard = Sabotage(rawValue: 1 << 9)
        /// A group that is destroyed leaves its members behind.
        public static let orphans = Sabotage(rawValue: 1 << 10)
        /// A change comes to members that are still to be made, and to none that is there.
        public static let stale = Sabotage(rawValue: 1 << 11)
        /// Nobody orders what was taken over to start.
        public static let silent = Sabotage(rawValue: 1 << 12)

        /// What one request asks in regard to another does not bind that one.
        public static let oneSided = Sabotage(rawValue: 1 << 13)

        /// A machine that keeps a place is heard, and gets no answer.
        public static let ignoresBookings = Sabotage(rawValue: 1 << 14)

        /// By the names that the command line takes, and the invariants that must catch them.
        public typealias Named = [(name: String, sabotage: Sabotage, caughtBy: [String])]
        /// Those of placing and holding.
        public static let ofPlacement: Named = [
            ("unwritten-order", .unwrittenOrder, ["placed"]), ("two-winners", .twoWinners, ["placed", "I1"]),
            ("renews-lost", .renewsLost, ["I1"]), ("short-patience", .shortPatience, ["I1"]),
            ("hasty-successor", .hastySuccessor, ["I1"]), ("silent-lapse", .silentLapse, ["I4", "I1"]),
        ]
        /// Those of moving from a machine that drains.
        public static let ofDrains: Named = [("release-before-ready", .releaseBeforeReady, ["no gap"])]
        /// Those of shares between projects.
        public static let ofShares: Named = [
            ("shares-claim-nothing", .claimsNothing, ["fair", "taken"]),
            ("shares-never-press", .neverPresses, ["fair"]),
        ]
        /// Those of groups of instances and of prepared places.
        public static let ofGroups: Named = [
            ("group-hoards", .hoard, ["E1"]), ("group-orphans", .orphans, ["E1"]), ("group-stale", .stale, ["I4"]),
            ("takeover-silent", .silent, ["I4"]),
        ]
        /// Those of where requests stand in regard to each other.
        public static let ofRelations: Named = [("relations-one-sided", .oneSided, ["relations"])]
        /// Those of reservations.
        public static let ofReservations: Named = [("booking-unanswered", .ignoresBookings, ["booked"])]
        public static let named: Named = ofPlacement + ofDrains + ofShares + ofGroups + ofRelations + ofReservations
    }
}

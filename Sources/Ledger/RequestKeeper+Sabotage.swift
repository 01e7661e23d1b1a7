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

        /// By the names that the command line takes, and the invariants that must catch them.
        public static let named: [(name: String, sabotage: Sabotage, caughtBy: [String])] = [
            ("unwritten-order", .unwrittenOrder, ["placed"]), ("two-winners", .twoWinners, ["placed", "I1"]),
            ("renews-lost", .renewsLost, ["I1"]), ("short-patience", .shortPatience, ["I1"]),
            ("hasty-successor", .hastySuccessor, ["I1"]), ("silent-lapse", .silentLapse, ["I4", "I1"]),
        ]
    }
}

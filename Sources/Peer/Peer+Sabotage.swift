extension Peer {
    /// Mistakes between a peer's parts that the invariants' checkers must find.
    public struct Sabotage: OptionSet, Hashable, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// A machine listens to whoever once led a ledger.
        public static let obeysDeposed = Sabotage(rawValue: 1)
        /// Who led a ledger prolongs leases without asking a majority whether it still does.
        public static let unconfirmedRenewal = Sabotage(rawValue: 1 << 1)
        /// Masters of other LANs are not greeted.
        public static let unsociable = Sabotage(rawValue: 1 << 2)

        /// A search over the wide area is asked for once, and then when its request is looked for anew.
        public static let asksOnce = Sabotage(rawValue: 1 << 3)

        /// Those of searches.
        public static let ofSearches: [(name: String, sabotage: Sabotage, caughtBy: [String])] = [
            ("search-asked-once", .asksOnce, ["hand-over"])
        ]

        /// By the names that the command line takes, and the invariants that must catch them.
        public static let named: [(name: String, sabotage: Sabotage, caughtBy: [String])] = [
            ("unconfirmed-renewal", .unconfirmedRenewal, ["I1"]), ("unsociable-masters", .unsociable, ["I1"]),
        ]
    }
}

/// What stands for many instances: how many there shall be and are, by which rule, and what was decided lately.
public struct GroupDocument: Codable, Hashable, Sendable {
    public struct Member: Codable, Hashable, Sendable {
        public var reference: String
        public var state: String
        /// Empty when all is well.
        public var reason: String
        /// nil while it is nowhere.
        public var `where`: InstanceDocument.Place?
        /// It is as the group asks; else a change has not come to it yet, or it is being destroyed.
        public var isCurrent: Bool
    }

    public struct Decision: Codable, Hashable, Sendable {
        /// ISO 8601.
        public var at: String
        /// `asked`, `up`, `down`, `limited`, `blind`.
        public var kind: String
        public var from: Int
        /// The same as `from` where nothing was changed.
        public var to: Int
        public var reason: String
        /// `scaled from 2 to 3: cpu 93 % is above 60 %`.
        public var text: String
    }

    /// What a warm group has seen, and what it did for it.
    public struct Warmth: Codable, Hashable, Sendable {
        /// By which forecast its count changes; nil: it stays as it is asked for.
        public var forecast: String?
        /// Requests that took a prepared place over, and those that found none.
        public var served: UInt64
        public var missed: UInt64
        /// nil: nothing was prepared yet.
        public var preparingSeconds: Double?
    }

    /// How many members there shall be.
    public var count: Int
    /// How many there are, those that are being destroyed too.
    public var present: Int
    /// How many are as they should be.
    public var ready: Int
    /// Members are kept apart from each other so: `host`, `lan`, `country`, `continent`; nil: they are not.
    public var spread: String?
    /// By which rule the count changes; nil: it stays as it is asked for.
    public var scale: String?
    /// nil: members run.
    public var warm: Warmth?
    /// By number.
    public var members: [Member]
    /// The newest last; at most 20.
    public var decisions: [Decision]
}

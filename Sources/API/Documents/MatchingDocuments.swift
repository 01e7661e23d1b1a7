/// What machines say to a request: how many of which answer, and which ones.
public struct MachinesDocument: Codable, Hashable, Sendable {
    /// What one machine says.
    public struct Candidate: Codable, Hashable, Sendable {
        public var node: String
        public var fingerprint: String
        /// Whether it could take the request now.
        public var fits: Bool
        /// `here` (it has the request), `fits`, `not now`, `never`: no claim that ends could change it.
        public var verdict: String
        /// What an hour of the request costs there: a decimal, in the unit of account; nil where nothing is known of it.
        public var hourly: String?
        /// Why not, in the order of the rules; empty when it fits or has the request.
        public var refusals: [Refusal]
    }

    /// Why a machine does not serve.
    public struct Refusal: Codable, Hashable, Sendable {
        /// Stable: `requirement`, `full`, …
        public var code: String
        /// Who says no: `requester`, `machine`, `rendezvous`, `ledger`.
        public var by: String
        public var wanted: String
        public var found: String
        /// No claim that ends could change it.
        public var lasting: Bool
        /// For people, as the rest of a sentence about the machine.
        public var text: String
    }

    /// How many machines one rule was the first to refuse, of those that cannot now or of those that never can.
    public struct Rule: Codable, Hashable, Sendable {
        public var code: String
        public var by: String
        /// No claim that ends could change what these machines say.
        public var lasting: Bool
        public var machines: Int
        /// For people, behind the count: `have no free partition`.
        public var text: String
    }

    /// Machines that the master which answers knows: `here`, `fits`, `notNow` and `never` together.
    public var known: Int
    public var here: Int
    public var fits: Int
    public var notNow: Int
    public var never: Int
    /// Those of `notNow`, then those of `never`, each in the order in which they are looked at; their machines add up to both.
    public var rules: [Rule]
    /// Where it is, then who could take it, best first by its policy, then who cannot now, the closest first, then who never
    /// can. At most as many as were asked for.
    public var candidates: [Candidate]
    /// How many machines are not named.
    public var unnamed: Int
    /// The machine that comes nearest where none can; nil where one can.
    public var closest: Candidate?
}

/// Why a request is where it is: the explanation, and what each machine says to it.
public struct WhyDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.why/2"
    public var instance: InstanceDocument
    /// Sentences, in the order in which one would tell them.
    public var explanation: [String]
    /// One sentence; empty where it waits for nothing.
    public var waitsFor: String
    /// Why its ledger does not let it be placed now, whatever machines say (code `quota`); nil: it does.
    public var ledger: MachinesDocument.Refusal? = nil
    public var machines: MachinesDocument

    /// How many machines are named when nobody asks for all.
    public static let namesMax = 20
}

/// What a machine has lately been asked for, and what became of it: why it has no work.
public struct NodeClaimsDocument: Codable, Hashable, Sendable {
    public struct Claim: Codable, Hashable, Sendable {
        /// When it was asked, by the machine's clock; ISO 8601.
        public var at: String
        public var ageSeconds: Int64
        public var customer: String
        public var reference: String
        public var attempt: UInt32
        /// The name of the ledger that asked; its fingerprint when it is not known here.
        public var ledger: String
        /// `granted` (nothing was heard since), `placed`, `refused`, `outdone` (another machine got it), `expired` (no order
        /// came in time).
        public var outcome: String
        /// For people; empty where all is well.
        public var reason: String
        /// Why it was refused, in the order of the rules.
        public var refusals: [MachinesDocument.Refusal]
    }

    public var schema = "palmier.node-claims/1"
    public var node: String
    public var fingerprint: String
    /// The newest first.
    public var claims: [Claim]
    /// Claims for others' requests, which are not shown to whoever asks.
    public var hidden: Int
}

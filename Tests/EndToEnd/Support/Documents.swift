/// What scripts read of the documents that commands print with `-o json`; written down apart from the program's own
/// types, so that a field that is renamed there fails here.
struct InstanceDocument: Decodable, Sendable {
    struct Place: Decodable, Sendable {
        let node: String
        let partition: String
    }

    struct Connection: Decodable, Sendable {
        let host: String?
        let port: Int?
        let url: String?
    }

    let schema: String
    let reference: String
    let state: String
    let reason: String
    let `where`: Place?
    let attempt: Int
    let connection: Connection
    let home: String
    let exclusive: Bool
    let promise: String
}

struct InstancesDocument: Decodable, Sendable {
    struct Unreachable: Decodable, Sendable {
        let reference: String
        let home: String
    }

    let instances: [InstanceDocument]
    let missing: [String]
    let unreachable: [Unreachable]
}

/// What machines say to a request.
struct MachinesDocument: Decodable, Sendable {
    struct Candidate: Decodable, Sendable {
        struct Refusal: Decodable, Sendable {
            let code: String
            let by: String
            let lasting: Bool
        }

        let node: String
        let fits: Bool
        let verdict: String
        let hourly: String?
        let refusals: [Refusal]
    }

    let known: Int
    let here: Int
    let fits: Int
    let notNow: Int
    let never: Int
    let candidates: [Candidate]
    let closest: Candidate?
}

struct WhyDocument: Decodable, Sendable {
    let schema: String
    let waitsFor: String
    let explanation: [String]
    let machines: MachinesDocument
}

struct PlanDocument: Decodable, Sendable {
    struct Change: Decodable, Sendable {
        let field: String
    }

    let schema: String
    let act: String
    let index: Int
    let changes: [Change]
    let machines: MachinesDocument?
    let hourly: String?
    let command: String?
}

struct NodeClaimsDocument: Decodable, Sendable {
    struct Claim: Decodable, Sendable {
        let reference: String
        let ledger: String
        let outcome: String
        let reason: String
    }

    let schema: String
    let node: String
    let claims: [Claim]
    let hidden: Int
}

/// What a machine offers, as far as tests look at it.
struct NodeOfferDocument: Decodable, Sendable {
    let maxMemoryBytes: Int64
    let coreHour: String
    let region: String
    let kept: [String]
}

struct NodesDocument: Decodable, Sendable {
    struct Node: Decodable, Sendable {
        let name: String
        let fingerprint: String
        let peer: String
        let state: String
        let isMaster: Bool
        let capacity: Int
        let free: Int
        let endpoints: [String]

        /// Not known to be gone.
        var isLive: Bool { ["idle", "worker", "coordinator"].contains(state) }
    }

    let nodes: [Node]
}

struct MastersDocument: Decodable, Sendable {
    struct Master: Decodable, Sendable {
        let name: String
        let state: String
        let api: [String]
        let leads: [String]
    }

    let masters: [Master]
}

struct AdmissionsDocument: Decodable, Sendable {
    struct Admission: Decodable, Sendable {
        let name: String
        let kind: String
        let fingerprint: String
        let state: String
    }

    let admissions: [Admission]
}

struct InvitationDocument: Decodable, Sendable {
    let token: String
}

struct ProblemDocument: Decodable, Sendable {
    let schema: String
    let code: String
    let detail: String
    let remedy: String
    let field: String?
}

struct LedgerDocument: Decodable, Sendable {
    struct Member: Decodable, Sendable {
        let name: String
        let state: String
        let behind: Int?
        let site: String?
    }

    let schema: String
    let name: String
    let id: String
    let primary: String
    let standing: Int
    let wanted: Int
    let health: String
    let reasons: [String]
    let remedy: String
    let members: [Member]
}

struct LedgersDocument: Decodable, Sendable {
    let ledgers: [LedgerDocument]
}

struct StatusDocument: Decodable, Sendable {
    struct Attention: Decodable, Sendable {
        let subject: String
        let state: String
        let reason: String
    }

    let fabric: String
    let sentence: String
    let isHealthy: Bool
    let attention: [Attention]
    let pendingAdmissions: Int
}

struct RingPeerDocument: Decodable, Sendable {
    let peer: String
    let name: String
    let address: String
    let state: String
    let sharedDigits: Int?
}

struct OverlayDocument: Decodable, Sendable {
    let schema: String
    let peer: RingPeerDocument
    let state: String
    let sentence: String
    let isHealthy: Bool
    let peers: Int
    let isCounted: Bool
    let left: [RingPeerDocument]
    let right: [RingPeerDocument]
}

struct RouteDocument: Decodable, Sendable {
    let schema: String
    let key: String
    let root: RingPeerDocument
    let hops: Int
    let path: [RingPeerDocument]?
}

struct ObjectDocument: Decodable, Sendable {
    let schema: String
    let key: String
    let size: Int
    let copies: Int
}

struct ObjectContentsDocument: Decodable, Sendable {
    let schema: String
    let encoding: String
    let text: String
}

struct VerificationDocument: Decodable, Sendable {
    struct Replica: Decodable, Sendable {
        let name: String
        let state: String
        let last: Int
    }

    struct Books: Decodable, Sendable {
        let entry: Int
        let movements: Int
        let requests: Int
    }

    struct Finding: Decodable, Sendable {
        let kind: String
        let replica: String?
        let entry: Int?
        let text: String
        let remedy: String
    }

    let schema: String
    let name: String
    let id: String
    let state: String
    let entry: Int
    let digest: String
    let replicas: [Replica]
    let books: Books
    let findings: [Finding]
    let missing: [String]
}

struct VerificationsDocument: Decodable, Sendable {
    let schema: String
    let ledgers: [VerificationDocument]
    let missing: [String]
}

struct BalancesDocument: Decodable, Sendable {
    struct Balance: Decodable, Sendable {
        let currency: String
        let total: String
    }

    struct Account: Decodable, Sendable {
        let account: String
        let balances: [Balance]
    }

    let schema: String
    let entry: Int
    let accounts: [Account]
}

struct MovementsDocument: Decodable, Sendable {
    let schema: String
}

public import Accounting
public import Automata
import OrderedCollections

/// All that books keep, as plain values in an order that is the same on every replica: what a checkpoint is made of.
public struct BooksContents: Hashable, Sendable {
    /// The last entry that is in it.
    public var index: LedgerIndex
    /// In the order in which they were made.
    public var requests: [Request]
    /// By request.
    public var homes: [Home]
    /// In the order in which they were made.
    public var admissions: [Admission]
    /// By digest.
    public var tokens: [TokenRecord]
    public var accounts: Accounts
    /// By index.
    public var refusals: [RefusedAct]
    public var described: LedgerDescription?
    /// Of reservations, in the order in which they were booked first.
    public var places: [ReservedPlace]

    /// Which other master holds a request.
    public struct Home: Hashable, Sendable {
        public var key: RequestKey
        public var master: PeerID

        public init(key: RequestKey, master: PeerID) {
            self.key = key
            self.master = master
        }
    }

    /// A one-time token.
    public struct TokenRecord: Hashable, Sendable {
        public var token: Digest
        public var expires: Instant
        public var redeemedBy: PeerID?

        public init(token: Digest, expires: Instant, redeemedBy: PeerID?) {
            self.token = token
            self.expires = expires
            self.redeemedBy = redeemedBy
        }
    }

    public init(
        index: LedgerIndex, requests: [Request], homes: [Home], admissions: [Admission], tokens: [TokenRecord],
        accounts: Accounts, refusals: [RefusedAct], described: LedgerDescription?, places: [ReservedPlace] = []
    ) {
        self.places = places
        self.index = index
        self.requests = requests
        self.homes = homes
        self.admissions = admissions
        self.tokens = tokens
        self.accounts = accounts
        self.refusals = refusals
        self.described = described
    }
}

/// Why no log adds up to such contents.
public struct BooksContradiction: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
}

extension Books {
    public var contents: BooksContents {
        BooksContents(
            index: index, requests: Array(requests.values),
            homes: homes.sorted { $0.key < $1.key }.map { BooksContents.Home(key: $0.key, master: $0.value) },
            admissions: admissions,
            tokens: tokens.sorted { $0.key.bytes.lexicographicallyPrecedes($1.key.bytes) }.map {
                BooksContents.TokenRecord(token: $0.key, expires: $0.value.expires, redeemedBy: $0.value.redeemedBy)
            },
            accounts: accounts, refusals: refusals, described: described,
            places: Array(places.values))
    }

    /// The books whose contents these are. `outcome` is nil: the newest entry is not among them.
    public init(_ contents: BooksContents) throws(BooksContradiction) {
        self.init()
        index = contents.index
        for request in contents.requests {
            guard requests.updateValue(request, forKey: request.key) == nil else {
                throw BooksContradiction(description: "the request \(request.key) is there twice")
            }
            index(request)
            guard let claim = request.placement else { continue }
            use.add(request)
            guard placements.updateValue(request.key, forKey: claim) == nil else {
                throw BooksContradiction(description: "\(claim) is the placement of two requests")
            }
            guard let next = request.successor?.claim else { continue }
            guard placements.updateValue(request.key, forKey: next) == nil else {
                throw BooksContradiction(description: "\(next) is the placement of two requests")
            }
        }
        for home in contents.homes {
            guard homes.updateValue(home.master, forKey: home.key) == nil else {
                throw BooksContradiction(description: "the request \(home.key) is noted twice")
            }
        }
        guard contents.admissions.count <= Self.admissionsMax,
            Set(contents.admissions.map(\.peer)).count == contents.admissions.count
        else {
            throw BooksContradiction(
                description: "\(contents.admissions.count) admissions: too many, or a peer twice")
        }
        admissions = contents.admissions
        for token in contents.tokens {
            let value = Token(expires: token.expires, redeemedBy: token.redeemedBy)
            guard tokens.updateValue(value, forKey: token.token) == nil else {
                throw BooksContradiction(description: "a token is there twice")
            }
        }
        for place in contents.places {
            guard places.updateValue(place, forKey: place.key) == nil, place.key.reservedPlace != nil else {
                throw BooksContradiction(description: "\(place.key) is no place of a reservation, or is there twice")
            }
            guard let claim = place.claim else { continue }
            guard booked.updateValue(place.key, forKey: claim) == nil else {
                throw BooksContradiction(description: "\(claim) keeps two places")
            }
        }
        accounts = contents.accounts
        described = contents.described
        let indices = contents.refusals.map(\.index)
        guard indices.count <= Self.refusalsMax, indices.last ?? .zero <= index,
            zip(indices, indices.dropFirst()).allSatisfy({ $0 < $1 })
        else {
            throw BooksContradiction(
                description: "\(indices.count) refused acts: too many, out of order, or later than entry \(index)")
        }
        refusals = contents.refusals
    }
}

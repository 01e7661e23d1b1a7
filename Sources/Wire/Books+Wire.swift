import Accounting
import Automata
import Foundation
public import Ledger
import SwiftProtobuf
import WireSchema

extension Books {
    /// All of the books as bytes; the same books are the same bytes on every replica.
    ///
    /// For the transfer of state to a new replica, and for opening an old ledger without replaying it.
    public func encoded() -> [UInt8] { WireBooksCheckpoint(contents).bytes() }

    /// The books that bytes were made of; the entries behind `index` are then applied to them.
    ///
    /// - Throws: where the bytes are cut, say what no books say, or something that only a later version knows: books that
    ///   lacked it would be others than those of the replica that wrote it.
    public init(decoding bytes: [UInt8]) throws(WireError) {
        let contents = try WireBooksCheckpoint(parsing: bytes).decoded()
        do {
            try self.init(contents)
        } catch {
            throw WireError(.malformed, "the books contradict themselves: \(error)")
        }
    }
}

extension WireBooksCheckpoint {
    private static let ownLayout: UInt32 = 5

    /// The earliest that can say what is in the books: earlier versions read them where they can.
    private static func layout(of contents: BooksContents) -> UInt32 {
        if contents.hasPlaces { return ownLayout }
        if contents.hasReleases { return 4 }
        return contents.hasGroups ? 3 : 2
    }

    init(_ contents: BooksContents) {
        self.init()
        layout = Self.layout(of: contents)
        places = contents.places.map { WireReservedPlace($0) }
        index = contents.index.value
        let list = WireRequestList(contents.requests, missing: [])
        releases = list.releases
        requests = list.requests
        homes = contents.homes.map { WireNoted($0.key, $0.master) }
        admissions = contents.admissions.map { WireAdmission($0) }
        tokens = contents.tokens.map { token in
            .with {
                $0.token = Data(token.token.bytes)
                $0.expiresNanoseconds = token.expires.nanoseconds
                if let peer = token.redeemedBy { $0.redeemedBy = peer.data }
            }
        }
        accounts = Data(contents.accounts.checkpoint)
        refusals = contents.refusals.map { refusal in
            .with {
                $0.index = refusal.index.value
                $0.rule = refusal.rule.rawValue
            }
        }
        if let description = contents.described { described = WireDescribed(description) }
    }

    func decoded() throws(WireError) -> BooksContents {
        guard (1...Self.ownLayout).contains(layout), unknownFields.data.isEmpty else {
            throw WireError(
                layout == 0 ? .missing : .unknownKind,
                "a checkpoint of books in layout \(layout), with \(unknownFields.data.count) bytes that this version "
                    + "does not know; it reads layouts 1 to \(Self.ownLayout)")
        }
        let max = WireBounds.booksElementsMax
        return BooksContents(
            index: LedgerIndex(try counter(index, "a checkpoint's index")), requests: try decodedRequests(max: max),
            homes: try list(homes, "notes", max: max) { (note) throws(WireError) in
                BooksContents.Home(
                    key: try required(note.hasRequest, note.request, "a note's request").decoded(),
                    master: try peer(note.home, "a note's home"))
            },
            admissions: try list(admissions, "admissions", max: Books.admissionsMax) { (it) throws(WireError) in
                try it.decoded()
            },
            tokens: try list(tokens, "tokens", max: max) { (token) throws(WireError) in
                BooksContents.TokenRecord(
                    token: try digest(token.token, "a token"),
                    expires: try instant(token.expiresNanoseconds, "a token's end"),
                    redeemedBy: token.hasRedeemedBy ? try peer(token.redeemedBy, "a token's user") : nil)
            },
            accounts: try decodedAccounts(),
            refusals: try list(refusals, "refused acts", max: Books.refusalsMax) { (refusal) throws(WireError) in
                guard let rule = Rule(rawValue: refusal.rule) else {
                    throw WireError(
                        .unknownKind, "an act broke the rule `\(refusal.rule.prefix(63))`, which is unknown")
                }
                return RefusedAct(
                    index: LedgerIndex(try counter(refusal.index, "a refused act's index", from: 1)), rule: rule)
            },
            described: hasDescribed ? try described.decoded() : nil,
            places: try list(places, "places of reservations", max: max) { (place) throws(WireError) in
                try place.decoded()
            })
    }

    private func decodedRequests(max: Int) throws(WireError) -> [Request] {
        let documents = try list(releases, "releases", max: max) { (release) throws(WireError) in
            try release.decoded()
        }
        return try list(requests, "requests", max: max) { (request) throws(WireError) in
            try request.decoded(runningOneOf: documents)
        }
    }

    private func decodedAccounts() throws(WireError) -> Accounts {
        do {
            return try Accounts(checkpoint: Array(accounts))
        } catch {
            throw WireError(.malformed, "\(error)")
        }
    }
}

extension BooksContents {
    fileprivate var hasReleases: Bool {
        requests.contains { !$0.specification.others.isEmpty || !$0.specification.releaseNeeds.isEmpty }
    }

    /// Or requests that ask for one.
    fileprivate var hasPlaces: Bool {
        !places.isEmpty || requests.contains { $0.specification.requirements.reservation != nil }
    }

    fileprivate var hasGroups: Bool {
        requests.contains { $0.isGroup || $0.specification.membership != nil || $0.adoption != nil }
    }
}

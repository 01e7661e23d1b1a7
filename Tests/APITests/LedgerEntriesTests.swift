import Automata
import Foundation
import Identity
import Ledger
import NIOHTTP1
import Peer
import Replication
import Runtime
import Testing
import Wire

@testable import API

@Suite("Entries of ledgers over HTTP")
struct LedgerEntriesTests {
    /// A master whose ledger has some entries.
    private func stage(_ body: @Sendable @escaping (Stage) async throws -> Void) async throws {
        try await Stage.with { (stage) async throws in
            for number in 1...5 {
                let token = Digest(of: [UInt8(number)])
                _ = await stage.service.call(.record(.invited(token: token, expires: Instant(milliseconds: 1_000))))
            }
            try await body(stage)
        }
    }

    @Test("all pages together are the log up to its commit point: each entry follows, from the ledger's genesis on")
    func paging() async throws {
        try await stage { (stage) async throws in
            let id = stage.master.peer
            try await stage.client { (client) async throws in
                for limit in [1, 2, 20_000] {
                    var (after, digest, pages) = (UInt64(0), HeldLedger.genesis(of: id), 0)
                    var books = Books()
                    while true {
                        let page = try await client.ledgerEntries(of: "alpha", after: after, limit: limit)
                        let entries = try page.decoded()
                        #expect(page.ledger == id.description && page.name == "alpha" && page.master == "alpha")
                        #expect(page.masterFingerprint == id.fingerprint && page.first == 1 && page.after == after)
                        #expect(entries.count <= limit && page.through == after + UInt64(entries.count))
                        for entry in entries {
                            #expect(entry.follows(digest))
                            digest = entry.digest
                            books.apply(entry, .wire)
                        }
                        pages += 1
                        guard let next = page.next else {
                            #expect(page.through == page.commit && page.commit >= 5)
                            break
                        }
                        after = next
                    }
                    #expect(limit != 1 || pages >= 5)
                    #expect(books.token(Digest(of: [5]), at: .zero) == .valid)
                }
            }
        }
    }

    @Test("behind the end there is nothing, and nothing follows")
    func end() async throws {
        try await stage { (stage) async throws in
            try await stage.client { (client) async throws in
                let page = try await client.ledgerEntries(of: "alpha", after: 9_000_000_000)
                #expect(try page.decoded().isEmpty && page.next == nil && page.through == 9_000_000_000)
            }
        }
    }

    @Test("a place that the disk does not give back ends the page and is named; what stands behind it is still had")
    func damaged() async throws {
        try await stage { (stage) async throws in
            await stage.service.damage(OpNumber(3), of: stage.master.peer)
            try await stage.client { (client) async throws in
                let page = try await client.ledgerEntries(of: "alpha", after: 0)
                #expect(page.through == 2 && page.damaged == 3 && page.next == nil)
                let rest = try await client.ledgerEntries(of: "alpha", after: 3)
                #expect(try rest.decoded().first?.op == OpNumber(4) && rest.damaged == nil)
            }
        }
    }

    @Test("administrators alone read them: no machine, no other person, no stranger; the remedy says who may")
    func rights() async throws {
        try await stage { (stage) async throws in
            let path = "/v1/ledgers/alpha/entries"
            let (machine, person) = (try stage.member("worker", .machine), try stage.person("eve@lab"))
            #expect(try await stage.raw(.GET, path).status == 200)
            #expect(try await stage.raw(.GET, path, as: .member(stage.master)).status == 200)
            for somebody in [machine, person] {
                let (status, body) = try await stage.raw(.GET, path, as: .member(somebody))
                #expect(status == 403 && body.contains("may not read a ledger's entries"), "\(body)")
            }
            #expect(try await stage.raw(.GET, path, as: .stranger).status == 401)
            let admin = Admission(
                peer: person.peer, kind: EnrolmentDesk.administrator, name: "eve@lab", by: "root@here")
            _ = await stage.service.call(.record(.admitted(admin)))
            #expect(try await stage.raw(.GET, path, as: .member(person)).status == 200)
        }
    }

    @Test(
        "what is no place, no limit and no ledger is refused with what was expected",
        arguments: [
            ("/v1/ledgers/alpha/entries?after=-1", 400, "after: expected an integer from 0"),
            ("/v1/ledgers/alpha/entries?after=x", 400, "after"),
            ("/v1/ledgers/alpha/entries?limit=0", 400, "limit: expected an integer from 1 to 20000"),
            ("/v1/ledgers/alpha/entries?limit=20001", 400, "limit"),
            ("/v1/ledgers/alpha/entries?from=1", 400, "unknown query parameter"),
            ("/v1/ledgers/alpah/entries", 404, "did you mean"),
        ])
    func nonsense(path: String, status: Int, words: String) async throws {
        try await Stage.with { (stage) async throws in
            let answer = try await stage.raw(.GET, path)
            #expect(answer.status == status && answer.body.contains(words), "\(answer)")
        }
    }

    @Test("what cannot be read back says whose answer it was")
    func garbled() {
        var page = LedgerEntriesDocument(
            ledger: "x", name: "m1", master: "m2", masterFingerprint: "f", commit: 1, first: 1, after: 0, through: 1,
            next: nil, damaged: nil, entries: "%%%")
        #expect(throws: ClientError.self) { try page.decoded() }
        page.entries = Base64.encode([1, 2, 3])
        let error = #expect(throws: ClientError.self) { try page.decoded() }
        #expect(error?.description.contains("what m2 says of the ledger m1") == true, "\(String(describing: error))")
    }
}

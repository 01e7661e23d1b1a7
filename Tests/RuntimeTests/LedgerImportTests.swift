import Automata
import Foundation
import Ledger
import OrderedCollections
import Peer
import Replication
import Storage
import Testing

@testable import Runtime

@Suite("What a master without replicas has stored becomes the beginning of its replicated log")
struct LedgerImportTests {
    @Test("a stored database of that version: the log adds up to the same books")
    func stored() async throws {
        let state = try StateDirectory()
        try state.loadStore4()
        let store = try await state.store()
        let old = try await store.oldEntries(after: .zero, limit: 100)
        #expect(old.count == 4)
        let (replica, books) = try await imported(state, store)
        #expect(books.summary == Books(old).summary)
        #expect(books.held == [key(2), key(3)])
        #expect(replica.tail.isEmpty, "all of it is known to be committed")
        // The founder's two entries stand in front.
        #expect(replica.head.op.value == UInt64(old.count) + 2)
        #expect(replica.head.membership.members == [Member(peer: own, store: replica.store)])
        // The table stays as it was.
        #expect(try await store.oldEntries(after: .zero, limit: 100) == old)
    }

    @Test("every kind of fact, and more entries than are read at once")
    func many() async throws {
        let state = try StateDirectory()
        let store = try await state.store()
        let old = history(2_345)
        try state.putOld(old)
        let (replica, books) = try await imported(state, store)
        #expect(books.summary == Books(old).summary)
        #expect(books.requests.count > 100 && books.admissions.count > 10)
        #expect(replica.head.op.value == UInt64(old.count) + 2)
        #expect(books.index.value == replica.head.op.value)
    }

    @Test("an entry's instant is in whole milliseconds, and not before that of the entry in front")
    func instants() async throws {
        let state = try StateDirectory()
        let store = try await state.store()
        let instants = [Instant(nanoseconds: 5_900_000), Instant(milliseconds: 3), Instant(milliseconds: 8)]
        try state.putOld(
            instants.enumerated().map { index, at in
                Entry(
                    index: LedgerIndex(UInt64(index) + 1), at: at, fact: .requested(key(index), specification("a")))
            })
        let books = try await imported(state, store).books
        #expect(
            books.requests.values.map(\.requestedAt)
                == [Instant(milliseconds: 5), Instant(milliseconds: 5), Instant(milliseconds: 8)])
    }

    @Test("it is done once: the next start finds the log, also before anything was written to it")
    func once() async throws {
        let state = try StateDirectory()
        try state.loadStore4()
        let store = try await state.store()
        let first = try await imported(state, store)
        try state.putOld([Entry(index: LedgerIndex(5), at: .zero, fact: .ended(key(2)))])
        let second = try await imported(state, store)
        #expect(second.replica.store == first.replica.store)
        #expect(second.books.summary == first.books.summary)
    }

    @Test("what an import has left that did not end is thrown away, and the next one begins anew")
    func interrupted() async throws {
        let state = try StateDirectory()
        try state.loadStore4()
        let store = try await state.store()
        let part = state.log(of: own) + ".part"
        let left = try await ReplicaStore.create(
            in: part, group: HeldLedger.group(of: own), genesis: HeldLedger.genesis(of: own))
        let entries = chain(1, 7)
        _ = try await left.write([
            JournalWrite(
                number: WriteNumber(1), entries: entries,
                state: HardState(view: firstView, lastNormal: firstView, commit: OpNumber(7)))
        ])
        let id = try await left.id()
        // As after a crash: nobody has closed it.
        try Data([1]).write(to: URL(fileURLWithPath: part + "/leftover"))
        let (replica, books) = try await imported(state, store)
        #expect(books.summary == Books(try await store.oldEntries(after: .zero, limit: 100)).summary)
        #expect(replica.store != id)
        #expect(try state.logs() == ["\(own)"])
        #expect(!FileManager.default.fileExists(atPath: state.log(of: own) + "/leftover"))
    }

    @Test(
        "a gap or damage in the old entries is refused and leaves everything as it was",
        arguments: [
            ("DELETE FROM ledger WHERE idx = 3", "entry 4"), ("DELETE FROM ledger WHERE idx = 1", "entry 2"),
            ("UPDATE ledger SET entry = x'FF' WHERE idx = 4", "entry 4"),
        ])
    func refused(sql: String, named: String) async throws {
        let state = try StateDirectory()
        let store = try await state.store()
        let old = history(12)
        try state.putOld(old)
        try state.run("DROP TRIGGER ledger_is_never_cut; DROP TRIGGER ledger_is_never_changed; \(sql)")
        let error = try await failure { _ = try await state.shelf(store) }
        #expect(error?.code == .corrupt)
        #expect(error?.message.contains(named) == true && error?.message.contains(state.database) == true)
        #expect(try state.logs().isEmpty)
        #expect(try await store.number("ledger.founded") == nil)
        // Somebody has mended it.
        try state.run("DELETE FROM ledger")
        try state.putOld(old)
        #expect(try await imported(state, store).books.summary == Books(old).summary)
    }

    @Test("a ledger that was founded and is lost is not begun a second time from what is old")
    func lost() async throws {
        let state = try StateDirectory()
        try state.loadStore4()
        let store = try await state.store()
        let id = try await imported(state, store).replica.store
        try await store.set("ledger.founded", 1)
        try FileManager.default.removeItem(atPath: state.log(of: own))
        guard case .empty(let next)? = try await state.shelf(store).restored.first?.state else {
            Issue.record("it is not empty")
            return
        }
        #expect(next != id)
    }

    /// What a start finds of the own ledger.
    private func imported(
        _ state: StateDirectory, _ store: Store
    ) async throws -> (replica: RestoredReplica, books: Books) {
        let shelf = try await state.shelf(store)
        #expect(shelf.restored.map(\.id) == [own])
        guard case .restored(let replica, let books)? = shelf.restored.first?.state else {
            Issue.record("the ledger is not there: \(shelf.restored)")
            throw CancellationError()
        }
        return (replica, books)
    }

    /// Entries with every kind of fact.
    private func history(_ count: UInt64) -> [Entry] {
        (1...count).map { index in
            let number = Int(index)
            let (key, last) = (key(number / 12), key(number / 12 - 1))
            let claim = ClaimReference(
                machine: PeerID(UInt8(number % 200)), partition: PartitionNumber(number % 7),
                fencing: FencingNumber(index))
            let status = InstanceStatus(state: .running, connection: #"{"url":"http://[::1]/"}"#)
            let fact: Fact =
                switch number % 12 {
                case 0: .requested(key, specification("name: \(number)\n"))
                case 1: .changed(key, specification("name: \(number)\n"), Revision(2))
                case 2: .placed(key, .first, claim, .unknown)
                case 3:
                    .reported(
                        key,
                        ClaimReference(
                            machine: PeerID(UInt8((number - 1) % 200)), partition: PartitionNumber((number - 1) % 7),
                            fencing: FencingNumber(index - 1)), sequence: 1, status)
                case 4: .lost(key, Attempt(number % 24 == 4 ? 1 : 7), reason: "the machine has left")
                case 5: number % 5 == 0 ? .ended(last) : .noted(last, home: other)
                case 6: .noted(self.key(number), home: other)
                case 7: number % 2 == 0 ? .forgotten(self.key(number - 1), home: other) : .noted(key, home: own)
                case 8: .forgotten(self.key(number - 2), home: number % 3 == 0 ? own : other)
                case 9:
                    .admitted(Admission(peer: PeerID(UInt8(number % 100)), kind: "machine", name: "m", by: "link"))
                case 10: .invited(token: invitation(number / 12), expires: Instant(milliseconds: 9_000))
                default: number % 24 == 11 ? .redeemed(token: invitation(number / 12), by: other) : .ended(self.key(0))
                }
            return Entry(index: LedgerIndex(index), at: Instant(milliseconds: Int64(index) * 3), fact: fact)
        }
    }

    private func key(_ number: Int) -> RequestKey {
        RequestKey(customer: Customer("c\(abs(number) % 3)"), reference: "r\(number)")
    }

    private func specification(_ text: String) -> Specification {
        Specification(release: ReleaseDocument(url: "file:x.yaml", text: text))
    }
}

private func invitation(_ number: Int) -> Digest { Digest(of: Array("token \(number)".utf8)) }

extension Books {
    /// The entries one after the other, as a master without replicas has applied them.
    fileprivate init(_ entries: [Entry]) {
        self.init()
        for entry in entries { apply(entry) }
    }

    /// All that they say but the index.
    fileprivate var summary: [String] {
        requests.map { "\($0)" }
            + requests.values.map { request in
                let placed = request.placement.flatMap { self.request(placedBy: $0) }
                return placed.map { "\($0.key)" } ?? "nowhere"
            }
            + notes(of: nil).map { "\($0)" } + admissions.map { "\($0)" }
            + (0..<250).map { "\(self.token(invitation($0), at: .zero))" }
    }
}

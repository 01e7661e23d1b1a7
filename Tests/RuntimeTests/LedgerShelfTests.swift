import Automata
import Foundation
import Ledger
import OrderedCollections
import Peer
import Replication
import Storage
import Testing
import Wire

@testable import Runtime

@Suite("The logs on a machine are found at the start, and made and erased while it runs")
struct LedgerShelfTests {
    @Test(
        "a new master founds its ledger once, comes back with what was written, and never begins anew what it has lost")
    func founded() async throws {
        let state = try StateDirectory()
        let store = try await state.store()
        let first = try await state.shelf(store)
        guard case .founded(let id)? = first.restored.first?.state else {
            Issue.record("not founded: \(first.restored)")
            return
        }
        // A process that dies before its first write founds the same one again.
        let second = try await state.shelf(store)
        #expect(second.found == [Found(own, .founded, id)])
        #expect(try await store.number("ledger.founded") == nil)
        let fact = Fact.requested(
            RequestKey(customer: Customer("c"), reference: "r"),
            Specification(release: ReleaseDocument(url: "file:x.yaml", text: "name: x\n")))
        var replica = Replica(
            founding: Member(peer: own, store: id), genesis: HeldLedger.genesis(of: own),
            random: SeededRandom(seed: 1))
        try await second.running { told in
            let at = Instant(milliseconds: 7)
            for input in [.started, .propose(FactCoding.wire.encode(fact)), .timerFired(.beat)] as [Replica.Input] {
                try await second.drive(&replica, input, at: at, told)
            }
            try await until("it is written down that the ledger was founded") {
                try await store.number("ledger.founded") == 1
            }
        }
        for _ in 0..<2 {
            let next = try await state.shelf(store)
            guard case .restored(let restored, let books)? = next.restored.first?.state else {
                Issue.record("it has not come back: \(next.restored)")
                return
            }
            #expect(restored.store == id && restored.head.op == replica.op && restored.tail.isEmpty)
            #expect(restored.state.view == replica.view)
            #expect(books.requests.values.map(\.requestedAt) == [Instant(milliseconds: 7)])
        }
        try FileManager.default.removeItem(atPath: state.log(of: own))
        let lost = try await state.shelf(store).found
        #expect(lost.map(\.what) == [.empty] && lost.first?.store != id)
        #expect(try await state.shelf(store).found == lost)
    }

    @Test("a founder whose machine died before its ledger was marked goes on with it")
    func unmarked() async throws {
        let state = try StateDirectory()
        let store = try await state.store()
        let first = try await state.shelf(store)
        let id = try #require(first.found.first?.store)
        var replica = Replica(
            founding: Member(peer: own, store: id), genesis: HeldLedger.genesis(of: own),
            random: SeededRandom(seed: 1))
        try await first.running { told in try await first.drive(&replica, .started, at: .zero, told) }
        try state.run("DELETE FROM meta WHERE key = 'ledger.founded'")
        #expect(try await state.shelf(store).found == [Found(own, .restored, id)])
    }

    @Test("another group's log in the directory is refused with words, and left as it is")
    func foreign() async throws {
        let state = try StateDirectory()
        let store = try await state.store()
        let path = state.log(of: own)
        let (group, genesis) = (HeldLedger.group(of: other), HeldLedger.genesis(of: other))
        let log = try await ReplicaStore.create(in: path, group: group, genesis: genesis)
        let id = try await log.id()
        try await log.close()
        let error = try await failure { _ = try await state.shelf(store) }
        #expect(error?.code == .foreign)
        #expect(error?.message.contains("log of \(group)") == true)
        #expect(error?.message.contains("not of \(HeldLedger.group(of: own))") == true)
        #expect(error?.message.contains(path) == true && error?.remedy.isEmpty == false)
        #expect(try await ReplicaStore.open(in: path, group: group, genesis: genesis).id() == id)
    }

    @Test("a replica that has promised a view and has no entries yet comes back with its promise")
    func promise() async throws {
        let state = try StateDirectory()
        let store = try await state.store()
        let log = try await ReplicaStore.create(
            in: state.log(of: other), group: HeldLedger.group(of: other), genesis: HeldLedger.genesis(of: other))
        let promised = HardState(view: View(epoch: 1, number: 3), lastNormal: .zero, commit: .zero)
        _ = try await log.write([JournalWrite(number: WriteNumber(1), entries: [], state: promised)])
        try await log.close()
        let shelf = try await state.shelf(store)
        #expect(shelf.found.map(\.what) == [.founded, .restored])
        guard case .restored(let replica, let books)? = shelf.restored.last?.state else { return }
        #expect(replica.state == promised && books.index == .zero)
    }

    @Test("the own ledger comes first, then others; what is no ledger's is left alone; no master, no ledgers")
    func several() async throws {
        let state = try StateDirectory()
        let store = try await state.store()
        #expect(try await state.shelf(store, isMaster: false).restored.isEmpty)
        #expect(!FileManager.default.fileExists(atPath: state.path + "/ledgers"))
        let ids = [PeerID(0x01), other]
        for id in ids {
            try await ReplicaStore.create(
                in: state.log(of: id), group: HeldLedger.group(of: id), genesis: HeldLedger.genesis(of: id)
            ).close()
        }
        for name in ["notes", "\(PeerID(0x02))", "\(own).part"] {
            try FileManager.default.createDirectory(
                atPath: "\(state.path)/ledgers/\(name)", withIntermediateDirectories: true)
        }
        let found = try await state.shelf(store).found
        #expect(found.map(\.ledger) == [own] + ids)
        #expect(found.map(\.what) == [.founded, .empty, .empty])
    }

    @Test("a log is made when it is asked for, once; it is erased with all that is under way, and can be made again")
    func openAndErase() async throws {
        let state = try StateDirectory()
        let (store, board) = (try await state.store(), ProblemBoard())
        let shelf = try await state.shelf(store, board: board)
        let entries = chain(1, 40, of: other)
        try await shelf.running { told in
            shelf.perform(.open, of: other)
            shelf.perform(.open, of: other)
            _ = try await told.first(1)
            for number in 0..<20 { shelf.perform(write(UInt64(number) + 1, [entries[number]]), of: other) }
            try await until("all is written") { told.all.contains(.answered(other, .written(20))) }
            #expect(ReplicaStore.exists(in: state.log(of: other)))
            for number in 20..<40 { shelf.perform(write(UInt64(number) + 1, [entries[number]]), of: other) }
            shelf.perform(.erase, of: other)
            try await until("the log is gone") { try state.logs() == ["\(own)"] }
            shelf.perform(.open, of: other)
            try await until("it is there again") { told.opened.count >= 2 }
            shelf.perform(write(1, [entries[0]]), of: other)
            try await until("it is written to") { told.all.last == .answered(other, .written(1)) }
            #expect(told.opened.map(\.what) == [.empty, .empty])
            #expect(Set(told.opened.map(\.store)).count == 2)
        }
        #expect(board.current.isEmpty)
    }

    @Test("what each log takes on the disk is told, and more when it has grown")
    func weights() async throws {
        let state = try StateDirectory()
        let shelf = try await state.shelf(try await state.store())
        let entries = chain(1, 20, of: own)
        let weights = Told<ByteCount>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await shelf.serve {
                    if case .weighed(own, let weight) = $0 { weights.add(weight) }
                } failed: {
                    Issue.record("\($0)")
                }
            }
            defer { group.cancelAll() }
            let empty = try await weights.first(1)[0]
            #expect(empty > .zero)
            shelf.perform(write(1, entries), of: own)
            try await until("it has grown") { weights.all.contains { $0 > empty } }
        }
    }

    @Test("a log that was left behind is opened when it is asked for")
    func reopened() async throws {
        let state = try StateDirectory()
        let store = try await state.store()
        let shelf = try await state.shelf(store)
        let log = try await ReplicaStore.create(
            in: state.log(of: other), group: HeldLedger.group(of: other), genesis: HeldLedger.genesis(of: other))
        let entries = chain(1, 3, of: other)
        _ = try await log.write([
            JournalWrite(
                number: WriteNumber(1), entries: entries,
                state: HardState(view: firstView, lastNormal: firstView, commit: OpNumber(3)))
        ])
        let id = try await log.id()
        try await log.close()
        try await shelf.running { told in
            shelf.perform(.open, of: other)
            _ = try await told.first(1)
            #expect(told.opened == [Found(other, .restored, id)])
        }
    }
}

/// A ledger as a start finds it, so that it can be compared.
private struct Found: Equatable {
    enum What { case founded, empty, restored }

    var ledger: PeerID
    var what: What
    var store: StoreID

    init(_ ledger: PeerID, _ what: What, _ store: StoreID) {
        (self.ledger, self.what, self.store) = (ledger, what, store)
    }

    init(_ ledger: PeerID, _ state: LedgerState) {
        switch state {
        case .founded(let id): self.init(ledger, .founded, id)
        case .empty(let id): self.init(ledger, .empty, id)
        case .restored(let replica, _): self.init(ledger, .restored, replica.store)
        }
    }
}

/// What a shelf tells the peer.
private enum Word: Equatable {
    case opened(Found)
    case answered(PeerID, Answer)
    case another

    init(_ input: Peer.Input) {
        switch input {
        case .opened(let ledger, let state): self = .opened(Found(ledger, state))
        case .ledger(let ledger, let input): self = .answered(ledger, Answer(input))
        default: self = .another
        }
    }
}

extension Told<Word> {
    fileprivate var opened: [Found] { all.compactMap { if case .opened(let found) = $0 { found } else { nil } } }
}

extension LedgerShelf {
    fileprivate var found: [Found] { restored.map { Found($0.id, $0.state) } }

    /// Serves while `body` runs.
    fileprivate func running(_ body: (Told<Word>) async throws -> Void) async throws {
        let told = Told<Word>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await self.serve {
                    if case .weighed = $0 { return }  // told beside all else, every few seconds
                    told.add(Word($0))
                } failed: {
                    Issue.record("\($0)")
                }
            }
            defer { group.cancelAll() }
            try await body(told)
        }
    }

    /// Feeds the own ledger's replica, and lets the disk do what it orders until it is at rest.
    fileprivate func drive(
        _ replica: inout Replica, _ input: Replica.Input, at now: Instant, _ told: Told<Word>
    ) async throws {
        var input = input
        for _ in 0..<100 {
            let writes = replica.effects(of: input, at: now).compactMap { effect in
                if case .write(let write) = effect { write } else { nil }
            }
            guard let last = writes.last?.number else { return }
            for write in writes { perform(.write(write), of: own) }
            try await until("write \(last) is done") { told.all.contains(.answered(own, .written(last.value))) }
            input = .written(through: last)
        }
        Issue.record("the replica does not come to rest")
    }
}

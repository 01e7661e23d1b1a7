import Automata
import Foundation
import Identity
import Ledger
import Logging
import Peer
import Replication
import Storage
import Testing
import Wire

@testable import Runtime

@Suite("A ledger whose majority is gone is restored from one replica's file")
struct LedgerRestoreTests {
    private static let now = Instant(milliseconds: 1_760_000_000_000)

    @Test("the master leads it at its next start with all that the file had; the file itself is not touched")
    func restored() async throws {
        let world = try World()
        let state = try world.master("m3")
        let ledger = PeerID(0xB2)
        try await world.put(ledger, members: 3, in: [.init(state: state, count: 6, commit: 4)])
        let before = try world.files(of: ledger, in: state)
        let restore = try await LedgerRestore.open(state: state)
        let finding = try #require(try await restore.examine([state]).first)
        #expect(finding.ledger == ledger && finding.others.isEmpty && finding.name == "lab")
        #expect((finding.chosen.remains.op, finding.chosen.remains.commit) == (OpNumber(6), OpNumber(4)))
        #expect(finding.chosen.remains.uncertain == 2 && finding.chosen.books.held.count == 2)
        #expect(finding.present.count == 1 && !finding.isMajority)
        #expect(try world.files(of: ledger, in: state) == before, "looking changes nothing")
        let done = try await restore.carryOut(finding, now: Self.now)
        restore.close()
        #expect(done.restart.keptThrough == OpNumber(6) && done.place == "\(state)/ledgers/\(ledger)")
        let aside = try #require(done.aside)
        #expect(try world.files(at: aside) == before, "what was there is moved aside")
        #expect(!FileManager.default.fileExists(atPath: "\(state)/ledgers/restoring"))
        // As the master finds it.
        let store = try await ReplicaStore.open(done.place, of: ledger)
        let found = try await store.restoreBooks()
        let (books, replica) = (found.state, found.replica)
        try await store.close()
        #expect(books.held.count == 4 && books.described?.name == "lab")
        #expect(replica.store != StoreID(0) && replica.store != finding.chosen.remains.store)
        var next = Replica(restored: replica, peer: try world.peer(of: state), random: SeededRandom(seed: 1))
        let effects = next.effects(of: .started, at: Self.now)
        #expect(next.isLeading && next.view > done.restart.state.view && !effects.isEmpty)
    }

    @Test("of two disks the one that knows more is taken, and gives way where it cannot be read to the other one")
    func best() async throws {
        let world = try World()
        let (old, new, target) = (try world.master("m1"), try world.master("m2"), try world.master("m4"))
        let ledger = PeerID(0xB2)
        try await world.put(
            ledger, members: 5,
            in: [.init(state: old, count: 6, commit: 6), .init(state: new, count: 9, commit: 6)])
        try world.damage("DELETE FROM entry WHERE op IN (3, 5)", of: ledger, in: new)
        let restore = try await LedgerRestore.open(state: target)
        defer { restore.close() }
        let finding = try #require(try await restore.examine([old, new]).first)
        #expect(finding.chosen.source == "\(new)/ledgers/\(ledger)")
        #expect(finding.mended == [OpNumber(3), OpNumber(5)] && finding.chosen.remains.damaged.isEmpty)
        #expect(finding.chosen.remains.op == OpNumber(9) && finding.present.count == 2 && !finding.isMajority)
        let done = try await restore.carryOut(finding, now: Self.now)
        #expect(done.restart.keptThrough == OpNumber(9) && done.aside == nil)
    }

    @Test("entries that no file gives back stop it, with the way on; given up, the log ends before them")
    func damaged() async throws {
        let world = try World()
        let state = try world.master("m1")
        let ledger = PeerID(0xB2)
        try await world.put(ledger, members: 3, in: [.init(state: state, count: 6, commit: 4)])
        try world.damage("DELETE FROM entry WHERE op = 5", of: ledger, in: state)
        let restore = try await LedgerRestore.open(state: state)
        defer { restore.close() }
        let finding = try #require(try await restore.examine([state]).first)
        let refusal = try await #require(throws: Refusal.self) {
            _ = try await restore.carryOut(finding, now: Self.now)
        }
        #expect(refusal.code == .failed && refusal.message.contains("1 of its 6 entries (5)"), "\(refusal)")
        #expect(refusal.remedy.contains("--cut-damaged gives up all entries from 5 on"), "\(refusal)")
        let done = try await restore.carryOut(finding, givesUpDamaged: true, now: Self.now)
        #expect(done.restart.keptThrough == OpNumber(4))
    }

    @Test("what cannot be read in front of a checkpoint does not stand in the way; another file mends what it has")
    func checkpoint() async throws {
        let world = try World()
        let (one, two, target) = (try world.master("m1"), try world.master("m2"), try world.master("m4"))
        let ledger = PeerID(0xB2)
        try await world.put(
            ledger, members: 5,
            in: [.init(state: one, count: 9, commit: 8), .init(state: two, count: 4, commit: 4)])
        try await world.checkpoint(ledger, in: one)
        try world.damage("DELETE FROM entry WHERE op IN (3, 5)", of: ledger, in: one)
        do {
            let alone = try await LedgerRestore.open(state: target)
            defer { alone.close() }
            let found = try #require(try await alone.examine([one]).first)
            let remains = found.chosen.remains
            #expect(remains.lostHistory == [OpNumber(3), OpNumber(5)] && remains.damaged.isEmpty)
            #expect(found.chosen.books.held.count == 6 && remains.commit == OpNumber(8))
        }
        let restore = try await LedgerRestore.open(state: target)
        defer { restore.close() }
        let finding = try #require(try await restore.examine([one, two]).first)
        #expect(finding.chosen.source == "\(one)/ledgers/\(ledger)" && finding.mended == [OpNumber(3)])
        #expect(finding.chosen.remains.lostHistory == [OpNumber(5)])
        let done = try await restore.carryOut(finding, now: Self.now)
        #expect(done.restart.keptThrough == OpNumber(9))
        let store = try await ReplicaStore.open(done.place, of: ledger)
        let start = try await store.restoreBooks()
        #expect(start.checkpoint == OpNumber(8) && start.state.held.count == 7 && start.passedOver.isEmpty)
        #expect(try await store.read(after: OpNumber(5), through: OpNumber(9), bytesMax: 1 << 20).entries.count == 4)
        try await store.close()
    }

    @Test("files of a majority lose nothing, and that is said")
    func majority() async throws {
        let world = try World()
        let (one, two) = (try world.master("m1"), try world.master("m2"))
        let ledger = PeerID(0xB2)
        try await world.put(
            ledger, members: 3, in: [.init(state: one, count: 3, commit: 3), .init(state: two, count: 3, commit: 2)])
        let restore = try await LedgerRestore.open(state: one)
        defer { restore.close() }
        let finding = try #require(try await restore.examine([two]).first)
        #expect(finding.isMajority && finding.others.count == 1, "its own replica is looked at, too")
    }

    @Test("what cannot be used is refused with what was found and the way on")
    func refused() async throws {
        let world = try World()
        let state = try world.master("m1")
        let ledger = PeerID(0xB2)
        try await world.put(ledger, members: 3, in: [.init(state: state, count: 4, commit: 4)])
        func refusal(of path: String) async throws -> Refusal {
            let restore = try await LedgerRestore.open(state: state)
            defer { restore.close() }
            return try await #require(throws: Refusal.self) { _ = try await restore.examine([path]) }
        }
        let nothing = try await refusal(of: "\(state)/none")
        #expect(nothing.code == .notFound && nothing.message.contains("\(state)/none"))
        #expect(try await refusal(of: "\(state)/identity").code == .notFound)
        // Another fabric's master, and a file of strangers.
        let foreign = try World(fabric: "field")
        let abroad = try foreign.master("m1")
        try await foreign.put(PeerID(0xC3), members: 3, in: [.init(state: abroad, count: 4, commit: 4)])
        let mistaken = try await refusal(of: abroad)
        #expect(mistaken.code == .refused && mistaken.message.contains("belongs to fabric field"), "\(mistaken)")
        try FileManager.default.removeItem(atPath: "\(abroad)/identity")
        let stranger = try await refusal(of: "\(abroad)/ledgers/\(PeerID(0xC3))/log.1.db")
        #expect(stranger.code == .refused && stranger.message.contains("has met none of them"), "\(stranger)")
        // A newer version's, and a broken one.
        let path = "\(world.path)/kept/\(ledger)"
        try world.copy("\(state)/ledgers/\(ledger)", to: path)
        try world.run("INSERT INTO grdb_migrations VALUES('9 tomorrow')", at: "\(path)/log.1.db")
        let later = try await refusal(of: path)
        #expect(later.code == .failed && later.message.contains("\(path)/log.1.db was written by a newer palmier"))
        try world.copy("\(state)/ledgers/\(ledger)", to: path)
        try world.run("DELETE FROM replica; DELETE FROM replica_copy", at: "\(path)/log.1.db")
        let broken = try await refusal(of: path)
        #expect(broken.code == .failed && broken.message.contains("both copies are damaged"), "\(broken)")
        #expect(broken.remedy.contains("another replica") && broken.remedy.contains("--from"))
        // Another ledger's file in this one's place.
        let wrong = "\(world.path)/kept/\(PeerID(0xD4))"
        try world.copy("\(state)/ledgers/\(ledger)", to: wrong)
        #expect(try await refusal(of: wrong).message.contains("not of the ledger \(PeerID(0xD4))"))
        #expect(try await world.finds(["\(state)/ledgers/\(ledger)/log.1.db"], into: state) == [ledger])
    }

    @Test("a state in use, and one that is no master's, are refused")
    func states() async throws {
        let world = try World()
        let (state, other) = (try world.master("m1"), try world.master("m2"))
        try await world.put(PeerID(0xB2), members: 3, in: [.init(state: other, count: 4, commit: 4)])
        let lock = try StateLock.acquire(directory: state)
        let used = try await #require(throws: Refusal.self) { _ = try await LedgerRestore.open(state: state) }
        #expect(used.message.contains("pid") && used.remedy.contains("stop that master first"), "\(used)")
        withExtendedLifetime(lock) {}
        let running = try StateLock.acquire(directory: other)
        let third = try world.master("m3")
        let restore = try await LedgerRestore.open(state: third)
        defer { restore.close() }
        let source = try await #require(throws: Refusal.self) { _ = try await restore.examine([other]) }
        #expect(source.message.contains(other), "\(source)")
        withExtendedLifetime(running) {}
        let machine = try world.machine("a1")
        let none = try await #require(throws: Refusal.self) { _ = try await LedgerRestore.open(state: machine) }
        #expect(none.code == .refused && none.message.contains("no master"))
        let empty = try await #require(throws: Refusal.self) { _ = try await LedgerRestore.open(state: world.path) }
        #expect(empty.code == .notFound)
    }
}

/// A fabric whose members' state directories lie side by side.
private final class World: Sendable {
    let path: String
    private let root: FabricRoot
    private let authority: Authority
    private static let now = Instant(milliseconds: 1_760_000_000_000)

    init(fabric: String = "lab") throws {
        path = FileManager.default.temporaryDirectory.path + "/palmier-restore-\(UUID().uuidString)"
        root = try FabricRoot.create(name: fabric, policy: .link, now: Self.now)
        authority = try root.makeAuthority(name: "m0", now: Self.now)
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            Issue.record("\(path) could not be removed: \(error)")
        }
    }

    func master(_ name: String) throws -> String {
        let credential = try root.makeAuthority(name: name, now: Self.now).issueOwn(key: PrivateKey(), now: Self.now)
        return try keep(credential, name)
    }

    func machine(_ name: String) throws -> String {
        let key = PrivateKey()
        let request = try SigningRequest(key: key, role: .identity(.machine), name: name)
        let chain = try authority.issue(request, kind: .machine, name: name, lifetime: nil, now: Self.now)
        return try keep(Credential(key: key, chain: chain, trust: authority.trust), name)
    }

    private func keep(_ credential: Credential, _ name: String) throws -> String {
        let state = "\(path)/\(name)"
        try credential.save(to: state + "/identity")
        return state
    }

    func peer(of state: String) throws -> PeerID { try Credential.load(from: state + "/identity").peer }

    /// A replica's file: how many entries it has, and how many of them it knows to be committed.
    struct File {
        var state: String
        var count: UInt64
        var commit: UInt64
    }

    /// Replicas of one ledger with so many members: a membership, a name, and requests.
    func put(_ ledger: PeerID, members: Int, in files: [File]) async throws {
        var stores: [ReplicaStore] = []
        var list: [Member] = []
        for file in files {
            let store = try await ReplicaStore.create(
                in: "\(file.state)/ledgers/\(ledger)", group: HeldLedger.group(of: ledger),
                genesis: HeldLedger.genesis(of: ledger))
            list.append(Member(peer: PeerID(UInt8(list.count + 1)), store: try await store.id()))
            stores.append(store)
        }
        while list.count < members { list.append(Member(peer: PeerID(UInt8(list.count + 1)), store: StoreID(7))) }
        let entries = entries(of: ledger, Membership(epoch: 1, members: list), files.map(\.count).max() ?? 0)
        for (file, store) in zip(files, stores) {
            let state = HardState(view: firstView, lastNormal: firstView, commit: OpNumber(file.commit))
            _ = try await store.write([
                JournalWrite(number: WriteNumber(1), entries: Array(entries.prefix(Int(file.count))), state: state)
            ])
            try await store.close()
        }
    }

    private func entries(of ledger: PeerID, _ membership: Membership, _ count: UInt64) -> [LogEntry] {
        var entries: [LogEntry] = []
        for op in 1...count {
            let fact: Fact? =
                switch op {
                case 1: nil
                case 2: .described(LedgerDescription(name: "lab"))
                default:
                    .requested(
                        RequestKey(customer: Customer("c"), reference: "r\(op)"),
                        Specification(release: ReleaseDocument(url: "file:x.yaml", text: "name: x\n")))
                }
            entries.append(
                LogEntry(
                    after: entries.last?.digest ?? HeldLedger.genesis(of: ledger), op: OpNumber(op), view: firstView,
                    at: Instant(milliseconds: Int64(op)), request: nil,
                    body: fact.map { .operation(FactCoding.wire.encode($0)) } ?? .reconfigure(membership)))
        }
        return entries
    }

    /// Keeps a checkpoint of the books at the file's commit point.
    func checkpoint(_ ledger: PeerID, in state: String) async throws {
        let store = try await ReplicaStore.open("\(state)/ledgers/\(ledger)", of: ledger)
        let found = try await store.restoreBooks()
        #expect(try await store.save(found.replica.head, found.state.encoded()))
        try await store.close()
    }

    func damage(_ sql: String, of ledger: PeerID, in state: String) throws {
        try run(sql, at: "\(state)/ledgers/\(ledger)/log.1.db")
    }

    /// Runs SQL as an outsider would.
    func run(_ sql: String, at file: String) throws { try runSQL(sql, at: file) }

    func copy(_ directory: String, to place: String) throws {
        if FileManager.default.fileExists(atPath: place) { try FileManager.default.removeItem(atPath: place) }
        try FileManager.default.createDirectory(
            atPath: (place as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: directory, toPath: place)
    }

    func files(of ledger: PeerID, in state: String) throws -> [String: Data] {
        try files(at: "\(state)/ledgers/\(ledger)")
    }

    func files(at directory: String) throws -> [String: Data] {
        try FileManager.default.contentsOfDirectory(atPath: directory).reduce(into: [:]) { found, name in
            found[name] = try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(name)"))
        }
    }

    func finds(_ paths: [String], into state: String) async throws -> [PeerID] {
        let restore = try await LedgerRestore.open(state: state)
        defer { restore.close() }
        return try await restore.examine(paths).map(\.ledger)
    }
}

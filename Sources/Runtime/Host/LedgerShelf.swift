import Automata
import Foundation
import Ledger
import Logging
import Peer
import Replication
import Storage
import Synchronization
import Wire

/// The ledgers' logs on this machine: `STATE/ledgers/ID/`, one directory for each of which a replica is kept.
final class LedgerShelf: Sendable {
    private let directory: String
    private let own: PeerID
    private let store: Store
    private let board: ProblemBoard
    private let opener: LedgerOpener
    private var logger: Logger { opener.logger }
    private let disks: Mutex<[PeerID: LedgerDisk]>
    private let requests: AsyncStream<(PeerID, LedgerOrder)>
    private let request: AsyncStream<(PeerID, LedgerOrder)>.Continuation

    private let isFounded: Bool
    /// What was found at the start.
    let restored: [(id: PeerID, state: LedgerState)]

    /// The code of the problem that the disk takes no writes.
    private static let diskProblem = PeerHost.diskProblem

    private init(
        _ directory: String, _ own: PeerID, _ store: Store, _ board: ProblemBoard, _ opener: LedgerOpener,
        _ disks: [PeerID: LedgerDisk], _ restored: [(PeerID, LedgerState)], isFounded: Bool
    ) {
        (self.directory, self.own, self.store, self.board, self.opener) = (directory, own, store, board, opener)
        self.disks = Mutex(disks)
        self.restored = restored
        self.isFounded = isFounded
        (requests, request) = AsyncStream.makeStream()
    }

    // MARK: At the start

    /// Opens all logs; a master that has none of its own founds its ledger, with what an older version has stored.
    ///
    /// - Parameter checkpointInterval: who had to apply so many entries makes a checkpoint at once.
    /// - Throws: what is wrong with a log, and the command to go on with.
    static func open(
        stateDirectory: String, own: PeerID, isMaster: Bool, store: Store, board: ProblemBoard,
        checkpointInterval: UInt64 = Replica.Configuration().checkpointInterval, logger: Logger
    ) async throws(StorageError) -> LedgerShelf {
        let directory = stateDirectory + "/ledgers"
        var disks: [PeerID: LedgerDisk] = [:]
        var restored: [(PeerID, LedgerState)] = []
        let opener = LedgerOpener(checkpointInterval: checkpointInterval, logger: logger)
        guard isMaster else {
            return LedgerShelf(directory, own, store, board, opener, disks, restored, isFounded: true)
        }
        try makeDirectory(directory)
        for name in try names(in: directory) {
            guard let ledger = PeerID(name), ReplicaStore.exists(in: "\(directory)/\(name)") else { continue }
            let (disk, state) = try await opener.open(ledger, in: "\(directory)/\(name)")
            disks[ledger] = disk
            restored.append((ledger, state))
        }
        let isFounded = try await store.number(Self.foundedKey) != nil
        if disks[own] == nil {
            let path = "\(directory)/\(own)"
            if !isFounded, try await store.hasOldLedger {
                try await LedgerImport(store: store, own: own).run(into: path)
                logger.notice("ledger.imported", metadata: ["into": "\(path)"])
                let (disk, state) = try await opener.open(own, in: path)
                disks[own] = disk
                restored.insert((own, state), at: 0)
            } else {
                let log = try await create(own, in: path)
                disks[own] = LedgerDisk(log)
                restored.insert((own, isFounded ? .empty(try await log.id()) : .founded(try await log.id())), at: 0)
            }
        } else if !isFounded, let index = restored.firstIndex(where: { $0.0 == own }),
            case .empty(let id) = restored[index].1
        {
            restored[index].1 = .founded(id)  // the process died before it wrote the first entry
        }
        return LedgerShelf(directory, own, store, board, opener, disks, restored, isFounded: isFounded)
    }

    /// The number in `Store` that says that this master's ledger was founded: without its log it is then lost here, and
    /// must come back from the other replicas, never be begun a second time.
    private static let foundedKey = "ledger.founded"

    private static func create(_ ledger: PeerID, in directory: String) async throws(StorageError) -> ReplicaStore {
        try await ReplicaStore.create(
            in: directory, group: HeldLedger.group(of: ledger), genesis: HeldLedger.genesis(of: ledger))
    }

    private static func makeDirectory(_ path: String) throws(StorageError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw StorageError(
                .readOnly, "cannot make \(path): \(error.localizedDescription)",
                remedy: "check that its directory exists and belongs to the user that runs palmier")
        }
    }

    private static func names(in directory: String) throws(StorageError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
        } catch {
            throw StorageError(
                .failed, "cannot read \(directory): \(error.localizedDescription)",
                remedy: "give it to the user that runs palmier")
        }
    }

    // MARK: While the host runs

    /// From the event loop; never waits.
    func perform(_ order: LedgerOrder, of ledger: PeerID) {
        switch order {
        case .open, .erase: request.yield((ledger, order))
        case .write, .read, .checkpoint: disks.withLock { $0[ledger] }?.take(order)
        }
    }

    /// A page of one log, off the event loop; nil when no replica of it is here. As `LedgerDisk.page`.
    func page(
        of ledger: PeerID, after: OpNumber, through: OpNumber, bytesMax: Int
    ) async throws(StorageError) -> ReplicaReading? {
        guard let disk = disks.withLock({ $0[ledger] }), !disk.isErased else { return nil }
        return try await disk.page(after: after, through: through, bytesMax: bytesMax)
    }

    /// Serves all logs until the task is cancelled.
    func serve(
        _ tell: @escaping @Sendable (Peer.Input) -> Void, failed: @escaping @Sendable (StorageError) -> Void
    ) async {
        await withDiscardingTaskGroup { group in
            for (ledger, disk) in disks.withLock({ $0 }) {
                group.addTask { await self.serve(ledger, disk, tell, failed) }
            }
            group.addTask { await self.scrub(tell) }
            group.addTask { await self.weigh(tell) }
            if !isFounded { group.addTask { await self.markFounded() } }
            for await (ledger, order) in requests {
                switch order {
                case .open:
                    // Asked for twice, where the first time took long: it was told then.
                    guard disks.withLock({ $0[ledger] }) == nil, let (disk, state) = await openOrCreate(ledger)
                    else { continue }
                    disks.withLock { $0[ledger] = disk }
                    group.addTask { await self.serve(ledger, disk, tell, failed) }
                    tell(.opened(ledger, state))
                case .erase: await erase(ledger)
                case .write, .read, .checkpoint: continue
                }
            }
        }
    }

    private func serve(
        _ ledger: PeerID, _ disk: LedgerDisk, _ tell: @escaping @Sendable (Peer.Input) -> Void,
        _ failed: @escaping @Sendable (StorageError) -> Void
    ) async {
        await disk.serve {
            tell(.ledger(ledger, $0))
        } failed: { [board, logger] error in
            guard let error else { return board.clear(Self.diskProblem) }
            let problem = HostProblem(code: Self.diskProblem, message: error.message, remedy: error.remedy)
            guard board.raise(problem) else { return }
            logger.error("ledger.writeFailed", metadata: ["ledger": "\(ledger)", "reason": "\(error)"])
            failed(error)
        } kept: { [logger] checkpoint in
            Self.log(checkpoint, of: ledger, logger)
        }
    }

    private static func log(_ checkpoint: KeptCheckpoint, of ledger: PeerID, _ logger: Logger) {
        switch checkpoint {
        case .kept(let op, let bytes, let took):
            logger.info(
                "ledger.checkpoint",
                metadata: ["ledger": "\(ledger)", "entry": "\(op)", "bytes": "\(bytes)", "took": "\(took)"])
        case .failed(let op, let error):
            logger.warning(
                "ledger.noCheckpoint", metadata: ["ledger": "\(ledger)", "entry": "\(op)", "reason": "\(error)"])
        }
    }

    private func openOrCreate(_ ledger: PeerID) async -> (LedgerDisk, LedgerState)? {
        let path = "\(directory)/\(ledger)"
        do throws(StorageError) {
            if ReplicaStore.exists(in: path) { return try await opener.open(ledger, in: path) }
            let log = try await Self.create(ledger, in: path)
            return (LedgerDisk(log), .empty(try await log.id()))
        } catch {
            logger.error("ledger.notOpened", metadata: ["ledger": "\(ledger)", "reason": "\(error)"])
            return nil
        }
    }

    /// Another epoch stands on the disks of its own majority; nobody asks for this copy any more.
    private func erase(_ ledger: PeerID) async {
        guard let disk = disks.withLock({ $0.removeValue(forKey: ledger) }) else { return }
        disk.erase()
        do {
            try await disk.store.close()
            try FileManager.default.removeItem(atPath: "\(directory)/\(ledger)")
            logger.notice("ledger.released", metadata: ["ledger": "\(ledger)"])
        } catch {
            logger.warning("ledger.notReleased", metadata: ["ledger": "\(ledger)", "reason": "\(error)"])
        }
    }

    /// Looks at all logs bit by bit, over and over: 256 entries each ten seconds, and an hour's rest after each round.
    private func scrub(_ tell: @escaping @Sendable (Peer.Input) -> Void) async {
        var rest: [PeerID: Int] = [:]
        while true {
            do { try await Task.sleep(for: .seconds(10)) } catch { return }
            for (ledger, disk) in disks.withLock({ $0 }) {
                guard rest[ledger, default: 0] == 0 else {
                    rest[ledger, default: 0] -= 1
                    continue
                }
                do throws(StorageError) {
                    if try await disk.scrub({ tell(.ledger(ledger, $0)) }) { rest[ledger] = 360 }
                } catch {
                    guard !disk.isErased else { continue }
                    logger.error("ledger.scrub", metadata: ["ledger": "\(ledger)", "reason": "\(error)"])
                    rest[ledger] = 360
                }
            }
        }
    }

    /// Says every five seconds what each log takes on the disk, its checkpoints included.
    private func weigh(_ tell: @escaping @Sendable (Peer.Input) -> Void) async {
        while true {
            for ledger in disks.withLock({ $0.keys.sorted() }) {
                tell(.weighed(ledger, weight(of: ledger)))
            }
            do { try await Task.sleep(for: .seconds(5)) } catch { return }
        }
    }

    private func weight(of ledger: PeerID) -> ByteCount {
        let path = "\(directory)/\(ledger)"
        // A file that is gone by now takes nothing.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return ByteCount(
            names.reduce(0) { sum, name in
                let attributes = try? FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")
                return sum + ((attributes?[.size] as? NSNumber)?.int64Value ?? 0)
            })
    }

    /// Writes down that this master's ledger was founded, once its first entry is on the disk.
    private func markFounded() async {
        while disks.withLock({ $0[own] })?.hasWritten != true {
            do { try await Task.sleep(for: .seconds(1)) } catch { return }
        }
        do throws(StorageError) {
            try await store.set(Self.foundedKey, 1)
        } catch {
            logger.warning("ledger.founded", metadata: ["reason": "\(error)"])  // the next start does it
        }
    }
}

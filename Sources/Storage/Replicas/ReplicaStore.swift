public import Automata
import Foundation
import GRDB
public import Replication

/// # The storage of one replicated log
///
/// A directory of its own, readable by its owner only: `log.N.db` (SQLite; with `-wal` and `-shm` beside it) and
/// `log.acknowledged`.
///
/// | table | what it is |
/// | --- | --- |
/// | `entry` | one entry a row, with a checksum of the row and the chained digest |
/// | `digest` | each place's digest once more, with a checksum of its own |
/// | `replica`, `replica_copy` | one row: whose log, the views, the commit hint, the first and the last place |
/// | `checkpoint`, `piece` | copies of the replicated state, the newest two |
///
/// ## Checkpoints
/// A checkpoint stands *beside* the entries that it was made of, and spares a start from reading them: which entries are kept
/// (`first_op`) and where a start begins are two things. A log with a history keeps all of its entries; one without prunes them
/// (`prune`). A start takes the newest checkpoint that is whole, belongs to this log, and can be read by this version; else the
/// one before; else all entries, where they are kept. One of no use is never an error while the entries are there.
///
/// ## What survives
/// When `write` has returned, the whole group of writes survives the death of the process and the loss of power. When it has
/// thrown, nothing of it was written; the same writes may come again.
///
/// ## Damage
/// - **Which places there are** is what the record says (`first_op`, `last_op`), not which rows there are: a place without a
///   row, or whose row's checksum does not hold, *was* written. It is damaged, and comes back as such, never as one that was
///   not there.
/// - **What a damaged place held** is known from `digest`, which stands in other pages of the file and has a checksum, since a
///   wrong digest would be worse than none: a vote that names another digest says "never had it". The row's own digest makes
///   each row something that can be believed by itself; 51 bytes are what the copy costs.
/// - **A checksum and a chain.** The checksum tells whether a row is the one that was written, also where the one in front is
///   lost. Where rows are as they were written and still make no chain, no disk is to blame: that is refused (`corrupt`), with
///   the place.
/// - **A file whose pages are broken** cannot be written either. What can be read is copied to the next `log.N.db`, and the
///   damaged places are damaged there too, and can be mended.
/// - **Acknowledged writes that are gone**, as by a bit flipped in the `-wal`, are noticed by `log.acknowledged`. The promises
///   are in it; every place behind what was committed is damaged then.
/// - **Both copies of the record damaged:** refused. Who does not know its votes may not vote.
///
/// ## Flow
///
///     create, once ─▶ open ─▶ restore ─▶ Replica(restored:) ─▶ started
///     write effects, gathered while the last group runs ─▶ write([JournalWrite]) ─▶ written(through:), damaged(…)
///     read ─▶ read; readPiece ─▶ readPiece; checkpoint ─▶ save, prune; stage, install ─▶ stage, install
///     when idle: scrub ─▶ damaged(…)
///
/// Effects are performed in their order; an `install` waits for the writes before it. Calls run one after the other on a
/// queue of this store; none is given up because its task was cancelled.
public actor ReplicaStore {
    public nonisolated let directory: String
    private nonisolated let executor = DiskExecutor()
    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    /// nil: not open yet, or closed.
    private var journal: Journal?

    private init(directory: String) { self.directory = directory }

    // MARK: Making and opening

    /// Whether there is a log in the directory.
    public static func exists(in directory: String) -> Bool {
        !ReplicaDirectory(path: directory).generations().isEmpty
    }

    /// Makes an empty log, and draws which storage this is.
    ///
    /// - Parameter directory: made when it is not there.
    /// - Parameter genesis: tells the group's log from all others.
    /// - Throws: `refused` when there is one already; `diskFull` and others of the disk.
    public static func create(
        in directory: String, group: GroupID, genesis: Digest
    ) async throws(StorageError) -> ReplicaStore {
        try await create(in: directory, group: group, genesis: genesis, pagesMax: nil)
    }

    static func create(
        in directory: String, group: GroupID, genesis: Digest, pagesMax: Int?
    ) async throws(StorageError) -> ReplicaStore {
        let store = ReplicaStore(directory: directory)
        try await store.create(group: group, genesis: genesis, pagesMax: pagesMax)
        try await store.open(group: group, genesis: genesis, pagesMax: pagesMax)
        return store
    }

    /// Opens a log, and brings its tables up to date.
    ///
    /// - Throws: `futureVersion` for a newer palmier's file; `foreign` for another group's; `corrupt` where the record cannot
    ///   be believed; each says what was found, and the command to go on with.
    public static func open(
        in directory: String, group: GroupID, genesis: Digest
    ) async throws(StorageError) -> ReplicaStore {
        try await open(in: directory, group: group, genesis: genesis, pagesMax: nil)
    }

    static func open(
        in directory: String, group: GroupID, genesis: Digest, pagesMax: Int?
    ) async throws(StorageError) -> ReplicaStore {
        let store = ReplicaStore(directory: directory)
        try await store.open(group: group, genesis: genesis, pagesMax: pagesMax)
        return store
    }

    /// Gives the directory of a closed log its place; a crash leaves it here or there.
    ///
    /// - Throws: `failed` when something stands in that place already.
    public static func move(_ directory: String, to place: String) throws(StorageError) {
        try ReplicaDirectory.settle(directory, as: place)
    }

    private func create(group: GroupID, genesis: Digest, pagesMax: Int?) throws(StorageError) {
        let id = StoreID(UInt64.random(in: 1 ... .max))
        try translating {
            try Journal.create(directory: directory, group: group, genesis: genesis, store: id, pagesMax: pagesMax)
        }
    }

    private func open(group: GroupID, genesis: Digest, pagesMax: Int?) throws(StorageError) {
        journal = try translating {
            try Journal.open(directory: directory, group: group, genesis: genesis, pagesMax: pagesMax)
        }
    }

    /// Ends all use of the file; later calls fail.
    public func close() throws(StorageError) {
        guard let journal else { return }
        self.journal = nil
        try translating { try journal.close() }
    }

    /// Which storage this is.
    public func id() throws(StorageError) -> StoreID { try using { $0.record.store } }

    /// Runs the work on the store's own queue, behind all earlier calls, and returns at once: for whoever needs no task to wait.
    public nonisolated func submit(_ work: @escaping @Sendable (isolated ReplicaStore) -> Void) {
        executor.submit { self.assumeIsolated { work($0) } }
    }

    // MARK: At the start

    /// Brings a state up to what is known to be committed, and says what stands behind.
    ///
    /// It begins with the newest checkpoint that is of use and applies the entries behind it; with the first entry where there
    /// is none.
    ///
    /// - Parameter initial: the replicated state before the first entry.
    /// - Parameter sessionsMax: that of the replica's configuration.
    /// - Parameter load: makes the state of a checkpoint's bytes. Where it throws, the checkpoint is passed over: it may be one
    ///   of another version.
    /// - Parameter apply: does what an entry says.
    /// - Throws: `corrupt` for a broken chain, with its place, or when no checkpoint is of use and the entries in front of it
    ///   are not kept; what `apply` throws.
    public func restore<State: Sendable>(
        _ initial: State, sessionsMax: Int, load: @Sendable (inout State, CheckpointHead, [UInt8]) throws -> Void,
        apply: @Sendable (inout State, LogEntry) throws -> Void
    ) throws(StorageError) -> Restoration<State> {
        try using { journal in
            var state = initial
            let (replica, checkpoint, passedOver) = try journal.restore(sessionsMax: sessionsMax) { head, bytes in
                var loaded = initial
                try load(&loaded, head, bytes)
                state = loaded
            } apply: { entry in
                try apply(&state, entry)
            }
            return Restoration(state: state, replica: replica, checkpoint: checkpoint, passedOver: passedOver)
        }
    }

    /// Places in front of `end` that do not give back what was written there: a start from a checkpoint does not look at them.
    ///
    /// - Complexity: reads all of them.
    /// - Throws: `corrupt` for a broken chain.
    public func damagedPlaces(before end: OpNumber) throws(StorageError) -> [OpNumber] {
        try using { try $0.damagedPlaces(before: end) }
    }

    // MARK: The log

    /// Makes all writes durable, in one transaction and with one sync.
    ///
    /// - Parameter writes: in the order of their numbers.
    /// - Returns: places that are still damaged, because the mended entry does not fit what is around it: to be told to the
    ///   replica, which asks another one.
    /// - Throws: `diskFull` and others of the disk: nothing was written. `refused`: the writes would break an invariant.
    public func write(_ writes: [JournalWrite]) throws(StorageError) -> [OpNumber] {
        try using { try $0.write(writes) }
    }

    /// Entries behind `after`, up to `through` and to a number of bytes, the first one whatever its size.
    public func read(after: OpNumber, through: OpNumber, bytesMax: Int) throws(StorageError) -> ReplicaReading {
        try using { try $0.read(after: after, through: through, bytesMax: bytesMax) }
    }

    /// Holds some more places against what was written there; when it has come to the end, the checkpoints and the record too.
    /// Deletes bit by bit what was pruned.
    ///
    /// - Parameter placesMax: how much one call may take; 256 places are about 100 KB to read.
    /// - Throws: `corrupt` for a broken chain.
    public func scrub(placesMax: Int = 256) throws(StorageError) -> ScrubStep {
        try using { try $0.scrub(placesMax: placesMax) }
    }

    // MARK: Checkpoints

    /// Keeps a copy of the replicated state beside the entries that it was made of; an earlier one goes. Other calls come in
    /// between. One at a time: an unfinished one gives way to the next.
    ///
    /// - Returns: whether it is there; false when its place is not in the log, or the task was cancelled.
    /// - Throws: `diskFull` and others of the disk: what was written of it is erased.
    @discardableResult
    public func save(_ head: CheckpointHead, _ bytes: [UInt8]) async throws(StorageError) -> Bool {
        guard let checkpoint = try using({ try $0.beginCheckpoint(head, total: bytes.count) }) else { return false }
        do throws(StorageError) {
            var offset = 0
            while offset < bytes.count {
                let end = min(offset + Journal.pieceBytesMax, bytes.count)
                try using { try $0.fill(checkpoint, at: offset, with: bytes[offset..<end]) }
                offset = end
                await Task.yield()
                guard !Task.isCancelled else { return false }  // the next start erases it
            }
            try using { try $0.finishCheckpoint(checkpoint) }
            while try using({ try $0.sweepPieces() }) { await Task.yield() }
            return true
        } catch {
            if journal != nil { try? using { try $0.dropCheckpoint(checkpoint) } }  // the next start does it
            throw error
        }
    }

    /// Drops entries up to `op`, as far as the older of the two checkpoints stands for them: for logs without a history.
    ///
    /// - Returns: the oldest entry that is kept, for the replica's `kept`.
    public func prune(through op: OpNumber) throws(StorageError) -> OpNumber {
        try using { try $0.prune(through: op) }
    }

    /// A part of the checkpoint at `op`, or of the newest one; nil when there is none that holds.
    public func readPiece(
        _ op: OpNumber?, offset: UInt64, bytesMax: Int
    ) throws(StorageError) -> CheckpointPiece? {
        try using { try $0.readPiece(op, offset: offset, bytesMax: bytesMax) }
    }

    /// Puts a piece aside; one at 0 begins anew, and so does the next process.
    ///
    /// - Returns: whether it follows what is there.
    @discardableResult
    public func stage(_ piece: CheckpointPiece) throws(StorageError) -> Bool {
        try using { try $0.stage(piece) }
    }

    /// Makes what was staged the beginning of this log.
    ///
    /// - Returns: the replicated state; nil when not all of it is there, which changes nothing.
    public func install(_ head: CheckpointHead) throws(StorageError) -> [UInt8]? {
        try using { try $0.install(head) }
    }

    // MARK: The last resort

    /// Which group's log is in a directory, and what its first entry follows: for one whose place does not say.
    ///
    /// - Throws: `futureVersion`, `corrupt`, `failed` when there is no log.
    public static func identify(in directory: String) async throws(StorageError) -> (group: GroupID, genesis: Digest) {
        let store = ReplicaStore(directory: directory)
        return try await store.identify()
    }

    private func identify() throws(StorageError) -> (group: GroupID, genesis: Digest) {
        try translating {
            let found = try Journal.record(in: directory)
            return (found.group, found.genesis)
        }
    }

    /// Makes this storage another one, whose replica is the only member of its group's next epoch.
    ///
    /// For a copy of a log of which no process has the original open: the original stays what it was.
    public func restart(_ restart: Restart, as store: StoreID) throws(StorageError) {
        try using { try $0.restart(restart, as: store) }
    }

    // MARK: For tests

    var syncLevel: Int? { get throws { try journal?.file.syncLevel } }
    var generation: Int? { journal?.generation }
    func lookInto<Value>(_ body: (Journal) throws -> Value) throws -> Value { try using(body) }

    private func using<Value>(_ body: (Journal) throws -> Value) throws(StorageError) -> Value {
        guard let journal else {
            throw StorageError(
                .failed, "\(directory) is closed", remedy: "open it again; this is a defect, please report it")
        }
        return try translating { try body(journal) }
    }

    private func translating<Value>(_ body: () throws -> Value) throws(StorageError) -> Value {
        do {
            return try body()
        } catch let error as DatabaseError where error.isDamage {
            throw .broken(journal?.path ?? directory, error)
        } catch {
            throw StorageError(error, path: journal?.path ?? directory)
        }
    }
}

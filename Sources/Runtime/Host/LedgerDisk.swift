import Automata
import Dispatch
import Ledger
import Peer
import Replication
import Storage
import Synchronization
import Wire

/// The disk of one ledger's log: takes a replica's orders in their order, and says what became of them.
///
/// All writes that have gathered while the last group was under way become durable together. When the disk takes a group
/// not, what was ordered behind it is dropped: the replica orders all of it again, from the first one on.
///
/// A checkpoint of the books is encoded beside all that, and written in small pieces between which writes come. One at a time;
/// of those that come meanwhile the newest waits.
final class LedgerDisk: Sendable {
    /// Who is told what became of the orders.
    private struct Host: Sendable {
        var tell: @Sendable (Replica.Input) -> Void
        /// What the disk said; nil: it takes writes.
        var failed: @Sendable (StorageError?) -> Void
    }

    private struct State {
        var orders: [LedgerOrder] = []
        /// nil: nothing is performed.
        var host: Host?
        /// A turn of the store's queue is under way to the orders.
        var isComing = false
        /// After a failure: the write with which the replica begins again.
        var awaited: WriteNumber?
        var hasWritten = false
        var isErased = false
    }

    let store: ReplicaStore
    private let state = Mutex(State())
    private let checkpoints: AsyncStream<LedgerCheckpoint>
    private let checkpoint: AsyncStream<LedgerCheckpoint>.Continuation

    init(_ store: ReplicaStore) {
        self.store = store
        (checkpoints, checkpoint) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Whether something is on it.
    var hasWritten: Bool { state.withLock { $0.hasWritten } }

    func take(_ order: LedgerOrder) {
        state.withLock { state in
            if !state.isErased { state.orders.append(order) }
        }
        come()
    }

    /// Nobody needs the log any more: what was ordered and is not done, is not done.
    func erase() {
        state.withLock { state in
            state.isErased = true
            state.orders = []
        }
        checkpoint.finish()
    }

    var isErased: Bool { state.withLock { $0.isErased } }

    /// Serves orders until the task is cancelled or the log erased; what is under way then is finished.
    ///
    /// - Parameter tell: what the replica is to hear.
    /// - Parameter failed: what the disk said; nil: it takes writes.
    /// - Parameter kept: what became of a checkpoint.
    func serve(
        _ tell: @escaping @Sendable (Replica.Input) -> Void, failed: @escaping @Sendable (StorageError?) -> Void,
        kept: @Sendable (KeptCheckpoint) -> Void = { _ in }
    ) async {
        state.withLock { $0.host = Host(tell: tell, failed: failed) }
        come()
        await serveCheckpoints(kept)
        state.withLock { $0.host = nil }
        await withCheckedContinuation { continuation in store.submit { _ in continuation.resume() } }
    }

    /// Sends the store's queue to the orders: no task is in between, since each would cost a change of threads.
    private func come() {
        let isNeeded = state.withLock { state in
            guard state.host != nil, !state.orders.isEmpty, !state.isComing else { return false }
            state.isComing = true
            return true
        }
        if isNeeded { store.submit { [self] in perform(on: $0) } }
    }

    /// What has gathered. What comes meanwhile is the next turn's; pages and scrubbing come in between.
    private func perform(on store: isolated ReplicaStore) {
        let (orders, host) = state.withLock { state in
            state.isComing = false
            guard let host = state.host else { return ([LedgerOrder](), Host?.none) }
            defer { state.orders = [] }
            return (state.orders, host)
        }
        guard let host else { return }
        var group: [JournalWrite] = []
        for order in orders {
            switch order {
            case .write(let write):
                if isAwaited(write.number) { group.append(write) }
            case .read(let token, let through, let bytesMax):
                write(&group, on: store, host)
                read(token, through, bytesMax, on: store, host)
            case .checkpoint(let books):
                write(&group, on: store, host)
                checkpoint.yield(books)
            case .open, .erase: continue  // the shelf's
            }
        }
        write(&group, on: store, host)
    }

    private func isAwaited(_ number: WriteNumber) -> Bool {
        state.withLock { state in
            guard let awaited = state.awaited else { return true }
            guard number == awaited else { return false }
            state.awaited = nil
            return true
        }
    }

    private func write(_ group: inout [JournalWrite], on store: isolated ReplicaStore, _ host: Host) {
        guard let first = group.first, let last = group.last else { return }
        let writes = group
        group = []
        do throws(StorageError) {
            let damaged = try store.write(writes)
            state.withLock { $0.hasWritten = true }
            host.failed(nil)
            host.tell(.written(through: last.number))
            for place in damaged { host.tell(.damaged(place)) }
        } catch {
            guard !isErased else { return }
            precondition(error.code != .refused, "a write breaks an invariant of the log: \(error)")
            state.withLock { $0.awaited = first.number }
            host.failed(error)
            host.tell(.writeFailed(from: first.number))
        }
    }

    private func read(
        _ token: Replica.ReadToken, _ through: OpNumber, _ bytesMax: Int, on store: isolated ReplicaStore, _ host: Host
    ) {
        var entries: [LogEntry] = []
        do throws(StorageError) {
            let reading = try store.read(after: token.after, through: through, bytesMax: bytesMax)
            entries = reading.entries
            if let damaged = reading.damaged { host.tell(.damaged(damaged)) }
        } catch {
            entries = []  // whoever asked asks another replica
        }
        host.tell(.entriesRead(token, entries))
    }

    // MARK: Checkpoints

    /// Until the task is cancelled or the log erased.
    private func serveCheckpoints(_ kept: @Sendable (KeptCheckpoint) -> Void) async {
        for await checkpoint in checkpoints {
            let clock = ContinuousClock()
            let start = clock.now
            do throws(StorageError) {
                let bytes = try await Self.encoded(checkpoint)
                guard try await store.save(checkpoint.head, bytes) else { continue }
                kept(.kept(checkpoint.head.op, bytes: bytes.count, took: clock.now - start))
            } catch {
                guard !isErased else { return }
                kept(.failed(checkpoint.head.op, error))
            }
        }
    }

    /// Off the pool that all tasks share: large books take a second.
    ///
    /// - Throws: where the bytes do not make the books again: such a checkpoint would be of no use to any start.
    private static func encoded(_ checkpoint: LedgerCheckpoint) async throws(StorageError) -> [UInt8] {
        let result: Result<[UInt8], StorageError> = await withCheckedContinuation { continuation in
            encoder.async {
                let bytes = checkpoint.books.encoded()
                do throws(WireError) {
                    _ = try Books(decoding: bytes)
                    continuation.resume(returning: .success(bytes))
                } catch {
                    let problem = StorageError(
                        .failed,
                        "a checkpoint of the books at entry \(checkpoint.head.op) cannot be read back: \(error)",
                        remedy: "starts read earlier entries instead; please report it")
                    continuation.resume(returning: .failure(problem))
                }
            }
        }
        return try result.get()
    }

    private static let encoder = DispatchQueue(label: "palmier.checkpoints", qos: .utility)

    // MARK: Pages

    /// Entries behind `after`, up to `through` and to a number of bytes, the first one whatever its size.
    ///
    /// In small steps, between which writes come: whoever reads a whole log holds up nobody who appends to it.
    func page(after: OpNumber, through: OpNumber, bytesMax: Int) async throws(StorageError) -> ReplicaReading {
        var page = ReplicaReading()
        var (next, bytes) = (after, 0)
        repeat {
            let room = min(Self.stepBytesMax, bytesMax - bytes)
            let step = try await store.read(after: next, through: through, bytesMax: room)
            page.first = step.first
            for entry in step.entries {
                // The first of a step comes whatever its size, the first of a page alone may be larger than that.
                guard page.entries.isEmpty || bytes + entry.size <= bytesMax else { return page }
                page.entries.append(entry)
                bytes += entry.size
            }
            page.damaged = step.damaged
            guard let last = step.entries.last, step.damaged == nil else { return page }
            next = last.op
        } while next < through && bytes < bytesMax
        return page
    }

    /// A millisecond or two of the disk's time: some 500 entries; a guess.
    private static let stepBytesMax = 96 << 10

    /// Looks whether what is on the disk still is what was written there.
    ///
    /// - Returns: whether the whole log was looked at since it began.
    func scrub(_ tell: @Sendable (Replica.Input) -> Void) async throws(StorageError) -> Bool {
        let step = try await store.scrub()
        for place in step.damaged { tell(.damaged(place)) }
        return step.isPassDone
    }
}

/// What became of a checkpoint.
enum KeptCheckpoint: Sendable {
    case kept(OpNumber, bytes: Int, took: Duration)
    /// The one before it, and the entries, are still there.
    case failed(OpNumber, StorageError)
}

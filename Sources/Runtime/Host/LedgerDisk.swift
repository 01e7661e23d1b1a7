import Automata
import Peer
import Replication
import Storage
import Synchronization

/// The disk of one ledger's log: takes a replica's orders in their order, and says what became of them.
///
/// All writes that have gathered while the last group was under way become durable together. When the disk takes a group
/// not, what was ordered behind it is dropped: the replica orders all of it again, from the first one on.
final class LedgerDisk: Sendable {
    private struct State {
        var orders: [LedgerOrder] = []
        /// After a failure: the write with which the replica begins again.
        var awaited: WriteNumber?
        var hasWritten = false
        var isErased = false
    }

    let store: ReplicaStore
    private let state = Mutex(State())
    private let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    init(_ store: ReplicaStore) {
        self.store = store
        (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Whether something is on it.
    var hasWritten: Bool { state.withLock { $0.hasWritten } }

    func take(_ order: LedgerOrder) {
        state.withLock { state in
            if !state.isErased { state.orders.append(order) }
        }
        signal.yield()
    }

    /// Nobody needs the log any more: what was ordered and is not done, is not done.
    func erase() {
        state.withLock { state in
            state.isErased = true
            state.orders = []
        }
        signal.finish()
    }

    var isErased: Bool { state.withLock { $0.isErased } }

    /// Serves orders until the task is cancelled or the log erased; what is under way then is finished.
    ///
    /// - Parameter tell: what the replica is to hear.
    /// - Parameter failed: what the disk said; nil: it takes writes.
    func serve(_ tell: @Sendable (Replica.Input) -> Void, failed: @Sendable (StorageError?) -> Void) async {
        for await _ in signals {
            while true {
                let orders = state.withLock { state in
                    let orders = state.orders
                    state.orders = []
                    return orders
                }
                guard !orders.isEmpty else { break }
                await perform(orders, tell, failed)
            }
        }
    }

    private func perform(
        _ orders: [LedgerOrder], _ tell: @Sendable (Replica.Input) -> Void, _ failed: @Sendable (StorageError?) -> Void
    ) async {
        var group: [JournalWrite] = []
        for order in orders {
            switch order {
            case .write(let write):
                if isAwaited(write.number) { group.append(write) }
            case .read(let token, let through, let bytesMax):
                await write(&group, tell, failed)
                await read(token, through, bytesMax, tell)
            case .open, .erase: continue  // the shelf's
            }
        }
        await write(&group, tell, failed)
    }

    private func isAwaited(_ number: WriteNumber) -> Bool {
        state.withLock { state in
            guard let awaited = state.awaited else { return true }
            guard number == awaited else { return false }
            state.awaited = nil
            return true
        }
    }

    private func write(
        _ group: inout [JournalWrite], _ tell: @Sendable (Replica.Input) -> Void,
        _ failed: @Sendable (StorageError?) -> Void
    ) async {
        guard let first = group.first, let last = group.last else { return }
        let writes = group
        group = []
        do throws(StorageError) {
            let damaged = try await store.write(writes)
            state.withLock { $0.hasWritten = true }
            failed(nil)
            tell(.written(through: last.number))
            for place in damaged { tell(.damaged(place)) }
        } catch {
            guard !isErased else { return }
            precondition(error.code != .refused, "a write breaks an invariant of the log: \(error)")
            state.withLock { $0.awaited = first.number }
            failed(error)
            tell(.writeFailed(from: first.number))
        }
    }

    private func read(
        _ token: Replica.ReadToken, _ through: OpNumber, _ bytesMax: Int, _ tell: @Sendable (Replica.Input) -> Void
    ) async {
        var entries: [LogEntry] = []
        do throws(StorageError) {
            let reading = try await store.read(after: token.after, through: through, bytesMax: bytesMax)
            entries = reading.entries
            if let damaged = reading.damaged { tell(.damaged(damaged)) }
        } catch {
            entries = []  // whoever asked asks another replica
        }
        tell(.entriesRead(token, entries))
    }

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

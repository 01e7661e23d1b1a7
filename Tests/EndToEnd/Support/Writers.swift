import Automata
import Synchronization

/// Clients that write to ledgers without pause, all at once, each one write after the other.
struct Writers: Sendable {
    let history = WriteHistory()
    let sockets: [MasterSocket]
    /// In whose ledger each client's names are: that of this master.
    let ledgers: [String]
    let seed: UInt64

    /// A client changes so many names at most; those without an answer do not count.
    private static let namesMax = 12
    /// How many of a thousand writes are new names, as long as there may be more.
    private static let newPerMille = 150
    private static let release = RequestBody.Release(
        url: "file:note.yaml",
        text: """
            name: note
            version: "1"
            types: {note: {parameters: {type: object, properties: {value: {type: integer}}}, command: ["true"]}}
            """)

    /// Clients write while the body runs; when it has ended, each ends its last write.
    ///
    /// - Parameter round: so that each draws anew.
    func during<Value: Sendable>(round: Int, _ body: @Sendable () async throws -> Value) async throws -> Value {
        let isOver = Flag()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            for client in ledgers.indices {
                group.addTask {
                    var random = SeededRandom.stream(seed: seed, "client \(client) of round \(round)")
                    while !isOver.isRaised, !Task.isCancelled { try await writeOnce(client, &random) }
                }
            }
            // When the body throws, the group cancels the clients, and waits for their end.
            let value = try await body()
            isOver.raise()
            try await group.waitForAll()
            return value
        }
    }

    private func writeOnce(_ client: Int, _ random: inout SeededRandom) async throws {
        let mayBeNew = await history.openCount(of: client) < Self.namesMax
        let shallBeNew = mayBeNew && random.chance(perMille: Self.newPerMille)
        let draw = Int(random.next() >> 2)
        let write: WriteHistory.Write
        if !shallBeNew, let change = await history.change(of: client, draw: draw) {
            write = change
        } else {
            write = await history.invent(for: client, in: ledgers[client])
        }
        var ways = sockets
        random.shuffle(&ways)
        // Who is refused everywhere does not ask as fast as it can.
        if !(await perform(write, by: ways)) { try await Task.sleep(for: .milliseconds(20)) }
    }

    /// A new name goes through its ledger's own master, and a change through any; a master that refuses is followed by the
    /// next.
    ///
    /// - Returns: false when all have refused.
    @discardableResult
    func perform(_ write: WriteHistory.Write, by ways: [MasterSocket]) async -> Bool {
        var body = RequestBody(reference: write.name, parameters: ["value": write.value])
        // Nothing has to run: what is asked for is written down, and that is all.
        if write.isNew { (body.release, body.state) = (Self.release, "stopped") }
        for way in ways where !write.isNew || way.name == write.ledger {
            let outcome = await way.write(body)
            await history.note(write, outcome)
            if case .refused = outcome { continue }
            return true
        }
        return false
    }
}

/// Raised once, seen by all.
private final class Flag: Sendable {
    private let value = Mutex(false)
    var isRaised: Bool { value.withLock { $0 } }
    func raise() { value.withLock { $0 = true } }
}

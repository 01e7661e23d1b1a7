import Automata
import Synchronization

/// Clients that write to ledgers without pause, all at once, each one write after the other.
struct Writers: Sendable {
    struct Client: Sendable {
        /// It writes to the ledger of this master.
        let ledger: String
        /// It asks this master, and another one only when this one refuses. A client of a master that is cut off waits as
        /// its user would, and the others go on.
        let master: String
    }

    let history = WriteHistory()
    let sockets: [MasterSocket]
    let clients: [Client]
    let seed: UInt64

    /// So many names of a ledger are changed at most; those without an answer do not count.
    private static let namesMax = 30
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
            for (number, client) in clients.enumerated() {
                group.addTask {
                    var random = SeededRandom.stream(seed: seed, "client \(number) of round \(round)")
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

    private func writeOnce(_ client: Client, _ random: inout SeededRandom) async throws {
        let mayBeNew = await history.openCount(in: client.ledger) < Self.namesMax
        let shallBeNew = random.chance(perMille: Self.newPerMille)
        let draw = Int(random.next() >> 2)
        let isOwn = client.master == client.ledger
        var write: WriteHistory.Write?
        if !(isOwn && mayBeNew && shallBeNew) { write = await history.change(in: client.ledger, draw: draw) }
        if write == nil, isOwn { write = await history.invent(in: client.ledger) }
        let others = sockets.filter { $0.name != client.master }
        let ways = sockets.filter { $0.name == client.master } + (draw.isMultiple(of: 2) ? others : others.reversed())
        if let write, await perform(write, by: ways) { return }
        // Who is refused everywhere, or has no name to write to, does not ask as fast as it can.
        try await Task.sleep(for: .milliseconds(20))
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
        var isTaken = false
        for way in ways where !isTaken && (!write.isNew || way.name == write.ledger) {
            let start = ContinuousClock.now
            let outcome = await way.write(body)
            await history.note(write, outcome, by: way.name, after: .now - start)
            if case .refused = outcome { continue }
            isTaken = true
        }
        await history.end(write)
        return isTaken
    }
}

/// Raised once, seen by all.
private final class Flag: Sendable {
    private let value = Mutex(false)
    var isRaised: Bool { value.withLock { $0 } }
    func raise() { value.withLock { $0 = true } }
}

import API
import Automata
import Console
import Lab

/// How soon many processes are one ring, and how soon again after a fifth of them were killed.
///
/// The ring is *whole* when every peer is active and names as its neighbours, on either side, exactly the 16 living peers
/// that are next to it by id.
struct Ringing {
    let fabric: BenchFabric
    let plan: BenchPlan

    private static let peers = 50
    private static let killed = 10
    /// Between two starts.
    private static let pace = Duration.milliseconds(400)

    func measure() async throws -> [Figure] {
        var members = fabric.running
        plan.progress.update("starting \(Self.peers) peers")
        for number in members.count..<Self.peers {
            let host = fabric.lan.hosts[number % BenchFabric.hosts]
            try await Task.sleep(for: Self.pace)
            members.append(try await fabric.startAgent("ring-\(number)", on: host, partitions: 1))
        }
        let started = members.map(\.began).max() ?? .now
        var clients: [String: PalmierClient] = [:]
        for member in members { clients[member.name] = PalmierClient(.socket(path: member.ringSocket)) }
        do {
            plan.progress.update("waiting for one ring of \(members.count)")
            try await awaitWhole(members, clients)
            let formed = ContinuousClock.now - started
            let victims = Array(members.suffix(Self.killed))
            let killedAt = ContinuousClock.now
            for victim in victims { victim.process.kill(.kill) }
            plan.progress.update("waiting for the ring to heal")
            try await awaitWhole(members.dropLast(Self.killed), clients)
            let healed = ContinuousClock.now - killedAt
            for member in members where member.name.hasPrefix("ring-") {
                if victims.contains(where: { $0.name == member.name }) { continue }
                try await fabric.end(member)
            }
            for client in clients.values { await client.shutdown() }
            return figures(formed, healed)
        } catch {
            for client in clients.values { await client.shutdown() }
            throw error
        }
    }

    /// Asks one after the other, each again until it is right, and then all once more: fifty that are asked all the time
    /// would be busy with answering.
    private func awaitWhole(_ members: [BenchFabric.Member], _ clients: [String: PalmierClient]) async throws {
        var ids: [String: String] = [:]
        func view(_ member: BenchFabric.Member) async -> OverlayDocument? {
            guard let view = try? await clients[member.name]?.overlay() else { return nil }
            ids[member.name] = view.peer.peer
            return view
        }
        var next = 0
        var rightSince = 0
        try await Polling.until("\(members.count) peers are one ring", within: .seconds(120), every: .milliseconds(50))
        {
            for member in members where ids[member.name] == nil {
                guard await view(member) != nil else { return false }
            }
            let ring = members.compactMap { ids[$0.name] }.sorted()
            while rightSince < members.count {
                let member = members[next % members.count]
                guard let view = await view(member), Self.isRight(view, in: ring) else {
                    rightSince = 0
                    return false
                }
                (next, rightSince) = (next + 1, rightSince + 1)
            }
            return true
        }
    }

    /// Whether a peer is active and names exactly those next to it.
    ///
    /// - Parameter ring: the ids of all, sorted.
    private static func isRight(_ view: OverlayDocument, in ring: [String]) -> Bool {
        guard view.state == "active", let index = ring.firstIndex(of: view.peer.peer) else { return false }
        let reach = min(16, ring.count - 1)
        func next(_ direction: Int) -> Set<String> {
            Set((1...max(1, reach)).map { ring[(index + $0 * (ring.count + direction)) % ring.count] })
        }
        return Set(view.right.map(\.peer)) == next(1) && Set(view.left.map(\.peer)) == next(-1)
    }

    private func figures(_ formed: Duration, _ healed: Duration) -> [Figure] {
        let conditions = "\(Self.peers) processes in \(BenchFabric.hosts) network namespaces"
        return [
            Figure(
                "ring_formed", Sample([formed]).percentile(50), unit: "s",
                conditions:
                    "\(conditions), one started every \(Self.pace.components.attoseconds / 1_000_000_000_000_000) ms, from the last "
                    + "start until each has its leaf set",
                reach: Reach(.atMost, 10)),
            Figure(
                "ring_healed", Sample([healed]).percentile(50), unit: "s",
                conditions:
                    "\(conditions), kill -9 of \(Self.killed) at once until each of the others has its leaf set",
                reach: Reach(.atMost, 10)),
        ]
    }
}

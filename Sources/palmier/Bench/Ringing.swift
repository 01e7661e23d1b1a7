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

    func measure() async throws -> [Figure] {
        var members = fabric.running
        plan.progress.update("starting \(Self.peers) peers")
        for number in members.count..<Self.peers {
            let host = fabric.lan.hosts[number % BenchFabric.hosts]
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

    private func awaitWhole(_ members: [BenchFabric.Member], _ clients: [String: PalmierClient]) async throws {
        try await Polling.until("\(members.count) peers are one ring", within: .seconds(120), every: .milliseconds(50))
        {
            var views: [OverlayDocument] = []
            for member in members {
                guard let client = clients[member.name], let view = try? await client.overlay() else { return false }
                views.append(view)
            }
            return Self.isWhole(views)
        }
    }

    private static func isWhole(_ views: [OverlayDocument]) -> Bool {
        let ring = views.sorted { $0.peer.peer < $1.peer.peer }
        let reach = min(16, ring.count - 1)
        return ring.indices.allSatisfy { index in
            func next(_ direction: Int) -> Set<String> {
                Set((1...max(1, reach)).map { ring[(index + $0 * (ring.count + direction)) % ring.count].peer.peer })
            }
            let view = ring[index]
            return view.state == "active" && Set(view.right.map(\.peer)) == next(1)
                && Set(view.left.map(\.peer)) == next(-1)
        }
    }

    private func figures(_ formed: Duration, _ healed: Duration) -> [Figure] {
        let conditions = "\(Self.peers) processes in \(BenchFabric.hosts) network namespaces"
        return [
            Figure(
                "ring_formed", Sample([formed]).percentile(50), unit: "s",
                conditions:
                    "\(conditions), started one after the other, from the last start until each has its leaf set",
                reach: Reach(.atMost, 10)),
            Figure(
                "ring_healed", Sample([healed]).percentile(50), unit: "s",
                conditions:
                    "\(conditions), kill -9 of \(Self.killed) at once until each of the others has its leaf set",
                reach: Reach(.atMost, 10)),
        ]
    }
}

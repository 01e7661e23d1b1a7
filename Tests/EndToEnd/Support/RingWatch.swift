import Foundation
import Lab
import Testing

/// Many peers' views of the ring at once, each asked at its own socket, and compared with what the ring should be.
struct RingWatch {
    let members: [Member]

    /// What is wrong right now; empty when each peer is active and has, on either side, exactly the members that are next
    /// to it by id, as far as a leaf set reaches.
    func faults() async throws -> [String] {
        let views = try await views()
        let silent = members.filter { views[$0.name] == nil }.map { "\($0.name) does not answer" }
        guard silent.isEmpty else { return silent }
        let ring = views.values.sorted { $0.peer.peer < $1.peer.peer }
        let reach = min(16, ring.count - 1)
        return ring.indices.compactMap { index in
            let view = ring[index]
            guard view.state == "active" else { return "\(view.peer.name) is \(view.state)" }
            func next(_ step: Int) -> Set<String> {
                Set((0..<reach).map { ring[(index + ($0 + 1) * (ring.count + step)) % ring.count].peer.peer })
            }
            let missing = (
                next(1).symmetricDifference(view.right.map(\.peer)), next(-1).symmetricDifference(view.left.map(\.peer))
            )
            guard missing.0.isEmpty, missing.1.isEmpty else {
                return "\(view.peer.name) has wrong or missing neighbours: right \(missing.0), left \(missing.1)"
            }
            return nil
        }
    }

    /// Waits until nothing is wrong.
    ///
    /// - Returns: how long that took.
    func isWhole(within limit: Duration) async throws -> Duration {
        let clock = ContinuousClock()
        let start = clock.now
        var faults: [String] = []
        do {
            try await Polling.until("\(members.count) peers are one ring", within: limit, every: .milliseconds(50)) {
                faults = try await self.faults()
                return faults.isEmpty
            }
        } catch let error as LabError {
            throw Unexpected("\(error); \(faults.count) are wrong: \(faults.prefix(5))")
        }
        return clock.now - start
    }

    /// By the member's name; who does not answer is left out.
    private func views() async throws -> [String: OverlayDocument] {
        let script = "for socket; do curl -s --max-time 2 --unix-socket \"$socket\" http://peer/v1/overlay; echo; done"
        let sockets = members.map { "\($0.state)/\($0.isMaster ? "api" : "peer").sock" }
        let text = try await Place.machine.run(["sh", "-c", script, "sh"] + sockets, within: .seconds(120)).output
        var views: [String: OverlayDocument] = [:]
        for line in text.split(separator: "\n") {
            guard let view = try? JSONDecoder().decode(OverlayDocument.self, from: Data(line.utf8)) else { continue }
            views[view.peer.name] = view
        }
        return views
    }
}

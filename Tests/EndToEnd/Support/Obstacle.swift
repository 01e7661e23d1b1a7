import Foundation
import Lab
import Synchronization

/// Why scenarios of a kind cannot run on this machine; asked once, and said loudly.
final class Obstacle: Sendable {
    /// To a LAN of network namespaces.
    static let lan = Obstacle("scenarios on a LAN") { await Lan.requirements() }
    /// To hosts with a bus and an avahi-daemon each.
    static let daemons = Obstacle("scenarios with avahi-daemon") { await Lan.requirements(daemons: true) }

    private let reason: Task<String?, Never>

    init(_ what: String, _ look: @escaping @Sendable () async -> String?) {
        reason = Task {
            let reason = await look()
            if let reason { tell("\(what) are SKIPPED: \(reason)") }
            return reason
        }
    }

    func isAbsent() async -> Bool { await reason.value == nil }
}

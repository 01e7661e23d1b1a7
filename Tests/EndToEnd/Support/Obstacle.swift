import Foundation
import Lab
import Synchronization

/// Why scenarios of a kind cannot run on this machine; asked once, and said loudly.
final class Obstacle: Sendable {
    /// To a LAN of network namespaces.
    static let lan = Obstacle("scenarios on a LAN") { await Lan.requirements() }
    /// To hosts with a bus and an avahi-daemon each.
    static let daemons = Obstacle("scenarios with avahi-daemon") { await Lan.requirements(daemons: true) }

    /// To names of the hosts' own.
    static let nameServer = Obstacle("scenarios with DNS names") {
        do {
            try await Place.machine.run(["dnsmasq", "--version"]).check()
            return nil
        } catch {
            return "dnsmasq does not run here (on Debian: apt-get install dnsmasq-base): \(error)"
        }
    }

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

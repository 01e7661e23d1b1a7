import Automata

/// The name of a peer's service on the link, and what follows from an advertisement besides its text.
///
/// `machine-07 7f3a09c155d2e0aa…`: the machine's name for people, then the whole PeerID, so that two peers never
/// collide by accident and a vanished instance is known by its label alone. At most 63 bytes (RFC 6763, 4.1.1).
enum InstanceLabel {
    /// - Parameter alternate: 0 for the ordinary label; another number for another one, when that was found taken.
    static func make(name: String, peer: PeerID, alternate: UInt16 = 0) -> String {
        let suffix = " \(peer)" + (alternate == 0 ? "" : " #\(alternate)")
        return prefix(of: name, bytesMax: 63 - suffix.utf8.count) + suffix
    }

    /// Reads whose label it is; nil for one that is none of ours.
    static func peer(of label: String) -> PeerID? {
        guard label.utf8.count <= 63 else { return nil }
        return label.split(separator: " ").reversed().lazy.compactMap { PeerID(String($0)) }.first
    }

    /// The host name under which the embedded back end publishes addresses: one per process, so that it contends
    /// neither with the system's name nor with another peer of this host.
    static func host(of peer: PeerID, alternate: UInt16 = 0) -> String {
        "palmier-" + peer.description.prefix(16) + (alternate == 0 ? "" : "-\(alternate)")
    }

    static let master = "_master"
    static let coordinator = "_coordinator"

    /// The sub-types (RFC 6763, 7.1) under which an advertisement is listed, sorted: what a machine does, and whether it is a
    /// master. Who leads a ledger coordinates its requests, whatever else it runs.
    ///
    ///     avahi-browse -rt _idle._sub._palmier._tcp
    static func subtypes(of advertisement: Advertisement) -> [String] {
        let byState: [String] =
            switch advertisement.state {
            case .idle: ["_idle"]
            case .worker: ["_worker"]
            case .coordinator: [coordinator]
            case .joining, .draining, .drained, .left, .failed: []
            }
        let leads = advertisement.leads.isEmpty || byState == [coordinator] ? [] : [coordinator]
        return (byState + leads + (advertisement.isMaster ? [master] : [])).sorted()
    }

    /// As many whole characters of `name` as fit.
    static func prefix(of name: String, bytesMax: Int) -> String {
        var kept = ""
        for character in name {
            guard kept.utf8.count + character.utf8.count <= bytesMax else { break }
            kept.append(character)
        }
        return kept
    }
}

import Automata

/// A service on the link: its label, its port on the publishing host, its text.
struct LinkService: Hashable, Sendable {
    var label: String
    var port: UInt16
    var text: [[UInt8]]
}

/// A ledger as its primary publishes it: a DNS-SD service of its own, beside the primary's, at the same place.
///
/// For people and their tools (`avahi-browse -r _palmier-ledger._tcp`): masters know who leads what from each other's texts,
/// and believe it on proven connections only. The label has the ledger's name, where it has one, then the primary's, so that
/// a new one does not contend with what is left of the old one's records, then the ledger's id: `lab at m2 b6…`. Of two the
/// later view is the ledger's.
///
/// | key | value |
/// | --- | --- |
/// | `txtvers` | `1`; first |
/// | `id` | the ledger: the id of the master that founded it |
/// | `fab` | fabric |
/// | `name` | what the ledger is called, in full; left out when it is called after its founder |
/// | `by` | PeerID of the primary |
/// | `view` | epoch `.` view |
/// | `members` | how many keep it, the primary included |
/// | `serving` | `1`; `0` before the primary ends, when another one takes over |
extension LinkService {
    init(_ lead: LedgerLead, of advertisement: Advertisement, alternate: UInt16) {
        let called = InstanceLabel.prefix(of: lead.name, bytesMax: Self.nameBytesMax)
        label = InstanceLabel.make(
            name: called.isEmpty ? "\(advertisement.name) leads" : "\(called) at \(advertisement.name)",
            peer: lead.ledger, alternate: alternate)
        port = advertisement.endpoints.first?.port ?? 0
        let name = lead.name.isEmpty ? [] : [("name", lead.name)]
        text =
            ([
                ("txtvers", AdvertisementText.version), ("id", lead.ledger.description), ("fab", advertisement.fabric),
            ] + name + [
                ("by", advertisement.peer.description), ("view", "\(lead.epoch).\(lead.view)"),
                ("members", String(lead.members)), ("serving", advertisement.ended ? "0" : "1"),
            ]).map { Array("\($0)=\($1)".utf8) }
    }

    /// Of a label's 63 bytes 33 are the id's; the primary's name must keep some of the others.
    private static let nameBytesMax = 16

    /// `_palmier-ledger._tcp` beside `_palmier._tcp`; nil where that makes no service's name (RFC 6335, 5.1: 15 characters).
    static func type(beside type: String) -> String? {
        guard let dot = type.firstIndex(of: "."), type[..<dot].utf8.count + "-ledger".utf8.count <= 16 else {
            return nil
        }
        return type[..<dot] + "-ledger" + type[dot...]
    }
}

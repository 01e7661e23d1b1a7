import Automata
import Objects
import Overlay
import Peer

enum ObjectKind: CaseIterable {
    case nearest, store, stored, storeRefused, fetch, contents, missing, missingHere, keys, lacking

    init(_ message: ObjectMessage) {
        self =
            switch message {
            case .nearest: .nearest
            case .store: .store
            case .stored(_, nil): .stored
            case .stored(_, .some): .storeRefused
            case .fetch: .fetch
            case .contents: .contents
            case .missing(_, .some): .missing
            case .missing(_, nil): .missingHere
            case .keys: .keys
            case .lacking: .lacking
            }
    }

    var sample: ObjectMessage {
        switch self {
        case .nearest: .nearest(number: 1, [beta, alpha])
        case .store: .store(number: .max, StoredObject(id: place, bytes: [0, 0xFF]), diverted: true)
        case .stored: .stored(number: 0, nil)
        case .storeRefused: .stored(number: 3, .busy)
        case .fetch: .fetch(number: 4, place)
        case .contents: .contents(number: 5, [])
        case .missing: .missing(number: 6, elsewhere: alpha)
        case .missingHere: .missing(number: 6, elsewhere: nil)
        case .keys: .keys(number: 7, [ObjectEntry(id: place, size: 65_536), ObjectEntry(id: beta, size: 0)])
        case .lacking: .lacking(number: 7, [place])
        }
    }

    /// With contacts where the sample names peers.
    var message: PeerMessage {
        .object(sample, contacts: contacts.filter { sample.named.contains($0.peer) })
    }
}

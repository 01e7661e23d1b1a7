import Automata
import Foundation
import Objects
import Overlay
import SwiftProtobuf
import WireSchema

extension WireObjectMessage {
    init(_ message: ObjectMessage) {
        self.init()
        switch message {
        case .nearest(let number, let peers):
            nearest = .with {
                $0.number = number
                $0.peers = peers.data
            }
        case .store(let number, let object, let diverted):
            store = .with {
                $0.number = number
                $0.id = object.id.data
                $0.contents = Data(object.bytes)
                $0.isDiverted = diverted
            }
        case .stored(let number, nil): stored = number
        case .stored(let number, let refusal?):
            storeRefused = .with {
                $0.number = number
                $0.reason = WireStoreRefusal(refusal)
            }
        case .fetch(let number, let id):
            fetch = .with {
                $0.number = number
                $0.id = id.data
            }
        case .contents(let number, let bytes):
            contents = .with {
                $0.number = number
                $0.contents = Data(bytes)
            }
        case .missing(let number, let elsewhere):
            missing = .with {
                $0.number = number
                if let elsewhere { $0.elsewhere = elsewhere.data }
            }
        case .keys(let number, let entries): keys = WireObjectEntries(entries, number: number)
        case .lacking(let number, let ids):
            lacking = .with {
                $0.number = number
                $0.ids = ids.data
            }
        }
    }

    func decoded() throws(WireError) -> ObjectMessage {
        switch kind {
        case .nearest(let it):
            .nearest(number: it.number, try peers(it.peers, "nearest peers", max: WireBounds.nearestMax))
        case .store(let it):
            .store(
                number: it.number,
                StoredObject(id: try peer(it.id, "an object's id"), bytes: try object(it.contents)),
                diverted: it.isDiverted)
        case .stored(let number): .stored(number: number, nil)
        case .storeRefused(let it): .stored(number: it.number, try it.reason.decoded())
        case .fetch(let it): .fetch(number: it.number, try peer(it.id, "an object's id"))
        case .contents(let it): .contents(number: it.number, try object(it.contents))
        case .missing(let it):
            .missing(number: it.number, elsewhere: it.hasElsewhere ? try peer(it.elsewhere, "a holder") : nil)
        case .keys(let it): .keys(number: it.number, try it.decoded())
        case .lacking(let it):
            .lacking(number: it.number, try peers(it.ids, "objects' ids", max: WireBounds.objectKeysMax))
        case nil: throw noKind("an object's message", unknownFields)
        }
    }

    private func object(_ contents: Data) throws(WireError) -> [UInt8] {
        try blob(contents, "an object", max: WireBounds.objectBytesMax)
    }
}

extension WireStoreRefusal {
    init(_ refusal: StoreRefusal) {
        self =
            switch refusal {
            case .full: .full
            case .busy: .busy
            case .invalid: .invalid
            case .failed: .failed
            }
    }

    func decoded() throws(WireError) -> StoreRefusal {
        switch self {
        case .full: .full
        case .busy: .busy
        case .invalid: .invalid
        case .failed: .failed
        case .unspecified, .UNRECOGNIZED: throw noCase("a store's refusal", rawValue)
        }
    }
}

extension WireObjectEntries {
    init(_ entries: [ObjectEntry], number: UInt64) {
        self.init()
        self.number = number
        ids = entries.map(\.id).data
        sizes = entries.map(\.size)
    }

    func decoded() throws(WireError) -> [ObjectEntry] {
        let ids = try peers(ids, "objects' ids", max: WireBounds.objectKeysMax)
        guard ids.count == sizes.count else {
            throw WireError(.outOfBounds, "\(ids.count) objects come with \(sizes.count) sizes")
        }
        var entries: [ObjectEntry] = []
        entries.reserveCapacity(ids.count)
        for (id, size) in zip(ids, sizes) {
            let size = try Wire.number(size, "an object's size", 0...UInt32(WireBounds.objectBytesMax))
            entries.append(ObjectEntry(id: id, size: size))
        }
        return entries
    }
}

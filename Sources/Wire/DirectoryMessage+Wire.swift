import Automata
import Ledger
import SwiftProtobuf
import WireSchema

extension WireDirectoryMessage {
    init(_ message: DirectoryMessage) {
        self.init()
        switch message {
        case .hold(let keys): hold = WireRequestKeyList(keys)
        case .drop(let keys): drop = WireRequestKeyList(keys)
        case .holdNoted(let keys): holdNoted = WireRequestKeyList(keys)
        case .dropNoted(let keys): dropNoted = WireRequestKeyList(keys)
        case .heldBy(let holdings):
            heldBy = .with {
                $0.holdings = holdings.map { holding in
                    .with {
                        $0.request = WireRequestKey(holding.key)
                        $0.holder = holding.holder.data
                        $0.isSettled = holding.isSettled
                    }
                }
            }
        }
    }

    func decoded() throws(WireError) -> DirectoryMessage {
        switch kind {
        case .hold(let keys): .hold(try keys.decoded())
        case .drop(let keys): .drop(try keys.decoded())
        case .holdNoted(let keys): .holdNoted(try keys.decoded())
        case .dropNoted(let keys): .dropNoted(try keys.decoded())
        case .heldBy(let it):
            .heldBy(
                try list(it.holdings, "holdings") { (holding) throws(WireError) in
                    Holding(
                        key: try required(holding.hasRequest, holding.request, "a holding's request").decoded(),
                        holder: try peer(holding.holder, "a holder"), isSettled: holding.isSettled)
                })
        case nil: throw noKind("a directory's message", unknownFields)
        }
    }
}

extension WireRequestKeyList {
    init(_ keys: [RequestKey]) {
        self.init()
        self.keys = keys.map { WireRequestKey($0) }
    }

    func decoded() throws(WireError) -> [RequestKey] {
        try list(keys, "requests") { (key) throws(WireError) in try key.decoded() }
    }
}

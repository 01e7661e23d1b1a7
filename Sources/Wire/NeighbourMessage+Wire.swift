import Automata
import Neighbours
import SwiftProtobuf
import WireSchema

extension WireNeighbourMessage {
    init(_ message: NeighbourMessage) {
        self.init()
        switch message {
        case .hello(let advertisement): hello = WireAdvertisement(advertisement)
        case .masters(let advertisements): masters = WireAdvertisementList(advertisements)
        case .probe(let nonce): probe = nonce
        case .alive(let nonce): alive = nonce
        case .failed(let peer, let incarnation): failed = WirePeerLife(peer, incarnation)
        case .recovered(let peer, let incarnation): recovered = WirePeerLife(peer, incarnation)
        case .goodbye: goodbye = WireEmpty()
        }
    }

    func decoded() throws(WireError) -> NeighbourMessage {
        switch kind {
        case .hello(let advertisement): .hello(try advertisement.decoded())
        case .masters(let advertisements): .masters(try advertisements.decoded())
        case .probe(let nonce): .probe(nonce: nonce)
        case .alive(let nonce): .alive(nonce: nonce)
        case .failed(let life): .failed(try peer(life.peer, "a failed peer"), try life.life())
        case .recovered(let life): .recovered(try peer(life.peer, "a recovered peer"), try life.life())
        case .goodbye: .goodbye
        case nil: throw noKind("a neighbour's message", unknownFields)
        }
    }
}

extension WirePeerLife {
    init(_ peer: PeerID, _ incarnation: Incarnation) {
        self.init()
        self.peer = peer.data
        self.incarnation = incarnation.value
    }

    func life() throws(WireError) -> Incarnation {
        Incarnation(try counter(incarnation, "an incarnation"))
    }
}

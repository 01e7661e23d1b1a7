import Automata
import Peer
import SwiftProtobuf
import WireSchema

extension WireContact {
    init(_ contact: PeerContact) {
        self.init()
        peer = contact.peer.data
        endpoints = contact.endpoints.prefix(WireBounds.endpointsMax).map { WireEndpoint($0) }
    }

    func decoded() throws(WireError) -> PeerContact {
        PeerContact(peer: try Wire.peer(peer, "a contact"), endpoints: try endpoints.decoded())
    }
}

extension [WireContact] {
    /// Hints: those beyond what the schema allows are left out.
    init(_ contacts: [PeerContact]) {
        self = contacts.prefix(WireBounds.contactsMax).map { WireContact($0) }
    }

    func decoded() throws(WireError) -> [PeerContact] {
        try list(self, "contacts", max: WireBounds.contactsMax) { (contact) throws(WireError) in
            try contact.decoded()
        }
    }
}

extension WireEndpoint {
    init(_ endpoint: Endpoint) {
        self.init()
        host = endpoint.host
        port = UInt32(endpoint.port)
    }
}

extension [WireEndpoint] {
    func decoded() throws(WireError) -> [Endpoint] {
        try list(self, "endpoints", max: WireBounds.endpointsMax) { (endpoint) throws(WireError) in
            Endpoint(
                host: try text(endpoint.host, "a host", bytes: 1...WireBounds.hostBytesMax),
                port: try port(endpoint.port))
        }
    }
}

import Automata
import Neighbours
import Overlay

// The overlay among the other parts.
//
//     Neighbours ──joined──▶ seed ──▶ Overlay ──send──▶ (wire, with the endpoints of whom it names) ──▶ Overlay
//     (host) ──unreachable──▶ Overlay ──deliver──▶ (wire) ──found──▶ RingCalls
//
// Every peer is in the ring, machines and masters alike. Peers of the ring are no neighbours: nobody watches them but the
// overlay itself; they meet by hello only where discovery, masters' hearsay or `--join` names them.

extension Peer {
    mutating func overlay(_ input: Overlay.Input, at now: Instant, into effects: inout [Effect]) {
        var produced: [Overlay.Effect] = []
        overlay.handle(input, at: now, into: &produced)
        for effect in produced {
            switch effect {
            case .send(let message, let peer):
                let contacts = contacts(of: message, for: peer)
                effects.append(.send(.overlay(message, contacts: contacts), to: peer))
            case .set(let timer, let due): effects.append(.set(.overlay(timer), at: due))
            case .deliver(let routed): onDelivered(routed, at: now, into: &effects)
            case .undeliverable(let routed):
                guard routed.origin == id else { continue }
                answer(ring.givenUp(routed), into: &effects)
            case .forward(let routed, let next): overlay(.resume(routed, to: next), at: now, into: &effects)
            case .remember(let peers): effects.append(.rememberRing(addresses.contacts(of: peers)))
            case .active, .neighboursChanged: continue
            }
        }
    }

    /// After the neighbours' start: those remembered are seeds.
    mutating func startRing(at now: Instant, into effects: inout [Effect]) {
        for peer in restoredRing { effects.append(.learn(peer, addresses[peer])) }
        overlay(
            .started(seeds: [], remembered: restoredRing + neighbours.all.map(\.advertisement.peer)), at: now,
            into: &effects)
    }

    mutating func onOverlay(
        _ message: OverlayMessage, _ contacts: [Contact], from peer: PeerID, at now: Instant,
        into effects: inout [Effect]
    ) {
        for contact in contacts where contact.peer != id {
            learn(contact, proven: contact.peer == peer, into: &effects)
        }
        overlay(.received(message, from: peer), at: now, into: &effects)
    }

    mutating func learn(_ contact: Contact, proven: Bool, into effects: inout [Effect]) {
        guard addresses.learn(contact, proven: proven) else { return }
        effects.append(.learn(contact.peer, contact.endpoints))
    }

    /// Where the peers that a message names are; the first one on a connection also says where this peer is.
    private mutating func contacts(of message: OverlayMessage, for peer: PeerID) -> [Contact] {
        let own = neighbours.own.endpoints
        guard !own.isEmpty else { return [] }  // a modelled network: nobody has an address
        var contacts = addresses.contacts(of: message.named.filter { $0 != peer })
        if introduced.insert(peer).inserted { contacts.append(Contact(peer: id, endpoints: own)) }
        return contacts
    }

    // MARK: Lookups

    mutating func call(_ id: CallID, _ call: RingCall, at now: Instant, into effects: inout [Effect]) {
        switch call {
        case .status: effects.append(.ringAnswer(id, .status(overlay.status)))
        case .lookup(let key, let traced):
            guard ring.begin(id, key, traced: traced, at: now) else {
                let refusal = Refusal(.overloaded, "too many lookups wait here", remedy: "repeat it in a moment")
                effects.append(.ringAnswer(id, .refused(refusal)))
                return
            }
            effects.append(.set(.ring(id), at: now + RingCalls.patience))
            overlay(.route(key: key, application: .probe, payload: Self.wanted, traced: traced), at: now, into: &effects)
        }
    }

    /// The payload of a lookup whose origin wants to hear of its end.
    private static let wanted: [UInt8] = [1]

    private mutating func onDelivered(_ routed: Routed, at now: Instant, into effects: inout [Effect]) {
        effects.append(.delivered(routed))
        guard routed.application == .probe, routed.payload == Self.wanted else { return }
        if routed.origin == id {
            answer(ring.found(routed, by: id, at: now), into: &effects)
        } else {
            effects.append(.send(.found(routed), to: routed.origin))
        }
    }

    mutating func answer(_ answer: (CallID, RingResult)?, into effects: inout [Effect]) {
        guard let (id, result) = answer else { return }
        effects.append(.ringAnswer(id, result))
    }
}

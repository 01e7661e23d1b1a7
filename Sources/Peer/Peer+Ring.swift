public import Automata
import Claims
import Groups
import Ledger
import Neighbours
import Objects
import Overlay

// The overlay among the other parts.
//
//     Neighbours ──joined──▶ seed ──▶ Overlay ──send──▶ (wire, with the endpoints of whom it names) ──▶ Overlay
//     (host) ──unreachable──▶ Overlay ──deliver──▶ (wire) ──found──▶ RingCalls
//                             Overlay ──forward, deliver──▶ Groups, Objects ──route──▶ Overlay
//
// Every peer is in the ring, machines and masters alike. Peers of the ring are no neighbours: nobody watches them but the
// overlay itself; they meet by hello only where discovery, masters' hearsay or `--join` names them.

extension Peer {
    /// Whether the overlay may deliver, and whether it knows anybody in its ring.
    public var isInRing: Bool { overlay.isActive }
    public var hasLeaves: Bool { overlay.hasLeaves }

    /// Nobody is known to live, neither on a link nor in the ring.
    public var isAlone: Bool { !neighbours.all.contains(where: \.isLive) && !hasLeaves }

    mutating func overlay(_ input: Overlay.Input, at now: Instant, into effects: inout [Effect]) {
        var produced: [Overlay.Effect] = []
        overlay.handle(input, at: now, into: &produced)
        for effect in produced {
            switch effect {
            case .send(let message, let peer):
                let contacts = contacts(of: message.named, for: peer)
                effects.append(.send(.overlay(message, contacts: contacts), to: peer))
            case .set(let timer, let due): effects.append(.set(.overlay(timer), at: due))
            case .deliver(let routed): onDelivered(routed, at: now, into: &effects)
            case .undeliverable(let routed): onUndeliverable(routed, at: now, into: &effects)
            case .forward(let routed, let next): groups(.forwarding(routed, next: next), at: now, into: &effects)
            case .remember(let peers): effects.append(.rememberRing(addresses.contacts(of: peers)))
            case .active(let isActive):
                if isActive { register(.joined, at: now, into: &effects) }
                if isActive, !isSettled { effects.append(.set(.groupsBegin, at: now + rules.groupsAfter)) }
                onRingChanged(at: now, into: &effects)
            case .neighboursChanged: onRingChanged(at: now, into: &effects)
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

    /// A peer cannot be reached, or its connection broke.
    mutating func lose(_ peer: PeerID, refused: Bool, at now: Instant, into effects: inout [Effect]) {
        overlay(.unreachable(peer, refused: refused), at: now, into: &effects)
        if !groups.isIdle { groups(.failed(peer), at: now, into: &effects) }
    }

    mutating func onOverlay(
        _ message: OverlayMessage, _ contacts: [PeerContact], from peer: PeerID, at now: Instant,
        into effects: inout [Effect]
    ) {
        learn(contacts, from: peer, into: &effects)
        overlay(.received(message, from: peer), at: now, into: &effects)
    }

    mutating func learn(_ contacts: [PeerContact], from peer: PeerID, into effects: inout [Effect]) {
        // Before, not after: whom this message names is looked at next.
        if addresses.isCrowded { addresses.tidy(keeping: addressed) }
        for contact in contacts where contact.peer != id {
            learn(contact, proven: contact.peer == peer, into: &effects)
        }
    }

    /// Whose addresses are needed as long as this peer has to do with them: in its ring, in groups' trees, for its tenants.
    private var addressed: [PeerID] {
        overlay.remembered + groups.relatives + claims.tenants.map { primary(of: $0.home) }
    }

    mutating func learn(_ contact: PeerContact, proven: Bool, into effects: inout [Effect]) {
        guard addresses.learn(contact, proven: proven) else { return }
        effects.append(.learn(contact.peer, contact.endpoints))
    }

    /// Where the peers that a message names are. Where this peer is, the first one on a connection says, and each that names
    /// it: who passes that on has forgotten it by then, may be, and whom it reaches is to answer.
    mutating func contacts(of named: [PeerID], for peer: PeerID) -> [PeerContact] {
        let own = neighbours.own.endpoints
        guard !own.isEmpty else { return [] }  // a modelled network: nobody has an address
        var contacts: [PeerContact] = []
        contacts.reserveCapacity(min(named.count, Self.contactsMax) + 1)
        // A join's trace names many, and some of them several times.
        var seen: Set<PeerID> = [peer, id]  // looked up only
        for other in named where contacts.count < Self.contactsMax && seen.insert(other).inserted {
            if let contact = addresses.contact(of: other) {
                contacts.append(contact)
            } else if let endpoints = neighbours[other]?.advertisement.endpoints, !endpoints.isEmpty {
                // Of one's own link, known by its hello alone; whom it is named to may stand elsewhere.
                contacts.append(PeerContact(peer: other, endpoints: endpoints))
            }
        }
        if addresses.introduce(to: peer) || named.contains(id) { contacts.append(ownContact(own)) }
        return contacts
    }

    /// So many addresses, and its own, fit the wire.
    private static let contactsMax = 127

    private mutating func ownContact(_ endpoints: [Endpoint]) -> PeerContact {
        if let said, said.endpoints == endpoints { return said }
        let contact = PeerContact(peer: id, endpoints: endpoints)
        said = contact
        return contact
    }

    /// Where another peer listens, as far as this one knows; by its own word before hearsay.
    public func endpoints(of peer: PeerID) -> [Endpoint] {
        let known = neighbours[peer]?.advertisement.endpoints ?? []
        return known.isEmpty ? addresses[peer] : known
    }

    // MARK: Lookups

    mutating func call(_ id: CallID, _ call: RingCall, at now: Instant, into effects: inout [Effect]) {
        switch call {
        case .put(let bytes): objects(.put(bytes, ObjectCall(id.value)), at: now, into: &effects)
        case .get(let key): objects(.get(key, ObjectCall(id.value)), at: now, into: &effects)
        case .status: effects.append(.ringAnswer(id, .status(overlay.status)))
        case .ledger(let question): register(.find(question, call: id), at: now, into: &effects)
        case .lookup(let key, let traced):
            guard ring.begin(id, key, traced: traced, at: now) else {
                let refusal = Refusal(.overloaded, "too many lookups wait here", remedy: "repeat it in a moment")
                effects.append(.ringAnswer(id, .refused(refusal)))
                return
            }
            effects.append(.set(.ring(id), at: now + RingCalls.patience))
            overlay(
                .route(key: key, application: .probe, payload: Self.wanted, traced: traced), at: now, into: &effects)
        }
    }

    /// The payload of a lookup whose origin wants to hear of its end.
    private static let wanted: [UInt8] = [1]

    private mutating func onDelivered(_ routed: Routed, at now: Instant, into effects: inout [Effect]) {
        effects.append(.delivered(routed))
        switch routed.application {
        case .groups: return groups(.delivered(routed), at: now, into: &effects)
        case .objects: return objects(.delivered(routed, in: RingView(overlay)), at: now, into: &effects)
        case .register: return onSought(routed, at: now, into: &effects)
        case .rendezvous: return onAllocation(routed, at: now, into: &effects)
        case .join: return
        case .probe: guard routed.payload == Self.wanted else { return }
        }
        if routed.origin == id {
            answer(ring.found(routed, by: id, at: now), into: &effects)
        } else {
            effects.append(.send(.found(routed), to: routed.origin))
        }
    }

    private mutating func onUndeliverable(_ routed: Routed, at now: Instant, into effects: inout [Effect]) {
        switch routed.application {
        case .groups: groups(.undeliverable(routed), at: now, into: &effects)
        case .objects: objects(.undeliverable(routed, in: RingView(overlay)), at: now, into: &effects)
        case .register: onNotSought(routed, at: now, into: &effects)
        case .probe where routed.origin == id: answer(ring.givenUp(routed), into: &effects)
        case .rendezvous: onUnallocated(routed, at: now, into: &effects)
        case .probe, .join: return
        }
    }

    // MARK: Groups and objects

    /// Those that have nothing to do are not told: in a large simulation that is nearly everybody.
    private mutating func onRingChanged(at now: Instant, into effects: inout [Effect]) {
        if !groups.isIdle { groups(.neighboursChanged(overlay.leafSet), at: now, into: &effects) }
        if !objects.isIdle { objects(.ringChanged(RingView(overlay)), at: now, into: &effects) }
        if register.isPublishing { register(.ringChanged, at: now, into: &effects) }
    }

    mutating func groups(_ input: Groups.Input, at now: Instant, into effects: inout [Effect]) {
        for effect in groups.effects(of: input, at: now) {
            switch effect {
            case .route(let key, let payload):
                let input = Overlay.Input.route(key: key, application: .groups, payload: payload, traced: false)
                overlay(input, at: now, into: &effects)
            case .resume(let routed, let next): overlay(.resume(routed, to: next), at: now, into: &effects)
            case .send(let message, let peer):
                effects.append(.send(.group(message, contacts: contacts(of: message.named, for: peer)), to: peer))
            case .set(let timer, let due): effects.append(.set(.groups(timer), at: due))
            case .deliver, .offered, .ended, .summary, .refused:
                if !takes(effect, at: now, into: &effects) { effects.append(.group(effect)) }
            }
        }
    }

    mutating func objects(_ input: Objects.Input, at now: Instant, into effects: inout [Effect]) {
        for effect in objects.effects(of: input, at: now) {
            switch effect {
            case .route(let key, let payload):
                let input = Overlay.Input.route(key: key, application: .objects, payload: payload, traced: false)
                overlay(input, at: now, into: &effects)
            case .send(let message, let peer):
                effects.append(.send(.object(message, contacts: contacts(of: message.named, for: peer)), to: peer))
            case .set(let timer, let due): effects.append(.set(.objects(timer), at: due))
            case .write(let object): effects.append(.object(.write(object)))
            case .erase(let key): effects.append(.object(.erase(key)))
            case .read(let key, let token): effects.append(.object(.read(key, token)))
            case .answer(let call, let answer):
                effects.append(.ringAnswer(CallID(call.value), Self.result(answer)))
            }
        }
    }

    private static func result(_ answer: ObjectAnswer) -> RingResult {
        switch answer {
        case .stored(let key, let copies): .stored(key, copies: copies)
        case .object(let object): .contents(object.bytes)
        case .notFound(let key):
            .refused(
                Refusal(
                    .notFound, "no peer knows of an object \(key)",
                    remedy: "copy the key that `palmier object put` printed, the first half of the SHA-256 of the bytes"
                ))
        case .refused(let refusal), .timedOut(let refusal): .refused(refusal)
        }
    }

    mutating func answer(_ answer: (CallID, RingResult)?, into effects: inout [Effect]) {
        guard let (id, result) = answer else { return }
        effects.append(.ringAnswer(id, result))
    }
}

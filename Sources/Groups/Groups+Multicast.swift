import Automata
import Overlay

/// To all members: routed to the root, and down the tree.
extension Groups {
    mutating func onMulticast(_ payload: [UInt8], to key: Key, into effects: inout [Effect]) {
        guard payload.count <= configuration.payloadBytesMax else {
            effects.append(.refused(group: key, tooLarge(payload)))
            return
        }
        effects.append(.route(key: key, payload: RoutedPayload.multicast(payload).bytes))
    }

    func tooLarge(_ payload: [UInt8]) -> Refused {
        .payloadTooLarge(bytes: payload.count, max: configuration.payloadBytesMax)
    }

    mutating func onTreeMulticast(_ multicast: Multicast, from peer: PeerID, into effects: inout [Effect]) {
        guard let index = index(of: multicast.group) else {
            effects.append(.send(.leave(group: multicast.group), to: peer))
            return
        }
        switch groups[index].place {
        // While joining too: the message may have overtaken the one that makes its sender the parent.
        case .child(of: peer), .joining: spread(multicast, into: &effects)
        case .child, .root: effects.append(.send(.leave(group: multicast.group), to: peer))
        }
    }

    /// Here and further down; nothing when no member is known.
    mutating func spread(_ multicast: Multicast, into effects: inout [Effect]) {
        guard multicast.payload.count <= configuration.payloadBytesMax else {
            counters.refused &+= 1
            return
        }
        guard let index = index(of: multicast.group),
            groups[index].isNew(mark(multicast.origin, multicast.number))
        else { return }
        let group = groups[index]
        if group.value != nil { effects.append(.deliver(multicast)) }
        for child in group.children { effects.append(.send(.multicast(multicast), to: child.peer)) }
    }

    /// Names one message of one peer; two that share a mark by chance are too rare to matter for best effort.
    func mark(_ peer: PeerID, _ number: UInt64) -> UInt64 {
        ((peer.high ^ number) &* 0x9e37_79b9_7f4a_7c15) ^ (peer.low &+ number)
    }
}

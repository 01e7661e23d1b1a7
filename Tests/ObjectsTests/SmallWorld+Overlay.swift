import Automata
import Overlay

@testable import Objects

/// The overlay under the objects, composed as a peer composes them.
extension SmallWorld {
    mutating func startOverlay(of peer: PeerID) {
        var configuration = Overlay.Configuration()
        configuration.leafSetSize = settings.leafSetSize
        let overlay = Overlay(id: peer, configuration: configuration, random: SeededRandom(seed: random.next()))
        nodes[peer]?.overlay = overlay
        let others = up.filter { $0 != peer && nodes[$0]?.overlay != nil }
        var seeds = others.filter { nodes[$0]?.overlay?.isActive == true }
        // The first of the ring waits a moment for seeds of its own: others find it meanwhile.
        if seeds.isEmpty { seeds = others }
        random.shuffle(&seeds)
        feed(.started(seeds: Array(seeds.prefix(2)), remembered: []), toOverlayOf: peer)
    }

    mutating func feed(_ input: Overlay.Input, toOverlayOf peer: PeerID) {
        guard let effects = nodes[peer]?.overlay?.effects(of: input, at: now) else { return }
        for effect in effects {
            // An effect may have come back to this peer and changed its view.
            guard let node = nodes[peer], node.isUp else { return }
            switch effect {
            case .send(let message, let to):
                if random.chance(perMille: settings.lossPerMille) { continue }
                schedule(.overlayMessage(message, from: peer, to: to), after: random.duration(in: settings.latency))
            case .set(let timer, let due):
                let instant = max(due, now)
                nodes[peer]?.overlayTimers[timer] = instant
                schedule(.overlayTimer(timer, peer, life: node.life), after: instant - now)
            case .deliver(let routed):
                if routed.application == .objects { feed(.delivered(routed, in: node.ring), to: peer) }
            case .undeliverable(let routed):
                if routed.origin == peer { feed(.undeliverable(routed, in: node.ring), to: peer) }
            case .neighboursChanged, .active:
                guard let overlay = node.overlay else { return }
                nodes[peer]?.ring = RingView(overlay)
                feed(.ringChanged(RingView(overlay)), to: peer)
            case .forward, .remember: continue
            }
        }
    }
}

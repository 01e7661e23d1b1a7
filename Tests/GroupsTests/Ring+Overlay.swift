import Automata
import Overlay

@testable import Groups

/// The overlay under the groups, joined as the composition of a peer joins them.
extension Ring {
    mutating func startOverlay(of peer: PeerID, seed: PeerID?) {
        var configuration = Overlay.Configuration()
        configuration.intercepted = [.groups]
        nodes[peer]?.overlay = Overlay(
            id: peer, configuration: configuration, random: SeededRandom(seed: random.next()))
        feedOverlay(.started(seeds: seed.map { [$0] } ?? [], remembered: []), of: peer)
    }

    mutating func feedOverlay(_ input: Overlay.Input, of peer: PeerID) {
        guard let effects = nodes[peer]?.overlay?.effects(of: input, at: now) else { return }
        for effect in effects { perform(effect, of: peer) }
    }

    private mutating func perform(_ effect: Overlay.Effect, of peer: PeerID) {
        switch effect {
        case .send(let message, let to):
            guard !random.chance(perMille: lossPerMille) else { return }
            schedule(.overlayMessage(message, from: peer, to: to), after: delay())
        case .set(let timer, let instant):
            nodes[peer]?.overlaySettings[timer] = nextEvent + 1
            schedule(.overlayTimer(timer, of: peer, setting: nextEvent + 1), after: max(.zero, instant - now))
        case .deliver(let routed): feed(.delivered(routed), to: peer)
        case .forward(let routed, let next): feed(.forwarding(routed, next: next), to: peer)
        case .undeliverable(let routed): feed(.undeliverable(routed), to: peer)
        case .neighboursChanged:
            if let leaves = nodes[peer]?.overlay?.leafSet { feed(.neighboursChanged(leaves), to: peer) }
        case .active, .remember: break
        }
    }
}

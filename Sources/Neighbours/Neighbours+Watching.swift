import Automata
import OrderedCollections

/// A sign of life that is owed to a master.
struct Sign: Sendable {
    let watcher: PeerID
    /// When something was said to it last, by whichever layer.
    var said: Instant
}

/// What is done because time has passed: one timer, set to the earliest deadline.
extension Neighbours {
    // MARK: Watching

    mutating func onHeartbeat(at now: Instant, into effects: inout [Effect]) {
        var next = min(now + configuration.heartbeat, giveSigns(at: now, into: &effects))
        if own.isMaster {
            // To look at ten thousand peers costs something, to look a moment later nothing.
            next = min(next, max(watch(at: now, into: &effects), now + configuration.watchPeriod))
            if now - lookedForLost >= configuration.heartbeat {
                lookedForLost = now
                lookForLost(at: now, into: &effects)
            }
            next = min(next, lookedForLost + configuration.heartbeat)
        } else {
            chooseScope(at: now, into: &effects)
        }
        effects.append(.set(.heartbeat, at: max(next, now + .milliseconds(1))))
    }

    /// Says to those that watch this peer that it lives, where nothing else was said to them for a heartbeat. One that was
    /// not heard of for some of these is asked whether it lives itself.
    ///
    /// - Returns: when the next one is due.
    private mutating func giveSigns(at now: Instant, into effects: inout [Effect]) -> Instant {
        let masters = liveMasters.map(\.peer)
        let watchers = masters.sorted { own.peer.distance(to: $0) < own.peer.distance(to: $1) }
            .prefix(configuration.watchers)
        signs = watchers.map { watcher in
            // A new watcher may have waited for long.
            signs.first { $0.watcher == watcher } ?? Sign(watcher: watcher, said: .zero)
        }
        var next = Instant.distantFuture
        for index in signs.indices {
            let watcher = signs[index].watcher
            if signs[index].said + configuration.heartbeat <= now {
                let heard = neighbours[watcher]?.lastHeard ?? now
                let isSilent = now - heard >= configuration.heartbeat * 3
                effects.append(.send(isSilent ? .probe(nonce: random.next()) : .alive(nonce: 0), to: watcher))
                signs[index].said = now
            }
            next = min(next, signs[index].said + configuration.heartbeat)
        }
        return next
    }

    /// A message of whichever layer goes to the peer.
    mutating func onSpoke(to peer: PeerID, at now: Instant) {
        for index in signs.indices where signs[index].watcher == peer { signs[index].said = now }
    }

    /// Suspects those that owed a sign.
    ///
    /// - Returns: when the next one may be overdue.
    private mutating func watch(at now: Instant, into effects: inout [Effect]) -> Instant {
        let masters = liveMasters.map(\.peer)
        var next = Instant.distantFuture
        for (peer, known) in neighbours.elements where known.state == .live {
            let due = known.lastHeard + configuration.silence
            guard due <= now || due < next, isWatcher(of: peer, masters: masters) else { continue }
            if due <= now {
                suspect(peer, at: now, into: &effects)
            } else {
                next = due
            }
        }
        return next
    }

    /// Asks those that failed whether they are back, and forgets those that are gone for long.
    private mutating func lookForLost(at now: Instant, into effects: inout [Effect]) {
        let masters = liveMasters.map(\.peer)
        for (peer, known) in neighbours.elements where known.state == .failed && isWatcher(of: peer, masters: masters) {
            guard now - known.lastHeard < configuration.forgetAfter else { continue }
            effects.append(.send(.probe(nonce: random.next()), to: peer))
            // Again and again: a master may learn of this life only after it has ended, and would not look by itself.
            tellMasters(.failed(peer, known.advertisement.incarnation), about: peer, into: &effects)
        }
        // Masters are kept: what most of them agree on must not change because one is away for long.
        neighbours.removeAll {
            !$0.value.isLive && !$0.value.advertisement.isMaster
                && now - $0.value.lastHeard >= configuration.forgetAfter
        }
    }
}
